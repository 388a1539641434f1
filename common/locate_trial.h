/* Whether a layout that is only assumed to fit a target does: a walk that must find what it claims.
 */
#ifndef PYSPY_COMMON_LOCATE_TRIAL_H
#define PYSPY_COMMON_LOCATE_TRIAL_H

#include "common/locate.h"

/*
 * Walk the whole target by `location`. `ret_reason` is NULL if everything agrees: no gap, at least
 * one frame, all code objects of one type, all their names and files of another, and these two
 * types of a type that is its own. Else what did not, static. Only running out of memory is an
 * error.
 */
struct error *locate_trial(struct memory *memory, const struct python_location *location,
			   const char **ret_reason);

#endif
