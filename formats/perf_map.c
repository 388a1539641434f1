#include "formats/perf_map.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Code that is made anew where other code was begins a little before or behind it. */
enum { OVERLAPS_MAX = 64 };

void perf_map_deinit(struct perf_map *map)
{
	free(map->text);
	free(map->entries);
	*map = (struct perf_map){0};
}

void perf_map_path(int32_t pid, char path[PERF_MAP_PATH_SIZE])
{
	snprintf(path, PERF_MAP_PATH_SIZE, "/tmp/perf-%d.map", (int)pid);
}

void perf_map_image_name(int32_t pid, char name[PERF_MAP_PATH_SIZE])
{
	snprintf(name, PERF_MAP_PATH_SIZE, "[perf-%d.map]", (int)pid);
}

bool perf_map_is_image_name(const char *path)
{
	return strncmp(path, "[perf-", 6) == 0;
}

/* Digits up to a blank; perf takes no 0x, but there are writers of it. */
static bool parse_number(const char **at, const char *end, uint64_t *ret)
{
	const char *begin = *at;
	uint64_t value = 0;
	if (end - begin > 2 && begin[0] == '0' && begin[1] == 'x')
		begin += 2;
	const char *digit = begin;
	for (; digit < end && *digit != ' '; digit++) {
		static const char digits[] = "0123456789abcdef";
		const char *found = memchr(digits, *digit | 0x20, sizeof(digits) - 1);
		if (!found || digit - begin == 2 * (ptrdiff_t)sizeof(value))
			return false;
		value = value << 4 | (uint64_t)(found - digits);
	}
	if (digit == begin || digit == end)
		return false;
	*at = digit + 1;
	*ret = value;
	return true;
}

static bool parse_line(const char *line, const char *end, struct perf_map_entry *ret)
{
	if (!parse_number(&line, end, &ret->address) || !parse_number(&line, end, &ret->size) ||
	    line == end || !ret->size || ret->address + ret->size < ret->address)
		return false;
	size_t size = (size_t)(end - line);
	ret->name = line;
	ret->name_size = size < PERF_MAP_NAME_MAX ? (uint32_t)size : PERF_MAP_NAME_MAX;
	return true;
}

static int compare_entries(const void *left, const void *right)
{
	const struct perf_map_entry *one = left;
	const struct perf_map_entry *other = right;
	if (one->address != other->address)
		return one->address < other->address ? -1 : 1;
	return one->line < other->line ? -1 : one->line > other->line;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 1;
	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

/* `from` is empty then. */
static void take(struct perf_map *from, struct perf_map *to)
{
	*to = *from;
	*from = (struct perf_map){0};
}

struct error *perf_map_parse(const char *text, size_t size, struct perf_map *ret)
{
	CLEANUP(perf_map_deinit) struct perf_map map = {.text = malloc(size + 1)};
	if (size > PERF_MAP_MAX_BYTES)
		size = PERF_MAP_MAX_BYTES;
	if (!map.text)
		return &error_out_of_memory;
	memcpy(map.text, text, size);
	map.entries = calloc(count_lines(text, size), sizeof(*map.entries));
	if (!map.entries)
		return &error_out_of_memory;
	const char *end = map.text + size;
	uint32_t number = 0;
	for (const char *line = map.text; line < end; number++) {
		const char *line_end = memchr(line, '\n', (size_t)(end - line));
		/* The last line is being written. */
		if (!line_end)
			break;
		struct perf_map_entry *entry = &map.entries[map.count];
		entry->line = number;
		map.count += parse_line(line, line_end, entry);
		line = line_end + 1;
	}
	qsort(map.entries, map.count, sizeof(*map.entries), compare_entries);
	take(&map, ret);
	return NULL;
}

const struct perf_map_entry *perf_map_find(const struct perf_map *map, uint64_t address)
{
	const struct perf_map_entry *found = NULL;
	size_t low = 0;
	size_t high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < OVERLAPS_MAX && i < low; i++) {
		const struct perf_map_entry *entry = &map->entries[low - 1 - i];
		if (address - entry->address < entry->size && (!found || entry->line > found->line))
			found = entry;
	}
	return found;
}
