/* Segments of a core, and reading memory from them. */
#include <stdlib.h>
#include <string.h>

#include "formats/elf_core_parts.h"

static int compare_segments(const void *a, const void *b)
{
	const struct core_segment *left = a;
	const struct core_segment *right = b;
	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* False for what cannot be memory: nothing, or beyond the end of the address space. */
static bool segment_from_header(const struct elf_core *core, const Elf64_Phdr *header,
				struct core_segment *ret)
{
	static const struct {
		uint32_t elf;
		uint32_t mapping;
	} flags[] = {{PF_R, MAPPING_READ}, {PF_W, MAPPING_WRITE}, {PF_X, MAPPING_EXECUTE}};
	if (!header->p_memsz || header->p_memsz > UINT64_MAX - header->p_vaddr)
		return false;
	*ret = (struct core_segment){
		.address = header->p_vaddr,
		.size = header->p_memsz,
		.offset = header->p_offset,
		.captured = core_file_bytes(core, header->p_offset, header->p_filesz).size,
	};
	if (ret->captured > ret->size)
		ret->captured = ret->size;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (header->p_flags & flags[i].elf)
			ret->flags |= flags[i].mapping;
	}
	return true;
}

/* Cut off the part of a segment below `start`. */
static void segment_cut_front(struct core_segment *segment, uint64_t start)
{
	uint64_t cut = start - segment->address;
	segment->address = start;
	segment->size -= cut;
	segment->offset += cut;
	segment->captured = segment->captured > cut ? segment->captured - cut : 0;
}

/* Sorted, and where two overlap the one that begins first has its way. */
static void segments_make_disjoint(struct elf_core *core)
{
	struct core_segment *segments = core->segments;
	size_t count = 0;
	size_t overlaps = 0;
	uint64_t end = 0;
	qsort(segments, core->segment_count, sizeof(*segments), compare_segments);
	for (size_t i = 0; i < core->segment_count; i++) {
		struct core_segment segment = segments[i];
		uint64_t segment_end = segment.address + segment.size;
		if (segment.address < end) {
			overlaps++;
			if (segment_end <= end)
				continue;
			segment_cut_front(&segment, end);
		}
		end = segment_end;
		segments[count++] = segment;
	}
	core->segment_count = count;
	if (overlaps)
		core_add_loss(core, "%zu segments of the core overlap others and were cut",
			      overlaps);
}

/* All memory can be gone through in search of something: that must not take longer than for a file
 * of a usual core that is a few times as large, however often the same bytes are given as memory.
 */
static void segments_bound_bytes(struct elf_core *core)
{
	enum { TIMES_MAX = 16 };
	size_t dropped = 0;
	uint64_t left = core->size * (uint64_t)TIMES_MAX;
	for (size_t i = 0; i < core->segment_count; i++) {
		struct core_segment *segment = &core->segments[i];
		if (segment->captured > left) {
			segment->captured = 0;
			dropped++;
		}
		left -= segment->captured;
	}
	if (dropped)
		core_add_loss(core,
			      "segments of the core share bytes of the file too often: %zu were "
			      "left out",
			      dropped);
}

struct error *core_segments_read(struct elf_core *core, const Elf64_Phdr *headers, size_t count)
{
	uint64_t expected_end = 0;
	size_t incomplete = 0;
	size_t impossible = 0;
	size_t loads = 0;
	core->segments = calloc(count ? count : 1, sizeof(*core->segments));
	if (!core->segments)
		return &error_out_of_memory;
	for (size_t i = 0; i < count; i++) {
		const Elf64_Phdr *header = &headers[i];
		if (header->p_type != PT_LOAD)
			continue;
		loads++;
		if (header->p_filesz) {
			uint64_t end = header->p_offset + header->p_filesz;
			incomplete += end > core->size || end < header->p_offset;
			if (end > expected_end)
				expected_end = end;
		}
		if (segment_from_header(core, header, &core->segments[core->segment_count]))
			core->segment_count++;
		else if (header->p_memsz)
			impossible++;
	}
	if (incomplete)
		core_add_loss(core,
			      "the core is cut: it ends after %zu of %llu bytes, and %zu of its "
			      "%zu segments are missing or incomplete",
			      core->size, (unsigned long long)expected_end, incomplete, loads);
	if (impossible)
		core_add_loss(core, "%zu segments of the core have impossible addresses",
			      impossible);
	segments_make_disjoint(core);
	segments_bound_bytes(core);
	return NULL;
}

/* The first segment that ends above the address; the count of segments if there is none. */
static size_t segment_above(const struct elf_core *core, uint64_t address)
{
	size_t low = 0;
	size_t high = core->segment_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct core_segment *segment = &core->segments[middle];
		if (segment->address + segment->size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct core_segment *segment_find(struct elf_core *core, uint64_t address)
{
	const struct core_segment *recent = &core->segments[core->recent_segment];
	if (core->segment_count && address >= recent->address &&
	    address - recent->address < recent->size)
		return recent;
	size_t found = segment_above(core, address);
	if (found == core->segment_count || core->segments[found].address > address)
		return NULL;
	core->recent_segment = found;
	return &core->segments[found];
}

/* Memory that no segment covers can still be known by NT_FILE (gdb's gcore leaves out code). */
static enum memory_status status_outside(const struct elf_core *core, uint64_t address)
{
	return mappings_find(&core->mappings, address) ? MEMORY_NOT_CAPTURED : MEMORY_NOT_MAPPED;
}

static enum memory_status core_read(struct memory *memory, uint64_t address, void *buffer,
				    size_t size)
{
	struct elf_core *core = (struct elf_core *)memory;
	uint8_t *out = buffer;
	while (size) {
		const struct core_segment *segment = segment_find(core, address);
		if (!segment)
			return status_outside(core, address);
		uint64_t skip = address - segment->address;
		if (skip >= segment->captured)
			return MEMORY_NOT_CAPTURED;
		uint64_t left = segment->captured - skip;
		size_t part = size < left ? size : (size_t)left;
		memcpy(out, core->bytes + segment->offset + skip, part);
		out += part;
		address += part;
		size -= part;
	}
	return MEMORY_OK;
}

/* A core of a few bytes can tell of segments that are as large as the address space. */
static bool core_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	const struct elf_core *core = (const struct elf_core *)memory;
	for (size_t i = segment_above(core, address); i < core->segment_count; i++) {
		const struct core_segment *segment = &core->segments[i];
		uint64_t start = segment->address > address ? segment->address : address;
		if (start >= end)
			return false;
		if (start - segment->address < segment->captured) {
			*ret = start;
			return true;
		}
	}
	return false;
}

/* The memory is a part of the core, which owns it. */
static void core_memory_destroy(struct memory *memory)
{
	(void)memory;
}

const struct memory_operations core_memory_operations = {
	.read = core_read,
	.next = core_next,
	.destroy = core_memory_destroy,
};
