#include "common/modules.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/elf_header.h"

/* Bounds on what a target makes us read. ld.so has 8 to 14 program headers, the largest known
 * executables below 100; notes are a few hundred bytes. */
enum { PROGRAM_HEADERS_MAX = 256, NOTES_MAX_BYTES = 4096 };

/* Linux gives position-independent files addresses far above this (ELF_ET_DYN_BASE,
 * arch/x86/include/asm/elf.h), and fixed ones are linked below. */
static const uint64_t FIXED_ADDRESS_LIMIT = UINT64_C(1) << 32;

void modules_deinit(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		free(modules->items[i].path);
	free(modules->items);
	*modules = (struct modules){0};
}

struct error *modules_append(struct modules *modules, const struct module *module)
{
	struct error *no_room = ARRAY_GROW(modules->items, modules->count, modules->capacity, 32);
	if (no_room)
		return no_room;
	char *path = strdup(module->path ? module->path : "");
	if (!path)
		return &error_out_of_memory;
	struct module *item = &modules->items[modules->count++];
	*item = *module;
	item->path = path;
	return NULL;
}

struct error *modules_copy(const struct modules *modules, struct modules *ret)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < modules->count; i++)
		error = modules_append(ret, &modules->items[i]);
	return error;
}

static bool module_equal(const struct module *a, const struct module *b)
{
	return a->start == b->start && a->end == b->end && a->bias == b->bias &&
	       a->inode == b->inode && a->deleted == b->deleted &&
	       build_id_equal(&a->build_id, &b->build_id) && strcmp(a->path, b->path) == 0;
}

bool modules_equal(const struct modules *a, const struct modules *b)
{
	bool equal = a->count == b->count;
	for (size_t i = 0; equal && i < a->count; i++)
		equal = module_equal(&a->items[i], &b->items[i]);
	return equal;
}

const struct module *modules_find(const struct modules *modules, uint64_t address)
{
	size_t low = 0;
	size_t high = modules->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (modules->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == modules->count || modules->items[low].start > address)
		return NULL;
	return &modules->items[low];
}

/* What the program headers of one load say; file addresses. */
struct load {
	uint64_t bias;
	uint64_t end; /* of the last PT_LOAD, in the target */
	uint64_t data_start;
	uint64_t data_end;
	bool has_code;
};

enum header_status {
	HEADER_UNREADABLE,
	HEADER_NOT_ELF,
	HEADER_OK,
};

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void load_add_segment(struct load *load, const Elf64_Phdr *segment)
{
	uint64_t start = segment->p_vaddr + load->bias;
	uint64_t end = saturating_add(start, segment->p_memsz);
	if (end > load->end)
		load->end = end;
	load->has_code |= (segment->p_flags & PF_X) != 0;
	if (!(segment->p_flags & PF_W))
		return;
	if (!load->data_end || start < load->data_start)
		load->data_start = start;
	if (end > load->data_end)
		load->data_end = end;
}

static void load_read_notes(struct memory *memory, const struct load *load,
			    const Elf64_Phdr *segment, struct build_id *build_id)
{
	uint8_t notes[NOTES_MAX_BYTES];
	size_t size = segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes);
	if (build_id->size || !size ||
	    memory_read(memory, segment->p_vaddr + load->bias, notes, size) != MEMORY_OK)
		return;
	build_id_from_notes(notes, size, build_id);
}

/* `ret` and `ret_build_id` are set for HEADER_OK only. */
static enum header_status load_read(struct memory *memory, uint64_t address, struct load *ret,
				    struct build_id *ret_build_id)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)];
	Elf64_Ehdr header;
	Elf64_Phdr segments[PROGRAM_HEADERS_MAX];
	if (memory_read(memory, address, bytes, sizeof(bytes)) != MEMORY_OK)
		return HEADER_UNREADABLE;
	if (!elf_header_parse(bytes, sizeof(bytes), &header) ||
	    (header.e_type != ET_DYN && header.e_type != ET_EXEC))
		return HEADER_NOT_ELF;
	if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > PROGRAM_HEADERS_MAX)
		return HEADER_NOT_ELF;
	if (memory_read(memory, address + header.e_phoff, segments,
			header.e_phnum * sizeof(*segments)) != MEMORY_OK)
		return HEADER_UNREADABLE;

	const Elf64_Phdr *first = NULL;
	for (size_t i = 0; i < header.e_phnum && !first; i++) {
		if (segments[i].p_type == PT_LOAD)
			first = &segments[i];
	}
	if (!first)
		return HEADER_NOT_ELF;
	struct load load = {0};
	struct build_id build_id = {0};
	/* The header is the file's first byte, wherever the segment that holds it begins. */
	if (header.e_type == ET_DYN)
		load.bias = address - (first->p_vaddr - first->p_offset);
	for (size_t i = 0; i < header.e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD)
			load_add_segment(&load, &segments[i]);
		if (segments[i].p_type == PT_NOTE)
			load_read_notes(memory, &load, &segments[i], &build_id);
	}
	*ret = load;
	*ret_build_id = build_id;
	return HEADER_OK;
}

static bool is_same_file(const struct mapping *a, const struct mapping *b)
{
	return a->inode == b->inode && a->device_major == b->device_major &&
	       a->device_minor == b->device_minor && strcmp(a->path, b->path) == 0;
}

/* Memory that no file is behind: .bss, the heap that the kernel puts right after it, and code that
 * was moved to huge pages. */
static bool is_anonymous(const struct mapping *mapping)
{
	return mapping->path[0] != '/' || strcmp(mapping->path, "/anon_hugepage") == 0;
}

/* The mappings that one load of a file is made of: items[first] up to, not including, items[end].
 */
struct group {
	const struct mapping *first;
	size_t count;
	bool executes;	  /* a mapping of it is executable */
	bool may_execute; /* or has rights that are not known */
};

static void group_add(struct group *group, const struct mapping *mapping)
{
	uint32_t rights = mapping->flags & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE);
	group->count = (size_t)(mapping - group->first) + 1;
	group->executes |= (rights & MAPPING_EXECUTE) != 0;
	/* A range that a core only names has none: gdb leaves out code. */
	group->may_execute |= rights & MAPPING_EXECUTE || !rights;
}

/*
 * With program headers, a load takes what they cover, as long as it belongs to the file or to no
 * file. Without, mappings of the file whose offsets ascend, and one writable anonymous mapping
 * after the last.
 */
static struct group group_find(const struct mapping *items, size_t count, const struct load *load)
{
	struct group group = {.first = items};
	group_add(&group, items);
	for (size_t i = 1; i < count; i++) {
		const struct mapping *mapping = &items[i];
		bool same = is_same_file(mapping, items);
		if (load) {
			if (mapping->start >= load->end || (!same && !is_anonymous(mapping)))
				break;
		} else if (same) {
			if (mapping->offset < items[group.count - 1].offset ||
			    mapping->offset == items->offset)
				break;
		} else if (!is_anonymous(mapping) || mapping[-1].end != mapping->start ||
			   is_anonymous(&mapping[-1]) || !(mapping[-1].flags & MAPPING_WRITE)) {
			break;
		}
		group_add(&group, mapping);
	}
	return group;
}

/* Writable data as the mappings tell it: from the file's first writable mapping to the end. */
static void module_data_from_mappings(struct module *module, const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		if (!(group->first[i].flags & MAPPING_WRITE))
			continue;
		if (!module->data_end)
			module->data_start = group->first[i].start;
		module->data_end = group->first[i].end;
	}
}

static void module_from_group(const struct group *group, const struct load *load,
			      struct module *module)
{
	const struct mapping *first = group->first;
	uint64_t end = first[group->count - 1].end;
	module->path = first->path;
	module->start = first->start;
	module->end = end;
	module->inode = first->inode;
	module->device_major = first->device_major;
	module->device_minor = first->device_minor;
	module->deleted = first->flags & MAPPING_DELETED;
	if (!load) {
		module->bias = first->start < FIXED_ADDRESS_LIMIT ? 0 : first->start;
		if (module->bias && first->offset <= first->start)
			module->bias -= first->offset;
		module_data_from_mappings(module, group);
		return;
	}
	module->bias = load->bias;
	/* The mapping that .bss ends in can go on: the heap. */
	uint64_t load_end = saturating_add(load->end, 0xfff) & ~UINT64_C(0xfff);
	if (module->end > load_end && load_end > module->start)
		module->end = load_end;
	/* What a header claims is cut to what is mapped: nobody scans what is not there. */
	if (load->data_start >= module->start && load->data_start < module->end) {
		module->data_start = load->data_start;
		module->data_end = load->data_end < module->end ? load->data_end : module->end;
	}
}

/* A mapping that a module can begin with. */
static bool is_candidate(const struct mapping *mapping, bool any_file)
{
	if (strcmp(mapping->path, "[vdso]") == 0)
		return true;
	/* A core that names no files: the header alone tells. */
	if (!any_file)
		return is_anonymous(mapping) && mapping->flags & MAPPING_READ;
	return !is_anonymous(mapping) && !(mapping->flags & MAPPING_SHARED);
}

/* Append the module that begins at items[0], if one does; `ret_used` mappings are its. */
static struct error *modules_add_group(struct modules *modules, const struct mapping *items,
				       size_t count, struct memory *memory, size_t *ret_used)
{
	struct load load;
	struct module module = {0};
	enum header_status status = HEADER_UNREADABLE;
	*ret_used = 1;
	if (items->offset == 0)
		status = load_read(memory, items->start, &load, &module.build_id);
	if (status == HEADER_NOT_ELF || (status == HEADER_UNREADABLE && is_anonymous(items)))
		return NULL;
	const struct load *known = status == HEADER_OK ? &load : NULL;
	struct group group = group_find(items, count, known);
	/* A file that is only read, such as an ELF that some program looks at. */
	if (known ? known->has_code && !group.may_execute : !group.executes) {
		*ret_used = 1;
		return NULL;
	}
	*ret_used = group.count;
	module_from_group(&group, known, &module);
	return modules_append(modules, &module);
}

struct error *modules_from_mappings(const struct mappings *mappings, struct memory *memory,
				    struct modules *ret)
{
	CLEANUP(modules_deinit) struct modules modules = {0};
	bool any_file = false;
	for (size_t i = 0; i < mappings->count; i++)
		any_file |= !is_anonymous(&mappings->items[i]);
	for (size_t i = 0; i < mappings->count;) {
		const struct mapping *item = &mappings->items[i];
		size_t used = 1;
		if (is_candidate(item, any_file)) {
			struct error *error = modules_add_group(&modules, item, mappings->count - i,
								memory, &used);
			if (error)
				return error;
		}
		i += used;
	}
	*ret = modules;
	modules = (struct modules){0};
	return NULL;
}

/* A file that cannot be used is one that is not there, and `ret_mismatch` tells. */
bool module_file_has_build_id(int fd, const struct module *module)
{
	CLEANUP(elf_file_destroyp) struct elf_file *file = NULL;
	struct build_id build_id = {0};
	struct error *error = elf_file_open(fd, module->path, &file);
	if (error) {
		error_destroy(error);
		return false;
	}
	return elf_file_build_id(file, &build_id) && build_id_equal(&build_id, &module->build_id);
}

struct error *module_open_file(const struct module_files *files, const struct module *module,
			       struct elf_file **ret, bool *ret_mismatch)
{
	CLEANUP(elf_file_destroyp) struct elf_file *file = NULL;
	CLEANUP_CLOSE int fd = files ? files->open(files, module) : -1;
	*ret = NULL;
	*ret_mismatch = false;
	if (fd < 0)
		return NULL;
	struct error *error = elf_file_open(fd, module->path, &file);
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	if (error) {
		error_destroy(error);
		*ret_mismatch = true;
		return NULL;
	}
	struct build_id build_id = {0};
	elf_file_build_id(file, &build_id);
	if (module->build_id.size && !build_id_equal(&build_id, &module->build_id)) {
		*ret_mismatch = true;
		return NULL;
	}
	*ret = TAKE_POINTER(file);
	return NULL;
}
