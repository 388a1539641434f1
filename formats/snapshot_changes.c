#include "formats/snapshot_changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Equal bytes between two changes that cost no more than a change of their own. */
enum { PATCH_JOIN_BYTES = 3 };

struct changes {
	struct memory_image *held;
	const struct memory_image *image;
	snapshot_change_function function;
	void *context;
	struct buffer patch;
};

/* How many bytes from `at` on differ, with short equal runs between them. */
static size_t changed_run(const uint8_t *old, const uint8_t *now, size_t at, size_t size)
{
	size_t end = at + 1;
	for (size_t i = end; i < size && i - end <= PATCH_JOIN_BYTES; i++) {
		if (old[i] != now[i])
			end = i + 1;
	}
	return end - at;
}

/* Bytes that both have. */
static struct error *add_patch(struct changes *changes, uint64_t address, const uint8_t *old,
			       const uint8_t *now, size_t size)
{
	struct error *error = NULL;
	size_t done = 0; /* the end of the last change */
	buffer_clear(&changes->patch);
	for (size_t at = 0; !error && at < size;) {
		if (old[at] == now[at]) {
			at++;
			continue;
		}
		size_t run = changed_run(old, now, at, size);
		error = buffer_append_varint(&changes->patch, at - done);
		if (!error)
			error = buffer_append_varint(&changes->patch, run);
		if (!error)
			error = buffer_append(&changes->patch, now + at, run);
		at += run;
		done = at;
	}
	if (error || !done)
		return error;
	const struct snapshot_change change = {
		.kind = SNAPSHOT_MEMORY_PATCH,
		.address = address,
		.end = address + done,
		.bytes = changes->patch.data,
		.size = changes->patch.size,
	};
	error = changes->function(changes->context, &change);
	return error ? error : memory_image_put(changes->held, address, now, done);
}

static struct error *add_put(struct changes *changes, uint64_t address, const uint8_t *now,
			     size_t size)
{
	const struct snapshot_change change = {
		.kind = SNAPSHOT_MEMORY_PUT,
		.address = address,
		.end = address + size,
		.bytes = now,
		.size = size,
	};
	struct error *error = changes->function(changes->context, &change);
	return error ? error : memory_image_put(changes->held, address, now, size);
}

/* One range of the image, in pieces that the log has or has not. */
static struct error *add_range(struct changes *changes, const struct memory_range *range)
{
	struct error *error = NULL;
	for (size_t at = 0; !error && at < range->size;) {
		struct memory_range held;
		uint64_t address = range->address + at;
		const uint8_t *now = (const uint8_t *)range->bytes + at;
		size_t size = range->size - at;
		bool any = memory_image_next(changes->held, address, &held);
		if (any && held.address <= address) {
			size_t skip = (size_t)(address - held.address);
			if (held.size - skip < size)
				size = held.size - skip;
			error = add_patch(changes, address, (const uint8_t *)held.bytes + skip, now,
					  size);
		} else {
			if (any && held.address - address < size)
				size = (size_t)(held.address - address);
			error = add_put(changes, address, now, size);
		}
		at += size;
	}
	return error;
}

/* The bytes of [address, end) are not in the image. */
static struct error *add_drop(struct changes *changes, uint64_t address, uint64_t end)
{
	const struct snapshot_change change = {
		.kind = SNAPSHOT_MEMORY_DROP,
		.address = address,
		.end = end,
	};
	struct error *error = changes->function(changes->context, &change);
	return error ? error : memory_image_drop(changes->held, address, end - address);
}

static struct error *add_drops(struct changes *changes)
{
	struct memory_range held;
	struct memory_range range;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && memory_image_next(changes->held, at, &held);) {
		uint64_t end = held.address + held.size;
		uint64_t from = held.address > at ? held.address : at;
		bool any = memory_image_next(changes->image, from, &range);
		if (any && range.address <= from) {
			at = range.address + range.size;
		} else {
			if (any && range.address - from < end - from)
				end = range.address;
			error = add_drop(changes, from, end);
			at = end;
		}
		if (!at)
			break; /* the end of the address space */
	}
	return error;
}

struct error *snapshot_changes(struct memory_image *held, const struct memory_image *image,
			       snapshot_change_function function, void *context)
{
	struct changes changes = {
		.held = held,
		.image = image,
		.function = function,
		.context = context,
	};
	struct memory_range range;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && memory_image_next(image, at, &range);) {
		error = add_range(&changes, &range);
		at = range.address + range.size;
		if (!at)
			break;
	}
	if (!error)
		error = add_drops(&changes);
	buffer_deinit(&changes.patch);
	return error;
}

void snapshot_held_deinit(struct snapshot_held *held)
{
	for (size_t i = 0; i < held->count; i++)
		memory_image_destroy(held->items[i].image);
	free(held->items);
	*held = (struct snapshot_held){0};
}

struct error *snapshot_held_get(struct snapshot_held *held, int32_t pid, struct memory_image **ret)
{
	for (size_t i = 0; i < held->count; i++) {
		if (held->items[i].pid == pid) {
			*ret = held->items[i].image;
			return NULL;
		}
	}
	if (held->count == held->capacity) {
		size_t capacity = held->capacity ? held->capacity * 2 : 4;
		struct held_process *items = reallocarray(held->items, capacity, sizeof(*items));
		if (!items)
			return &error_out_of_memory;
		held->items = items;
		held->capacity = capacity;
	}
	struct error *error = memory_image_create(ret);
	if (!error)
		held->items[held->count++] = (struct held_process){.pid = pid, .image = *ret};
	return error;
}

void snapshot_held_forget(struct snapshot_held *held, int32_t pid)
{
	for (size_t i = 0; i < held->count; i++) {
		if (held->items[i].pid != pid)
			continue;
		memory_image_destroy(held->items[i].image);
		held->items[i] = held->items[--held->count];
		return;
	}
}
