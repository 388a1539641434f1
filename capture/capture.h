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

struct capture_report;

/* What is told while a capture goes on; whoever prints has it from these. */
struct capture_events {
	/* Of a loop: a file is there. */
	void (*written)(void *context, const struct capture_report *report);
	/* There is a file less, or an old one too many; it goes on. */
	void (*failed)(void *context, const struct error *error);
	void *context;
};

/* What to tell of a capture that was written. */
struct capture_report {
	char *output;	/* name of the (last) file, "-" for standard output */
	uint64_t files; /* of a run */
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
struct error *capture_run(const struct capture_options *options,
			  const struct capture_events *events, struct capture_report *ret);

#endif
