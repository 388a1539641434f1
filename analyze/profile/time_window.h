/* --from and --to: which samples are wanted, by their time. */
#ifndef PYSPY_ANALYZE_PROFILE_TIME_WINDOW_H
#define PYSPY_ANALYZE_PROFILE_TIME_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct time_bound {
	bool given;
	bool relative; /* nanoseconds from a file's first sample, not since 1970 */
	uint64_t time_ns;
};

struct time_window {
	struct time_bound from; /* inclusive */
	struct time_bound to;	/* exclusive */
};

/* "2026-07-01T12:00:00.25Z", "2026-07-01T14:00:00+02:00" (RFC 3339), or seconds; NULL is none.
 * ERROR_USAGE names the option. */
struct error *time_bound_parse(const char *option, const char *text, struct time_bound *ret);

/* In nanoseconds since 1970, for a file whose first sample is of `first_ns`. */
uint64_t time_bound_ns(const struct time_bound *bound, uint64_t first_ns);

bool time_window_has(const struct time_window *window, uint64_t first_ns, uint64_t time_ns);

#endif
