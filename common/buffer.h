/* A growable byte buffer, the writing counterpart of the checked cursor. All integers are
 * little-endian. */
#ifndef PYSPY_COMMON_BUFFER_H
#define PYSPY_COMMON_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct buffer {
	uint8_t *data;
	size_t size;	 /* bytes in use */
	size_t capacity; /* bytes allocated */
};

/* An all-zero struct is an empty buffer. */
void buffer_deinit(struct buffer *buffer);

/* Make room for `extra` more bytes without changing the size. */
struct error *buffer_reserve(struct buffer *buffer, size_t extra);

struct error *buffer_append(struct buffer *buffer, const void *bytes, size_t size);
struct error *buffer_append_u8(struct buffer *buffer, uint8_t value);
struct error *buffer_append_u16(struct buffer *buffer, uint16_t value);
struct error *buffer_append_u32(struct buffer *buffer, uint32_t value);
struct error *buffer_append_u64(struct buffer *buffer, uint64_t value);

/* LEB128, least significant group first, at most 10 bytes. */
struct error *buffer_append_varint(struct buffer *buffer, uint64_t value);

/* Of a buffer of uint64_t: ascending. */
void buffer_sort_u64(struct buffer *buffer);

/* Forget the contents, keep the allocation. */
void buffer_clear(struct buffer *buffer);

#endif
