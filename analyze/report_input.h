/* From files to a profile: every sample of every file, as the options want them. */
#ifndef PYSPY_ANALYZE_REPORT_INPUT_H
#define PYSPY_ANALYZE_REPORT_INPUT_H

#include "analyze/profile/collect.h"
#include "analyze/profile/time_window.h"
#include "analyze/python/incremental_decode.h"
#include "analyze/tally.h"
#include "analyze/thread_filter.h"
#include "formats/report_format.h"

struct report_input {
	const struct analyze_options *options;
	struct tally *tally;
	struct profile *profile;
	struct collector *collector;
	struct frame_filter *frames;
	struct profile_trail *trail;
	struct time_window window;
	struct thread_filter threads;
	struct string_list lost; /* for the report itself; owned texts */
	uint64_t unlisted;	 /* losses that are counted only */
	uint64_t outside;	 /* samples that are not in the window, or of other processes */
	char *program;		 /* base name of the first process's program; NULL if unknown */
	bool decode_anew;	 /* for tests: nothing of a sample is taken from the one before */
};

/* `profile` is filled as the format wants it. `ret` is always to be deinitialised. */
struct error *report_input_init(const struct analyze_options *options,
				const struct report_format *format, struct tally *tally,
				struct profile *profile, struct report_input *ret);
void report_input_deinit(struct report_input *input);

/* Add all samples of a file. What is wrong with the file is said and counted in the tally; an error
 * is one of the command line or of this program. */
struct error *report_input_add(struct report_input *input, const char *path);
/* The same for what is open, to be gone through with target_next; messages call it `path`. */
struct error *report_input_add_target(struct report_input *input, const char *path,
				      struct target *target);

/* After the last file: what was asked for and was in none of them. */
struct error *report_input_finish(struct report_input *input);

#endif
