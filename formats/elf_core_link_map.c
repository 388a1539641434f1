/*
 * The libraries of a core that names no files: by the dynamic linker's own list of them, which a
 * debugger finds in the program's dynamic section (struct r_debug, link.h).
 */
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/scan_pieces.h"
#include "formats/elf_core_parts.h"

enum {
	LIBRARIES_MAX = 4096,
	PATH_MAX_BYTES = 4096,
	PROGRAM_MAPPINGS_MAX = 16,
	VERSION_MAX = 2,
};

/* struct r_debug and struct link_map of a 64-bit process. */
struct debug_words {
	uint64_t version; /* an int, and padding */
	uint64_t map;
	uint64_t breakpoint;
	uint64_t state;
	uint64_t linker; /* r_ldbase */
};

struct map_words {
	uint64_t bias; /* l_addr */
	uint64_t name;
	uint64_t dynamic; /* l_ld */
	uint64_t next;
	uint64_t previous;
};

/* Is it what the dynamic linker left for debuggers? It must name the linker that the kernel has
 * loaded. */
static bool read_debug(struct elf_core *core, uint64_t address, uint64_t linker, uint64_t *ret_map)
{
	struct debug_words debug;
	if (memory_read(elf_core_memory(core), address, &debug, sizeof(debug)) != MEMORY_OK)
		return false;
	uint32_t version = (uint32_t)debug.version;
	*ret_map = debug.map;
	return version && version <= VERSION_MAX && debug.linker == linker && debug.map;
}

/* The entry DT_DEBUG of the program's dynamic section: sought in the memory behind its code, where
 * its data are. The section need not be a multiple of its entries' size away from anything. */
static bool search_mapping(struct elf_core *core, const struct mapping *mapping, uint64_t linker,
			   uint64_t *ret_map)
{
	const struct scan_range range = {.start = mapping->start, .end = mapping->end};
	CLEANUP(scan_pieces_deinit) struct scan_pieces pieces;
	scan_pieces_init(&pieces, elf_core_memory(core), range);
	while (scan_pieces_next(&pieces, SCAN_WORD_BYTES)) {
		for (size_t i = 0; i + sizeof(Elf64_Dyn) <= pieces.size; i += SCAN_WORD_BYTES) {
			uint64_t tag = 0;
			uint64_t value = 0;
			bytes_field(pieces.data, pieces.size, i, SCAN_WORD_BYTES, &tag);
			bytes_field(pieces.data, pieces.size, i + SCAN_WORD_BYTES, SCAN_WORD_BYTES,
				    &value);
			if (tag == DT_DEBUG && read_debug(core, value, linker, ret_map))
				return true;
		}
	}
	return false;
}

static bool find_link_map(struct elf_core *core, uint64_t *ret)
{
	uint64_t headers;
	uint64_t linker;
	if (!elf_core_auxv(core, AT_PHDR, &headers) || !elf_core_auxv(core, AT_BASE, &linker) ||
	    !linker)
		return false;
	const struct mapping *first = mappings_find(&core->mappings, headers);
	if (!first)
		return false;
	const struct mapping *end = core->mappings.items + core->mappings.count;
	for (size_t i = 0; i < PROGRAM_MAPPINGS_MAX && first + i < end; i++) {
		if (search_mapping(core, first + i, linker, ret))
			return true;
	}
	return false;
}

/* Gives the path, NULL if it is none. */
static struct error *read_path(struct elf_core *core, uint64_t address, char **ret)
{
	char path[PATH_MAX_BYTES];
	size_t size = 0;
	*ret = NULL;
	while (size < sizeof(path) &&
	       memory_read(elf_core_memory(core), address + size, path + size, 1) == MEMORY_OK) {
		if (!path[size++]) {
			if (path[0] != '/')
				return NULL; /* the program itself, the vDSO */
			*ret = strdup(path);
			return *ret ? NULL : &error_out_of_memory;
		}
	}
	return NULL;
}

/* From where a library is loaded up to its dynamic section, which is behind its code. */
static bool library_extent(const struct elf_core *core, const struct map_words *map,
			   struct module *ret)
{
	const struct mapping *first = mappings_find(&core->mappings, map->bias);
	const struct mapping *last = mappings_find(&core->mappings, map->dynamic);
	if (!first || !last || last < first || first->start != map->bias)
		return false;
	for (const struct mapping *at = first; at < last; at++) {
		if (at->end != at[1].start)
			return false;
	}
	ret->start = first->start;
	ret->end = last->end;
	ret->bias = map->bias;
	return true;
}

static bool overlaps(const struct modules *modules, const struct module *module)
{
	for (size_t i = 0; i < modules->count; i++) {
		if (module->start < modules->items[i].end && modules->items[i].start < module->end)
			return true;
	}
	return false;
}

static struct error *add_library(struct elf_core *core, const struct map_words *map,
				 struct modules *modules)
{
	struct module module = {0};
	CLEANUP_FREE char *path = NULL;
	if (!library_extent(core, map, &module) || overlaps(modules, &module))
		return NULL;
	struct error *error = read_path(core, map->name, &path);
	if (error || !path)
		return error;
	module.path = path;
	return core_module_insert(modules, &module);
}

struct error *elf_core_add_libraries(struct elf_core *core, struct modules *modules)
{
	uint64_t address;
	if (core->file_range_count || !find_link_map(core, &address))
		return NULL;
	for (unsigned i = 0; address && i < LIBRARIES_MAX; i++) {
		struct map_words map;
		if (memory_read(elf_core_memory(core), address, &map, sizeof(map)) != MEMORY_OK)
			return NULL;
		struct error *error = add_library(core, &map, modules);
		if (error)
			return error;
		address = map.next;
	}
	return NULL;
}

static bool segments_agree(const struct elf_core *core, const struct module *module,
			   const struct elf_file *file)
{
	const uint64_t page_mask = ~UINT64_C(0xfff);
	struct elf_segment segment;
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		if (!elf_file_segment(file, i, &segment) || segment.type != PT_LOAD)
			continue;
		const struct mapping *mapping = mappings_find(
			&core->mappings, (segment.address + module->bias) & page_mask);
		uint32_t known =
			mapping ? mapping->flags & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE)
				: 0;
		if (!mapping || (known && !(segment.flags & PF_X) != !(known & MAPPING_EXECUTE)))
			return false;
	}
	return true;
}

/* The dynamic linker adds the bias to some addresses in it, and leaves the rest as it is. */
static bool dynamic_agrees(struct elf_core *core, const struct module *module,
			   const struct elf_file *file, size_t index,
			   const struct elf_segment *segment)
{
	enum { ENTRIES_MAX = 128, ENTRIES_MIN = 4 };
	Elf64_Dyn theirs[ENTRIES_MAX];
	size_t count =
		elf_file_segment_bytes(file, index, theirs, sizeof(theirs)) / sizeof(*theirs);
	size_t i;
	for (i = 0; i < count && theirs[i].d_tag != DT_NULL; i++) {
		Elf64_Dyn entry;
		uint64_t address = segment->address + module->bias + i * sizeof(entry);
		if (memory_read(elf_core_memory(core), address, &entry, sizeof(entry)) !=
			    MEMORY_OK ||
		    entry.d_tag != theirs[i].d_tag)
			return false;
		if (entry.d_un.d_val != theirs[i].d_un.d_val &&
		    entry.d_un.d_val != theirs[i].d_un.d_val + module->bias &&
		    entry.d_tag != DT_DEBUG)
			return false;
	}
	return i >= ENTRIES_MIN;
}

bool core_library_agrees(struct elf_core *core, const struct module *module,
			 const struct elf_file *file)
{
	struct elf_segment segment;
	if (!segments_agree(core, module, file))
		return false;
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		if (elf_file_segment(file, i, &segment) && segment.type == PT_DYNAMIC)
			return dynamic_agrees(core, module, file, i, &segment);
	}
	return false;
}
