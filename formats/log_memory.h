/*
 * The memory of one process while a snapshot's log is applied: bytes of ordinary frames in an
 * image, and above which address which bulk frame has what, read when asked for.
 */
#ifndef PYSPY_FORMATS_LOG_MEMORY_H
#define PYSPY_FORMATS_LOG_MEMORY_H

#include "common/memory_image.h"
#include "common/range_map.h"
#include "formats/snapshot_block.h"
#include "formats/touched_ranges.h"

struct log_memory {
	struct memory_image *image;
	struct range_map bulk; /* number: frame in the catalog; offset: in its content */
	struct touched_ranges touched;
};

/* What one block may still cost: bytes that operations make by copying, and entries of lists that
 * are gone through for one that came or went. */
struct log_memory_budget {
	uint64_t copy_bytes;
	uint64_t list_entries;
};

struct error *log_memory_init(struct log_memory *memory);
void log_memory_deinit(struct log_memory *memory);

/* Apply an operation. ERROR_FORMAT if it cannot be, ERROR_UNSUPPORTED if it is not known. */
struct error *log_memory_apply(struct log_memory *memory, const struct memory_operation *operation,
			       struct log_memory_budget *budget);

/* What is there is not known any more; the range does not wrap. */
struct error *log_memory_drop(struct log_memory *memory, uint64_t address, uint64_t size);

/* Bytes of a bulk frame: they replace what was there. */
struct error *log_memory_add_bulk(struct log_memory *memory, const struct range_entry *extent);

/* Gives the content of a bulk frame, or NULL if it cannot be read any more. */
struct bulk_source {
	const struct buffer *(*content)(struct bulk_source *source, uint32_t frame);
};

enum memory_status log_memory_read(const struct log_memory *memory, struct bulk_source *source,
				   uint64_t address, void *buffer, size_t size);

/* The first address from `address` on, below `end`, at which it has something; false if none. */
bool log_memory_next(const struct log_memory *memory, uint64_t address, uint64_t end,
		     uint64_t *ret);

/* Ranges and bytes that it holds. */
uint64_t log_memory_ranges(const struct log_memory *memory);
uint64_t log_memory_bytes(const struct log_memory *memory);

#endif
