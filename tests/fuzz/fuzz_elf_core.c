/* Any bytes as a core: opened, its memory read at and around the ends of all mappings, its modules
 * found, and their files taken from the input's own, and Python sought in all of it. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/facts.h"
#include "common/locate.h"
#include "formats/elf_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int input_fd;

static int open_input(const struct module_files *files, const struct module *module)
{
	(void)files;
	(void)module;
	return fcntl(input_fd, F_DUPFD_CLOEXEC, 0);
}

static void read_around(struct memory *memory, uint64_t address)
{
	char bytes[300];
	for (uint64_t before = 0; before <= sizeof(bytes); before += 100) {
		if (memory_read(memory, address - before, bytes, sizeof(bytes)) == MEMORY_OK)
			return;
	}
}

/* However large its memory is said to be, a small core is no long search. */
static void find_python(struct elf_core *core, const struct modules *modules, struct memory *memory)
{
	struct python_location location = {0};
	const struct locate_options options = {
		.memory = memory,
		.modules = modules,
		.mappings = elf_core_mappings(core),
		.machine = elf_core_process(core)->machine,
		.assume_layout = true,
		.exhaustive = true,
	};
	error_destroy(locate_python(&options, &location));
	python_location_deinit(&location);
}

static void use_core(struct elf_core *core)
{
	const struct module_files files = {.open = open_input};
	const struct mappings *mappings = elf_core_mappings(core);
	struct modules modules = {0};
	struct memory *memory = NULL;
	uint64_t value;
	elf_core_auxv(core, 9, &value);
	struct error *error = modules_from_mappings(mappings, elf_core_memory(core), &modules);
	for (size_t i = 1; i < modules.count; i++) {
		if (modules.items[i].start < modules.items[i - 1].end)
			abort();
	}
	if (!error)
		error = elf_core_add_program(core, &modules);
	if (!error)
		error = elf_core_add_libraries(core, &modules);
	if (!error)
		error = elf_core_files_memory(core, &modules, &files, &memory);
	error_destroy(error);
	for (size_t i = 0; memory && i < mappings->count && i < 256; i++) {
		const struct mapping *item = &mappings->items[i];
		if (item->start >= item->end || (i && item->start < item[-1].end))
			abort();
		read_around(memory, item->start);
		read_around(memory, item->end);
	}
	if (memory)
		find_python(core, &modules, memory);
	memory_destroy(memory);
	modules_deinit(&modules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_core *core = NULL;
	input_fd = memfd_create("input", MFD_CLOEXEC);
	if (input_fd < 0)
		return 0;
	if (write(input_fd, data, size) == (ssize_t)size) {
		elf_core_recognize(input_fd);
		struct error *error = elf_core_open(input_fd, "input", &core);
		error_destroy(error);
	}
	if (core)
		use_core(core);
	elf_core_destroy(core);
	close(input_fd);
	return 0;
}
