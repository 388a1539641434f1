/*
 * Being told to end (SIGINT, SIGTERM, SIGHUP) while capturing: work stops at the next step, the
 * target is let go, no file is left, and then the program ends by that signal. A step that blocks
 * for longer than a moment (a pipe that nobody reads) ends the program at once; the target is let
 * go by the kernel then.
 */
#ifndef PYSPY_CAPTURE_INTERRUPT_H
#define PYSPY_CAPTURE_INTERRUPT_H

#include <stdbool.h>

#include "common/error.h"

/*
 * Install the handlers; signals that are ignored stay so (nohup(1)). SIGPIPE and SIGXFSZ are
 * ignored: the failing write is told instead.
 */
void interrupt_init(void);

/* From now on a signal gives more time: samples have been written, and their file is to be brought
 * to its end even if a look at a process or a stop takes long just then. */
void interrupt_expect_end_of_file(void);

/* The signal that came, 0 for none. False for ever without interrupt_init(). */
int interrupt_signal(void);

/* NULL, or an error if a signal came. */
struct error *interrupt_check(void);

/* The signal did what it is for: work goes on to a regular end, which the next signal cuts short.
 */
void interrupt_accept(void);

/* Whether the signal that came last was a key's that the terminal sent to all of its foreground, a
 * command that was started included. */
bool interrupt_from_terminal(void);

/*
 * A command is going to be started in the foreground: the key that has it dump core is for the
 * command alone, whose end this program then sees.
 */
void interrupt_expect_command(void);

/* In a child: signals are as they were before interrupt_init() and the others. */
void interrupt_restore(void);

/* First of all: SIGUSR1 asks for a new file, and comes to nothing as long as there is no file. */
void interrupt_ignore_requests(void);

/* From here on SIGUSR1 is a request. */
void interrupt_take_requests(void);

/* Whether one came since the last call. */
bool interrupt_requested(void);

/* End the program by the signal that came, as its default action does. */
void interrupt_end(void);

#endif
