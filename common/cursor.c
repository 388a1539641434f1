#include "common/cursor.h"

#include <endian.h>
#include <string.h>

const void *cursor_bytes(struct cursor *cursor, size_t size)
{
	if (cursor->failed || size > cursor->size - cursor->position) {
		cursor->failed = true;
		return NULL;
	}
	/* Nothing can be taken of nothing, but NULL + 0 is undefined (C11, 6.5.6). */
	const uint8_t *bytes = cursor->data ? cursor->data + cursor->position : NULL;
	cursor->position += size;
	return bytes;
}

void cursor_copy(struct cursor *cursor, void *ret, size_t size)
{
	const void *bytes = cursor_bytes(cursor, size);
	if (!size)
		return;
	if (bytes)
		memcpy(ret, bytes, size);
	else
		memset(ret, 0, size);
}

static uint64_t cursor_integer(struct cursor *cursor, size_t width)
{
	const uint8_t *bytes = cursor_bytes(cursor, width);
	uint64_t value = 0;
	if (bytes)
		bytes_field(bytes, width, 0, width, &value);
	return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
	return (uint8_t)cursor_integer(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
	return (uint16_t)cursor_integer(cursor, 2);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	return (uint32_t)cursor_integer(cursor, 4);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	return cursor_integer(cursor, 8);
}

uint64_t cursor_varint(struct cursor *cursor)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t group = cursor_u8(cursor);
		if (shift == 63 && group > 1)
			break;
		value |= (uint64_t)(group & 0x7f) << shift;
		if (!(group & 0x80))
			return cursor->failed ? 0 : value;
	}
	cursor->failed = true;
	return 0;
}

void cursor_seek(struct cursor *cursor, size_t position)
{
	if (position > cursor->size)
		cursor->failed = true;
	else
		cursor->position = position;
}

void cursor_skip(struct cursor *cursor, size_t size)
{
	cursor_bytes(cursor, size);
}

struct cursor cursor_slice(struct cursor *cursor, size_t size)
{
	const void *bytes = cursor_bytes(cursor, size);
	struct cursor slice = cursor_make(bytes, bytes ? size : 0);
	slice.failed = !bytes;
	return slice;
}

bool bytes_field(const void *data, size_t size, size_t offset, size_t width, uint64_t *ret)
{
	if (offset > size || width > size - offset || width > sizeof(uint64_t))
		return false;
	const uint8_t *bytes = (const uint8_t *)data + offset;
	uint64_t value = 0;
	if (width == sizeof(value)) {
		memcpy(&value, bytes, sizeof(value));
		*ret = le64toh(value);
		return true;
	}
	for (size_t i = width; i > 0; i--)
		value = value << 8 | bytes[i - 1];
	*ret = value;
	return true;
}
