/* The libraries of a core that names no files: by the dynamic linker's list, whole and hostile. */
#include <link.h>

#include "tests/unit/built_core.h"

#define PROGRAM UINT64_C(0x400000)
#define DATA	UINT64_C(0x410000)
#define LINKER	UINT64_C(0x5500000000)
#define LIBRARY UINT64_C(0x5600000000)

enum {
	NOTES = 0x200,
	DATA_OFFSET = 0x1000,
	PAGE = 0x1000,
	/* In the data: */
	DYNAMIC = 0xff8, /* its one entry is on both sides of a page's end */
	DEBUG = 0x1100,
	MAPS = 0x1200,
	PATH = 0x1400,
};

struct words {
	uint8_t bytes[2 * PAGE];
};

static void put(struct words *words, size_t offset, uint64_t value)
{
	memcpy(words->bytes + offset, &value, sizeof(value));
}

static void put_map(struct words *words, size_t index, uint64_t bias, uint64_t name,
		    uint64_t dynamic, uint64_t next)
{
	const uint64_t map[] = {bias, name, dynamic, next, 0};
	memcpy(words->bytes + MAPS + index * sizeof(map), map, sizeof(map));
}

static uint64_t map_address(size_t index)
{
	return DATA + MAPS + index * 5 * sizeof(uint64_t);
}

/* The program, whose name is empty, and one library. */
static struct words make_words(void)
{
	struct words words = {{0}};
	put(&words, DYNAMIC, DT_DEBUG);
	put(&words, DYNAMIC + 8, DATA + DEBUG);
	put(&words, DEBUG, 1);
	put(&words, DEBUG + 8, map_address(0));
	put(&words, DEBUG + 32, LINKER);
	put_map(&words, 0, 0, DATA + PATH + 0x100, DATA + DYNAMIC, map_address(1));
	put_map(&words, 1, LIBRARY, DATA + PATH, LIBRARY + PAGE, 0);
	memcpy(words.bytes + PATH, "/lib/one.so", sizeof("/lib/one.so"));
	return words;
}

static void assert_libraries_of(const struct words *words, uint64_t program_size, size_t count)
{
	const uint64_t auxv[] = {AT_PHDR, PROGRAM + 64, AT_BASE, LINKER, AT_NULL, 0};
	struct modules modules = {0};
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_AARCH64);
	elf_builder_pad(&builder, NOTES);
	elf_builder_note(&builder, "CORE", NT_AUXV, auxv, sizeof(auxv));
	size_t notes_size = builder.bytes.size - NOTES;
	elf_builder_pad(&builder, DATA_OFFSET);
	elf_builder_append(&builder, words->bytes, sizeof(words->bytes));
	elf_builder_segment(&builder, PT_NOTE, 0, NOTES, 0, notes_size, 0);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, DATA_OFFSET, PROGRAM, 0, program_size);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, DATA_OFFSET, DATA, sizeof(words->bytes),
			    sizeof(words->bytes));
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, DATA_OFFSET, LINKER, 0, PAGE);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, DATA_OFFSET, LIBRARY, 0, PAGE);
	elf_builder_segment(&builder, PT_LOAD, PF_R, DATA_OFFSET, LIBRARY + PAGE, 0, PAGE);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	assert_null(elf_core_add_libraries(core, &modules));
	assert_int_equal(modules.count, count);
	if (count) {
		assert_string_equal(modules.items[0].path, "/lib/one.so");
		assert_int_equal(modules.items[0].start, LIBRARY);
		assert_int_equal(modules.items[0].end, LIBRARY + 2 * PAGE);
		assert_int_equal(modules.items[0].bias, LIBRARY);
	}
	modules_deinit(&modules);
	elf_core_destroy(core);
}

static void assert_libraries(const struct words *words, size_t count)
{
	assert_libraries_of(words, PAGE, count);
}

static void finds_libraries(void **state)
{
	struct words words = make_words();
	(void)state;
	assert_libraries(&words, 1);
}

/* A core that was cut before its segments: seen by the sanitizers. */
static void no_mappings(void **state)
{
	const uint64_t auxv[] = {AT_PHDR, PROGRAM + 64, AT_BASE, LINKER, AT_NULL, 0};
	struct modules modules = {0};
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	(void)state;
	elf_builder_pad(&builder, NOTES);
	elf_builder_note(&builder, "CORE", NT_AUXV, auxv, sizeof(auxv));
	elf_builder_segment(&builder, PT_NOTE, 0, NOTES, 0, builder.bytes.size - NOTES, 0);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	assert_int_equal(elf_core_mappings(core)->count, 0);
	check(elf_core_add_libraries(core, &modules));
	assert_int_equal(modules.count, 0);
	elf_core_destroy(core);
}

/* Whatever size the program's code is claimed to have. */
static void huge_program(void **state)
{
	struct words words = make_words();
	(void)state;
	assert_libraries_of(&words, DATA - PROGRAM, 1);
	/* The others lie in it. */
	assert_libraries_of(&words, UINT64_C(1) << 52, 0);
	assert_libraries_of(&words, UINT64_MAX - PROGRAM, 0);
	assert_libraries_of(&words, UINT64_MAX - PROGRAM - PAGE, 0);
}

static void list_that_has_no_end(void **state)
{
	struct words words = make_words();
	(void)state;
	put_map(&words, 1, LIBRARY, DATA + PATH, LIBRARY + PAGE, map_address(0));
	assert_libraries(&words, 1);
	put_map(&words, 1, LIBRARY, DATA + PATH, LIBRARY + PAGE, 1);
	assert_libraries(&words, 1);
}

static void another_linker(void **state)
{
	struct words words = make_words();
	(void)state;
	put(&words, DEBUG + 32, LINKER + PAGE);
	assert_libraries(&words, 0);
	words = make_words();
	put(&words, DEBUG, 77);
	assert_libraries(&words, 0);
}

static void libraries_that_are_nowhere(void **state)
{
	struct words words = make_words();
	(void)state;
	/* Nothing there; begins inside of a mapping; its dynamic section is before it. */
	put_map(&words, 1, LIBRARY + 8 * PAGE, DATA + PATH, LIBRARY + 9 * PAGE, 0);
	assert_libraries(&words, 0);
	put_map(&words, 1, LIBRARY + 16, DATA + PATH, LIBRARY + PAGE, 0);
	assert_libraries(&words, 0);
	put_map(&words, 1, LIBRARY, DATA + PATH, LINKER, 0);
	assert_libraries(&words, 0);
	/* A name that cannot be read, and one that is no path. */
	put_map(&words, 1, LIBRARY, 8, LIBRARY + PAGE, 0);
	assert_libraries(&words, 0);
	put_map(&words, 1, LIBRARY, DATA + PATH + 1, LIBRARY + PAGE, 0);
	assert_libraries(&words, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_libraries), cmocka_unit_test(huge_program),
		cmocka_unit_test(no_mappings),	   cmocka_unit_test(list_that_has_no_end),
		cmocka_unit_test(another_linker),  cmocka_unit_test(libraries_that_are_nowhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
