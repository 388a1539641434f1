/*
 * Records of the snapshot container: fields of (key varint, length varint, bytes), each kind of
 * record described by one table that both the writer and the reader go by. A field that has its
 * absent value is not written; an unknown key is skipped.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_RECORD_H
#define PYSPY_FORMATS_SNAPSHOT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/error.h"

enum record_kind {
	RECORD_U32, /* unsigned: little-endian, as many bytes (0 to 8) as are needed */
	RECORD_U64,
	RECORD_I32, /* signed: zigzag, then as unsigned */
	RECORD_I64,
	RECORD_BOOL,
	RECORD_CHARACTER,
	RECORD_TEXT,	 /* char *, allocated */
	RECORD_NAME,	 /* char[THREAD_NAME_SIZE] */
	RECORD_BYTES,	 /* void * and, at `other`, its size_t */
	RECORD_BUILD_ID, /* struct build_id */
	RECORD_VERSION,	 /* struct python_version as PY_VERSION_HEX */
	RECORD_PRESENT,	 /* uint64_t; being there sets the bool at `other` */
};

struct record_field {
	uint32_t key;
	enum record_kind kind;
	size_t offset;
	size_t other;
	uint64_t absent; /* value, as sign-extended 64 bits, that stands for "not written" */
};

struct record_table {
	const struct record_field *fields;
	size_t count;
};

/* Append a field of any key. */
struct error *record_append(struct buffer *buffer, uint32_t key, const void *bytes, size_t size);
struct error *record_append_number(struct buffer *buffer, uint32_t key, uint64_t value);

/* Append all fields of `object` that are not absent. */
struct error *record_encode(struct buffer *buffer, const struct record_table *table,
			    const void *object);

/* The next field; false at the end, or with the cursor failed. */
bool record_next(struct cursor *cursor, uint64_t *ret_key, struct cursor *ret_value);

/* What RECORD_CHARACTER can be, but for 0: it is shown on terminals as it is. */
bool record_is_letter(uint64_t number);

/* A number as record_append_number wrote it; fails the cursor if it is longer than 8 bytes. */
uint64_t record_number(struct cursor *value);

/*
 * Fill the fields of an all-zero `object` from the rest of the cursor, absent ones with their
 * absent values. Malformed input fails the cursor; only running out of memory is an error. What was
 * allocated is the caller's in every case: record_release.
 */
struct error *record_decode(struct cursor *cursor, const struct record_table *table, void *object);

/* Free what record_decode allocated. */
void record_release(const struct record_table *table, void *object);

static inline uint64_t zigzag_encode(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t zigzag_decode(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

#endif
