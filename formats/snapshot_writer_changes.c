/* Memory of runs: of each image what is different from the one before. */
#include "formats/snapshot_changes.h"
#include "formats/snapshot_writer_parts.h"

/* What is larger is said by chunks of its own, so that a step stays far below a block. */
enum { STEP_PART_BYTES = 32 << 10 };

struct change_writer {
	struct snapshot_writer *writer;
	struct held_process *process;
};

static bool has_room(const struct held_process *process, uint64_t size)
{
	return process->based &&
	       process->operations.size + process->plain.size + size <= STEP_PART_BYTES &&
	       process->moved_bytes + size <= SNAPSHOT_COPY_MAX / 2;
}

static struct error *write_in_step(struct change_writer *to,
				   const struct memory_operation *operation)
{
	static const uint8_t kinds[] = {
		[SNAPSHOT_MEMORY_PATCH] = STEP_MEMORY_PATCH,
		[SNAPSHOT_MEMORY_PUT] = STEP_MEMORY_PUT,
		[SNAPSHOT_MEMORY_DROP] = STEP_MEMORY_DROP,
	};
	struct held_process *process = to->process;
	const struct step_operation step = {
		.kind = kinds[operation->kind],
		.address = operation->address,
		.size = operation->size,
		.bytes = operation->bytes,
	};
	to->writer->epoch_bytes += operation->bytes ? operation->size : 0;
	return step_memory_append(&process->plain, &process->past.places, &step);
}

/* Operations are of disjoint bytes, so that some can come before the step. */
static struct error *write_plain(struct change_writer *to, const struct memory_operation *operation)
{
	if (has_room(to->process, operation->bytes ? operation->size : 0))
		return write_in_step(to, operation);
	return writer_add_operation(to->writer, to->process->pid, operation);
}

/* Say the extents with numbers in a row that were gathered. */
static struct error *end_run(struct held_process *process)
{
	const struct step_operation run = process->run;
	process->run.count = 0;
	if (!run.count)
		return NULL;
	/* What is shown comes first, and is patched then. */
	struct buffer *buffer = run.kind == STEP_MEMORY_SHOW ? &process->shows : &process->plain;
	return step_memory_append(buffer, &process->past.places, &run);
}

static struct error *add_number(struct held_process *process, enum step_memory_kind kind,
				uint32_t number)
{
	struct step_operation *run = &process->run;
	if (run->count && run->kind == kind && run->number + run->count == number) {
		run->count++;
		return NULL;
	}
	struct error *error = end_run(process);
	*run = (struct step_operation){.kind = kind, .number = number, .count = 1};
	return error;
}

/* What was hidden is as it is now, but for some of it. The step shows it, so that nothing before it
 * could patch it. */
static struct error *patch_shown(struct change_writer *to, const struct range_entry *entry,
				 const uint8_t *now)
{
	struct error *error = NULL;
	for (size_t at = 0; !error;) {
		size_t run = snapshot_changed_run(entry->bytes, now, entry->size, &at);
		const struct memory_operation patch = {
			.kind = SNAPSHOT_MEMORY_PATCH,
			.address = entry->address + at,
			.size = run,
			.bytes = now + at,
		};
		if (!run)
			break;
		error = write_in_step(to, &patch);
		at += run;
	}
	return error;
}

/* So much different that it is something else. */
static bool is_other(const struct range_entry *entry, const uint8_t *now)
{
	size_t changed = 0;
	for (size_t at = 0;;) {
		size_t run = snapshot_changed_run(entry->bytes, now, entry->size, &at);
		if (!run)
			return changed > entry->size / 2;
		changed += run + 2;
		at += run;
	}
}

/* New bytes: those that are hidden are shown. */
static struct error *write_put(struct change_writer *to, const struct memory_operation *put)
{
	struct held_process *process = to->process;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && at < put->size;) {
		const struct range_entry *entry =
			snapshot_shelf_next(&process->past.shelf, put->address + at);
		uint64_t left = put->size - at;
		uint64_t gap = entry && entry->address >= put->address + at
				       ? entry->address - (put->address + at)
				       : 0;
		bool fits = entry && entry->address >= put->address + at && gap < left &&
			    entry->size <= left - gap && has_room(process, entry->size * 2) &&
			    !is_other(entry, put->bytes + at + gap);
		if (!fits) {
			/* Up to behind the one that does not fit, or up to the end. */
			uint64_t size = entry && gap < left ? gap + entry->size : left;
			gap = size < left ? size : left;
		}
		const struct memory_operation plain = {
			.kind = SNAPSHOT_MEMORY_PUT,
			.address = put->address + at,
			.size = gap,
			.bytes = put->bytes + at,
		};
		if (gap)
			error = write_plain(to, &plain);
		at += gap;
		if (error || !fits)
			continue;
		uint32_t number = entry->number;
		uint32_t size = entry->size;
		bool done;
		error = patch_shown(to, entry, put->bytes + at);
		if (!error)
			error = add_number(process, STEP_MEMORY_SHOW, number);
		if (!error)
			error = snapshot_shelf_show(&process->past.shelf, NULL, number, &done);
		process->moved_bytes += size + SNAPSHOT_MOVE_OVERHEAD;
		at += size;
	}
	return error;
}

/* Bytes that are not in the image any more: they can come back. */
static struct error *write_drop(struct change_writer *to, const struct memory_operation *drop)
{
	struct held_process *process = to->process;
	struct snapshot_shelf *shelf = &process->past.shelf;
	const struct step_operation hide = {
		.kind = STEP_MEMORY_HIDE, .address = drop->address, .size = drop->size};
	uint32_t number;
	bool done;
	if (drop->size > SHELF_EXTENT_BYTES || !has_room(process, drop->size))
		return write_plain(to, drop);
	process->moved_bytes += drop->size + SNAPSHOT_MOVE_OVERHEAD;
	struct error *error;
	if (snapshot_shelf_find(shelf, drop->address, drop->size, &number)) {
		error = add_number(process, STEP_MEMORY_HIDE_AGAIN, number);
	} else {
		error = end_run(process);
		if (!error)
			error = step_memory_append(&process->plain, &process->past.places, &hide);
		if (!error)
			error = snapshot_shelf_add(shelf, drop->address, drop->size, true, &number);
	}
	return error ? error : snapshot_shelf_hide(shelf, process->image, number, &done);
}

static struct error *write_change(void *context, const struct memory_operation *operation)
{
	struct change_writer *to = context;
	if (!to->process->based)
		return write_plain(to, operation);
	if (operation->kind == SNAPSHOT_MEMORY_PUT)
		return write_put(to, operation);
	if (operation->kind == SNAPSHOT_MEMORY_DROP)
		return write_drop(to, operation);
	return write_plain(to, operation);
}

/* What the epoch still has of a process that had the number before: none of it is this one's. */
static struct error *drop_all(struct snapshot_writer *writer, struct held_process *process)
{
	const struct memory_operation drop = {.kind = SNAPSHOT_MEMORY_DROP, .size = UINT64_MAX};
	if (!process->is_reused)
		return NULL;
	process->is_reused = false;
	return writer_add_operation(writer, process->pid, &drop);
}

struct error *writer_image_changes(struct snapshot_writer *writer, int32_t pid,
				   const struct memory_image *image)
{
	struct change_writer to = {.writer = writer};
	struct error *error = snapshot_held_get(&writer->held, pid, &to.process);
	if (error)
		return error;
	struct held_process *process = to.process;
	error = drop_all(writer, process);
	uint64_t before = step_past_bytes(&process->past);
	if (!error)
		error = snapshot_changes(process->image, image, write_change, &to);
	uint64_t after = step_past_bytes(&process->past);
	writer->epoch_bytes += after > before ? after - before : 0;
	if (!error)
		error = end_run(process);
	if (!error)
		error = buffer_append(&process->operations, process->shows.data,
				      process->shows.size);
	if (!error)
		error = buffer_append(&process->operations, process->plain.data,
				      process->plain.size);
	buffer_clear(&process->shows);
	buffer_clear(&process->plain);
	return error;
}
