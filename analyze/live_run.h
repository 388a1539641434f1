/*
 * Sampling a live process for a command that puts the samples together or shows one: the capture
 * behind its pipe, the signals that end it, and the progress at a terminal.
 */
#ifndef PYSPY_ANALYZE_LIVE_RUN_H
#define PYSPY_ANALYZE_LIVE_RUN_H

#include "analyze/live_capture.h"
#include "analyze/live_options.h"
#include "analyze/tally.h"
#include "analyze/target.h"

struct live_run {
	const struct analyze_options *options;
	struct tally *tally;
	struct live_arguments arguments;
	struct live_capture *capture;
	struct target *target;
	char name[64];
	uint64_t begin_ns;
	uint64_t behind_ns; /* of the last sample when it was read */
	bool asked;	    /* to end */
	/* A command that gave no sample: why was said already, `status` is what to end with. */
	bool failed;
	int status;
};

/*
 * Start sampling, and open what comes as a target that is gone through with target_next. From here
 * on SIGINT, SIGTERM and SIGHUP end the sampling, which completes what there is; a second one ends
 * the reading too. `ret` is to be deinitialised in every case, and stays where it is.
 */
struct error *live_run_begin(const struct analyze_options *options, struct tally *tally,
			     struct live_run *ret);
void live_run_deinit(struct live_run *run);

/* After the last sample: what the capture said is said, and counted in the tally. With a command
 * `ret_status` is its exit status, else 0. An error is why there is nothing. */
struct error *live_run_end(struct live_run *run, int *ret_status);

/* When standard input is a stream that is to be read: Control-C ends who writes it, and this
 * program goes on to the end of what there is. A second one ends it. */
void live_stream_take_interrupt(void);

/*
 * For dump: one sample, or of a command that is sampled for a while all, opened as a whole. Signals
 * are left as they are, but Control-C ends the sampling of a command, and this goes on with what
 * there is; a second one ends it. To be ended and deinitialised as the other.
 */
struct error *live_run_open_whole(const struct analyze_options *options, struct tally *tally,
				  struct live_run *ret);

#endif
