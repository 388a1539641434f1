#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/compressed_input.h"
#include "formats/sparse_file.h"
#include "tests/unit/core_builder.h"
#include "tests/unit/random_numbers.h"
#include "tests/unit/zstd_pack.h"

/* A core with a long hole in it, and zeros at its end. */
static struct elf_builder core_with_hole(void)
{
	struct elf_builder builder = core_build(EM_X86_64);
	elf_builder_pad(&builder, 4 << 20);
	elf_builder_append(&builder, "after the hole", 14);
	elf_builder_pad(&builder, 5 << 20);
	return builder;
}

static struct error *unpack(const void *bytes, size_t size, int *ret_fd, char **ret_loss)
{
	int fd = bytes_to_fd(bytes, size);
	assert_true(fd >= 0);
	struct error *error = compressed_input_unpack(fd, "test.zst", ret_fd, ret_loss);
	close(fd);
	return error;
}

static void assert_file_equal(int fd, const void *bytes, size_t size)
{
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, size);
	uint8_t *content = malloc(size);
	assert_int_equal(pread(fd, content, size, 0), size);
	assert_memory_equal(content, bytes, size);
	free(content);
}

static void test_unpack(void **state)
{
	(void)state;
	struct elf_builder builder = core_with_hole();
	struct buffer packed = zstd_pack(builder.bytes.data, builder.bytes.size);
	int fd = -1;
	char *loss = NULL;
	assert_null(unpack(packed.data, packed.size, &fd, &loss));
	assert_null(loss);
	assert_file_equal(fd, builder.bytes.data, builder.bytes.size);
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_nlink, 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	/* Most of it is a hole, on file systems that have them. */
	if (status.st_blocks)
		assert_true((size_t)status.st_blocks * 512 < builder.bytes.size / 4);
	close(fd);
	/* Two frames, as `zstd` leaves them when files are joined. */
	struct buffer joined = {0};
	struct buffer tail = zstd_pack("the tail", 8);
	assert_null(buffer_append(&joined, packed.data, packed.size));
	assert_null(buffer_append(&joined, tail.data, tail.size));
	assert_null(unpack(joined.data, joined.size, &fd, &loss));
	elf_builder_append(&builder, "the tail", 8);
	assert_file_equal(fd, builder.bytes.data, builder.bytes.size);
	close(fd);
	buffer_deinit(&joined);
	buffer_deinit(&tail);
	buffer_deinit(&packed);
	elf_builder_deinit(&builder);
}

/* Bytes that do not compress, so that cuts fall everywhere. */
static struct elf_builder core_with_noise(void)
{
	struct elf_builder builder = core_build(EM_X86_64);
	random_state = 1;
	for (size_t i = 0; i < 600000; i++) {
		uint8_t byte = (uint8_t)random_below(256);
		elf_builder_append(&builder, &byte, 1);
	}
	return builder;
}

static void test_cut_and_damaged(void **state)
{
	(void)state;
	struct elf_builder builder = core_with_noise();
	struct buffer packed = zstd_pack(builder.bytes.data, builder.bytes.size);
	struct stat status;
	int fd = -1;
	char *loss = NULL;
	assert_null(unpack(packed.data, packed.size - 100, &fd, &loss));
	assert_non_null(strstr(loss, "cut or damaged"));
	assert_int_equal(fstat(fd, &status), 0);
	assert_true(status.st_size >= 256 << 10);
	assert_file_equal(fd, builder.bytes.data, (size_t)status.st_size);
	close(fd);
	free(loss);
	/* Cut before its first block: nothing is left that could be a core. */
	struct error *error = unpack(packed.data, 20, &fd, &loss);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_FORMAT);
	error_destroy(error);
	/* Damaged in its last third: a reserved type of block. */
	memset(packed.data + packed.size * 2 / 3, 0xff, packed.size / 3);
	error = unpack(packed.data, packed.size, &fd, &loss);
	if (!error) {
		close(fd);
		free(loss);
	}
	error_destroy(error);
	buffer_deinit(&packed);
	elf_builder_deinit(&builder);
}

static void expect_refused(const void *bytes, size_t size, enum error_code code, const char *part)
{
	int fd = -1;
	char *loss = NULL;
	struct error *error = unpack(bytes, size, &fd, &loss);
	assert_non_null(error);
	assert_int_equal(error->code, code);
	assert_non_null(strstr(error->message, part));
	assert_int_equal(fd, -1);
	assert_null(loss);
	error_destroy(error);
}

static void test_refused(void **state)
{
	(void)state;
	struct buffer packed = zstd_pack("no core, but long enough to be looked at", 40);
	expect_refused(packed.data, packed.size, ERROR_FORMAT, "no ELF core");
	buffer_deinit(&packed);
	packed = zstd_pack("", 0);
	expect_refused(packed.data, packed.size, ERROR_FORMAT, "no ELF core");
	buffer_deinit(&packed);
	expect_refused("\xfd"
		       "7zXZ\0 and so on",
		       16, ERROR_UNSUPPORTED, "xz -dc 'test.zst'");
	expect_refused("\x1f\x8b", 2, ERROR_UNSUPPORTED, "gzip -dc");
	expect_refused("\x04\x22\x4d\x18", 4, ERROR_UNSUPPORTED, "lz4 -dc");
	expect_refused("anything", 8, ERROR_FORMAT, "not compressed");
	expect_refused("", 0, ERROR_FORMAT, "not compressed");
}

static void test_kind(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *kind;
	} cases[] = {
		{"\x28\xb5\x2f\xfd", 4, "zstd"},
		{"\xfd"
		 "7zXZ",
		 6, "xz"},
		{"\x04\x22\x4d\x18", 4, "lz4"},
		{"\x1f\x8b\x08", 3, "gzip"},
		{"\x28\xb5\x2f", 3, NULL},
		{"\x7f"
		 "ELF",
		 4, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int fd = bytes_to_fd(cases[i].bytes, cases[i].size);
		const char *kind = compressed_input_kind(fd);
		close(fd);
		if (cases[i].kind)
			assert_string_equal(kind, cases[i].kind);
		else
			assert_null(kind);
	}
}

/* Zeros in every position relative to the blocks of the file. */
static void test_sparse_file(void **state)
{
	(void)state;
	enum { SIZE = 40000, STEP = 1237 };
	static uint8_t bytes[SIZE];
	struct sparse_file file;
	int fd;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = i / 9000 % 2 ? 0 : (uint8_t)(i % 251);
	assert_null(sparse_file_create(&file));
	for (size_t i = 0; i < SIZE; i += STEP)
		assert_null(
			sparse_file_append(&file, bytes + i, SIZE - i < STEP ? SIZE - i : STEP));
	assert_null(sparse_file_finish(&file, STDIN_FILENO, &fd));
	assert_file_equal(fd, bytes, SIZE);
	close(fd);
	sparse_file_deinit(&file);
}

static void test_temporary_folder(void **state)
{
	(void)state;
	struct sparse_file file;
	const char *before = getenv("TMPDIR");
	char *saved = before ? strdup(before) : NULL;
	setenv("TMPDIR", "/no/such/folder", 1);
	assert_null(sparse_file_create(&file));
	assert_string_not_equal(file.folder, "/no/such/folder");
	sparse_file_deinit(&file);
	unsetenv("TMPDIR");
	if (saved)
		setenv("TMPDIR", saved, 1);
	free(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unpack),	    cmocka_unit_test(test_cut_and_damaged),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_kind),
		cmocka_unit_test(test_sparse_file), cmocka_unit_test(test_temporary_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
