/* One capture: from numbers of processes to a snapshot file. */
#ifndef PYSPY_CAPTURE_CAPTURE_H
#define PYSPY_CAPTURE_CAPTURE_H

#include "capture/capture_options.h"
#include "capture/process_capture.h"
#include "capture/sampling_run.h"

/* Something to tell of a process that is not in the file as it was asked for. */
struct capture_note {
	char *text;
	bool loss; /* what was asked for is missing; else it is only worth telling */
};

/* What to tell of a capture that was written. */
struct capture_report {
	char *output; /* name of the file, "-" for standard output */
	struct process_report *processes;
	size_t process_count; /* at least 1 */
	struct capture_note *notes;
	size_t note_count;
	size_t without_python; /* descendants that run none: told of in the file, without a sample
				*/
	uint64_t file_bytes;
	struct run_counts counts; /* of a run */
};

void capture_report_deinit(struct capture_report *report);

/*
 * Capture as the options say. After an error nothing of the output is there (if it is a file), and
 * the targets run as before. Of several processes each is captured and written by itself, so that
 * no more than one is ever held, and memory for no more than one is needed.
 */
struct error *capture_run(const struct capture_options *options, struct capture_report *ret);

#endif
