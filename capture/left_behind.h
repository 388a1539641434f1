/*
 * Threads of targets that were asked to stop, did not in time, and whose freezer is gone: whenever
 * they wake up they stop, and only the thread of this program that seized them can let them go
 * again (ptrace(2)). What belongs to a thread that has ended was let go by the kernel.
 */
#ifndef PYSPY_CAPTURE_LEFT_BEHIND_H
#define PYSPY_CAPTURE_LEFT_BEHIND_H

#include "capture/tracee_list.h"

/* Takes the list over. Nothing is allocated: it cannot fail. By any thread. */
void left_behind_add(struct tracee_list *list);

/* Look, without waiting, at what the calling thread holds, and let go of what has stopped. Gives
 * whether some are still to stop. Nearly free where there are none: to be called often. */
bool left_behind_settle(void);

/* Those of the same process that the calling thread holds are in `list` after: to be seized again
 * they need not be seized. */
struct error *left_behind_take(struct tracee_list *list);

#endif
