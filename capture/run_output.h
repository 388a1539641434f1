/*
 * What a run writes, one file after the other, in a thread of its own: nothing here waits for the
 * disk or the reader of a pipe but run_output_finish(). Files are written in place: what was
 * written out, each half second at least, is readable whatever happens then.
 */
#ifndef PYSPY_CAPTURE_RUN_OUTPUT_H
#define PYSPY_CAPTURE_RUN_OUTPUT_H

#include "capture/process_capture.h"
#include "common/output_file.h"
#include "formats/snapshot_writer.h"

struct run_output;

struct error *run_output_create(struct run_output **ret);
/* What is not written yet is lost. */
void run_output_destroy(struct run_output *output);
void run_output_destroyp(struct run_output **output);

/*
 * From here on into this file, which is taken over and gets its name. One that was begun before is
 * ended first, with what was missed. Of the processes nothing is known in the new one.
 */
struct error *run_output_begin(struct run_output *output, struct output_file *file,
			       const struct snapshot_missed *missed);

/* A process that is not captured itself: a parent, a child without Python. */
struct error *run_output_relative(struct run_output *output, const struct process_facts *facts);
/* What is known of a captured process but its samples. */
struct error *run_output_process(struct run_output *output, const struct process_capture *process);
/* Whether a sample can be handed over; if not, none is to be taken. */
bool run_output_has_room(struct run_output *output);
/* The sample that was taken last: its memory, registers and stacks are moved out of `process`.
 * `missed` is of the file so far. */
struct error *run_output_sample(struct run_output *output, struct process_capture *process,
				const struct snapshot_missed *missed);
/* A process that has no more samples, but can be the parent of one that has. */
struct error *run_output_retire(struct run_output *output, pid_t pid);
/* A process that is gone. */
struct error *run_output_forget(struct run_output *output, pid_t pid);

/* What went wrong with the writing since, once; owned by the caller. */
struct error *run_output_check(struct run_output *output);
/* After an error: give the file up as it is. Another one can be begun. */
void run_output_abandon(struct run_output *output);
/* Files that have been begun, and have their names: more are on their way until this says so. */
uint64_t run_output_files(const struct run_output *output);
/* Bytes and samples of the present file, but what was handed over just now. What is gathered but
 * not compressed yet counts in full. */
uint64_t run_output_file_bytes(const struct run_output *output);
uint64_t run_output_file_samples(const struct run_output *output);

/* End the file, wait until all is written, and give the first error. */
struct error *run_output_finish(struct run_output *output, const struct snapshot_missed *missed);

#endif
