#include "capture/native_pass.h"

#include <stdlib.h>
#include <string.h>

#include "capture/module_extract.h"
#include "capture/proc.h"
#include "common/cleanup.h"
#include "common/registers.h"

enum {
	/* Below the stack pointer, for a leaf (System V ABI, AMD64 supplement, 3.2.2). */
	RED_ZONE_BYTES = 128,
	VDSO_MAX_BYTES = 1 << 20,
	PAGE_BYTES = 4096,
	MADE_CODE_BYTES = 32, /* on each side of an address */
	MADE_CODE_MAX = 4096, /* addresses */
	/* Where the mapping is not known: it is younger than the list of mappings. */
	UNKNOWN_STACK_BYTES = 64 << 10,
};

static void forget(struct native_pass *pass)
{
	free(pass->stacks);
	free(pass->bytes);
	pass->stacks = NULL;
	pass->bytes = NULL;
	pass->stack_count = 0;
	pass->size_bytes = 0;
	pass->missing = 0;
}

void native_pass_deinit(struct native_pass *pass)
{
	forget(pass);
	*pass = (struct native_pass){0};
}

/* The mapping that a stack pointer is in; or the main thread's stack above it, which grows. */
static const struct mapping *stack_mapping(const struct mappings *mappings, uint64_t stack)
{
	const struct mapping *found = mappings_find(mappings, stack);
	for (size_t i = 0; !found && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		if (mapping->start > stack && mapping->start - stack < NATIVE_STACK_MAX_BYTES &&
		    strcmp(mapping->path, "[stack]") == 0)
			found = mapping;
	}
	return found;
}

/*
 * Where a stack begins, at its upper end. Mappings that touch can be joined: since glibc 2.42 the
 * guard pages between threads' stacks are no mappings of their own. glibc and musl put a thread's
 * own storage, which the thread pointer points to, just above its stack.
 */
static uint64_t stack_base(const struct mapping *mapping, uint64_t stack, uint64_t thread_pointer)
{
	uint64_t end = mapping ? mapping->end
			       : (stack + UNKNOWN_STACK_BYTES) & ~(uint64_t)(PAGE_BYTES - 1);
	bool is_above = thread_pointer > stack && thread_pointer < end;
	return is_above ? (thread_pointer + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1) : end;
}

/* The bytes of a stack that are in use. False if the pointer points to none. */
static bool stack_extent(const struct native_pass *pass, uint64_t stack, uint64_t thread_pointer,
			 uint64_t *ret_start, uint64_t *ret_size)
{
	const struct mapping *mapping = stack_mapping(pass->mappings, stack);
	if (stack < RED_ZONE_BYTES || (mapping && !(mapping->flags & MAPPING_WRITE)))
		return false;
	uint64_t start = stack - RED_ZONE_BYTES;
	uint64_t end = stack_base(mapping, stack, thread_pointer);
	if (mapping && start < mapping->start && stack >= mapping->start)
		start = mapping->start;
	uint64_t size = end - start;
	*ret_start = start;
	*ret_size = size < NATIVE_STACK_MAX_BYTES ? size : NATIVE_STACK_MAX_BYTES;
	return true;
}

/* Read the registers of a thread, and add its stack to what is to be copied. */
static struct error *add_thread(struct native_pass *pass, struct thread_facts *thread,
				const struct register_machine *machine)
{
	struct registers registers;
	uint64_t stack = 0;
	uint64_t start;
	uint64_t size;
	free(thread->registers);
	thread->registers = NULL;
	struct error *error = freezer_registers(pass->freezer, thread->tid, &thread->registers,
						&thread->registers_size);
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	if (error ||
	    !registers_from_set(machine, thread->registers, thread->registers_size, &registers) ||
	    !registers_get(&registers, machine->stack_pointer, &stack) ||
	    !stack_extent(pass, stack, registers.thread_pointer, &start, &size) ||
	    pass->size_bytes + size > NATIVE_STACKS_MAX_BYTES) {
		pass->missing++;
		return NULL;
	}
	pass->stacks[pass->stack_count++] = (struct memory_request){.address = start, .size = size};
	pass->size_bytes += size;
	return NULL;
}

struct error *native_pass_copy(struct native_pass *pass)
{
	const struct register_machine *machine = register_machine_find(proc_machine());
	struct error *error = NULL;
	forget(pass);
	pass->stacks = calloc(pass->threads->count + 1, sizeof(*pass->stacks));
	if (!pass->stacks)
		return &error_out_of_memory;
	for (size_t i = 0; machine && !error && i < pass->threads->count; i++)
		error = add_thread(pass, &pass->threads->items[i], machine);
	if (error)
		return error;
	pass->bytes = malloc(pass->size_bytes + 1);
	if (!pass->bytes)
		return &error_out_of_memory;
	uint8_t *at = pass->bytes;
	for (size_t i = 0; i < pass->stack_count; i++) {
		pass->stacks[i].buffer = at;
		at += pass->stacks[i].size;
	}
	memory_read_many(pass->memory, pass->stacks, pass->stack_count);
	for (size_t i = 0; i < pass->stack_count; i++)
		pass->missing += pass->stacks[i].status != MEMORY_OK;
	return NULL;
}

/* It is no file: its few pages are the only image of it. */
static struct error *put_vdso(const struct native_pass *pass, struct memory_image *image)
{
	for (size_t i = 0; i < pass->mappings->count; i++) {
		const struct mapping *mapping = &pass->mappings->items[i];
		uint64_t size = mapping->end - mapping->start;
		if (strcmp(mapping->path, "[vdso]") != 0 || size > VDSO_MAX_BYTES)
			continue;
		CLEANUP_FREE uint8_t *bytes = malloc(size);
		if (!bytes)
			return &error_out_of_memory;
		if (memory_read(pass->memory, mapping->start, bytes, size) != MEMORY_OK)
			return NULL;
		return memory_image_put(image, mapping->start, bytes, size);
	}
	return NULL;
}

/* Code that the process made itself is in no file: what is around each address in it is kept, for
 * the instructions there tell how to go on. */
static struct error *put_made_code(const struct native_pass *pass, uint64_t address,
				   struct memory_image *image, size_t *count)
{
	uint8_t bytes[2 * MADE_CODE_BYTES];
	const struct mapping *mapping = mappings_find(pass->mappings, address);
	if (!mapping || !(mapping->flags & MAPPING_EXECUTE) || mapping->path[0] ||
	    *count == MADE_CODE_MAX)
		return NULL;
	uint64_t start = address - mapping->start < MADE_CODE_BYTES ? mapping->start
								    : address - MADE_CODE_BYTES;
	uint64_t size = mapping->end - start < sizeof(bytes) ? mapping->end - start : sizeof(bytes);
	if (memory_read(pass->memory, start, bytes, size) != MEMORY_OK)
		return NULL;
	(*count)++;
	return memory_image_put(image, start, bytes, size);
}

static struct error *put_mentioned_code(const struct native_pass *pass, struct memory_image *image)
{
	struct error *error = NULL;
	size_t count = 0;
	uint64_t last = 0;
	for (size_t i = 0; i < pass->stack_count; i++) {
		const struct memory_request *stack = &pass->stacks[i];
		size_t first = (size_t)(-stack->address & 7);
		for (size_t at = first;
		     !error && stack->status == MEMORY_OK && at + 8 <= stack->size; at += 8) {
			uint64_t word;
			memcpy(&word, (const uint8_t *)stack->buffer + at, sizeof(word));
			if (word != last)
				error = put_made_code(pass, word, image, &count);
			last = word;
		}
	}
	return error;
}

struct error *native_pass_put(const struct native_pass *pass, struct memory_image *image)
{
	struct error *error = put_vdso(pass, image);
	if (!error)
		error = put_mentioned_code(pass, image);
	for (size_t i = 0; !error && i < pass->stack_count; i++) {
		const struct memory_request *stack = &pass->stacks[i];
		if (stack->status == MEMORY_OK)
			error = memory_image_put(image, stack->address, stack->buffer, stack->size);
	}
	return error;
}

static void mention(const struct modules *modules, uint64_t address, bool *mentioned)
{
	const struct module *module = modules_find(modules, address);
	if (module)
		mentioned[module - modules->items] = true;
}

/* Which modules a return address can be in. */
static void find_mentioned(const struct native_pass *pass, const struct modules *modules,
			   bool *mentioned)
{
	const struct register_machine *machine = register_machine_find(proc_machine());
	struct registers registers;
	for (size_t i = 0; pass->threads && machine && i < pass->threads->count; i++) {
		const struct thread_facts *thread = &pass->threads->items[i];
		if (!registers_from_set(machine, thread->registers, thread->registers_size,
					&registers))
			continue;
		mention(modules, registers.pc, mentioned);
		if (machine->return_address_in_register)
			mention(modules, registers.values[machine->return_address], mentioned);
	}
	for (size_t i = 0; i < pass->stack_count; i++) {
		const struct memory_request *stack = &pass->stacks[i];
		/* The stack pointer is a multiple of 8 wherever code is called. */
		size_t first = (size_t)(-stack->address & 7);
		for (size_t at = first; stack->status == MEMORY_OK && at + 8 <= stack->size;
		     at += 8) {
			uint64_t word;
			memcpy(&word, (const uint8_t *)stack->buffer + at, sizeof(word));
			mention(modules, word, mentioned);
		}
	}
}

static struct error *write_module(const struct module *module, const struct module_files *files,
				  struct snapshot_writer *writer)
{
	CLEANUP(module_image_deinit) struct module_image image = {0};
	bool found = false;
	if (snapshot_writer_has_module_image(writer, module))
		return NULL;
	struct error *error = module_extract(files, module, &image, &found);
	return error || !found ? error : snapshot_writer_module_image(writer, &image);
}

struct error *native_pass_write(const struct native_pass *pass, const struct modules *modules,
				const struct module_files *files, struct snapshot_writer *writer)
{
	CLEANUP_FREE bool *mentioned = calloc(modules->count + 1, sizeof(*mentioned));
	struct error *error = NULL;
	if (!mentioned)
		return &error_out_of_memory;
	find_mentioned(pass, modules, mentioned);
	/* Of a full copy, whose stacks are not looked through, all modules are written. */
	for (size_t i = 0; !error && i < modules->count; i++) {
		if (mentioned[i] || !pass->stacks)
			error = write_module(&modules->items[i], files, writer);
	}
	return error;
}
