/* Exit statuses of both programs, as their man pages list them. */
#ifndef PYSPY_COMMON_EXIT_STATUS_H
#define PYSPY_COMMON_EXIT_STATUS_H

#include "common/error.h"

enum exit_status {
	EXIT_STATUS_DONE = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_USAGE = 2,	    /* the command line is wrong */
	EXIT_STATUS_PARTIAL = 3,    /* what could be had was written or shown, the rest is said */
	EXIT_STATUS_NO_PYTHON = 4,  /* no Python interpreter was found */
	EXIT_STATUS_PERMISSION = 5, /* the kernel refused */
};

/* The status that an error ends a program with. */
enum exit_status exit_status_of(enum error_code code);

#endif
