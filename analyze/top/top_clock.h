/* Where a replay is: time of the samples that passes as fast as is wanted. */
#ifndef PYSPY_ANALYZE_TOP_TOP_CLOCK_H
#define PYSPY_ANALYZE_TOP_TOP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Times in nanoseconds; `now_ns` is of a clock that only goes forward. */
struct top_clock {
	double speed; /* 0: as fast as can be */
	bool stopped;
	uint64_t position_ns; /* from the first sample on, at since_ns */
	uint64_t since_ns;
};

void top_clock_init(struct top_clock *clock, double speed, uint64_t now_ns);
/* UINT64_MAX if everything is due. */
uint64_t top_clock_position(const struct top_clock *clock, uint64_t now_ns);
void top_clock_stop(struct top_clock *clock, uint64_t now_ns, bool stopped);
/* Where all is due as soon as it can be, it goes at speed 1 from here on. */
void top_clock_seek(struct top_clock *clock, uint64_t now_ns, uint64_t position_ns);
void top_clock_change_speed(struct top_clock *clock, uint64_t now_ns, double factor);
/* How long it takes until a position is reached; UINT64_MAX: never, as it stands. */
uint64_t top_clock_until(const struct top_clock *clock, uint64_t now_ns, uint64_t position_ns);

#endif
