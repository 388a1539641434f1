/*
 * Which pages of a process are its own: written anonymous memory, and file pages that it has
 * changed (Documentation/admin-guide/mm/pagemap.rst). Pages that were never touched, and those that
 * still are the file's, are not.
 */
#ifndef PYSPY_CAPTURE_PAGE_MAP_H
#define PYSPY_CAPTURE_PAGE_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct page_map;

/* ERROR_NO_PROCESS, out of memory. A kernel that does not tell makes every page count as its own.
 */
struct error *page_map_create(pid_t pid, struct page_map **ret);
void page_map_destroy(struct page_map *map);
void page_map_destroyp(struct page_map **map);

struct page_run {
	uint64_t start;
	uint64_t end; /* exclusive */
};

/*
 * The first run of own pages in [start, end), both multiples of the page size; false if there is
 * none. A run that reaches `end`, or the end of a chunk that the kernel was asked for, may go on.
 */
bool page_map_next(struct page_map *map, uint64_t start, uint64_t end, struct page_run *ret);

#endif
