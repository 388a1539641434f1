#include "tests/unit/cmocka_headers.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "common/elf_file.h"
#include "tests/unit/elf_builder.h"

static struct elf_file *open_path(const char *path)
{
	struct elf_file *file = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	struct error *error = elf_file_open(fd, path, &file);
	close(fd);
	assert_null(error);
	return file;
}

static const char *libc_path(uint64_t *ret_bias)
{
	Dl_info info;
	assert_true(dladdr(dlsym(NULL, "getppid"), &info));
	*ret_bias = (uint64_t)(uintptr_t)info.dli_fbase;
	return info.dli_fname;
}

/* By the dynamic symbol table's hash; the dynamic linker's answer is the truth. */
static void test_dynamic_symbols(void **state)
{
	static const char *const names[] = {"nanosleep", "stdout", "environ", "getppid",
					    "sched_yield"};
	uint64_t bias;
	(void)state;
	struct elf_file *file = open_path(libc_path(&bias));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct elf_symbol symbol;
		void *expected = dlsym(RTLD_NEXT, names[i]);
		assert_true(elf_file_symbol(file, names[i], &symbol));
		/* Copy relocations move variables into the program. */
		if (expected && strcmp(names[i], "stdout") != 0 && strcmp(names[i], "environ") != 0)
			assert_true(symbol.address + bias == (uint64_t)(uintptr_t)expected);
	}
	struct elf_symbol symbol = {.address = 7};
	assert_false(elf_file_symbol(file, "no_such_symbol_anywhere", &symbol));
	assert_false(elf_file_symbol(file, "", &symbol));
	assert_false(elf_file_symbol(file, "errno", &symbol)); /* thread-local */
	assert_int_equal(symbol.address, 7);
	assert_true(elf_file_section(file, ".text", &symbol));
	assert_true(symbol.size > 0x1000);
	assert_false(elf_file_section(file, ".no-such-section", &symbol));
	assert_false(elf_file_section(file, ".shstrtab", &symbol)); /* not allocated */
	elf_file_destroy(file);
}

static const char constant_text[] = "bytes that never change";
static int own_variable = 5;

/* By .symtab, which this test program has. */
static void test_own_file(void **state)
{
	(void)state;
	struct elf_file *file = open_path("/proc/self/exe");
	struct elf_symbol symbol;
	struct elf_segment segment;
	Dl_info info;
	assert_true(dladdr(&own_variable, &info));
	assert_true(elf_file_symbol(file, "own_variable", &symbol));
	assert_int_equal(symbol.size, sizeof(own_variable));
	uint64_t bias = (uint64_t)(uintptr_t)&own_variable - symbol.address;
	assert_true(bias == (uint64_t)(uintptr_t)info.dli_fbase || bias == 0);
	assert_int_not_equal(elf_file_machine(file), 0);
	bool found = false;
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		assert_true(elf_file_segment(file, i, &segment));
		found |= segment.type == PT_LOAD && segment.flags & PF_X;
	}
	assert_true(found);
	assert_false(elf_file_segment(file, elf_file_segment_count(file), &segment));

	char bytes[sizeof(constant_text)];
	uint64_t address = (uint64_t)(uintptr_t)constant_text - bias;
	assert_int_equal(elf_file_read_only_bytes(file, address, bytes, sizeof(bytes)),
			 sizeof(bytes));
	assert_memory_equal(bytes, constant_text, sizeof(bytes));
	assert_int_equal(elf_file_read_only_bytes(file, symbol.address, bytes, 4), 0);
	assert_int_equal(elf_file_read_only_bytes(file, UINT64_MAX - 2, bytes, 4), 0);
	elf_file_destroy(file);
}

static struct elf_builder small_library(void)
{
	struct elf_builder builder = elf_builder_start(ET_DYN, EM_AARCH64);
	elf_builder_segment(&builder, PT_LOAD, PF_R, 0, 0, 0x300, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0x300, 0x300, 0x100, 0x100);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x400, 0x1400, 0x100, 0x100);
	elf_builder_segment(&builder, PT_NOTE, PF_R, 0x200, 0x200, 0x100, 0x100);
	elf_builder_write_headers(&builder);
	elf_builder_pad(&builder, 0x200);
	elf_builder_note(&builder, "Go", 4, "other", 5);
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, "\x12\x34\xab", 3);
	elf_builder_pad(&builder, 0x500);
	return builder;
}

static struct error *open_builder(const struct elf_builder *builder, struct elf_file **ret)
{
	int fd = elf_builder_fd(builder);
	assert_true(fd >= 0);
	struct error *error = elf_file_open(fd, "test", ret);
	close(fd);
	return error;
}

static void test_synthetic(void **state)
{
	(void)state;
	struct elf_builder builder = small_library();
	struct elf_file *file;
	struct build_id build_id;
	char text[2 * BUILD_ID_MAX + 1];
	uint8_t bytes[0x400];
	assert_null(open_builder(&builder, &file));
	assert_int_equal(elf_file_machine(file), EM_AARCH64);
	assert_true(elf_file_build_id(file, &build_id));
	build_id_format(&build_id, text);
	assert_string_equal(text, "1234ab");
	/* Two read-only segments that touch are read through; not what is only in memory. */
	assert_int_equal(elf_file_read_only_bytes(file, 0x2f0, bytes, 0x400), 0x110);
	assert_int_equal(elf_file_read_only_bytes(file, 0x1400, bytes, 1), 0);
	elf_file_destroy(file);
	elf_builder_deinit(&builder);
}

static void expect_refused(const struct elf_builder *builder)
{
	struct elf_file *file = NULL;
	struct error *error = open_builder(builder, &file);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_FORMAT);
	assert_null(file);
	error_destroy(error);
}

static void test_refused(void **state)
{
	(void)state;
	struct elf_builder builder = small_library();
	builder.bytes.data[EI_CLASS] = ELFCLASS32;
	expect_refused(&builder);
	builder.bytes.data[EI_CLASS] = ELFCLASS64;
	builder.bytes.data[EI_DATA] = ELFDATA2MSB;
	expect_refused(&builder);
	builder.bytes.data[EI_DATA] = ELFDATA2LSB;
	builder.header.e_shoff = UINT64_MAX - 7;
	builder.header.e_shnum = 40;
	elf_builder_write_headers(&builder);
	expect_refused(&builder);
	builder.header.e_shoff = 1;
	elf_builder_write_headers(&builder);
	expect_refused(&builder);
	builder.bytes.size = 30;
	expect_refused(&builder);
	elf_builder_deinit(&builder);
}

/* Of a file that is cut, what can be read is read, and nothing crashes. */
static void test_cut(void **state)
{
	(void)state;
	struct elf_builder builder = small_library();
	for (size_t size = builder.bytes.size; size; size -= size > 16 ? 16 : size) {
		struct elf_file *file = NULL;
		struct build_id build_id;
		uint8_t bytes[64];
		builder.bytes.size = size;
		struct error *error = open_builder(&builder, &file);
		error_destroy(error);
		if (!file)
			continue;
		assert_int_equal(elf_file_build_id(file, &build_id), size >= 0x230);
		size_t got = elf_file_read_only_bytes(file, 0x3c0, bytes, sizeof(bytes));
		assert_int_equal(got, size < 0x3c0 ? 0 : size < 0x400 ? size - 0x3c0 : 0x40);
		elf_file_destroy(file);
	}
	elf_builder_deinit(&builder);
}

static void test_notes(void **state)
{
	(void)state;
	struct build_id build_id = {0};
	struct elf_builder builder = {0};
	assert_false(build_id_from_notes(NULL, 0, &build_id));
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, "", 0);
	assert_false(build_id_from_notes(builder.bytes.data, builder.bytes.size, &build_id));
	uint8_t longest[BUILD_ID_MAX + 1] = {1};
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, longest, sizeof(longest));
	assert_false(build_id_from_notes(builder.bytes.data, builder.bytes.size, &build_id));
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, longest, BUILD_ID_MAX);
	assert_true(build_id_from_notes(builder.bytes.data, builder.bytes.size, &build_id));
	assert_int_equal(build_id.size, BUILD_ID_MAX);
	/* The last note's padding, and then some of it, may be missing. */
	assert_false(build_id_from_notes(builder.bytes.data, builder.bytes.size - 1, &build_id));
	elf_builder_deinit(&builder);
	static const uint8_t wild[] = {255, 255, 255, 255, 255, 255, 255, 255, 3, 0, 0, 0, 'G'};
	assert_false(build_id_from_notes(wild, sizeof(wild), &build_id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dynamic_symbols),
		cmocka_unit_test(test_own_file),
		cmocka_unit_test(test_synthetic),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_notes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
