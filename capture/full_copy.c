#include "capture/full_copy.h"

#include <string.h>
#include <unistd.h>

#include "capture/fault_point.h"
#include "capture/interrupt.h"

/* Data of modules up to this size is copied whole: a page of it that was not written is in the
 * file, but the file is not where the snapshot is read. */
#define WHOLE_MAX_BYTES (64ULL << 20)

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Most pages differ in the first word. */
static bool is_zero(const uint8_t *bytes, size_t size)
{
	uint64_t first;
	memcpy(&first, bytes, sizeof(first));
	return first == 0 && memcmp(bytes, bytes + sizeof(first), size - sizeof(first)) == 0;
}

/* Take a page that was read into the block's runs, moved down over what was left out before it. */
static void take_page(struct full_copy *copy, uint64_t address, const uint8_t *bytes, uint32_t size)
{
	struct spool_block *block = copy->block;
	uint32_t zero = is_zero(bytes, size);
	if (!zero) {
		if (block->bytes + block->size_bytes != bytes)
			memmove(block->bytes + block->size_bytes, bytes, size);
		block->size_bytes += size;
	}
	copy->bytes += size;
	if (block->run_count) {
		struct spool_run *last = &block->runs[block->run_count - 1];
		if (last->address + last->size == address && last->is_zero == zero) {
			last->size += size;
			return;
		}
	}
	block->runs[block->run_count++] =
		(struct spool_run){.address = address, .size = size, .is_zero = zero};
}

static struct error *take_request(struct full_copy *copy, const struct memory_request *request)
{
	uint32_t step = (uint32_t)page_size();
	for (size_t offset = 0; offset < request->size; offset += step) {
		uint64_t address = request->address + offset;
		uint8_t *bytes = (uint8_t *)request->buffer + offset;
		enum memory_status status = request->status;
		/* One page that cannot be read must not cost the others. */
		if (status == MEMORY_NOT_MAPPED)
			status = memory_read(copy->memory, address, bytes, step);
		if (status == MEMORY_IO_ERROR)
			return error_create(ERROR_NO_PROCESS,
					    "the process ended while its memory was read");
		if (status == MEMORY_OK)
			take_page(copy, address, bytes, step);
		else
			copy->unreadable += step;
	}
	return NULL;
}

/* Read all that was asked for, and have it written. */
static struct error *flush(struct full_copy *copy)
{
	if (!copy->block || !copy->request_count)
		return NULL;
	struct error *error = interrupt_check();
	if (error)
		return error;
	if (fault_point(FAULT_DURING_READ))
		return error_create(ERROR_IO, "reading was made to fail");
	memory_read_many(copy->memory, copy->requests, copy->request_count);
	for (size_t i = 0; !error && i < copy->request_count; i++)
		error = take_request(copy, &copy->requests[i]);
	if (error)
		return error;
	memory_spool_put(copy->spool, copy->block);
	copy->block = NULL;
	copy->request_count = 0;
	copy->requested_bytes = 0;
	return NULL;
}

/* Whole pages; a block has room for as many requests as pages, so each is filled. */
static struct error *add_range(struct full_copy *copy, uint64_t start, uint64_t end)
{
	copy->ranges++;
	while (start < end) {
		if (!copy->block) {
			struct error *error = memory_spool_get(copy->spool, &copy->block);
			if (error)
				return error;
		}
		size_t room = SPOOL_BLOCK_BYTES - copy->requested_bytes;
		size_t size = end - start < room ? (size_t)(end - start) : room;
		copy->requests[copy->request_count++] = (struct memory_request){
			.address = start,
			.buffer = copy->block->bytes + copy->requested_bytes,
			.size = size,
		};
		copy->requested_bytes += size;
		start += size;
		if (copy->requested_bytes < SPOOL_BLOCK_BYTES)
			continue;
		struct error *error = flush(copy);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *add_own_pages(struct full_copy *copy, uint64_t start, uint64_t end)
{
	struct page_run run;
	for (; page_map_next(copy->pages, start, end, &run); start = run.end) {
		struct error *error = add_range(copy, run.start, run.end);
		if (error)
			return error;
	}
	return NULL;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Devices: the kernel refuses to read them (VM_IO, VM_PFNMAP), or reading has effects. [vvar] and
 * [vvar_vclock] are the kernel's clock, [vsyscall] is the same in every process.
 */
static bool is_device(const struct mapping *mapping)
{
	if (has_prefix(mapping->path, "[vvar") || has_prefix(mapping->path, "[vsyscall]"))
		return true;
	return has_prefix(mapping->path, "/dev/") && !has_prefix(mapping->path, "/dev/zero") &&
	       !has_prefix(mapping->path, "/dev/shm/") &&
	       !has_prefix(mapping->path, "/dev/hugepages/");
}

static bool is_wanted(const struct mapping *mapping)
{
	const uint32_t any = MAPPING_READ | MAPPING_WRITE | MAPPING_EXECUTE;
	return !(mapping->flags & MAPPING_SHARED) && mapping->flags & any && !is_device(mapping);
}

/* The part of a mapping that is a module's data, in whole pages; empty if there is none. */
static struct page_run module_data(const struct mapping *mapping, const struct module *module)
{
	const uint64_t mask = page_size() - 1;
	if (!module || module->data_start >= mapping->end || module->data_end <= mapping->start)
		return (struct page_run){mapping->start, mapping->start};
	struct page_run run = {module->data_start & ~mask, (module->data_end + mask) & ~mask};
	if (run.start < mapping->start)
		run.start = mapping->start;
	if (run.end > mapping->end)
		run.end = mapping->end;
	if (run.end - run.start > WHOLE_MAX_BYTES)
		run.end = run.start;
	return run;
}

/* What is copied whatever the page map says of it, if it can be read at all. */
static struct page_run whole_part(const struct mapping *mapping, const struct module *module)
{
	if (!(mapping->flags & MAPPING_READ))
		return (struct page_run){mapping->start, mapping->start};
	if (strcmp(mapping->path, "[vdso]") == 0)
		return (struct page_run){mapping->start, mapping->end};
	struct page_run run = module_data(mapping, module);
	/* Where a module begins, its ELF header and program headers are. */
	if (run.start == run.end && module && module->start == mapping->start)
		run = (struct page_run){mapping->start, mapping->start + page_size()};
	return run;
}

static struct error *add_mapping(struct full_copy *copy, const struct mapping *mapping,
				 const struct module *module)
{
	struct page_run whole = whole_part(mapping, module);
	struct error *error = add_own_pages(copy, mapping->start, whole.start);
	if (!error && whole.start < whole.end)
		error = add_range(copy, whole.start, whole.end);
	if (!error)
		error = add_own_pages(copy, whole.end, mapping->end);
	return error;
}

struct error *full_copy_run(struct full_copy *copy, const struct mappings *mappings,
			    const struct modules *modules)
{
	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		if (!is_wanted(mapping))
			continue;
		struct error *error =
			add_mapping(copy, mapping, modules_find(modules, mapping->start));
		if (error)
			return error;
	}
	return flush(copy);
}
