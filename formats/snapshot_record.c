#include "formats/snapshot_record.h"

#include <stdlib.h>
#include <string.h>

#include "common/elf_file.h"
#include "common/facts.h"
#include "common/python_version.h"
#include "formats/snapshot_format.h"

struct error *record_append(struct buffer *buffer, uint32_t key, const void *bytes, size_t size)
{
	struct error *error = buffer_append_varint(buffer, key);
	if (!error)
		error = buffer_append_varint(buffer, size);
	if (!error)
		error = buffer_append(buffer, bytes, size);
	return error;
}

struct error *record_append_number(struct buffer *buffer, uint32_t key, uint64_t value)
{
	uint8_t bytes[sizeof(value)];
	size_t size = 0;
	for (; value; value >>= 8)
		bytes[size++] = (uint8_t)value;
	return record_append(buffer, key, bytes, size);
}

/* The kinds that are one number in the file. */
static bool number_get(const struct record_field *field, const void *object, uint64_t *ret)
{
	const uint8_t *at = (const uint8_t *)object + field->offset;
	union {
		uint32_t u32;
		int32_t i32;
		uint64_t u64;
		int64_t i64;
		bool boolean;
		char character;
		struct python_version version;
	} value;
	switch (field->kind) {
	case RECORD_U32:
		memcpy(&value.u32, at, sizeof(value.u32));
		*ret = value.u32;
		return true;
	case RECORD_U64:
	case RECORD_PRESENT:
		memcpy(&value.u64, at, sizeof(value.u64));
		*ret = value.u64;
		return true;
	case RECORD_I32:
		memcpy(&value.i32, at, sizeof(value.i32));
		*ret = (uint64_t)(int64_t)value.i32;
		return true;
	case RECORD_I64:
		memcpy(&value.i64, at, sizeof(value.i64));
		*ret = (uint64_t)value.i64;
		return true;
	case RECORD_BOOL:
		memcpy(&value.boolean, at, sizeof(value.boolean));
		*ret = value.boolean;
		return true;
	case RECORD_CHARACTER:
		*ret = *at;
		return true;
	case RECORD_VERSION:
		memcpy(&value.version, at, sizeof(value.version));
		*ret = python_version_hex(value.version);
		return true;
	default:
		return false;
	}
}

bool record_is_letter(uint64_t number)
{
	return (number >= 'A' && number <= 'Z') || (number >= 'a' && number <= 'z');
}

/* False if the value does not fit. */
static bool number_set(const struct record_field *field, void *object, uint64_t number)
{
	uint8_t *at = (uint8_t *)object + field->offset;
	uint32_t u32 = (uint32_t)number;
	int32_t i32 = (int32_t)(int64_t)number;
	bool boolean = number != 0;
	struct python_version version;
	switch (field->kind) {
	case RECORD_U32:
		memcpy(at, &u32, sizeof(u32));
		return u32 == number;
	case RECORD_PRESENT:
		*((bool *)object + field->other) = true;
		memcpy(at, &number, sizeof(number));
		return true;
	case RECORD_U64:
	case RECORD_I64:
		memcpy(at, &number, sizeof(number));
		return true;
	case RECORD_I32:
		memcpy(at, &i32, sizeof(i32));
		return i32 == (int64_t)number;
	case RECORD_BOOL:
		memcpy(at, &boolean, sizeof(boolean));
		return number <= 1;
	case RECORD_CHARACTER:
		*at = record_is_letter(number) ? (uint8_t)number : 0;
		return !number || record_is_letter(number);
	case RECORD_VERSION:
		version = python_version_from_hex(u32);
		memcpy(at, &version, sizeof(version));
		return u32 == number;
	default:
		return true;
	}
}

static bool kind_is_signed(enum record_kind kind)
{
	return kind == RECORD_I32 || kind == RECORD_I64;
}

static struct error *encode_bytes(struct buffer *buffer, const struct record_field *field,
				  const void *object)
{
	const uint8_t *at = (const uint8_t *)object + field->offset;
	const void *bytes = at;
	size_t size = 0;
	if (field->kind == RECORD_TEXT || field->kind == RECORD_BYTES)
		memcpy(&bytes, at, sizeof(bytes));
	if (!bytes)
		return NULL;
	if (field->kind == RECORD_TEXT) {
		/* An empty text is not an unknown one. */
		size = strnlen(bytes, SNAPSHOT_TEXT_MAX);
		return record_append(buffer, field->key, bytes, size);
	}
	if (field->kind == RECORD_NAME)
		size = strnlen(bytes, THREAD_NAME_SIZE - 1);
	else if (field->kind == RECORD_BUILD_ID)
		size = ((const struct build_id *)bytes)->size;
	else
		memcpy(&size, (const uint8_t *)object + field->other, sizeof(size));
	if (field->kind == RECORD_BUILD_ID)
		bytes = ((const struct build_id *)bytes)->bytes;
	if (field->kind == RECORD_BYTES && size > SNAPSHOT_REGISTERS_MAX)
		return error_create(ERROR_FAILED, "a register set of %zu bytes is too large", size);
	return size ? record_append(buffer, field->key, bytes, size) : NULL;
}

struct error *record_encode(struct buffer *buffer, const struct record_table *table,
			    const void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct record_field *field = &table->fields[i];
		uint64_t number;
		struct error *error = NULL;
		if (!number_get(field, object, &number)) {
			error = encode_bytes(buffer, field, object);
		} else if (field->kind == RECORD_PRESENT ? *((const bool *)object + field->other)
							 : number != field->absent) {
			if (kind_is_signed(field->kind))
				number = zigzag_encode((int64_t)number);
			error = record_append_number(buffer, field->key, number);
		}
		if (error)
			return error;
	}
	return NULL;
}

bool record_next(struct cursor *cursor, uint64_t *ret_key, struct cursor *ret_value)
{
	if (!cursor_left(cursor))
		return false;
	uint64_t key = cursor_varint(cursor);
	uint64_t size = cursor_varint(cursor);
	struct cursor value = cursor_slice(cursor, size);
	if (!cursor_ok(cursor))
		return false;
	*ret_key = key;
	*ret_value = value;
	return true;
}

uint64_t record_number(struct cursor *value)
{
	uint8_t bytes[sizeof(uint64_t)] = {0};
	size_t size = cursor_left(value);
	if (size > sizeof(bytes)) {
		value->failed = true;
		return 0;
	}
	cursor_copy(value, bytes, size);
	uint64_t number = 0;
	bytes_field(bytes, sizeof(bytes), 0, sizeof(bytes), &number);
	return number;
}

/* Texts end at the first NUL, and are cut at the bound. */
static struct error *decode_text(struct cursor *value, void *at)
{
	size_t size = cursor_left(value);
	const char *bytes = cursor_bytes(value, size);
	char *text =
		strndup(bytes ? bytes : "", size < SNAPSHOT_TEXT_MAX ? size : SNAPSHOT_TEXT_MAX);
	if (!text)
		return &error_out_of_memory;
	char *before;
	memcpy(&before, at, sizeof(before));
	free(before);
	memcpy(at, &text, sizeof(text));
	return NULL;
}

static struct error *decode_bytes(struct cursor *value, void *at, void *size_at)
{
	size_t size = cursor_left(value);
	if (size > SNAPSHOT_REGISTERS_MAX || !size) {
		value->failed = true;
		return NULL;
	}
	void *bytes = malloc(size);
	if (!bytes)
		return &error_out_of_memory;
	cursor_copy(value, bytes, size);
	void *before;
	memcpy(&before, at, sizeof(before));
	free(before);
	memcpy(at, &bytes, sizeof(bytes));
	memcpy(size_at, &size, sizeof(size));
	return NULL;
}

static struct error *decode_field(const struct record_field *field, struct cursor *value,
				  void *object)
{
	uint8_t *at = (uint8_t *)object + field->offset;
	size_t size = cursor_left(value);
	struct build_id *build_id;
	switch (field->kind) {
	case RECORD_TEXT:
		return decode_text(value, at);
	case RECORD_BYTES:
		return decode_bytes(value, at, (uint8_t *)object + field->other);
	case RECORD_NAME:
		memset(at, 0, THREAD_NAME_SIZE);
		cursor_copy(value, at, size < THREAD_NAME_SIZE ? size : THREAD_NAME_SIZE - 1);
		return NULL;
	case RECORD_BUILD_ID:
		build_id = (struct build_id *)at;
		value->failed = size > sizeof(build_id->bytes);
		build_id->size = value->failed ? 0 : size;
		cursor_copy(value, build_id->bytes, build_id->size);
		return NULL;
	default:
		break;
	}
	uint64_t number = record_number(value);
	if (kind_is_signed(field->kind))
		number = (uint64_t)zigzag_decode(number);
	if (!number_set(field, object, number))
		value->failed = true;
	return NULL;
}

struct error *record_decode(struct cursor *cursor, const struct record_table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->fields[i].kind != RECORD_PRESENT)
			number_set(&table->fields[i], object, table->fields[i].absent);
	}
	uint64_t key;
	struct cursor value;
	while (record_next(cursor, &key, &value)) {
		const struct record_field *field = NULL;
		for (size_t i = 0; i < table->count && !field; i++) {
			if (table->fields[i].key == key)
				field = &table->fields[i];
		}
		if (!field)
			continue;
		struct error *error = decode_field(field, &value, object);
		if (error)
			return error;
		if (!cursor_ok(&value))
			cursor->failed = true;
	}
	return NULL;
}

void record_release(const struct record_table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct record_field *field = &table->fields[i];
		if (field->kind != RECORD_TEXT && field->kind != RECORD_BYTES)
			continue;
		void *allocated;
		uint8_t *at = (uint8_t *)object + field->offset;
		memcpy(&allocated, at, sizeof(allocated));
		free(allocated);
		memset(at, 0, sizeof(allocated));
	}
}
