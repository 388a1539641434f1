/*
 * pyspy-capture as a child behind a pipe: how this program sees a live process. It gives a snapshot
 * as it comes, is asked to end, and tells then how it went. When this program dies, or reads no
 * more, it ends and lets the target go.
 */
#ifndef PYSPY_ANALYZE_LIVE_CAPTURE_H
#define PYSPY_ANALYZE_LIVE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct live_capture;

enum live_output {
	LIVE_OUTPUT_STANDARD, /* the stream is its standard output; its messages are collected */
	LIVE_OUTPUT_OTHER,  /* it has our standard output and error, for the command that it runs */
	LIVE_OUTPUT_SCREEN, /* as the first, and the keys of our terminal are not the command's */
};

/*
 * Start it with these arguments (without its name and its output), NULL-terminated. It is sought
 * beside this program, in ../libexec/pyspy, and in PATH; ERROR_NOT_FOUND names the places.
 */
struct error *live_capture_start(const char *const *arguments, enum live_output output,
				 struct live_capture **ret);
/* Ends it at once, if it runs still. */
void live_capture_destroy(struct live_capture *capture);
void live_capture_destroyp(struct live_capture **capture);

/* Where the snapshot comes from; it is closed with the structure. */
int live_capture_fd(const struct live_capture *capture);

/* Ask it to end: it completes the snapshot, and the pipe comes to its end. */
void live_capture_interrupt(struct live_capture *capture);

/*
 * Wait for its end, which is near once the pipe is at its end; if it was not read to the end,
 * nothing more can be read. `ret_status` is its exit status, 128 + N if signal N ended it: with a
 * command, that of the command.
 */
struct error *live_capture_end(struct live_capture *capture, int *ret_status);

/* After its end, why there is no snapshot: its last message, with the code of its exit status. */
struct error *live_capture_failure(const struct live_capture *capture);

enum live_message {
	LIVE_MESSAGE_NOTE,
	LIVE_MESSAGE_WARNING,
	LIVE_MESSAGE_ERROR,
};

/* What it said, line by line, after its end; borrowed. False behind the last one. */
bool live_capture_message(const struct live_capture *capture, size_t index,
			  enum live_message *ret_kind, const char **ret_text);

/* All of it as it is, to standard error: with it goes what a command printed that was hidden and
 * has failed. */
void live_capture_print(const struct live_capture *capture);

#endif
