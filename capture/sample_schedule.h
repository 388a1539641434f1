/*
 * When to take the samples of a run. Each has a slot, and is due somewhere in the first half of it,
 * drawn by lot, so that neither a delay adds up nor the target's own timers are met always at the
 * same point.
 */
#ifndef PYSPY_CAPTURE_SAMPLE_SCHEDULE_H
#define PYSPY_CAPTURE_SAMPLE_SCHEDULE_H

#include <stdint.h>

struct sample_schedule {
	uint64_t begin_ns;
	uint64_t period_ns;
	uint64_t slot;	 /* the next one */
	uint64_t late;	 /* slots that had passed before their sample could begin */
	uint64_t random; /* not 0 */
};

/* `period_ns` is at least 1; `seed` can be anything. */
void sample_schedule_init(struct sample_schedule *schedule, uint64_t now_ns, uint64_t period_ns,
			  uint64_t seed);

/* When the next sample is due; slots that are over by `now_ns` are counted as late and left out. */
uint64_t sample_schedule_next(struct sample_schedule *schedule, uint64_t now_ns);

#endif
