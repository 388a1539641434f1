#include "tests/unit/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/invoking_user.h"

static char path[64];

static const char *write_file(const char *text)
{
	strcpy(path, "/tmp/pyspy-accounts-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void test_home(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *home;
	} cases[] = {
		{"a:x:1:1::/a:/bin/sh\nb:x:1001:5:B:/home/b:/bin/sh\n", "/home/b"},
		{"b:x:1001:5:B:/home/b", "/home/b"},
		{"b:x:1001:5:B:/home/b:/bin/sh:and:more:columns", "/home/b"},
		{"b:x:10010:5:B:/home/b:/bin/sh\n", NULL},
		{"b:x:1001:5:B\n\n:::::\nb:x:1001\n", NULL},
		{"b:x:1001:5:B:relative:/bin/sh\n", NULL},
		{"+::::::\nb:x:+1001:5:B:/home/b:/bin/sh\n", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct invoking_user user = {.present = true, .uid = 1001};
		assert_null(invoking_user_read_home(&user, write_file(cases[i].text)));
		unlink(path);
		if (cases[i].home)
			assert_string_equal(user.home, cases[i].home);
		else
			assert_null(user.home);
		invoking_user_deinit(&user);
	}
}

static void test_groups(void **state)
{
	(void)state;
	static const char text[] = "own:x:5:me\n"
				   "a:x:10:you,me\n"
				   "b:x:11:you,mee,m\n"
				   "c:x:12:me,you\n"
				   "d:x:13:\n"
				   "e:x:-14:me\n"
				   "f:x:15\n"
				   "g:x:16:,,me";
	static const gid_t expected[] = {5, 10, 12, 16};
	struct invoking_user user = {.present = true, .gid = 5, .name = strdup("me")};
	assert_null(invoking_user_read_groups(&user, write_file(text)));
	unlink(path);
	assert_int_equal(user.group_count, sizeof(expected) / sizeof(expected[0]));
	assert_memory_equal(user.groups, expected, sizeof(expected));
	invoking_user_deinit(&user);
}

static void test_no_files(void **state)
{
	(void)state;
	struct invoking_user user = {.present = true, .gid = 5, .name = strdup("me")};
	assert_null(invoking_user_read_home(&user, "/nonexistent/passwd"));
	assert_null(invoking_user_read_groups(&user, "/nonexistent/group"));
	assert_null(user.home);
	assert_int_equal(user.group_count, 1);
	assert_int_equal(user.groups[0], 5);
	invoking_user_deinit(&user);
}

static void set(const char *uid, const char *gid)
{
	if (uid)
		setenv("SUDO_UID", uid, 1);
	else
		unsetenv("SUDO_UID");
	setenv("SUDO_GID", gid, 1);
}

static void test_environment(void **state)
{
	(void)state;
	static const struct {
		const char *uid;
		const char *gid;
		bool present;
	} cases[] = {
		{"1000", "100", true},	    {NULL, "100", false},  {"", "100", false},
		{"0", "0", false},	    {"-1", "100", false},  {"1000x", "100", false},
		{"4294967295", "1", false}, {"1000", "1 ", false}, {" 1000", "1", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct invoking_user user;
		set(cases[i].uid, cases[i].gid);
		assert_null(invoking_user_find(&user));
		assert_int_equal(user.present, cases[i].present && geteuid() == 0);
		invoking_user_deinit(&user);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
