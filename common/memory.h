/*
 * The memory of a target, wherever it is: a live process, a core, a snapshot, a fake. The walk,
 * the decoder and the unwinder know nothing else. A read gives all the bytes or a typed gap.
 */
#ifndef PYSPY_COMMON_MEMORY_H
#define PYSPY_COMMON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum memory_status {
	MEMORY_OK = 0,
	MEMORY_NOT_CAPTURED, /* the target had these bytes, the core or snapshot does not */
	MEMORY_NOT_MAPPED,   /* the target had nothing at this address */
	MEMORY_IO_ERROR,     /* reading failed: the process went away, the file is cut or damaged */
};

/* "not captured" and so on. */
const char *memory_status_name(enum memory_status status);

struct memory;

struct memory_request {
	uint64_t address;
	void *buffer; /* `size` bytes; contents are undefined unless status is MEMORY_OK */
	size_t size;
	enum memory_status status; /* set by memory_read_many */
};

struct memory_operations {
	/* Read exactly `size` bytes, or say why not. */
	enum memory_status (*read)(struct memory *memory, uint64_t address, void *buffer,
				   size_t size);
	/* Optional: serve many requests at once, cheaper than one by one. */
	void (*read_many)(struct memory *memory, struct memory_request *requests, size_t count);
	/* Optional: see memory_next. */
	bool (*next)(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret);
	void (*destroy)(struct memory *memory);
};

/* Implementations embed this as their first member. */
struct memory {
	const struct memory_operations *operations;
};

enum memory_status memory_read(struct memory *memory, uint64_t address, void *buffer, size_t size)
	__attribute__((warn_unused_result));

/* Fill every request's buffer and status. */
void memory_read_many(struct memory *memory, struct memory_request *requests, size_t count);

/*
 * The first address from `address` on, below `end`, at which a scan of writable data can find
 * something; false if there is none. Who does not know where its gaps are gives `address`.
 */
bool memory_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret);

/* Little-endian integer of 1, 2, 4 or 8 bytes. `ret` is untouched unless MEMORY_OK. */
enum memory_status memory_read_integer(struct memory *memory, uint64_t address, size_t width,
				       uint64_t *ret) __attribute__((warn_unused_result));
enum memory_status memory_read_u32(struct memory *memory, uint64_t address, uint32_t *ret)
	__attribute__((warn_unused_result));
enum memory_status memory_read_u64(struct memory *memory, uint64_t address, uint64_t *ret)
	__attribute__((warn_unused_result));

/* NULL for MEMORY_OK, else an ERROR_MEMORY_GAP that names what was being read. */
struct error *memory_error(enum memory_status status, uint64_t address, const char *what);

/* NULL is fine. */
void memory_destroy(struct memory *memory);
void memory_destroyp(struct memory **memory);

#endif
