/*
 * Numbers of the snapshot container, shared by writer and reader. pyspy-snapshot(5) specifies it;
 * what is said here must be said there.
 *
 * To add a chunk type:
 *   1. Give it the next free number in enum snapshot_chunk; numbers are never used again.
 *   2. Decide whether a reader that skips it still tells the truth. If not, the writer must set
 *      SNAPSHOT_CHUNK_CRITICAL on it, so that older readers say that they cannot read on.
 *   3. If it holds records, add their table to snapshot_fields.c; fields are never renumbered.
 *   4. Add its row to `chunk_handlers` in snapshot_state.c, and writing it to snapshot_writer.c.
 *   5. If it describes a process for as long as nothing else is said, give it a slot in
 *      `slot_types` of snapshot_facts_writer.c, so that every epoch repeats it.
 *   6. Describe it in man/pyspy-snapshot.5, and cover it in tests/unit/test_snapshot.c.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FORMAT_H
#define PYSPY_FORMATS_SNAPSHOT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* First bytes of every block: "PSNP" in the file. */
#define SNAPSHOT_BLOCK_MAGIC 0x504e5350u
#define SNAPSHOT_VERSION     1
#define SNAPSHOT_NAME	     "pyspy-snapshot"

/* RFC 8878, section 3.1. */
#define ZSTD_FRAME_MAGIC	  0xfd2fb528u
#define ZSTD_SKIPPABLE_MAGIC	  0x184d2a50u /* the low four bits are free */
#define ZSTD_SKIPPABLE_MAGIC_MASK 0xfffffff0u

enum snapshot_bounds {
	/* Block, block header included; a reader refuses more before it allocates. */
	SNAPSHOT_BLOCK_MAX = 4 << 20,
	/* Frame: what zstd makes at most of a block, and some. */
	SNAPSHOT_FRAME_MAX = SNAPSHOT_BLOCK_MAX + (SNAPSHOT_BLOCK_MAX >> 7) + 1024,
	SNAPSHOT_BLOCK_HEADER_SIZE = 24,
	SNAPSHOT_CHUNK_HEADER_SIZE = 8,
	/* A piece of memory in a bulk block. */
	SNAPSHOT_BULK_MIN = 4096,
	/* Text of one field; longer ones are cut. */
	SNAPSHOT_TEXT_MAX = 32767,
	SNAPSHOT_REGISTERS_MAX = 16384,
	/* Bytes that the COPY operations of one block may make. */
	SNAPSHOT_COPY_MAX = 16 << 20,
	/* Counted among them for each extent that steps hide or show, besides its bytes. */
	SNAPSHOT_MOVE_OVERHEAD = 64,
	/* Entries of lists that the steps of one block may be about that insert, remove or replace
	   entries: the whole list is counted for each. */
	SNAPSHOT_LIST_ENTRIES_MAX = 4 << 20,
	/* What the state of an epoch may hold, all processes together. */
	SNAPSHOT_EPOCH_IMAGE_MAX = 256 << 20,
	SNAPSHOT_EPOCH_RANGES_MAX = 2 << 20,
	SNAPSHOT_EPOCH_FACTS_MAX = 256 << 20,
	SNAPSHOT_EPOCH_PROCESSES_MAX = 65536,
	/* Counted for each record besides its bytes. */
	SNAPSHOT_RECORD_OVERHEAD = 128,
};

enum snapshot_block_flags {
	SNAPSHOT_BLOCK_BULK = 1 << 0, /* MEMORY chunks with PUT alone, read when asked for */
	SNAPSHOT_BLOCK_FLAGS_KNOWN = SNAPSHOT_BLOCK_BULK,
};

enum snapshot_chunk {
	SNAPSHOT_CHUNK_HEADER = 1,
	SNAPSHOT_CHUNK_PROCESS = 2,
	SNAPSHOT_CHUNK_MAPS = 3,
	SNAPSHOT_CHUNK_MODULES = 4,
	SNAPSHOT_CHUNK_PYTHON = 5,
	SNAPSHOT_CHUNK_THREADS = 6,
	SNAPSHOT_CHUNK_SAMPLE = 7,
	SNAPSHOT_CHUNK_MEMORY = 8,
	SNAPSHOT_CHUNK_END = 9,
	SNAPSHOT_CHUNK_MODULE_IMAGE = 10,
	SNAPSHOT_CHUNK_STEPS = 11,
	SNAPSHOT_CHUNK_COUNTS = 12,
	SNAPSHOT_CHUNK_COUNT, /* none: behind the last */
};

enum snapshot_chunk_flags {
	/* A reader that does not know the type must not read on in this epoch. */
	SNAPSHOT_CHUNK_CRITICAL = 1 << 0,
	SNAPSHOT_CHUNK_FLAGS_KNOWN = SNAPSHOT_CHUNK_CRITICAL,
};

/* Keys of the chunks that are about one process. */
enum snapshot_key {
	SNAPSHOT_KEY_PID = 1,
	SNAPSHOT_KEY_PART = 2,	/* lists only */
	SNAPSHOT_KEY_ENTRY = 3, /* lists only, repeated */
};

/* First byte of each step of a STEPS chunk. */
enum snapshot_step_head {
	STEP_PROCESS = 1 << 0, /* the process id follows; else it is that of the step before */
	STEP_FACTS = 1 << 1,
	STEP_THREADS = 1 << 2,
	STEP_MEMORY = 1 << 3,
	STEP_HEAD_KNOWN = STEP_PROCESS | STEP_FACTS | STEP_THREADS | STEP_MEMORY,
};

/* Keys of MEMORY chunks besides the pid: operations, in the order in which they happen. */
enum snapshot_memory_key {
	SNAPSHOT_MEMORY_PUT = 2,
	SNAPSHOT_MEMORY_PATCH = 3,
	SNAPSHOT_MEMORY_DROP = 4,
	SNAPSHOT_MEMORY_COPY = 5,
};

#endif
