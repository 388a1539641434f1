/* System calls that a stop ends early. */
#ifndef PYSPY_CAPTURE_ENDED_CALL_H
#define PYSPY_CAPTURE_ENDED_CALL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a stopped thread, whose NT_PRSTATUS registers these are, is in a system call that gives
 * EINTR when the thread is let go: one of those that are not begun again after a stop (signal(7),
 * "Interruption of system calls and library functions by stop signals"). False where that is not
 * known.
 */
bool ended_call(const void *registers, size_t size);

#endif
