/*
 * A command from its start until the end of its capture: `-- COMMAND`. What is wrong with the
 * output is told before the command does anything, and nothing that goes wrong with the capture
 * later ends it.
 */
#ifndef PYSPY_CAPTURE_COMMAND_SESSION_H
#define PYSPY_CAPTURE_COMMAND_SESSION_H

#include "capture/capture_options.h"
#include "capture/command_output.h"
#include "capture/spawned_command.h"

struct command_session {
	struct spawned_command *command;
	struct command_output *output; /* NULL: not hidden */
};

void command_session_deinit(struct command_session *session);

/*
 * Start the command of the options, whose list of processes it is put into. Before this program has
 * threads. After an error nothing runs; `ret_status` is an exit status for it.
 */
struct error *command_session_begin(struct command_session *session,
				    struct capture_options *options, int *ret_status);

/* Whether it has ended; one that is just ending is waited for. */
bool command_session_has_ended(struct command_session *session);

/* Wait for its end, until a signal says not to. A key of the terminal is the command's alone. */
void command_session_wait(struct command_session *session);

/* End it: SIGTERM, and SIGKILL if it takes too long. */
void command_session_kill(struct command_session *session);

#endif
