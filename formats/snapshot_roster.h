/*
 * Which processes a snapshot has samples of: a row for each, in the order of their first samples.
 * Of many processes it is that of their last ones: who goes through them selects each one's last,
 * and each step back in the log costs reading an epoch again.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_ROSTER_H
#define PYSPY_FORMATS_SNAPSHOT_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

struct roster_entry {
	int32_t pid;
	uint64_t samples;
	uint64_t first_sample; /* counted from 0 through the file */
	uint64_t last_sample;
};

struct snapshot_roster {
	struct roster_entry *entries;
	size_t count;
	size_t capacity;
	uint32_t *slots; /* a hash table of indices + 1, twice as many as the capacity */
	bool cut;	 /* the file has more processes than are counted */
};

/* An all-zero struct is an empty roster. */
void snapshot_roster_deinit(struct snapshot_roster *roster);
/* Count a sample; beyond the bound of processes nothing is done. */
struct error *snapshot_roster_add(struct snapshot_roster *roster, int32_t pid, uint64_t sample);
/* Count the samples of a block from number `sample` on, which is advanced. */
struct error *snapshot_roster_add_content(struct snapshot_roster *roster,
					  const struct buffer *content, uint64_t *sample);
/* When all samples were counted: puts many processes into their order. */
void snapshot_roster_finish(struct snapshot_roster *roster);
/* NULL if there is none. */
const struct roster_entry *snapshot_roster_find(const struct snapshot_roster *roster, int32_t pid);

#endif
