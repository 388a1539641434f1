/*
 * The files of a run, one after the other: a new one for each period, when the present one is as
 * large as it may be, and when SIGUSR1 asks for it. Each can be read by itself. The old ones are
 * removed as far as is asked for.
 */
#ifndef PYSPY_CAPTURE_OUTPUT_SERIES_H
#define PYSPY_CAPTURE_OUTPUT_SERIES_H

#include "capture/capture_output.h"
#include "capture/file_retention.h"
#include "capture/sampling_run.h"

struct output_series {
	const struct capture_options *options;
	struct capture_output *output; /* of the first file; its name is the present one's */
	char *name_before;	       /* of the file before that */
	/* Something is wrong that does not end the run. */
	void (*failed)(void *context, const struct error *error);
	void *context;
	char *first_name; /* by the pattern; NULL: the output is named as the options say */
	char *pattern;	  /* of the next files; made with the first of them */
	struct file_retention retention;
	uint64_t files;	   /* that were begun, the one that may not be on the disk yet included */
	uint64_t broken;   /* of these: those that could not be written to their end */
	bool is_broken;	   /* the present one */
	bool asked;	   /* for a new file, whatever the reason */
	bool listed;	   /* the present one is known to `retention` */
	bool full;	   /* the run was ended, because its only file is as large as it may be */
	uint64_t begin_ns; /* of the first period; 0: not begun */
	uint64_t period;
	uint64_t attempt_ns; /* no new file before; 0: none failed */
	uint64_t trim_ns;    /* likewise for looking at the sizes of files */
	/* How much the present file grew at once at most. */
	uint64_t seen_bytes;
	uint64_t growth_bytes;
};

/* Names the first file. `series` stays where it is until it is deinitialised. */
struct error *output_series_init(struct output_series *series,
				 const struct capture_options *options,
				 struct capture_output *output);
void output_series_deinit(struct output_series *series);

/* What a run is to do for it. */
struct run_hooks output_series_hooks(struct output_series *series);

/* After a run: the last file, too, is known, and old ones are removed. */
struct error *output_series_finish(struct output_series *series, const struct run *run);

#endif
