/*
 * Being scheduled at once while the target stands still. On a host whose CPUs are all busy, a
 * tracer of ordinary priority waits milliseconds for its turn, and the target with it; measured
 * with both CPUs busy: 4 ms at ordinary priority, 3 ms at nice -20, 0.2 ms with a real-time policy.
 */
#ifndef PYSPY_CAPTURE_URGENCY_H
#define PYSPY_CAPTURE_URGENCY_H

#include <stdbool.h>

struct urgency {
	bool raised;
	int policy; /* before */
};

/* Take the lowest real-time priority, as far as it is permitted (CAP_SYS_NICE or RLIMIT_RTPRIO,
 * sched(7)). */
void urgency_begin(struct urgency *urgency);
/* Back to what was before. */
void urgency_end(struct urgency *urgency);

#endif
