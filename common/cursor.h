/*
 * The one bounds-checked reader of foreign bytes. Every byte that comes from a file or a target
 * goes through a cursor (or through memory_read, for addresses). Integers are little-endian.
 *
 * A read past the end gives zero and makes the cursor fail for good, so a run of reads needs one
 * check at its end: `if (!cursor_ok(&cursor)) return error…`.
 */
#ifndef PYSPY_COMMON_CURSOR_H
#define PYSPY_COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *data; /* borrowed */
	size_t size;
	size_t position;
	bool failed;
};

static inline struct cursor cursor_make(const void *data, size_t size)
{
	return (struct cursor){.data = data, .size = size};
}

static inline bool cursor_ok(const struct cursor *cursor)
{
	return !cursor->failed;
}

/* Bytes that are left; 0 once the cursor has failed. */
static inline size_t cursor_left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : cursor->size - cursor->position;
}

/* Give the next `size` bytes in place and step over them; NULL past the end. */
const void *cursor_bytes(struct cursor *cursor, size_t size);

/* Copy the next `size` bytes; zero-fills `ret` past the end. */
void cursor_copy(struct cursor *cursor, void *ret, size_t size);

uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);

/* LEB128; more than 64 bits of value is a failure. */
uint64_t cursor_varint(struct cursor *cursor);

/* Move to an absolute position; past the end is a failure. */
void cursor_seek(struct cursor *cursor, size_t position);
void cursor_skip(struct cursor *cursor, size_t size);

/* A cursor of its own over the next `size` bytes, which are stepped over. */
struct cursor cursor_slice(struct cursor *cursor, size_t size);

/* Little-endian field of 1, 2, 4 or 8 bytes at `offset`; false if it is not wholly inside. */
bool bytes_field(const void *data, size_t size, size_t offset, size_t width, uint64_t *ret);

#endif
