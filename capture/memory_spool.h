/*
 * Memory of a target on its way through an unlinked temporary file: written block by block while
 * the target stands still, read again once it runs. Memory for it is bounded, and a second thread
 * writes, so that reading the target and writing the file overlap.
 */
#ifndef PYSPY_CAPTURE_MEMORY_SPOOL_H
#define PYSPY_CAPTURE_MEMORY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	SPOOL_BLOCK_BYTES = 512 * 1024,
	SPOOL_BLOCK_RUNS = 128, /* as many as there are pages of 4 KiB in a block */
};

/* Memory at consecutive addresses. */
struct spool_run {
	uint64_t address;
	uint32_t size;
	uint32_t is_zero; /* 1: all bytes are zero, and none are stored */
};

struct spool_block {
	uint8_t *bytes;	   /* SPOOL_BLOCK_BYTES; those of the runs that are not zero, in order */
	size_t size_bytes; /* in use */
	struct spool_run *runs; /* SPOOL_BLOCK_RUNS */
	size_t run_count;
};

struct memory_spool;

/* In the folder of `output_path` (common/output_file.h). */
struct error *memory_spool_create(const char *output_path, struct memory_spool **ret);
void memory_spool_destroy(struct memory_spool *spool);
void memory_spool_destroyp(struct memory_spool **spool);

/* An error that says what is missing and what to do, if there is no room for `size_bytes` more. */
struct error *memory_spool_check_room(const struct memory_spool *spool, uint64_t size_bytes);

/* An empty block to fill; waits while all are being written. Gives the error of a write that
 * failed meanwhile. Borrowed until it is put. */
struct error *memory_spool_get(struct memory_spool *spool, struct spool_block **ret);
/* Have a block written. */
void memory_spool_put(struct memory_spool *spool, struct spool_block *block);

/* No more blocks come: wait until all are written, and go to the first one. */
struct error *memory_spool_rewind(struct memory_spool *spool);

/* The next block, borrowed until the next call; `*ret` is NULL after the last one. Its room in the
 * file is given back. */
struct error *memory_spool_next(struct memory_spool *spool, struct spool_block **ret);

#endif
