/*
 * A command that this program starts in order to sample it: a child in our own process group, so
 * that a terminal's foreground, its signals and its job control are the command's as without us. It
 * outlives this program, however that ends.
 */
#ifndef PYSPY_CAPTURE_SPAWNED_COMMAND_H
#define PYSPY_CAPTURE_SPAWNED_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

struct spawned_command;

/* Exit statuses for what was never started, as of env(1) and the shells. */
enum {
	SPAWN_STATUS_FAILED = 125,
	SPAWN_STATUS_NOT_EXECUTABLE = 126,
	SPAWN_STATUS_NOT_FOUND = 127,
};

/*
 * Make the process: it has its number, and waits. It dies with this program as long as it waits.
 * Before this program has threads. `argv` is borrowed, `output_fd` is what standard output and
 * error are to be, -1 for ours. Under sudo it is the user's who called.
 */
struct error *spawned_command_create(char *const *argv, int output_fd,
				     struct spawned_command **ret);
/* A command that waits still is ended. */
void spawned_command_destroy(struct spawned_command *command);
void spawned_command_destroyp(struct spawned_command **command);

pid_t spawned_command_pid(const struct spawned_command *command);

/* Let it become the program. `ret_status` is an exit status for this failure. */
struct error *spawned_command_exec(struct spawned_command *command, int *ret_status);

/* Whether it has ended; without waiting. */
bool spawned_command_poll(struct spawned_command *command);

/* Of one that has ended: its exit status as a shell gives it, 128 + N if a signal ended it. */
int spawned_command_status(const struct spawned_command *command);

/* The signal that ended it, or 0. */
int spawned_command_signal(const struct spawned_command *command);

/* A signal to one that has not ended. */
void spawned_command_kill(struct spawned_command *command, int number);

#endif
