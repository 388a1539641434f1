/* The program of a core that names no files: named and placed by what the kernel told the process.
 */

#include "formats/elf_core_parts.h"
#include "tests/unit/built_core.h"

#define PROGRAM UINT64_C(0x5500000000)
#define DATA	(PROGRAM + 0x2000)
#define STACK	UINT64_C(0x7f0000000000)

enum { NOTES = 0x200, STACK_OFFSET = 0x1000, HEADERS = 3, ENTRY = 0x1040 };

static struct elf_core *open_core(uint64_t headers, uint64_t entry)
{
	static const char name[] = "/usr/bin/program";
	const uint64_t auxv[] = {AT_PHDR, headers,   AT_PHNUM, HEADERS, AT_ENTRY,
				 entry,	  AT_EXECFN, STACK,    AT_NULL, 0};
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_AARCH64);
	elf_builder_pad(&builder, NOTES);
	elf_builder_note(&builder, "CORE", NT_AUXV, auxv, sizeof(auxv));
	size_t notes_size = builder.bytes.size - NOTES;
	elf_builder_pad(&builder, STACK_OFFSET);
	elf_builder_append(&builder, name, sizeof(name));
	elf_builder_pad(&builder, STACK_OFFSET + 0x1000);
	elf_builder_segment(&builder, PT_NOTE, 0, NOTES, 0, notes_size, 0);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, STACK_OFFSET, PROGRAM, 0, 0x2000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, STACK_OFFSET, DATA, 0, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, STACK_OFFSET, STACK, 0x1000, 0x1000);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	return core;
}

/* The program: its number of headers, its entry point and its last segment can be others. */
static bool agrees(const struct elf_core *core, size_t headers, uint64_t entry, uint64_t data)
{
	struct elf_file *file = NULL;
	struct elf_builder builder = elf_builder_start(ET_DYN, EM_AARCH64);
	builder.header.e_entry = entry;
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0, 0, 0x2000, 0x2000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x2000, data, 0x1000, 0x1000);
	for (size_t i = 2; i < headers; i++)
		elf_builder_segment(&builder, PT_NULL, 0, 0, 0, 0, 0);
	elf_builder_write_headers(&builder);
	elf_builder_pad(&builder, 0x3000);
	int fd = elf_builder_fd(&builder);
	uint64_t bias = 0;
	assert_null(elf_file_open(fd, "program", &file));
	bool result = core_program_agrees(core, file, &bias);
	if (result)
		assert_int_equal(bias, PROGRAM);
	elf_file_destroy(file);
	close(fd);
	elf_builder_deinit(&builder);
	return result;
}

static void test_module(void **state)
{
	(void)state;
	struct modules modules = {0};
	struct elf_core *core = open_core(PROGRAM + 64, PROGRAM + ENTRY);
	assert_false(elf_core_names_files(core));
	/* Not a loss: stacks need no files. */
	for (const char *const *loss = elf_core_losses(core); *loss; loss++)
		assert_null(strstr(*loss, "NT_FILE"));
	static char name[] = "[vdso]";
	const struct module later = {.path = name, .start = STACK, .end = STACK + 0x1000};
	assert_null(modules_append(&modules, &later));
	assert_null(elf_core_add_program(core, &modules));
	assert_int_equal(modules.count, 2);
	assert_string_equal(modules.items[0].path, "/usr/bin/program");
	assert_int_equal(modules.items[0].start, PROGRAM);
	assert_int_equal(modules.items[0].bias, PROGRAM);
	assert_ptr_equal(modules_find(&modules, PROGRAM + 0x1000), &modules.items[0]);
	/* It is known now. */
	assert_null(elf_core_add_program(core, &modules));
	assert_int_equal(modules.count, 2);
	modules_deinit(&modules);
	elf_core_destroy(core);
}

static void test_headers_nowhere(void **state)
{
	(void)state;
	struct modules modules = {0};
	struct elf_core *core = open_core(PROGRAM - 0x100000, PROGRAM + ENTRY);
	assert_null(elf_core_add_program(core, &modules));
	assert_int_equal(modules.count, 0);
	assert_false(agrees(core, HEADERS, ENTRY, 0x2000));
	modules_deinit(&modules);
	elf_core_destroy(core);
}

static void test_file(void **state)
{
	(void)state;
	struct elf_core *core = open_core(PROGRAM + 64, PROGRAM + ENTRY);
	assert_true(agrees(core, HEADERS, ENTRY, 0x2000));
	assert_false(agrees(core, HEADERS + 1, ENTRY, 0x2000));
	assert_false(agrees(core, HEADERS, ENTRY + 4, 0x2000));
	assert_false(agrees(core, HEADERS, ENTRY + 0x1000, 0x2000));
	assert_false(agrees(core, HEADERS, ENTRY, 0x8000));
	elf_core_destroy(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_headers_nowhere),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
