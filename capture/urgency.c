#include "capture/urgency.h"

#include <sched.h>

void urgency_begin(struct urgency *urgency)
{
	const struct sched_param lowest = {.sched_priority = 1};
	int policy = sched_getscheduler(0);
	/* Whoever runs us with a policy of their own choice has made that choice. */
	urgency->raised = (policy & ~SCHED_RESET_ON_FORK) == SCHED_OTHER &&
			  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0;
	urgency->policy = policy;
}

void urgency_end(struct urgency *urgency)
{
	const struct sched_param none = {.sched_priority = 0};
	/* Who may raise it by RLIMIT_RTPRIO alone may not clear the flag (sched(7)), which means
	 * nothing without a real-time policy. */
	if (urgency->raised && sched_setscheduler(0, urgency->policy, &none) != 0)
		sched_setscheduler(0, urgency->policy | SCHED_RESET_ON_FORK, &none);
	urgency->raised = false;
}
