/* Blocks: what a frame of the container holds. A header, then chunks. */
#ifndef PYSPY_FORMATS_SNAPSHOT_BLOCK_H
#define PYSPY_FORMATS_SNAPSHOT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/error.h"
#include "common/facts.h"
#include "formats/snapshot_format.h"

struct block_header {
	uint16_t version;
	uint16_t flags;	     /* enum snapshot_block_flags */
	uint32_t log_number; /* the same in all blocks of a log, drawn by lot */
	uint32_t epoch;
	uint32_t frame;	   /* in the epoch; 0 begins it */
	uint32_t ordinary; /* frames before this one in the epoch that are not bulk */
};

struct error *block_header_append(struct buffer *buffer, const struct block_header *header);

enum block_status {
	BLOCK_OK = 0,
	BLOCK_FOREIGN,	   /* not a block of a snapshot */
	BLOCK_NEWER,	   /* a container version that this program does not know; version is set */
	BLOCK_MALFORMED,   /* contradicts the format, or has reserved bits set */
	BLOCK_UNSUPPORTED, /* has a critical chunk of an unknown type */
};

/* In words for the user: "the checksum holds but …". */
const char *block_status_text(enum block_status status);

enum block_status block_header_read(struct cursor *cursor, struct block_header *ret);

/* A chunk; or of a STEPS chunk one step. */
struct block_chunk {
	uint16_t type;
	uint16_t flags;
	struct cursor payload; /* of a step, its head and all that follows */
	int32_t step_pid;      /* of a step */
};

/* Where one is among chunks. */
struct block_cursor {
	struct cursor cursor;
	size_t steps_end; /* within a STEPS chunk: its end */
	int32_t step_pid; /* 0: no step yet */
};

/* The chunks of a block behind its header. */
struct block_cursor block_chunks(const void *content, size_t size);

struct error *block_chunk_append(struct buffer *buffer, uint16_t type, uint16_t flags,
				 const void *payload, size_t size);

/* The next chunk, or the next step of one; false at the end, or with the cursor failed. */
bool block_next_chunk(struct block_cursor *chunks, struct block_chunk *ret);

/* Whether it is a sample: a SAMPLE or a step. */
bool block_chunk_is_sample(const struct block_chunk *chunk);

/* The process of a chunk that is about one; 0 if none is said. What is malformed fails the payload.
 */
int32_t block_chunk_pid(struct block_chunk *chunk);

/* One operation on memory of a MEMORY chunk. */
struct memory_operation {
	uint64_t kind; /* enum snapshot_memory_key, or an unknown one */
	uint64_t address;
	uint64_t size;	       /* of PUT, DROP and COPY */
	uint64_t source;       /* of COPY */
	const uint8_t *bytes;  /* of PUT, and of a PATCH of bytes that all change, in place */
	struct cursor changes; /* of other PATCHes: (skip varint, count varint, bytes) to the end */
};

struct memory_chunk {
	struct cursor fields;
	int32_t pid;
	uint64_t position; /* end of the last operation: addresses are relative to it */
};

/* Begin to read a MEMORY chunk; malformed ones fail `fields`. */
struct memory_chunk memory_chunk_read(struct cursor payload);

/* The next operation; false at the end, or with `fields` failed. */
bool memory_chunk_next(struct memory_chunk *chunk, struct memory_operation *ret);

/* What a block holds, found without applying it. */
struct block_summary {
	struct block_header header;
	uint32_t samples;
	uint32_t unknown_chunks;
	bool has_end;
	bool has_counts; /* an END or COUNTS chunk; the last one: */
	struct sample_counts counts;
	uint32_t chunk_bytes[SNAPSHOT_CHUNK_COUNT]; /* by type, headers included */
	uint64_t samples_before;		    /* what the HEADER chunk says; for frame 0 */
};

/*
 * Check the structure of a block, down to the chunks; for a bulk block, down to its operations.
 * Only running out of memory is an error.
 */
struct error *block_check(const void *content, size_t size, enum block_status *ret_status,
			  struct block_summary *ret);

#endif
