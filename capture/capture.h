/* One capture: from a process's number to a snapshot file. */
#ifndef PYSPY_CAPTURE_CAPTURE_H
#define PYSPY_CAPTURE_CAPTURE_H

#include "capture/capture_options.h"
#include "common/facts.h"
#include "common/python_version.h"

enum capture_phase {
	PHASE_LOOK,   /* /proc, mappings, modules */
	PHASE_LOCATE, /* finding the interpreter */
	PHASE_SAMPLE, /* the reading, the freeze included */
	PHASE_WRITE,  /* compressing and writing */
	PHASE_COUNT,
};

const char *capture_phase_name(enum capture_phase phase);

/* What to tell of a capture that was written. */
struct capture_report {
	char *output;  /* name of the file, "-" for standard output */
	char *warning; /* why less or something else was captured than was asked for, or NULL */
	struct sample_facts sample;
	size_t thread_count;
	bool was_stopped; /* the target was in job-control stop, and is */
	/* The interpreter; module_path is NULL if none was found or its file is not known. */
	bool located;
	const char *method; /* how it was found */
	char *not_located;  /* or why it was not, with level full; or NULL */
	struct python_version version;
	char *module_path;
	uint64_t ranges; /* of memory */
	uint64_t memory_bytes;
	uint64_t file_bytes;
	unsigned looks; /* attempts, more than 1 with --wait or after an execve(2) */
	uint64_t phase_ns[PHASE_COUNT];
};

void capture_report_deinit(struct capture_report *report);

/*
 * Capture as the options say. After an error nothing of the output is there (if it is a file), and
 * the target runs as before.
 */
struct error *capture_run(const struct capture_options *options, struct capture_report *ret);

#endif
