/*
 * What a command writes, hidden, and its end kept for the case that it fails. A process of its own
 * reads it, because the command may outlive this program, and must neither be ended by a pipe that
 * nobody reads nor fill a disk with a file that nobody sees.
 */
#ifndef PYSPY_CAPTURE_COMMAND_OUTPUT_H
#define PYSPY_CAPTURE_COMMAND_OUTPUT_H

#include <stddef.h>

#include "common/error.h"

struct command_output;

/* Starts the reader. Before this program has threads. */
struct error *command_output_create(struct command_output **ret);
void command_output_destroy(struct command_output *output);
void command_output_destroyp(struct command_output **output);

/* Where the command is to write. */
int command_output_fd(const struct command_output *output);
/* The command has it: from here on the reader ends when nobody writes any more. */
void command_output_started(struct command_output *output);

enum { COMMAND_OUTPUT_KEPT = 256 * 1024 };

/*
 * What was written, the last COMMAND_OUTPUT_KEPT bytes of it, once the reader has read all that
 * there is; a reader that does not is waited for a second. `*ret` is owned by the caller.
 */
struct error *command_output_take(struct command_output *output, char **ret, size_t *ret_size);

#endif
