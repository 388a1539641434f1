/* The mappings of a core: what segments say of rights, and NT_FILE of files. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "formats/elf_core_parts.h"

enum { FILE_RANGE_WORDS = 3, PATH_SIZE_MAX = 4096 };

static int compare_ranges(const void *a, const void *b)
{
	const struct core_file_range *left = a;
	const struct core_file_range *right = b;
	return left->start < right->start ? -1 : left->start > right->start;
}

static void ranges_make_disjoint(struct elf_core *core, bool *ret_damaged)
{
	struct core_file_range *ranges = core->file_ranges;
	size_t count = 0;
	uint64_t end = 0;
	qsort(ranges, core->file_range_count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < core->file_range_count; i++) {
		struct core_file_range range = ranges[i];
		if (range.start < end || range.start >= range.end) {
			*ret_damaged = true;
			continue;
		}
		end = range.end;
		ranges[count++] = range;
	}
	core->file_range_count = count;
}

/*
 * NT_FILE (fill_files_note, fs/binfmt_elf.c): a count, the unit of the offsets, for each mapping
 * its start, end and offset, then all paths, each ended by a NUL. The unit is the size of a page in
 * cores of the kernel, and 1 in those of gdb.
 */
struct error *core_file_ranges_read(struct elf_core *core, struct cursor note, bool *ret_damaged)
{
	uint64_t count = cursor_u64(&note);
	uint64_t unit = cursor_u64(&note);
	size_t range_size = FILE_RANGE_WORDS * sizeof(uint64_t);
	*ret_damaged = false;
	if (!cursor_ok(&note) || count > cursor_left(&note) / range_size) {
		*ret_damaged = true;
		return NULL;
	}
	struct core_file_range *ranges = calloc(count ? count : 1, sizeof(*ranges));
	if (!ranges)
		return &error_out_of_memory;
	free(core->file_ranges);
	core->file_ranges = ranges;
	core->file_range_count = 0;
	struct cursor words = cursor_slice(&note, count * range_size);
	for (size_t i = 0; i < count; i++) {
		struct core_file_range range = {.start = cursor_u64(&words)};
		range.end = cursor_u64(&words);
		range.offset = cursor_u64(&words) * unit;
		size_t left = cursor_left(&note);
		const char *path = (const char *)cursor_bytes(&note, left);
		const char *end = left ? memchr(path, '\0', left) : NULL;
		if (!end) {
			*ret_damaged = true;
			break;
		}
		range.path = path;
		range.path_size = (size_t)(end - path);
		note.position -= left - range.path_size - 1;
		if (range.path_size > PATH_SIZE_MAX) {
			*ret_damaged = true;
			range.path_size = 0;
		}
		ranges[core->file_range_count++] = range;
	}
	ranges_make_disjoint(core, ret_damaged);
	return NULL;
}

/* Where the merge of segments and file ranges stands. */
struct merge {
	struct elf_core *core;
	uint64_t position;
	size_t segment;
	size_t range;
	uint64_t vdso; /* address of the kernel's own ELF; 0 if unknown */
	/* Of paths, which a core has once for each range, and we for each piece: many segments can
	 * be in one range. */
	uint64_t path_bytes_left;
	bool without_path; /* a piece is */
};

static struct error *merge_emit(struct merge *merge, uint64_t end,
				const struct core_segment *segment,
				const struct core_file_range *range)
{
	struct mapping mapping = {.start = merge->position, .end = end};
	CLEANUP_FREE char *path = NULL;
	if (segment)
		mapping.flags = segment->flags;
	if (range && range->path_size > merge->path_bytes_left) {
		merge->without_path = true;
	} else if (range) {
		merge->path_bytes_left -= range->path_size;
		size_t size = mapping_path_size(range->path, range->path_size, &mapping.flags);
		path = strndup(range->path, size);
		if (!path)
			return &error_out_of_memory;
		mapping.path = path;
		mapping.offset = range->offset + (merge->position - range->start);
	} else if (merge->vdso && merge->vdso >= mapping.start && merge->vdso < mapping.end) {
		mapping.path = (char *)"[vdso]";
	}
	merge->position = end;
	return mappings_append(&merge->core->mappings, &mapping);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The next piece that has one segment and one file range throughout, or one of them alone. */
static struct error *merge_step(struct merge *merge)
{
	const struct elf_core *core = merge->core;
	const struct core_segment *segment =
		merge->segment < core->segment_count ? &core->segments[merge->segment] : NULL;
	const struct core_file_range *range =
		merge->range < core->file_range_count ? &core->file_ranges[merge->range] : NULL;
	uint64_t start =
		lower(segment ? segment->address : UINT64_MAX, range ? range->start : UINT64_MAX);
	if (merge->position < start)
		merge->position = start;
	bool in_segment = segment && segment->address <= merge->position;
	bool in_range = range && range->start <= merge->position;
	uint64_t end = UINT64_MAX;
	if (segment)
		end = in_segment ? segment->address + segment->size : segment->address;
	if (range)
		end = lower(end, in_range ? range->end : range->start);
	struct error *error =
		merge_emit(merge, end, in_segment ? segment : NULL, in_range ? range : NULL);
	if (error)
		return error;
	merge->segment += in_segment && segment->address + segment->size == end;
	merge->range += in_range && range->end == end;
	return NULL;
}

struct error *core_mappings_make(struct elf_core *core)
{
	struct merge merge = {.core = core, .path_bytes_left = 2 * core->size};
	if (!elf_core_auxv(core, AT_SYSINFO_EHDR, &merge.vdso))
		merge.vdso = 0;
	while (merge.segment < core->segment_count || merge.range < core->file_range_count) {
		struct error *error = merge_step(&merge);
		if (error)
			return error;
	}
	if (merge.without_path)
		core_add_loss(core, "the core has so many segments in mappings of the same file "
				    "that some of them are not named");
	return NULL;
}
