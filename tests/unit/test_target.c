#include "tests/unit/cmocka_headers.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/target.h"
#include "formats/snapshot_writer.h"
#include "tests/unit/core_builder.h"
#include "tests/unit/error_checks.h"
#include "tests/unit/zstd_pack.h"

/* Every test has a folder of its own, removed after it. */
static char folder[32];

static char *in_folder(const char *name)
{
	char *path = NULL;
	elf_builder_require(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "%s", "/tmp/pyspy-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static char *write_file(const char *name, const void *bytes, size_t size)
{
	char *path = in_folder(name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void check_core(struct target *target)
{
	uint8_t byte;
	assert_int_equal(target_kind(target), TARGET_CORE);
	assert_null(target_snapshot(target));
	assert_null(target_python_hint(target));
	assert_int_equal(target_process(target)->pid, CORE_PID);
	assert_int_equal(target_threads(target)->count, 2);
	assert_non_null(mappings_find(target_mappings(target), CORE_DATA));
	assert_int_equal(memory_read(target_memory(target), CORE_DATA, &byte, 1), MEMORY_OK);
	assert_int_equal(byte, core_byte(CORE_DATA));
}

static struct target *open_good(const char *path, const struct target_options *options)
{
	struct target *target = NULL;
	struct error *error = target_open(path, options, &target);
	if (error)
		fail_msg("%s", error->message);
	return target;
}

static void test_core(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	/* Content decides, not the name. */
	char *path = write_file("snap.zst", builder.bytes.data, builder.bytes.size);
	struct target *target = open_good(path, NULL);
	check_core(target);
	assert_string_equal(target_path(target), path);
	assert_null(target_losses(target)[0]);
	target_destroy(target);
	free(path);
	elf_builder_deinit(&builder);
}

static void test_compressed_core(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_AARCH64);
	struct buffer packed = zstd_pack(builder.bytes.data, builder.bytes.size);
	char *path = write_file("core.zst", packed.data, packed.size);
	struct target *target = open_good(path, NULL);
	check_core(target);
	target_destroy(target);
	free(path);
	buffer_deinit(&packed);
	elf_builder_deinit(&builder);
}

/* The time of a core is its file's; unpacking makes it no younger. */
static void test_core_time(void **state)
{
	(void)state;
	const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {1000000001, 5000}};
	const uint64_t time_ns = UINT64_C(1000000001000005000);
	struct elf_builder builder = core_build(EM_X86_64);
	struct buffer packed = zstd_pack(builder.bytes.data, builder.bytes.size);
	const struct buffer *const contents[] = {&builder.bytes, &packed};
	for (size_t i = 0; i < 2; i++) {
		char *path = write_file("old-core", contents[i]->data, contents[i]->size);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		struct target *target = open_good(path, NULL);
		assert_int_equal(target_process(target)->capture_time_ns, time_ns);
		target_destroy(target);
		free(path);
	}
	buffer_deinit(&packed);
	elf_builder_deinit(&builder);
}

/* Standard input, from a pipe or from a file. */
static struct target *open_standard_input(int fd)
{
	int saved = dup(STDIN_FILENO);
	assert_true(dup2(fd, STDIN_FILENO) >= 0);
	struct target *target = open_good("-", NULL);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	} else {
		close(STDIN_FILENO);
	}
	return target;
}

static void test_standard_input(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], builder.bytes.data, builder.bytes.size), builder.bytes.size);
	close(fds[1]);
	struct target *target = open_standard_input(fds[0]);
	close(fds[0]);
	check_core(target);
	assert_int_equal(target_process(target)->capture_time_ns, 0);
	target_destroy(target);
	int fd = elf_builder_fd(&builder);
	target = open_standard_input(fd);
	close(fd);
	check_core(target);
	target_destroy(target);
	elf_builder_deinit(&builder);
}

static void test_snapshot(void **state)
{
	(void)state;
	char *path = in_folder("snapshot");
	struct output_file *output;
	struct snapshot_writer *writer;
	struct process_facts facts = {.pid = 55, .machine = MACHINE_X86_64};
	struct sample_facts sample = {.pid = 55, .time_ns = 1};
	uint32_t value;
	check(output_file_create(path, &output));
	check(snapshot_writer_create(output, &writer));
	check(snapshot_writer_process(writer, &facts));
	check(snapshot_writer_memory(writer, 55, 0x1000, "abcdefgh", 8));
	check(snapshot_writer_sample(writer, &sample));
	check(snapshot_writer_finish(writer));
	check(output_file_commit(output));
	snapshot_writer_destroy(writer);
	output_file_destroy(output);
	struct target *target = open_good(path, NULL);
	assert_int_equal(target_kind(target), TARGET_SNAPSHOT);
	assert_non_null(target_snapshot(target));
	assert_int_equal(target_process(target)->pid, 55);
	assert_int_equal(memory_read_u32(target_memory(target), 0x1000, &value), MEMORY_OK);
	assert_int_equal(value, 0x64636261);
	target_destroy(target);
	free(path);
}

static void expect_refused(const char *path, enum error_code code, const char *part)
{
	struct target *target = NULL;
	struct error *error = target_open(path, NULL, &target);
	assert_non_null(error);
	if (error->code != code || !strstr(error->message, part))
		fail_msg("code %d, message: %s", (int)error->code, error->message);
	assert_null(target);
	error_destroy(error);
}

static void test_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum error_code code;
		const char *part;
	} cases[] = {
		{"", 0, ERROR_FORMAT, "is empty"},
		{"some text\n", 10, ERROR_FORMAT, "looks like text"},
		{"\x01\x02", 2, ERROR_FORMAT, "first bytes are unknown"},
		{"#!/bin/sh\n", 10, ERROR_FORMAT, "it is a script"},
		{"BZh91AY", 7, ERROR_FORMAT, "bzip2 -dc"},
		{"\x1f\x8b\x08", 3, ERROR_UNSUPPORTED, "gzip -dc"},
		{"\x7f"
		 "ELF",
		 4, ERROR_FORMAT, "an ELF file that is cut"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *path = write_file("input", cases[i].bytes, cases[i].size);
		expect_refused(path, cases[i].code, cases[i].part);
		free(path);
	}
	expect_refused("/proc/self/exe", ERROR_FORMAT, "is an executable or a library, not a core");
	expect_refused("/dev/null", ERROR_FORMAT, "is empty");
	expect_refused(folder, ERROR_USAGE, "is a directory");
	char *path = in_folder("absent");
	expect_refused(path, ERROR_IO, "there is no file");
	free(path);
}

/* A core without pages of code, and a file that has them somewhere. */
struct module_case {
	char *core;
	struct elf_builder module;
	struct elf_builder other;
};

static struct module_case module_case_make(void)
{
	struct module_case result = {
		.module = core_module_build("01234567890123456789"),
		.other = core_module_build("98765432109876543210"),
	};
	struct elf_builder builder = core_build(EM_X86_64);
	memcpy(builder.bytes.data + 0x2000, result.module.bytes.data, 0x1000);
	result.core = write_file("core", builder.bytes.data, builder.bytes.size);
	elf_builder_deinit(&builder);
	return result;
}

static void module_case_deinit(struct module_case *module_case)
{
	free(module_case->core);
	elf_builder_deinit(&module_case->module);
	elf_builder_deinit(&module_case->other);
}

static void make_folders(const char *name)
{
	char *path = in_folder(name);
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void expect_code(const struct module_case *module_case, const struct target_options *options,
			bool expected)
{
	char bytes[4];
	struct target *target = open_good(module_case->core, options);
	enum memory_status status = memory_read(target_memory(target), CORE_CODE, bytes, 4);
	assert_int_equal(status, expected ? MEMORY_OK : MEMORY_NOT_CAPTURED);
	if (expected)
		assert_memory_equal(bytes, "code", 4);
	target_destroy(target);
}

static void test_module_files(void **state)
{
	(void)state;
	struct module_case module_case = module_case_make();
	const struct elf_builder *module = &module_case.module;
	const struct elf_builder *other = &module_case.other;
	make_folders("root");
	make_folders("root/lib");
	make_folders("flat");
	make_folders("wrong");
	char *in_root = write_file("root/lib/x.so", module->bytes.data, module->bytes.size);
	char *in_flat = write_file("flat/x.so", module->bytes.data, module->bytes.size);
	char *in_wrong = write_file("wrong/x.so", other->bytes.data, other->bytes.size);
	char *root = in_folder("root");
	char *flat = in_folder("flat");
	char *wrong = in_folder("wrong");
	const char *const flat_list[] = {wrong, flat, NULL};
	const char *const wrong_list[] = {wrong, NULL};
	const char *const root_list[] = {wrong, root, NULL};
	expect_code(&module_case, NULL, false);
	expect_code(&module_case, &(struct target_options){.sysroot = root}, true);
	expect_code(&module_case, &(struct target_options){.sysroot = wrong}, false);
	expect_code(&module_case, &(struct target_options){.search_paths = flat_list}, true);
	expect_code(&module_case, &(struct target_options){.search_paths = wrong_list}, false);
	expect_code(&module_case, &(struct target_options){.search_roots = root_list}, true);
	/* The core's executable is this module. */
	expect_code(&module_case, &(struct target_options){.executable = in_flat}, true);
	expect_code(&module_case, &(struct target_options){.executable = in_wrong}, false);
	expect_code(&module_case, &(struct target_options){.executable = flat}, false);
	/* A link that is absolute stays below the root. */
	assert_int_equal(unlink(in_root), 0);
	assert_int_equal(symlink("/lib/real.so", in_root), 0);
	free(write_file("root/lib/real.so", module->bytes.data, module->bytes.size));
	expect_code(&module_case, &(struct target_options){.sysroot = root}, true);
	/* What is no file is not opened: this would never return. */
	assert_int_equal(unlink(in_root), 0);
	assert_int_equal(mkfifo(in_root, 0600), 0);
	expect_code(&module_case, &(struct target_options){.sysroot = root}, false);
	char *const texts[] = {in_root, in_flat, in_wrong, root, flat, wrong};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	module_case_deinit(&module_case);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_core, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_compressed_core, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_core_time, make_folder, remove_folder),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test_setup_teardown(test_snapshot, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_module_files, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
