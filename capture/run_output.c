#include "capture/run_output.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "capture/fault_point.h"
#include "capture/snapshot_file.h"
#include "capture/work_queue.h"
#include "common/cleanup.h"
#include "formats/snapshot_writer.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
	/* Samples that wait for a slow disk or reader; one more is always taken. */
	QUEUE_BYTES = 4 << 20,
	/* Counted for each piece of work besides what it holds. */
	WORK_OVERHEAD = 512,
	RANGE_OVERHEAD = 48,
};

/* What is written out so often is the most that a SIGKILL can lose. */
#define FLUSH_NS (500 * NS_PER_MS)

struct run_output {
	struct work_queue *queue;
	/* Of the queue's thread: */
	struct output_file *file;
	struct snapshot_writer *writer;
	uint64_t flushed_ns; /* 0: never */
	bool dirty;
	/* For who asks: */
	atomic_uint_least64_t file_bytes;
	atomic_uint_least64_t file_samples;
	atomic_uint_least64_t files;
};

/* One kind of work for all: most fields are of some kinds only. */
struct output_work {
	struct work work; /* first member */
	struct error *(*write)(struct output_work *work, struct run_output *output);
	struct output_file *file;
	struct snapshot_missed missed;
	struct process_facts facts;
	struct subject *subject;
	struct thread_list threads;
	struct memory_image *image;
	struct sample_facts sample;
	struct native_pass native;
	bool has_native;
	pid_t pid;
};

static void work_destroy(struct work *head)
{
	struct output_work *work = (struct output_work *)head;
	output_file_destroy(work->file);
	process_facts_deinit(&work->facts);
	subject_release(work->subject);
	thread_list_deinit(&work->threads);
	memory_image_destroy(work->image);
	native_pass_deinit(&work->native);
	free(work);
}

static struct error *work_run(struct work *head, void *context)
{
	struct output_work *work = (struct output_work *)head;
	struct run_output *output = context;
	/* Of a file that was given up nothing more is written. */
	if (!output->writer && !work->file)
		return NULL;
	struct error *error = work->write(work, output);
	output->dirty = true;
	if (output->writer)
		output->file_bytes = snapshot_writer_size_bytes(output->writer);
	return error;
}

static void cleanup_work(struct output_work **work)
{
	if (*work)
		work_destroy(&(*work)->work);
}

static struct output_work *new_work(struct error *(*write)(struct output_work *work,
							   struct run_output *output))
{
	struct output_work *work = calloc(1, sizeof(*work));
	if (!work)
		return NULL;
	work->work.run = work_run;
	work->work.destroy = work_destroy;
	work->work.size_bytes = WORK_OVERHEAD;
	work->write = write;
	return work;
}

/* So that no more than a moment is lost if we are killed. */
static struct error *tick(void *context)
{
	struct run_output *output = context;
	uint64_t now = process_capture_now_ns();
	if (!output->writer || !output->dirty ||
	    (output->flushed_ns && now - output->flushed_ns < FLUSH_NS))
		return NULL;
	/* The first flush is the first sample's. */
	if (!output->flushed_ns && !output->file_samples)
		return NULL;
	output->flushed_ns = now;
	output->dirty = false;
	struct error *error = snapshot_writer_flush(output->writer);
	output->file_bytes = output_file_size_bytes(output->file);
	return error;
}

struct error *run_output_create(struct run_output **ret)
{
	CLEANUP(run_output_destroyp) struct run_output *output = calloc(1, sizeof(*output));
	if (!output)
		return &error_out_of_memory;
	const struct work_queue_options options = {
		.context = output,
		.limit_bytes = QUEUE_BYTES,
		.tick = tick,
		.tick_ns = FLUSH_NS,
	};
	struct error *error = work_queue_create(&options, &output->queue);
	if (!error)
		*ret = TAKE_POINTER(output);
	return error;
}

void run_output_destroy(struct run_output *output)
{
	if (!output)
		return;
	work_queue_destroy(output->queue);
	snapshot_writer_destroy(output->writer);
	output_file_destroy(output->file);
	free(output);
}

void run_output_destroyp(struct run_output **output)
{
	run_output_destroy(*output);
}

/* The END chunk. The file has had its name since it was begun. */
static struct error *end_file(struct run_output *output, const struct snapshot_missed *missed)
{
	if (!output->writer)
		return NULL;
	snapshot_writer_count_missed(output->writer, missed);
	struct error *error = snapshot_file_finish(output->writer, output->file);
	output->file_bytes = output_file_size_bytes(output->file);
	snapshot_writer_destroy(output->writer);
	output->writer = NULL;
	output_file_destroy(output->file);
	output->file = NULL;
	return error;
}

static struct error *write_begin(struct output_work *work, struct run_output *output)
{
	struct error *error = end_file(output, &work->missed);
	if (error)
		return error;
	output->file = TAKE_POINTER(work->file);
	output->flushed_ns = 0;
	output->file_samples = 0;
	error = snapshot_file_begin(output->file, &output->writer);
	if (!error)
		error = output_file_commit(output->file);
	if (error)
		return error;
	snapshot_writer_write_changes(output->writer);
	output->file_bytes = 0;
	output->files++;
	return NULL;
}

struct error *run_output_begin(struct run_output *output, struct output_file *file,
			       const struct snapshot_missed *missed)
{
	struct output_work *work = new_work(write_begin);
	if (!work) {
		output_file_destroy(file);
		return &error_out_of_memory;
	}
	work->file = file;
	work->missed = *missed;
	work_queue_push(output->queue, &work->work);
	return NULL;
}

static struct error *write_relative(struct output_work *work, struct run_output *output)
{
	return snapshot_writer_process(output->writer, &work->facts);
}

struct error *run_output_relative(struct run_output *output, const struct process_facts *facts)
{
	CLEANUP(cleanup_work) struct output_work *work = new_work(write_relative);
	if (!work)
		return &error_out_of_memory;
	struct error *error = process_facts_copy(facts, &work->facts);
	if (error)
		return error;
	work_queue_push(output->queue, &TAKE_POINTER(work)->work);
	return NULL;
}

static struct snapshot_content content_of(const struct output_work *work)
{
	const struct subject *subject = work->subject;
	return (struct snapshot_content){
		.process = &subject->facts,
		.mappings = &subject->mappings,
		.modules = &subject->modules,
		.location = subject->located ? &subject->location : NULL,
		.threads = &work->threads,
		.image = work->image,
		.sample = &work->sample,
		.native = work->has_native ? &work->native : NULL,
	};
}

static struct error *write_process(struct output_work *work, struct run_output *output)
{
	const struct snapshot_content content = content_of(work);
	return snapshot_file_add_facts(output->writer, &content);
}

/* The registers stay with the original, unless they are moved. */
static struct error *copy_threads(const struct thread_list *threads, struct thread_list *ret)
{
	for (size_t i = 0; i < threads->count; i++) {
		struct thread_facts thread = threads->items[i];
		thread.registers = NULL;
		thread.registers_size = 0;
		struct error *error = thread_list_append(ret, &thread);
		if (error)
			return error;
	}
	return NULL;
}

struct error *run_output_process(struct run_output *output, const struct process_capture *process)
{
	CLEANUP(cleanup_work) struct output_work *work = new_work(write_process);
	if (!work)
		return &error_out_of_memory;
	struct error *error = copy_threads(&process->threads, &work->threads);
	if (error)
		return error;
	work->subject = subject_hold(process->subject);
	work_queue_push(output->queue, &TAKE_POINTER(work)->work);
	return NULL;
}

bool run_output_has_room(struct run_output *output)
{
	return work_queue_has_room(output->queue);
}

static struct error *write_sample(struct output_work *work, struct run_output *output)
{
	const struct snapshot_content content = content_of(work);
	snapshot_writer_count_missed(output->writer, &work->missed);
	struct error *error = snapshot_file_add_sample(output->writer, &content);
	if (!error)
		output->file_samples++;
	return error;
}

static void move_registers(struct thread_list *from, struct thread_list *to)
{
	for (size_t i = 0; i < to->count; i++) {
		to->items[i].registers = from->items[i].registers;
		to->items[i].registers_size = from->items[i].registers_size;
		from->items[i].registers = NULL;
		from->items[i].registers_size = 0;
	}
}

/* Of the pass only what writing needs: its other members are the sampling thread's. */
static void move_native(struct process_capture *process, struct output_work *work)
{
	struct native_pass *native = &process->native;
	work->has_native = true;
	work->native = (struct native_pass){
		.threads = &work->threads,
		.stacks = native->stacks,
		.stack_count = native->stack_count,
		.bytes = native->bytes,
		.size_bytes = native->size_bytes,
	};
	work->work.size_bytes += native->size_bytes;
	native->stacks = NULL;
	native->bytes = NULL;
	native->stack_count = 0;
	native->size_bytes = 0;
}

struct error *run_output_sample(struct run_output *output, struct process_capture *process,
				const struct snapshot_missed *missed)
{
	CLEANUP(cleanup_work) struct output_work *work = new_work(write_sample);
	if (!work)
		return &error_out_of_memory;
	struct error *error = copy_threads(&process->threads, &work->threads);
	if (error)
		return error;
	move_registers(&process->threads, &work->threads);
	work->subject = subject_hold(process->subject);
	work->image = TAKE_POINTER(process->image);
	work->sample = process->report.sample;
	work->missed = *missed;
	if (process->options->native)
		move_native(process, work);
	work->work.size_bytes += memory_image_size_bytes(work->image) +
				 memory_image_range_count(work->image) * RANGE_OVERHEAD +
				 work->threads.count * sizeof(*work->threads.items);
	work_queue_push(output->queue, &TAKE_POINTER(work)->work);
	return NULL;
}

static struct error *write_retire(struct output_work *work, struct run_output *output)
{
	return snapshot_writer_retire(output->writer, work->pid);
}

static struct error *write_forget(struct output_work *work, struct run_output *output)
{
	return snapshot_writer_forget(output->writer, work->pid);
}

static struct error *push_pid(struct run_output *output, pid_t pid,
			      struct error *(*write)(struct output_work *work,
						     struct run_output *output))
{
	struct output_work *work = new_work(write);
	if (!work)
		return &error_out_of_memory;
	work->pid = pid;
	work_queue_push(output->queue, &work->work);
	return NULL;
}

struct error *run_output_retire(struct run_output *output, pid_t pid)
{
	return push_pid(output, pid, write_retire);
}

struct error *run_output_forget(struct run_output *output, pid_t pid)
{
	return push_pid(output, pid, write_forget);
}

struct error *run_output_check(struct run_output *output)
{
	return work_queue_take_error(output->queue);
}

void run_output_abandon(struct run_output *output)
{
	/* Until it has recovered, the queue's thread touches none of these. */
	error_destroy(work_queue_drain(output->queue));
	snapshot_writer_destroy(output->writer);
	output->writer = NULL;
	output_file_destroy(output->file);
	output->file = NULL;
	work_queue_recover(output->queue);
}

uint64_t run_output_files(const struct run_output *output)
{
	return output->files;
}

uint64_t run_output_file_bytes(const struct run_output *output)
{
	return output->file_bytes;
}

uint64_t run_output_file_samples(const struct run_output *output)
{
	return output->file_samples;
}

static struct error *write_end(struct output_work *work, struct run_output *output)
{
	return end_file(output, &work->missed);
}

struct error *run_output_finish(struct run_output *output, const struct snapshot_missed *missed)
{
	struct output_work *work = new_work(write_end);
	if (!work)
		return &error_out_of_memory;
	work->missed = *missed;
	work_queue_push(output->queue, &work->work);
	return work_queue_drain(output->queue);
}
