#include "formats/snapshot_changes.h"

#include <string.h>

#include "formats/snapshot_format.h"

/* Equal bytes between two changes that cost no more than a change of their own. */
enum { PATCH_JOIN_BYTES = 2 };

struct changes {
	struct memory_image *held;
	const struct memory_image *image;
	snapshot_change_function function;
	void *context;
};

/* Where the first difference from `at` on is. */
static size_t next_difference(const uint8_t *old, const uint8_t *now, size_t at, size_t size)
{
	/* Nearly all is the same. */
	static const size_t steps[] = {1024, 64, 8};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		while (size - at >= steps[i] && memcmp(old + at, now + at, steps[i]) == 0)
			at += steps[i];
	}
	while (at < size && old[at] == now[at])
		at++;
	return at;
}

size_t snapshot_changed_run(const uint8_t *old, const uint8_t *now, size_t size, size_t *ret_at)
{
	size_t at = next_difference(old, now, *ret_at, size);
	size_t end = at + 1;
	*ret_at = at;
	if (at == size)
		return 0;
	for (size_t i = end; i < size && i - end <= PATCH_JOIN_BYTES; i++) {
		if (old[i] != now[i])
			end = i + 1;
	}
	return end - at;
}

struct error *snapshot_patch_encode(struct buffer *buffer, const void *old, const void *now,
				    size_t size, size_t *ret_end)
{
	const uint8_t *before = old;
	const uint8_t *after = now;
	struct error *error = NULL;
	size_t done = 0; /* the end of the last change */
	for (size_t at = 0; !error;) {
		size_t run = snapshot_changed_run(before, after, size, &at);
		if (!run)
			break;
		error = buffer_append_varint(buffer, at - done);
		if (!error)
			error = buffer_append_varint(buffer, run);
		if (!error)
			error = buffer_append(buffer, after + at, run);
		at += run;
		done = at;
	}
	*ret_end = done;
	return error;
}

static struct error *change(struct changes *changes, uint32_t kind, uint64_t address,
			    const uint8_t *bytes, size_t size)
{
	const struct memory_operation operation = {
		.kind = kind,
		.address = address,
		.size = size,
		.bytes = bytes,
	};
	struct error *error = changes->function(changes->context, &operation);
	return error ? error : memory_image_put(changes->held, address, bytes, size);
}

/* Bytes that both have. What is different is found before the first of it is put. */
static struct error *add_patch(struct changes *changes, uint64_t address, const uint8_t *old,
			       const uint8_t *now, size_t size)
{
	struct error *error = NULL;
	for (size_t at = 0; !error;) {
		size_t run = snapshot_changed_run(old, now, size, &at);
		if (!run)
			break;
		error = change(changes, SNAPSHOT_MEMORY_PATCH, address + at, now + at, run);
		at += run;
	}
	return error;
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
			error = change(changes, SNAPSHOT_MEMORY_PUT, address, now, size);
		}
		at += size;
	}
	return error;
}

/* The bytes of [address, end) are not in the image. */
static struct error *add_drop(struct changes *changes, uint64_t address, uint64_t end)
{
	const struct memory_operation drop = {
		.kind = SNAPSHOT_MEMORY_DROP,
		.address = address,
		.size = end - address,
	};
	struct error *error = changes->function(changes->context, &drop);
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

/* Ranges that both have in the same places, which nearly all are, are compared one by one. Gives
 * whether all were. */
static struct error *add_ranges(struct changes *changes, bool *ret_same)
{
	struct memory_walk walk = memory_image_walk(changes->image, 0);
	struct memory_walk held_walk = memory_image_walk(changes->held, 0);
	struct memory_range range;
	struct memory_range held;
	struct error *error = NULL;
	bool same = true;
	for (; !error && memory_walk_at(&walk, &range); memory_walk_step(&walk)) {
		bool any = memory_walk_at(&held_walk, &held);
		if (any && held.address == range.address && held.size == range.size) {
			/* No range of either changes its extent by it. */
			error = add_patch(changes, range.address, held.bytes, range.bytes,
					  range.size);
			memory_walk_step(&held_walk);
			continue;
		}
		same = false;
		error = add_range(changes, &range);
		held_walk = memory_image_walk(changes->held, range.address + range.size);
	}
	*ret_same = same && !memory_walk_at(&held_walk, &held);
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
	bool same = false;
	struct error *error = add_ranges(&changes, &same);
	return error || same ? error : add_drops(&changes);
}
