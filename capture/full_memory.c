#include "capture/full_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/full_copy.h"
#include "capture/interrupt.h"
#include "capture/proc.h"
#include "capture/proc_number.h"
#include "capture/proc_stat.h"
#include "capture/sample_pass.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum { PROC_TEXT_LIMIT = 16 * 1024 };

struct full_memory {
	pid_t pid;
	struct memory_spool *spool;
	/* Parts of files: what the modules were made from, what Python's objects need. */
	struct memory_image *file_parts;
	struct mappings mappings;
	struct modules modules;
	struct sample_facts sample;
	struct full_memory_size size;
};

static void cleanup_bufferp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

/* What will be copied, about: resident pages that are not of files, and what is swapped out. 0 if
 * it cannot be told. */
static uint64_t expected_bytes(pid_t pid)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	char path[32];
	struct proc_pages pages;
	uint64_t swapped_kib = 0;
	if (!proc_pages(pid, &pages) || pages.resident < pages.shared)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (proc_read_text(AT_FDCWD, path, PROC_TEXT_LIMIT, &text) == 0) {
		const char *line = strstr((const char *)text.data, "\nVmSwap:");
		if (line) {
			line += strlen("\nVmSwap:");
			proc_number_decimal(&line, &swapped_kib);
		}
	}
	return (pages.resident - pages.shared) * (uint64_t)sysconf(_SC_PAGESIZE) +
	       swapped_kib * 1024;
}

/* A thread whose registers cannot be had has ended, or is ending. */
static size_t read_registers(struct freezer *freezer, struct thread_list *threads)
{
	size_t count = 0;
	for (size_t i = 0; i < threads->count; i++) {
		struct thread_facts *thread = &threads->items[i];
		void *registers = NULL;
		size_t size = 0;
		if (thread->registers)
			continue;
		struct error *error = freezer_registers(freezer, thread->tid, &registers, &size);
		if (error) {
			error_destroy(error);
			continue;
		}
		thread->registers = registers;
		thread->registers_size = size;
		count++;
	}
	return count;
}

static bool has_thread(const struct thread_list *threads, int32_t tid)
{
	for (size_t i = 0; i < threads->count; i++)
		if (threads->items[i].tid == tid)
			return true;
	return false;
}

/* Threads that were started between the list and the stop. Their state now is the stop itself. */
static struct error *add_new_threads(pid_t pid, struct thread_list *threads)
{
	CLEANUP(thread_list_deinit) struct thread_list now = {0};
	struct error *error = proc_threads(pid, &now);
	for (size_t i = 0; !error && i < now.count; i++) {
		if (has_thread(threads, now.items[i].tid))
			continue;
		struct thread_facts thread = now.items[i];
		thread.state = 0;
		error = thread_list_append(threads, &thread);
	}
	return error;
}

static struct error *copy_threads(const struct full_memory_options *options,
				  struct thread_list *threads)
{
	size_t count = read_registers(options->freezer, threads);
	if (count == freezer_held_count(options->freezer))
		return NULL;
	struct error *error = add_new_threads(options->pid, threads);
	read_registers(options->freezer, threads);
	return error;
}

/* What is recorded of reading the headers is what finds the modules again. */
static struct error *read_modules(struct full_memory *full, struct memory *memory)
{
	CLEANUP(memory_destroyp) struct memory *recorder = NULL;
	struct error *error = memory_recorder_create(memory, full->file_parts, &recorder);
	if (error)
		return error;
	return modules_from_mappings(&full->mappings, recorder, &full->modules);
}

/* Whether memory at `address` is a file's, which is not copied where nobody wrote to it. */
static bool is_of_file(const struct full_memory *full, uint64_t address)
{
	const struct mapping *mapping = mappings_find(&full->mappings, address);
	return mapping && mapping->path && mapping->path[0] == '/';
}

/*
 * What the names and types of Python's objects are is partly in the files that are mapped: such
 * parts are kept, so that no file is needed later. What else a pass reads is copied anyway.
 */
static struct error *read_file_parts(struct full_memory *full,
				     const struct full_memory_options *options)
{
	struct sample_pass pass;
	struct memory_range range;
	if (!options->location)
		return NULL;
	struct error *error = sample_pass_init(&pass);
	if (!error)
		error = sample_pass_run(&pass, options->memory, options->location, LEVEL_LOCALS);
	for (uint64_t at = 0; !error && memory_image_next(pass.image, at, &range);
	     at = range.address + range.size) {
		if (is_of_file(full, range.address))
			error = memory_image_put(full->file_parts, range.address, range.bytes,
						 range.size);
	}
	sample_pass_deinit(&pass);
	if (error && error->code == ERROR_BUSY) {
		/* Python is ending: there is nothing to be named. */
		error_destroy(error);
		return NULL;
	}
	return error;
}

/* All that needs the target to stand still. */
static struct error *copy_stopped(struct full_memory *full,
				  const struct full_memory_options *options,
				  struct thread_list *threads)
{
	CLEANUP(page_map_destroyp) struct page_map *pages = NULL;
	full->sample.time_ns = clock_ns(CLOCK_REALTIME);
	full->sample.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	struct error *error = proc_mappings(options->pid, &full->mappings);
	if (!error)
		error = copy_threads(options, threads);
	if (!error)
		error = read_modules(full, options->memory);
	if (!error)
		error = read_file_parts(full, options);
	if (!error)
		error = page_map_create(options->pid, &pages);
	if (error)
		return error;
	struct full_copy copy = {.memory = options->memory, .pages = pages, .spool = full->spool};
	error = full_copy_run(&copy, &full->mappings, &full->modules);
	full->size = (struct full_memory_size){
		.ranges = copy.ranges,
		.bytes = copy.bytes,
		.unreadable = copy.unreadable,
	};
	return error;
}

static struct error *prepare(struct full_memory *full, const struct full_memory_options *options)
{
	struct error *error = memory_image_create(&full->file_parts);
	if (!error)
		error = memory_spool_create(options->output_path, &full->spool);
	if (!error)
		error = memory_spool_check_room(full->spool, expected_bytes(options->pid));
	return error;
}

static struct error *capture(struct full_memory *full, const struct full_memory_options *options,
			     struct thread_list *threads)
{
	uint64_t freeze_ns = 0;
	struct error *error = prepare(full, options);
	if (!error)
		error = freezer_stop_all(options->freezer);
	if (error)
		return error;
	size_t held = freezer_held_count(options->freezer);
	error = copy_stopped(full, options, threads);
	struct error *release_error = freezer_release(options->freezer, &freeze_ns);
	if (error)
		error_destroy(release_error);
	else
		error = release_error;
	/* The last blocks are written while the target runs again. */
	if (!error)
		error = memory_spool_rewind(full->spool);
	full->sample.pid = options->pid;
	full->sample.freeze_ns = freeze_ns;
	full->sample.threads_stopped = (uint32_t)held;
	full->sample.attempts = 1;
	full->sample.way = FREEZE_ALL;
	full->sample.level = LEVEL_FULL;
	full->sample.partial = full->size.unreadable != 0;
	return error;
}

struct error *full_memory_capture(const struct full_memory_options *options,
				  struct thread_list *threads, struct full_memory **ret)
{
	CLEANUP(full_memory_destroyp) struct full_memory *full = calloc(1, sizeof(*full));
	if (!full)
		return &error_out_of_memory;
	full->pid = options->pid;
	struct error *error = capture(full, options, threads);
	if (error)
		return error;
	*ret = TAKE_POINTER(full);
	return NULL;
}

void full_memory_destroy(struct full_memory *full)
{
	if (!full)
		return;
	memory_spool_destroy(full->spool);
	memory_image_destroy(full->file_parts);
	modules_deinit(&full->modules);
	mappings_deinit(&full->mappings);
	free(full);
}

void full_memory_destroyp(struct full_memory **full)
{
	full_memory_destroy(*full);
}

const struct mappings *full_memory_mappings(const struct full_memory *full)
{
	return &full->mappings;
}

const struct modules *full_memory_modules(const struct full_memory *full)
{
	return &full->modules;
}

const struct sample_facts *full_memory_sample(const struct full_memory *full)
{
	return &full->sample;
}

struct full_memory_size full_memory_size(const struct full_memory *full)
{
	return full->size;
}

static struct error *write_zeros(struct snapshot_writer *writer, int32_t pid, uint64_t address,
				 size_t size)
{
	static uint8_t zeros[64 * 1024]; /* not const: that would be 64 KiB of the program's file */
	while (size) {
		size_t part = size < sizeof(zeros) ? size : sizeof(zeros);
		struct error *error = snapshot_writer_memory(writer, pid, address, zeros, part);
		if (error)
			return error;
		address += part;
		size -= part;
	}
	return NULL;
}

static struct error *write_block(const struct full_memory *full, const struct spool_block *block,
				 struct snapshot_writer *writer)
{
	const uint8_t *bytes = block->bytes;
	size_t left = block->size_bytes;
	struct error *error = NULL;
	for (size_t i = 0; !error && i < block->run_count; i++) {
		const struct spool_run *run = &block->runs[i];
		if (run->is_zero) {
			error = write_zeros(writer, full->pid, run->address, run->size);
			continue;
		}
		if (run->size > left)
			return error_create(ERROR_IO, "the temporary file is damaged");
		error = snapshot_writer_memory(writer, full->pid, run->address, bytes, run->size);
		bytes += run->size;
		left -= run->size;
	}
	return error;
}

struct error *full_memory_write(struct full_memory *full, struct snapshot_writer *writer)
{
	struct error *error = snapshot_writer_image(writer, full->pid, full->file_parts);
	while (!error) {
		struct spool_block *block = NULL;
		error = interrupt_check();
		if (!error)
			error = memory_spool_next(full->spool, &block);
		if (!error && !block)
			return NULL;
		if (!error)
			error = write_block(full, block, writer);
	}
	return error;
}
