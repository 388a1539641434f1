/*
 * What became of several inputs: those that fail are said and passed over, the others are shown,
 * and the exit status tells.
 */
#ifndef PYSPY_ANALYZE_TALLY_H
#define PYSPY_ANALYZE_TALLY_H

#include "analyze/command.h"

struct tally {
	const struct command_context *context;
	size_t shown;
	size_t failed;
	bool partial;
	enum exit_status first_failure;
};

/* Say the error of an input and go on. Consumes `error`. */
void tally_failure(struct tally *tally, struct error *error);

/* A warning about an input. */
void tally_note(struct tally *tally, const char *path, const char *text);

/* The same, about something that is missing; the result is partial. */
void tally_loss(struct tally *tally, const char *path, const char *text);

enum exit_status tally_status(const struct tally *tally);

#endif
