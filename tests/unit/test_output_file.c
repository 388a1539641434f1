#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/output_file.h"

/* System calls that a file system may not support; they stand before libc's. */
static struct {
	bool unnamed;
	bool rename;
	bool link;
} refuse;

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = va_arg(arguments, mode_t);
	va_end(arguments);
	if (refuse.unnamed && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int renameat2(int old_folder, const char *old_path, int new_folder, const char *new_path,
	      unsigned flags)
{
	if (refuse.rename) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, old_folder, old_path, new_folder, new_path, flags);
}

int link(const char *old_path, const char *new_path)
{
	if (refuse.link) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_linkat, AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

static char folder[64];
static char target[96];

static int set_up(void **state)
{
	(void)state;
	memset(&refuse, 0, sizeof(refuse));
	snprintf(folder, sizeof(folder), "/tmp/test-output-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(target, sizeof(target), "%s/snap.zst", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(target);
	return rmdir(folder);
}

static size_t files_in_folder(void)
{
	size_t count = 0;
	DIR *stream = opendir(folder);
	assert_non_null(stream);
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

static struct output_file *create(void)
{
	struct output_file *file;
	struct error *error = output_file_create(target, &file);
	if (error)
		fail_msg("%s", error->message);
	return file;
}

static void assert_error(struct error *error, enum error_code code, int errnum)
{
	if (!error) {
		fail_msg("expected an error");
		return;
	}
	assert_int_equal(error->code, code);
	assert_int_equal(error->errnum, errnum);
	error_destroy(error);
}

static void check_whole_life(void)
{
	struct output_file *file = create();
	assert_null(output_file_write(file, "hello, ", 7));
	assert_null(output_file_write(file, "world", 5));
	assert_int_equal(output_file_size_bytes(file), 12);
	assert_int_equal(access(target, F_OK), -1);
	assert_null(output_file_commit(file));
	output_file_destroy(file);

	struct stat status;
	assert_int_equal(stat(target, &status), 0);
	assert_int_equal(status.st_size, 12);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(files_in_folder(), 1);
	struct output_file *second;
	assert_error(output_file_create(target, &second), ERROR_EXISTS, 0);
	assert_int_equal(unlink(target), 0);

	/* Without a commit nothing stays. */
	file = create();
	assert_null(output_file_write(file, "x", 1));
	output_file_destroy(file);
	assert_int_equal(files_in_folder(), 0);

	/* The name was taken in the meantime. */
	file = create();
	assert_null(output_file_write(file, "mine", 4));
	int other = open(target, O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_int_equal(write(other, "other's", 7), 7);
	close(other);
	assert_error(output_file_commit(file), ERROR_EXISTS, 0);
	output_file_destroy(file);
	assert_int_equal(stat(target, &status), 0);
	assert_int_equal(status.st_size, 7);
	assert_int_equal(files_in_folder(), 1);
	assert_int_equal(unlink(target), 0);
}

static void test_unnamed(void **state)
{
	(void)state;
	check_whole_life();
}

static void test_rename(void **state)
{
	(void)state;
	refuse.unnamed = true;
	check_whole_life();
}

static void test_link(void **state)
{
	(void)state;
	refuse.unnamed = refuse.rename = true;
	check_whole_life();
}

static void test_placeholder(void **state)
{
	(void)state;
	refuse.unnamed = refuse.rename = refuse.link = true;
	check_whole_life();
}

static void test_killed(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct output_file *file;
		if (!output_file_create(target, &file) && !output_file_write(file, "x", 1))
			raise(SIGKILL);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(files_in_folder(), 0);
}

static void test_errors(void **state)
{
	(void)state;
	struct output_file *file;
	assert_error(output_file_create("/nonexistent/folder/x", &file), ERROR_IO, ENOENT);
	assert_error(output_file_create("", &file), ERROR_IO, ENOENT);
	assert_error(output_file_create(folder, &file), ERROR_EXISTS, 0);
	assert_null(output_file_create("/dev/full", &file));
	struct error *error = output_file_write(file, "x", 1);
	assert_string_equal(error ? error->message : "",
			    "cannot write /dev/full: No space left on device");
	assert_error(error, ERROR_IO, ENOSPC);
	assert_null(output_file_commit(file));
	output_file_destroy(file);
}

static void test_standard_output(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	struct output_file *file;
	struct error *created = output_file_create("-", &file);
	struct error *written = created ? NULL : output_file_write(file, "hello", 5);
	char text[8];
	ssize_t got = read(ends[0], text, sizeof(text));
	close(ends[0]);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, NULL);
	struct error *broken = created ? NULL : output_file_write(file, "hello", 5);
	struct error *committed = created ? NULL : output_file_commit(file);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(ends[1]);
	assert_null(created);
	assert_null(written);
	assert_int_equal(got, 5);
	assert_null(committed);
	assert_error(broken, ERROR_IO, EPIPE);
	output_file_destroy(file);
}

static void test_invoking_user(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	setenv("SUDO_UID", "12345", 1);
	setenv("SUDO_GID", "54321", 1);
	struct output_file *file = create();
	assert_null(output_file_commit(file));
	output_file_destroy(file);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	struct stat status;
	assert_int_equal(stat(target, &status), 0);
	assert_int_equal(status.st_uid, 12345);
	assert_int_equal(status.st_gid, 54321);
}

static void check_spool(void)
{
	int fd;
	assert_null(output_file_spool(target, &fd));
	assert_int_equal(files_in_folder(), 0);
	assert_int_equal(pwrite(fd, "abc", 3, 5), 3);
	char text[3];
	assert_int_equal(pread(fd, text, 3, 5), 3);
	assert_memory_equal(text, "abc", 3);
	close(fd);
	assert_null(output_file_spool("-", &fd));
	close(fd);
}

static void test_spool(void **state)
{
	(void)state;
	check_spool();
	refuse.unnamed = true;
	check_spool();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unnamed),	    TEST(test_rename), TEST(test_link),
		TEST(test_placeholder),	    TEST(test_killed), TEST(test_errors),
		TEST(test_standard_output), TEST(test_spool),  TEST(test_invoking_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
