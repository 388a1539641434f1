/* Which stacks are wanted, by regular expressions (regex(7), extended) on their frames' labels. */
#ifndef PYSPY_ANALYZE_PROFILE_FRAME_FILTER_H
#define PYSPY_ANALYZE_PROFILE_FRAME_FILTER_H

#include "common/option_values.h"
#include "common/profile.h"

struct frame_filter;

/* ERROR_USAGE says what is wrong with an expression. `ret` is NULL where there are none. */
struct error *frame_filter_create(const struct string_list *include,
				  const struct string_list *exclude, struct frame_filter **ret);
void frame_filter_destroy(struct frame_filter *filter);
void frame_filter_destroyp(struct frame_filter **filter);

/*
 * A stack is wanted if no frame of it matches one of `exclude`, and one does one of `include`, if
 * there are any. `frames` are numbers of `profile`, which must be the same in each call.
 */
struct error *frame_filter_wants(struct frame_filter *filter, const struct profile *profile,
				 const uint32_t *frames, size_t count, bool *ret);

#endif
