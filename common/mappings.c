#include "common/mappings.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

static const char DELETED_MARK[] = " (deleted)";

void mappings_deinit(struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++)
		free(mappings->items[i].path);
	free(mappings->items);
	*mappings = (struct mappings){0};
}

/* Append, and take ownership of the path. */
static struct error *mappings_append_owned(struct mappings *mappings, const struct mapping *mapping)
{
	struct error *no_room =
		ARRAY_GROW(mappings->items, mappings->count, mappings->capacity, 64);
	if (no_room)
		return no_room;
	mappings->items[mappings->count++] = *mapping;
	return NULL;
}

struct error *mappings_append(struct mappings *mappings, const struct mapping *mapping)
{
	CLEANUP_FREE char *path = strdup(mapping->path ? mapping->path : "");
	if (!path)
		return &error_out_of_memory;
	struct mapping copy = *mapping;
	copy.path = path;
	struct error *error = mappings_append_owned(mappings, &copy);
	if (!error)
		(void)TAKE_POINTER(path);
	return error;
}

const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address)
{
	size_t low = 0;
	size_t high = mappings->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (mappings->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mappings->count || mappings->items[low].start > address)
		return NULL;
	return &mappings->items[low];
}

size_t mapping_path_size(const char *path, size_t size, uint32_t *flags)
{
	size_t mark = sizeof(DELETED_MARK) - 1;
	if (size <= mark || memcmp(path + size - mark, DELETED_MARK, mark) != 0)
		return size;
	*flags |= MAPPING_DELETED;
	return size - mark;
}

/* A line of text that is being taken apart; `failed` stays once something did not parse. */
struct line {
	const char *position;
	const char *end;
	bool failed;
};

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return 16;
}

/* A number and the character behind it; at the line's end that may be missing if it is a blank. */
static uint64_t line_number(struct line *line, int base, char terminator)
{
	uint64_t value = 0;
	const char *start = line->position;
	while (line->position < line->end && digit_value(*line->position) < base) {
		line->failed |= value > (UINT64_MAX - 15) / (unsigned int)base;
		value = value * (unsigned int)base + (unsigned int)digit_value(*line->position++);
	}
	line->failed |= line->position == start;
	if (line->position < line->end)
		line->failed |= *line->position++ != terminator;
	else
		line->failed |= terminator != ' ';
	return value;
}

/* "rwxp " (proc(5)): a letter or '-' each, then 's' or 'p'. */
static uint32_t line_permissions(struct line *line)
{
	static const struct {
		char letter;
		char otherwise;
		uint32_t flag;
	} letters[] = {
		{'r', '-', MAPPING_READ},
		{'w', '-', MAPPING_WRITE},
		{'x', '-', MAPPING_EXECUTE},
		{'s', 'p', MAPPING_SHARED},
	};
	enum { LETTERS = sizeof(letters) / sizeof(*letters) };
	uint32_t flags = 0;
	if (line->end - line->position <= LETTERS || line->position[LETTERS] != ' ') {
		line->failed = true;
		return 0;
	}
	for (size_t i = 0; i < LETTERS; i++) {
		if (line->position[i] == letters[i].letter)
			flags |= letters[i].flag;
		else
			line->failed |= line->position[i] != letters[i].otherwise;
	}
	line->position += LETTERS + 1;
	return flags;
}

/* The rest of the line is the path. The kernel escapes a newline in it, and nothing else, as \012
 * (show_map_vma, fs/proc/task_mmu.c). */
static struct error *line_path(struct line *line, uint32_t *flags, char **ret)
{
	static const char NEWLINE[] = "\\012";
	while (line->position < line->end && *line->position == ' ')
		line->position++;
	size_t left =
		mapping_path_size(line->position, (size_t)(line->end - line->position), flags);
	char *path = malloc(left + 1);
	if (!path)
		return &error_out_of_memory;
	char *out = path;
	for (const char *in = line->position; left;) {
		bool escaped = left >= 4 && memcmp(in, NEWLINE, 4) == 0;
		if (escaped)
			*out++ = '\n';
		else
			*out++ = *in;
		in += escaped ? 4 : 1;
		left -= escaped ? 4 : 1;
	}
	*out = '\0';
	*ret = path;
	return NULL;
}

/* address           perms offset  dev   inode       pathname */
static struct error *line_parse(struct line *line, struct mapping *ret)
{
	struct mapping mapping = {0};
	mapping.start = line_number(line, 16, '-');
	mapping.end = line_number(line, 16, ' ');
	mapping.flags = line_permissions(line);
	mapping.offset = line_number(line, 16, ' ');
	uint64_t device_major = line_number(line, 16, ':');
	uint64_t device_minor = line_number(line, 16, ' ');
	mapping.inode = line_number(line, 10, ' ');
	mapping.device_major = (uint32_t)device_major;
	mapping.device_minor = (uint32_t)device_minor;
	if (line->failed || mapping.start >= mapping.end || device_major > UINT32_MAX ||
	    device_minor > UINT32_MAX)
		return error_create(ERROR_FORMAT, "a line of the memory map does not parse");
	struct error *error = line_path(line, &mapping.flags, &mapping.path);
	if (!error)
		*ret = mapping;
	return error;
}

static struct error *mappings_parse_line(struct mappings *mappings, const char *text, size_t size)
{
	struct line line = {.position = text, .end = text + size};
	struct mapping mapping = {0};
	struct error *error = line_parse(&line, &mapping);
	if (error)
		return error;
	CLEANUP_FREE char *path = mapping.path;
	/* The file is read in pieces, between which mappings can be joined: then a line can begin
	 * inside the one before. */
	uint64_t last = mappings->count ? mappings->items[mappings->count - 1].end : 0;
	if (mapping.end <= last)
		return NULL;
	if (mapping.start < last) {
		mapping.offset += last - mapping.start;
		mapping.start = last;
	}
	error = mappings_append_owned(mappings, &mapping);
	if (!error)
		(void)TAKE_POINTER(path);
	return error;
}

struct error *mappings_parse(const char *text, size_t size, struct mappings *ret)
{
	CLEANUP(mappings_deinit) struct mappings mappings = {0};
	size_t number = 0;
	while (size) {
		const char *newline = memchr(text, '\n', size);
		size_t line_size = newline ? (size_t)(newline - text) : size;
		number++;
		struct error *error = mappings_parse_line(&mappings, text, line_size);
		if (error)
			return error_prefix(error, "line %zu", number);
		size_t step = newline ? line_size + 1 : line_size;
		text += step;
		size -= step;
	}
	*ret = mappings;
	mappings = (struct mappings){0};
	return NULL;
}
