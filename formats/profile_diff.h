/*
 * Two profiles as one tree. They are collected into one, as trees of two sides; then the weights of
 * a node are no longer those of enum profile_unit but these.
 */
#ifndef PYSPY_FORMATS_PROFILE_DIFF_H
#define PYSPY_FORMATS_PROFILE_DIFF_H

#include "common/profile.h"

enum diff_side {
	SIDE_BEFORE = 0,
	SIDE_AFTER = 1,
};

enum diff_weight {
	DIFF_BEFORE = 0, /* of the unit */
	DIFF_AFTER = 1,
	DIFF_WIDTH = 2, /* the mean of both shares: what is on one side only is seen too */
	DIFF_SAMPLES = 3,
};

/* Per cent of each side. */
struct diff_shares {
	double before;
	double after;
};

/* ERROR_NOT_FOUND if nothing weighs anything on one of the sides. */
struct error *profile_diff_prepare(struct profile *profile, enum profile_unit unit);

struct diff_shares diff_shares_of(const struct profile_weight *whole,
				  const struct profile_weight *part);

#endif
