/*
 * perf maps: /tmp/perf-PID.map, in which a process that makes code at run time tells what it is
 * called (Linux, tools/perf/Documentation/jit-interface.txt). One line for each function: its
 * address and size, hexadecimal, and its name up to the end of the line.
 */
#ifndef PYSPY_FORMATS_PERF_MAP_H
#define PYSPY_FORMATS_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	PERF_MAP_MAX_BYTES = 16 << 20,
	PERF_MAP_NAME_MAX = 512, /* of one function; longer ones are cut */
	PERF_MAP_PATH_SIZE = 32,
};

struct perf_map_entry {
	uint64_t address;
	uint64_t size;
	uint32_t line;	    /* number of it in the file */
	uint32_t name_size; /* bytes */
	const char *name;   /* not terminated; in `text` */
};

/* An all-zero struct is an empty map. */
struct perf_map {
	char *text;
	struct perf_map_entry *entries; /* ascending by address, then by line */
	size_t count;
};

void perf_map_deinit(struct perf_map *map);

/* Where a process writes its map; `pid` is its number in its own namespace. */
void perf_map_path(int32_t pid, char path[PERF_MAP_PATH_SIZE]);

/* What a map is called as an image in a snapshot, by the process's number there
 * (pyspy-snapshot(5), MODULE_IMAGE). */
void perf_map_image_name(int32_t pid, char name[PERF_MAP_PATH_SIZE]);

/* Whether an image's path is such a name. */
bool perf_map_is_image_name(const char *path);

/* Lines that contradict the format are left out. Only running out of memory is an error. */
struct error *perf_map_parse(const char *text, size_t size, struct perf_map *ret);

/* What is at an address: code is given up and made anew, so the last line that holds it counts.
 * NULL if nothing is. */
const struct perf_map_entry *perf_map_find(const struct perf_map *map, uint64_t address);

#endif
