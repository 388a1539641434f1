/*
 * Any bytes as the registers and the stack of a thread, and as the ELF file of the one module that
 * its code is in. What the unwinder does with it must end, and every frame is asked for its
 * functions. The first byte chooses the machine, the next two say how much of the input is stack.
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/native/native_symbol.h"
#include "analyze/native/unwind.h"
#include "common/cleanup.h"
#include "common/mappings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HEADER_BYTES = 3,
	SET_BYTES = 34 * 8, /* the larger of the machines' register sets */
	MODULE_START = 0x400000,
	MODULE_SIZE = 0x100000,
	STACK_START = 0x7f0000000000,
	SYMBOLS_MAX = 64,
};

struct stack_memory {
	struct memory memory;
	const uint8_t *bytes;
	size_t size;
	const uint8_t *file; /* what the module's addresses show */
	size_t file_size;
};

static bool copy_part(const uint8_t *bytes, size_t bytes_size, uint64_t offset, void *buffer,
		      size_t size)
{
	if (offset > bytes_size || size > bytes_size - offset)
		return false;
	memcpy(buffer, bytes + offset, size);
	return true;
}

static enum memory_status stack_read(struct memory *memory, uint64_t address, void *buffer,
				     size_t size)
{
	struct stack_memory *stack = (struct stack_memory *)memory;
	bool found =
		address >= STACK_START
			? copy_part(stack->bytes, stack->size, address - STACK_START, buffer, size)
			: address >= MODULE_START &&
				  copy_part(stack->file, stack->file_size, address - MODULE_START,
					    buffer, size);
	return found ? MEMORY_OK : MEMORY_NOT_MAPPED;
}

static void stack_destroy(struct memory *memory)
{
	(void)memory;
}

static void look_up(const struct native_stack *stack)
{
	CLEANUP(native_symbols_deinit) struct native_symbols symbols = {.c_library = true};
	for (size_t i = 0; i < stack->count && i < SYMBOLS_MAX; i++) {
		const struct native_functions *functions;
		if (native_symbols_find(&symbols, &stack->frames[i], &functions))
			__builtin_trap();
		if (!functions->count || functions->count > SYMBOL_MAX_INLINED + 1)
			__builtin_trap();
	}
}

static void unwind_in(struct native_module *module, const struct registers *registers,
		      struct stack_memory *memory)
{
	struct modules modules = {.items = (struct module *)module->module, .count = 1};
	struct native_modules natives = {.modules = modules, .items = module};
	struct mapping code = {
		.start = MODULE_START,
		.end = MODULE_START + MODULE_SIZE,
		.flags = MAPPING_READ | MAPPING_EXECUTE,
		.path = modules.items->path,
	};
	struct mappings mappings = {.items = &code, .count = 1};
	struct unwinder unwinder = {
		.modules = &natives,
		.mappings = &mappings,
		.memory = &memory->memory,
		.frames_left = UNWIND_MAX_TOTAL_FRAMES,
	};
	CLEANUP(native_stack_deinit) struct native_stack stack;
	if (unwind(&unwinder, registers, &stack))
		__builtin_trap();
	if (!stack.count || stack.count > UNWIND_MAX_FRAMES)
		__builtin_trap();
	look_up(&stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct memory_operations operations = {
		.read = stack_read,
		.destroy = stack_destroy,
	};
	static char path[] = "/module";
	struct module module = {
		.path = path,
		.start = MODULE_START,
		.end = MODULE_START + MODULE_SIZE,
		.bias = MODULE_START,
	};
	struct native_module native = {.module = &module, .bias = module.bias};
	struct registers registers;
	if (size < HEADER_BYTES + SET_BYTES)
		return 0;
	const struct register_machine *machine =
		register_machine_find(data[0] & 1 ? EM_AARCH64 : EM_X86_64);
	if (!registers_from_set(machine, data + HEADER_BYTES, SET_BYTES, &registers))
		return 0;
	size_t left = size - HEADER_BYTES - SET_BYTES;
	size_t stack_size = data[1] | (size_t)data[2] << 8;
	struct stack_memory memory = {
		.memory.operations = &operations,
		.bytes = data + HEADER_BYTES + SET_BYTES,
		.size = stack_size < left ? stack_size : left,
	};
	memory.file = memory.bytes + memory.size;
	memory.file_size = left - memory.size;
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (write(fd, memory.file, memory.file_size) == (ssize_t)memory.file_size &&
	    !native_module_attach(&native, NULL, &fd))
		unwind_in(&native, &registers, &memory);
	if (fd >= 0)
		close(fd);
	if (native.dwfl)
		dwfl_end(native.dwfl);
	return 0;
}
