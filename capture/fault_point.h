/*
 * Named points at which a test can kill this program or make a step fail (CRIU's fault injection is
 * the model): PYSPY_FAULT=NAME[:ACTION], where ACTION is kill (default: SIGKILL to itself), stop,
 * or fail. The list is the table in fault_point.c; `pyspy-capture --help-faults` prints it.
 */
#ifndef PYSPY_CAPTURE_FAULT_POINT_H
#define PYSPY_CAPTURE_FAULT_POINT_H

#include <stdbool.h>
#include <stddef.h>

enum fault_point {
	FAULT_BEFORE_SEIZE,
	FAULT_AFTER_SEIZE,     /* seized, not yet interrupted */
	FAULT_AFTER_INTERRUPT, /* interrupt requested, stop not awaited */
	FAULT_SIGNAL_STOP,     /* a signal-delivery stop was seen, not yet passed on */
	FAULT_ALL_STOPPED,
	FAULT_DURING_READ,
	FAULT_BEFORE_RELEASE,
	FAULT_DURING_RELEASE, /* some let go, others not */
	FAULT_AFTER_RELEASE,
	FAULT_BEFORE_WRITE,
	FAULT_DURING_WRITE,
	FAULT_BEFORE_COMMIT,
	FAULT_POINT_COUNT,
};

/* Reads the environment once, at program start. An unknown name is false. */
bool fault_point_init(void);
/* True if the step here is to fail. */
bool fault_point(enum fault_point point);
const char *fault_point_name(enum fault_point point);

#endif
