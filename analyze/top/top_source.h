/* Where `top` has its samples from: a file that is played, or a stream as it comes. */
#ifndef PYSPY_ANALYZE_TOP_TOP_SOURCE_H
#define PYSPY_ANALYZE_TOP_TOP_SOURCE_H

#include "analyze/command.h"
#include "analyze/top/top_processes.h"

enum top_arrival {
	TOP_ARRIVED = 0, /* there is a sample */
	TOP_NOT_YET,	 /* top_source_fd tells when to look again */
	TOP_NO_MORE,
};

struct top_source;

/* `options` must live as long. Opens options->inputs. */
struct error *top_source_open(const struct analyze_options *options, struct top_source **ret);
void top_source_destroyp(struct top_source **source);

/* It can be played from its beginning again, and its samples wait. */
bool top_source_is_replay(const struct top_source *source);
/* How much of it was read, from 0 to 1. */
double top_source_part(const struct top_source *source);
/* To be polled for the next sample; -1: there is nothing to wait for. */
int top_source_fd(const struct top_source *source);

/* Go to the next sample of a process that was asked for. An error stands for a sample if one can go
 * on behind it. */
struct error *top_source_next(struct top_source *source, enum top_arrival *ret);
bool top_source_can_go_on(const struct top_source *source);
/* Wall clock of that sample. */
uint64_t top_source_time(struct top_source *source);
/* Decode it; borrowed until the next one. An error is about this sample alone. */
struct error *top_source_decode(struct top_source *source, struct top_sample *ret);
/* What pyspy-capture counted so far besides the samples. */
struct sample_counts top_source_counts(struct top_source *source);
/* Back before the first sample. */
struct error *top_source_rewind(struct top_source *source);

/* Why there are no more samples, in a few words; after TOP_NO_MORE. */
const char *top_source_end_text(const struct top_source *source);
/* With a command that was started and has ended: its exit status, to end with; else 0. If it is not
 * 0, what the command printed is shown, which needs the terminal. */
int top_source_command_end(struct top_source *source);
/* Whether there was a sample at all. */
bool top_source_has_sample(const struct top_source *source);
/* At the end: a thread that was asked for was in no sample. */
struct error *top_source_missing(const struct top_source *source);
/* What was lost of it, NULL-terminated. */
const char *const *top_source_losses(const struct top_source *source);

#endif
