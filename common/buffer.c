#include "common/buffer.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MINIMUM_CAPACITY = 256 };

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

struct error *buffer_reserve(struct buffer *buffer, size_t extra)
{
	if (extra > SIZE_MAX - buffer->size)
		return &error_out_of_memory;
	size_t needed = buffer->size + extra;
	if (needed <= buffer->capacity)
		return NULL;
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_MINIMUM_CAPACITY;
	while (capacity < needed)
		capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
	uint8_t *data = realloc(buffer->data, capacity);
	if (!data)
		return &error_out_of_memory;
	buffer->data = data;
	buffer->capacity = capacity;
	return NULL;
}

struct error *buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	struct error *error = buffer_reserve(buffer, size);
	if (error)
		return error;
	if (size)
		memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	return NULL;
}

struct error *buffer_append_u8(struct buffer *buffer, uint8_t value)
{
	return buffer_append(buffer, &value, sizeof(value));
}

struct error *buffer_append_u16(struct buffer *buffer, uint16_t value)
{
	value = htole16(value);
	return buffer_append(buffer, &value, sizeof(value));
}

struct error *buffer_append_u32(struct buffer *buffer, uint32_t value)
{
	value = htole32(value);
	return buffer_append(buffer, &value, sizeof(value));
}

struct error *buffer_append_u64(struct buffer *buffer, uint64_t value)
{
	value = htole64(value);
	return buffer_append(buffer, &value, sizeof(value));
}

struct error *buffer_append_varint(struct buffer *buffer, uint64_t value)
{
	uint8_t groups[10];
	size_t count = 0;
	do {
		uint8_t group = value & 0x7f;
		value >>= 7;
		groups[count++] = (uint8_t)(group | (value ? 0x80 : 0));
	} while (value);
	return buffer_append(buffer, groups, count);
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a;
	uint64_t b;
	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	return (a > b) - (a < b);
}

void buffer_sort_u64(struct buffer *buffer)
{
	if (buffer->size)
		qsort(buffer->data, buffer->size / sizeof(uint64_t), sizeof(uint64_t), compare_u64);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}
