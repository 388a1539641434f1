/* The memory mappings of a target: /proc/PID/maps, a core's NT_FILE and segments, a snapshot's
 * chunk. */
#ifndef PYSPY_COMMON_MAPPINGS_H
#define PYSPY_COMMON_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum mapping_flags {
	MAPPING_READ = 1 << 0,
	MAPPING_WRITE = 1 << 1,
	MAPPING_EXECUTE = 1 << 2,
	MAPPING_SHARED = 1 << 3,
	MAPPING_DELETED = 1 << 4, /* the file was deleted or replaced on disk since */
};

struct mapping {
	uint64_t start;
	uint64_t end;	 /* exclusive */
	uint64_t offset; /* into the file, bytes */
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	uint32_t flags;
	/* Path as the target sees it, without " (deleted)"; "[heap]", "[stack]", "[vdso]"; "" if
	 * anonymous. */
	char *path;
};

struct mappings {
	struct mapping *items; /* ascending by start, disjoint */
	size_t count;
	size_t capacity;
};

void mappings_deinit(struct mappings *mappings);

/* Append a copy; `path` may be NULL for anonymous memory. The caller keeps the order ascending. */
struct error *mappings_append(struct mappings *mappings, const struct mapping *mapping);

/* The mapping that holds `address`, or NULL. */
const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address);

/* How many bytes of a path that the kernel printed are the path: it marks a file that was deleted
 * with " (deleted)" behind it (d_path, fs/d_path.c). Sets MAPPING_DELETED in `flags` if so. */
size_t mapping_path_size(const char *path, size_t size, uint32_t *flags);

/* Parse the text of /proc/PID/maps (proc(5)). A line that does not parse is an ERROR_FORMAT. */
struct error *mappings_parse(const char *text, size_t size, struct mappings *ret);

#endif
