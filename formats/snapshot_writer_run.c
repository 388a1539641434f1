/* Runs: of each sample what is different from the one before, as steps. */
#include <stdlib.h>
#include <string.h>

#include "formats/snapshot_record.h"
#include "formats/snapshot_writer_parts.h"

enum {
	/* A chunk of steps is ended when it has this many bytes; what is larger is said by chunks
	 * of its own, so that a step stays far below a block. */
	STEPS_CHUNK_BYTES = 64 << 10,
	STEP_PART_BYTES = 32 << 10,
};

static struct error *hold_threads(struct held_process *process, const struct thread_list *threads)
{
	struct error *error = NULL;
	thread_list_deinit(&process->threads);
	process->has_threads = true;
	for (size_t i = 0; !error && i < threads->count; i++) {
		struct thread_facts copy;
		error = thread_facts_copy(&threads->items[i], &copy);
		if (!error)
			error = thread_list_append(&process->threads, &copy);
	}
	return error;
}

static struct error *threads_whole(struct snapshot_writer *writer, struct held_process *process,
				   const struct thread_list *threads)
{
	if (process->has_edits)
		process->past.situations = process->situations_before;
	process->has_edits = false;
	buffer_clear(&process->edits);
	struct error *error = hold_threads(process, threads);
	return error ? error : writer_threads_whole(writer, process->pid, threads);
}

/* What a reader may be asked for in one block. */
static struct error *count_cost(struct snapshot_writer *writer, uint64_t entries, uint64_t bytes)
{
	struct error *error = NULL;
	if (writer->steps_entries + entries > SNAPSHOT_LIST_ENTRIES_MAX ||
	    writer->steps_moved_bytes + bytes > SNAPSHOT_COPY_MAX)
		error = snapshot_writer_flush(writer);
	writer->steps_entries += entries;
	writer->steps_moved_bytes += bytes;
	return error;
}

struct error *writer_threads_changes(struct snapshot_writer *writer, int32_t pid,
				     const struct thread_list *threads)
{
	struct held_process *process;
	struct error *error = snapshot_held_get(&writer->held, pid, &process);
	if (error)
		return error;
	if (!process->based || process->has_edits || !process->has_threads ||
	    threads->count > SNAPSHOT_LIST_ENTRIES_MAX)
		return threads_whole(writer, process, threads);
	process->situations_before = process->past.situations;
	process->has_edits = true;
	error = step_threads_encode(&process->edits, &process->past.situations, &process->threads,
				    threads, &process->has_records);
	if (!error && process->edits.size > STEP_PART_BYTES)
		error = threads_whole(writer, process, threads);
	return error;
}

static struct error *encode_step(struct held_process *process, bool same_process,
				 const struct sample_facts *sample, struct buffer *facts,
				 struct buffer *step)
{
	uint64_t head = (same_process ? 0 : STEP_PROCESS) |
			(process->edits.size ? STEP_THREADS : 0) |
			(process->operations.size ? STEP_MEMORY : 0);
	buffer_clear(facts);
	buffer_clear(step);
	struct error *error = step_sample_encode(facts, &process->past, sample, &head);
	if (!error)
		error = buffer_append_varint(step, head);
	if (!error && !same_process)
		error = buffer_append_varint(step, zigzag_encode(process->pid));
	if (!error)
		error = buffer_append(step, facts->data, facts->size);
	if (!error && process->edits.size)
		error = buffer_append_varint(step, process->edits.size);
	if (!error)
		error = buffer_append(step, process->edits.data, process->edits.size);
	if (!error)
		error = buffer_append(step, process->operations.data, process->operations.size);
	buffer_clear(&process->edits);
	buffer_clear(&process->operations);
	process->has_edits = false;
	return error;
}

static struct error *write_step(struct snapshot_writer *writer, struct held_process *process,
				const struct sample_facts *sample)
{
	struct error *error = writer_close_memory(writer);
	size_t entries = process->has_edits && process->has_records ? process->threads.count : 0;
	if (!error)
		error = count_cost(writer, entries, process->moved_bytes);
	process->moved_bytes = 0;
	if (!error && writer->steps.size > STEPS_CHUNK_BYTES)
		error = writer_close_steps(writer);
	bool same_process = writer->steps.size && writer->steps_pid == process->pid;
	if (!error)
		error = encode_step(process, same_process, sample, &writer->scratch, &writer->step);
	if (!error)
		error = buffer_append_varint(&writer->steps, writer->step.size);
	writer->steps_pid = process->pid;
	return error ? error : buffer_append(&writer->steps, writer->step.data, writer->step.size);
}

struct error *writer_sample_changes(struct snapshot_writer *writer,
				    const struct sample_facts *sample)
{
	struct held_process *process;
	struct error *error = snapshot_held_get(&writer->held, sample->pid, &process);
	if (error)
		return error;
	if (process->based)
		return write_step(writer, process, sample);
	process->based = true;
	step_past_begin(&process->past, sample);
	return writer_sample_whole(writer, sample);
}
