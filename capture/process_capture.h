/*
 * One process of a capture: from its number to what is written of it. The process runs again when
 * this is done; writing comes after.
 */
#ifndef PYSPY_CAPTURE_PROCESS_CAPTURE_H
#define PYSPY_CAPTURE_PROCESS_CAPTURE_H

#include <sys/types.h>

#include "capture/capture_options.h"
#include "capture/capture_output.h"
#include "capture/full_memory.h"
#include "capture/names_pass.h"
#include "capture/sample.h"
#include "capture/snapshot_file.h"
#include "capture/subject.h"
#include "capture/thread_watch.h"
#include "common/facts.h"
#include "common/memory_image.h"
#include "common/python_version.h"

enum capture_phase {
	PHASE_LOOK,   /* /proc, mappings, modules */
	PHASE_LOCATE, /* finding the interpreter */
	PHASE_SAMPLE, /* the reading, the freeze included */
	PHASE_WRITE,  /* compressing and writing */
	PHASE_COUNT,
};

const char *capture_phase_name(enum capture_phase phase);

/* What to tell of a process that was captured. */
struct process_report {
	int32_t pid;
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
	unsigned looks; /* attempts, more than 1 with --wait or after an execve(2) */
	uint64_t phase_ns[PHASE_COUNT];
};

void process_report_deinit(struct process_report *report);

struct process_capture {
	const struct capture_options *options;
	struct capture_output *output; /* opened before the process is held; NULL: there is none */
	pid_t pid;
	uint64_t start_ticks; /* of the process that is meant; 0: whichever has the number */
	bool named;	      /* by the user: it may still become a Python process */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC: until then another look is worth it */
	struct process_report report;
	bool no_python; /* failed because nothing hints at any Python */
	/* Of one attempt: */
	struct subject *subject; /* NULL before the first look */
	struct thread_list threads;
	struct memory_image *image; /* levels stacks and locals */
	struct full_memory *full;   /* level full */
	struct native_pass native;  /* with --native */
	struct names_pass names;
	/* Kept from sample to sample where there are to be more, else NULL. */
	struct freezer *freezer;
	struct sampler *sampler;
	struct thread_watch *watch;
	uint64_t checked_ns;   /* when the process was looked at to see whether it is the same */
	uint64_t mapped_pages; /* native: as much was mapped when its code was looked at */
	bool changed;	       /* failed because the process ran another program */
};

void process_capture_deinit(struct process_capture *process);

/* Look at the process until it can be captured, fails for good, or the deadline is over. */
struct error *process_capture_run(struct process_capture *process);

/*
 * One more sample of a process that was captured, in place of the one before. With `changed`, or
 * after process_capture_anew() failed, it is to be looked at anew.
 */
struct error *process_capture_again(struct process_capture *process);
/* With native stacks: whether there is code that was not there when the process was looked at. */
bool process_capture_has_other_code(struct process_capture *process);
/* Between two samples, now and then: a thread that did not stop in time for one stops whenever it
 * wakes up, and is to be let go. */
void process_capture_settle(struct process_capture *process);
/* Let go of all that was found and read; the report stays. */
void process_capture_forget(struct process_capture *process);
/* Forget what was captured and look once more. */
struct error *process_capture_anew(struct process_capture *process);

/* What there is to write; borrowed. */
struct snapshot_content process_capture_content(struct process_capture *process);

/* CLOCK_MONOTONIC, as the deadline. */
uint64_t process_capture_now_ns(void);

#endif
