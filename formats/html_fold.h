/*
 * What of a big tree goes into a page: its heaviest places, so many that a browser stays quick. The
 * others are folded: below each place that has such, one place has the weight of all of them.
 */
#ifndef PYSPY_FORMATS_HTML_FOLD_H
#define PYSPY_FORMATS_HTML_FOLD_H

#include "common/profile.h"

struct fold {
	uint32_t parent; /* node of the profile, or PROFILE_NONE */
	struct profile_weight weight;
};

struct html_fold {
	uint32_t *numbers; /* by node: see html_fold_number */
	uint32_t kept;
	struct fold *folds;
	uint32_t fold_count;
	uint64_t folded_nodes;
	struct profile_weight folded;
};

/* `most`: nodes that are kept at most, by their weight of `unit`. */
struct error *html_fold_build(const struct profile *profile, enum profile_unit unit, size_t most,
			      struct html_fold *ret);
void html_fold_deinit(struct html_fold *fold);

bool html_fold_keeps(const struct html_fold *fold, uint32_t node);

/* The number in the page of a node, or of what it was folded into. Kept nodes come first, in their
 * order, then the folds in theirs. */
uint32_t html_fold_number(const struct html_fold *fold, uint32_t node);

#endif
