/* Read-only pages that a core lacks, from the files of its modules. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/memory_image.h"
#include "formats/elf_core_parts.h"

static const uint64_t PAGE_MASK = ~UINT64_C(0xfff);

struct module_file {
	bool opened;
	struct elf_file *file; /* NULL: not there, or another one */
	uint64_t bias;
};

/* Memory that answers from modules' files alone. */
struct file_memory {
	struct memory memory;
	struct elf_core *core;
	const struct modules *modules;
	const struct module_files *files;
	struct module_file *opened; /* one for each module */
};

/* The layer that is given out: it owns the two that it is made of. */
struct layered_memory {
	struct memory memory;
	struct memory *overlay;
	struct file_memory below;
};

static bool first_load(const struct elf_file *file, struct elf_segment *ret)
{
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		if (elf_file_segment(file, i, ret) && ret->type == PT_LOAD)
			return true;
	}
	return false;
}

/* Does a segment of the file lie in the target where its mappings have that part of that file? */
static bool segment_agrees(const struct mappings *mappings, const struct module *module,
			   const struct elf_segment *segment, uint64_t bias)
{
	uint64_t page = (segment->address + bias) & PAGE_MASK;
	const struct mapping *mapping = mappings_find(mappings, page);
	if (!mapping || strcmp(mapping->path, module->path) != 0 ||
	    mapping->offset + (page - mapping->start) != (segment->offset & PAGE_MASK))
		return false;
	uint32_t known = mapping->flags & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE);
	return !known || !(segment->flags & PF_X) == !(known & MAPPING_EXECUTE);
}

static bool is_program(const struct elf_core *core, const struct module *module)
{
	uint64_t headers;
	return elf_core_auxv(core, AT_PHDR, &headers) && headers >= module->start &&
	       headers < module->end;
}

/* A core without the module's header has no build-id: then all segments must agree, the program's
 * with what the kernel said of it. */
bool elf_core_file_agrees(struct elf_core *core, const struct module *module,
			  const struct elf_file *file, uint64_t *ret_bias)
{
	struct elf_segment segment;
	if (!elf_core_names_files(core) && is_program(core, module))
		return core_program_agrees(core, file, ret_bias);
	if (!elf_core_names_files(core)) {
		*ret_bias = module->bias;
		return core_library_agrees(core, module, file);
	}
	if (!first_load(file, &segment))
		return false;
	uint64_t bias = module->start - ((segment.address - segment.offset) & PAGE_MASK);
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		if (elf_file_segment(file, i, &segment) && segment.type == PT_LOAD &&
		    !segment_agrees(elf_core_mappings(core), module, &segment, bias))
			return false;
	}
	*ret_bias = bias;
	return true;
}

static void module_file_open(struct file_memory *memory, const struct module *module,
			     struct module_file *ret)
{
	CLEANUP(elf_file_destroyp) struct elf_file *file = NULL;
	bool mismatch = false;
	struct error *error = module_open_file(memory->files, module, &file, &mismatch);
	error_destroy(error);
	ret->opened = true;
	ret->bias = module->bias;
	if (mismatch)
		core_add_loss(memory->core,
			      "'%s' here is not the file that the process had mapped (its "
			      "build-id differs) and was not used",
			      module->path);
	if (!file)
		return;
	if (!module->build_id.size) {
		if (!elf_core_file_agrees(memory->core, module, file, &ret->bias))
			return;
		core_add_loss(memory->core,
			      "the core has no build-id of '%s'; the file here was used because "
			      "its program headers agree with the core",
			      module->path);
	}
	ret->file = TAKE_POINTER(file);
}

static enum memory_status file_memory_read(struct memory *base, uint64_t address, void *buffer,
					   size_t size)
{
	struct file_memory *memory = (struct file_memory *)base;
	const struct module *module = modules_find(memory->modules, address);
	if (!module)
		return MEMORY_NOT_MAPPED;
	struct module_file *opened = &memory->opened[module - memory->modules->items];
	if (!opened->opened)
		module_file_open(memory, module, opened);
	if (!opened->file || elf_file_machine(opened->file) != memory->core->header.e_machine)
		return MEMORY_NOT_CAPTURED;
	size_t got = elf_file_read_only_bytes(opened->file, address - opened->bias, buffer, size);
	return got == size ? MEMORY_OK : MEMORY_NOT_CAPTURED;
}

/* What is read here is read-only: no scan looks for anything in it. */
static bool file_memory_next(struct memory *base, uint64_t address, uint64_t end, uint64_t *ret)
{
	(void)base;
	(void)address;
	(void)end;
	(void)ret;
	return false;
}

static void file_memory_destroy(struct memory *base)
{
	struct file_memory *memory = (struct file_memory *)base;
	for (size_t i = 0; memory->opened && i < memory->modules->count; i++)
		elf_file_destroy(memory->opened[i].file);
	free(memory->opened);
}

static enum memory_status layered_read(struct memory *base, uint64_t address, void *buffer,
				       size_t size)
{
	struct layered_memory *layered = (struct layered_memory *)base;
	return memory_read(layered->overlay, address, buffer, size);
}

static bool layered_next(struct memory *base, uint64_t address, uint64_t end, uint64_t *ret)
{
	const struct layered_memory *layered = (const struct layered_memory *)base;
	return memory_next(layered->overlay, address, end, ret);
}

static void layered_destroy(struct memory *base)
{
	struct layered_memory *layered = (struct layered_memory *)base;
	memory_destroy(layered->overlay);
	memory_destroy(&layered->below.memory);
	free(layered);
}

static const struct memory_operations file_memory_operations = {
	.read = file_memory_read,
	.next = file_memory_next,
	.destroy = file_memory_destroy,
};

static const struct memory_operations layered_operations = {
	.read = layered_read,
	.next = layered_next,
	.destroy = layered_destroy,
};

struct error *elf_core_files_memory(struct elf_core *core, const struct modules *modules,
				    const struct module_files *files, struct memory **ret)
{
	CLEANUP(memory_destroyp) struct memory *result = NULL;
	struct layered_memory *layered = calloc(1, sizeof(*layered));
	if (!layered)
		return &error_out_of_memory;
	layered->memory.operations = &layered_operations;
	layered->below = (struct file_memory){
		.memory.operations = &file_memory_operations,
		.core = core,
		.modules = modules,
		.files = files,
		.opened =
			calloc(modules->count ? modules->count : 1, sizeof(*layered->below.opened)),
	};
	result = &layered->memory;
	if (!layered->below.opened)
		return &error_out_of_memory;
	struct error *error = memory_overlay_create(elf_core_memory(core), &layered->below.memory,
						    &layered->overlay);
	if (error)
		return error;
	*ret = TAKE_POINTER(result);
	return NULL;
}
