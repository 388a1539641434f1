/*
 * The program of a core that names no files (qemu-user's, those of kernels before 3.7): what the
 * kernel told the process of it, getauxval(3).
 */
#include <string.h>

#include "formats/elf_core_parts.h"

static const uint64_t PAGE_MASK = ~UINT64_C(0xfff);

/* Of Linux: position-independent programs are put far above this, others linked below. */
static const uint64_t FIXED_ADDRESS_LIMIT = UINT64_C(1) << 32;

/* The mapping that the program headers are in, unless it is known which file that is. */
static const struct mapping *program_mapping(const struct elf_core *core,
					     const struct modules *modules)
{
	uint64_t headers;
	if (core->file_range_count || !elf_core_auxv(core, AT_PHDR, &headers) ||
	    modules_find(modules, headers))
		return NULL;
	return mappings_find(&core->mappings, headers);
}

struct error *elf_core_add_program(const struct elf_core *core, struct modules *modules)
{
	const struct mapping *mapping = program_mapping(core, modules);
	if (!mapping || !core->process.executable)
		return NULL;
	struct module module = {
		.path = core->process.executable,
		.start = mapping->start,
		.end = mapping->end,
		.bias = mapping->start < FIXED_ADDRESS_LIMIT ? 0 : mapping->start,
	};
	return core_module_insert(modules, &module);
}

struct error *core_module_insert(struct modules *modules, const struct module *module)
{
	struct error *error = modules_append(modules, module);
	if (error)
		return error;
	/* Ascending, as modules_find needs them. */
	struct module added = modules->items[modules->count - 1];
	size_t place = modules->count - 1;
	while (place && modules->items[place - 1].start > added.start)
		place--;
	memmove(&modules->items[place + 1], &modules->items[place],
		(modules->count - 1 - place) * sizeof(added));
	modules->items[place] = added;
	return NULL;
}

bool core_program_agrees(const struct elf_core *core, const struct elf_file *file,
			 uint64_t *ret_bias)
{
	uint64_t headers;
	uint64_t count;
	uint64_t entry;
	struct elf_segment segment;
	if (!elf_core_auxv(core, AT_PHDR, &headers) || !elf_core_auxv(core, AT_PHNUM, &count) ||
	    !elf_core_auxv(core, AT_ENTRY, &entry) || count != elf_file_segment_count(file))
		return false;
	uint64_t bias = entry - elf_file_entry(file);
	if (bias & ~PAGE_MASK)
		return false;
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		if (!elf_file_segment(file, i, &segment) || segment.type != PT_LOAD)
			continue;
		if (!mappings_find(&core->mappings, segment.address + bias))
			return false;
		if (segment.offset == 0 && segment.address + bias != (headers & PAGE_MASK))
			return false;
	}
	*ret_bias = bias;
	return true;
}
