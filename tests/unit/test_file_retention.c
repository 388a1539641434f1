#include "tests/unit/cmocka_headers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/file_retention.h"

static char folder[] = "/tmp/pyspy-retention-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_file(const char *name, size_t size)
{
	int fd = open(path_of(name), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void add(struct file_retention *retention, const char *name, size_t size)
{
	make_file(name, size);
	assert_null(file_retention_add(retention, path_of(name)));
	assert_null(file_retention_trim(retention));
}

static void test_keep(void **state)
{
	(void)state;
	struct file_retention retention = {.keep = 2, .keep_bytes = UINT64_MAX};
	make_file("other", 1);
	add(&retention, "a", 1);
	add(&retention, "b", 1);
	assert_true(exists("a"));
	add(&retention, "c", 1);
	assert_false(exists("a"));
	assert_true(exists("b") && exists("c") && exists("other"));
	file_retention_deinit(&retention);
}

static void test_keep_bytes(void **state)
{
	(void)state;
	struct file_retention retention = {.keep = UINT64_MAX, .keep_bytes = 100};
	add(&retention, "a", 50);
	add(&retention, "b", 50);
	assert_true(exists("a"));
	/* The newest grows while it is written. */
	assert_int_equal(truncate(path_of("b"), 51), 0);
	assert_null(file_retention_trim(&retention));
	assert_false(exists("a"));
	add(&retention, "c", 1000);
	assert_false(exists("b"));
	assert_true(exists("c"));
	file_retention_deinit(&retention);
}

static void test_all_are_kept(void **state)
{
	(void)state;
	struct file_retention retention = {.keep = UINT64_MAX, .keep_bytes = UINT64_MAX};
	add(&retention, "a", 1000);
	add(&retention, "b", 1000);
	assert_true(exists("a"));
	assert_int_equal(retention.count, 0);
	file_retention_deinit(&retention);
}

/* What somebody put in its place is not ours. */
static void test_replaced(void **state)
{
	(void)state;
	char from[128];
	struct file_retention retention = {.keep = 1, .keep_bytes = UINT64_MAX};
	add(&retention, "a", 1);
	make_file("x", 1);
	snprintf(from, sizeof(from), "%s", path_of("x"));
	assert_int_equal(rename(from, path_of("a")), 0);
	add(&retention, "b", 1);
	assert_true(exists("a"));
	file_retention_deinit(&retention);
}

/* Files that were moved away are not counted. */
static void test_moved(void **state)
{
	(void)state;
	char to[128];
	struct file_retention retention = {.keep = 2, .keep_bytes = UINT64_MAX};
	add(&retention, "a", 1);
	add(&retention, "b", 1);
	snprintf(to, sizeof(to), "%s", path_of("taken"));
	assert_int_equal(rename(path_of("b"), to), 0);
	add(&retention, "c", 1);
	assert_true(exists("a") && exists("c") && exists("taken"));
	file_retention_deinit(&retention);
}

static void test_no_regular_file(void **state)
{
	(void)state;
	struct file_retention retention = {.keep = 1, .keep_bytes = UINT64_MAX};
	assert_null(file_retention_add(&retention, "/dev/null"));
	assert_null(file_retention_add(&retention, "-"));
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_null(file_retention_add(&retention, path_of("fifo")));
	assert_int_equal(retention.count, 0);
	file_retention_deinit(&retention);
}

/* Told once, and not tried for ever. */
static void test_not_removable(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message("root can remove every file\n");
		skip();
	}
	struct file_retention retention = {.keep = 1, .keep_bytes = UINT64_MAX};
	add(&retention, "a", 1);
	make_file("b", 1);
	assert_null(file_retention_add(&retention, path_of("b")));
	assert_int_equal(chmod(folder, 0500), 0);
	struct error *error = file_retention_trim(&retention);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "a: Permission denied"));
	error_destroy(error);
	assert_null(file_retention_trim(&retention));
	assert_true(exists("a"));
	file_retention_deinit(&retention);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		CASE(test_keep),	  CASE(test_keep_bytes), CASE(test_all_are_kept),
		CASE(test_replaced),	  CASE(test_moved),	 CASE(test_no_regular_file),
		CASE(test_not_removable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
