#include "tests/unit/cmocka_headers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/fault_point.h"

static bool init_with(const char *text)
{
	if (text)
		setenv("PYSPY_FAULT", text, 1);
	else
		unsetenv("PYSPY_FAULT");
	return fault_point_init();
}

static void every_point_has_its_own_name(void **state)
{
	(void)state;
	for (int i = 0; i < FAULT_POINT_COUNT; i++) {
		assert_non_null(fault_point_name((enum fault_point)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(fault_point_name((enum fault_point)i),
						fault_point_name((enum fault_point)j));
	}
}

static void nothing_happens_unasked(void **state)
{
	(void)state;
	assert_true(init_with(NULL));
	for (int i = 0; i < FAULT_POINT_COUNT; i++)
		assert_false(fault_point((enum fault_point)i));
	assert_true(init_with(""));
	assert_false(fault_point(FAULT_BEFORE_SEIZE));
}

static void unknown_names_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"nonsense",	 "before-seiz",	      "before-seize2",
		"before-seize:", "before-seize:burn", ":",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(init_with(wrong[i]));
		assert_false(fault_point(FAULT_BEFORE_SEIZE));
	}
}

static void failing_is_for_one_point(void **state)
{
	(void)state;
	assert_true(init_with("during-write:fail"));
	for (int i = 0; i < FAULT_POINT_COUNT; i++)
		assert_int_equal(fault_point((enum fault_point)i), i == FAULT_DURING_WRITE);
	assert_true(init_with(NULL));
}

static pid_t fork_at(const char *text)
{
	pid_t child = fork();
	if (child == 0) {
		if (!init_with(text))
			_exit(2);
		_exit(fault_point(FAULT_BEFORE_COMMIT) ? 3 : 0);
	}
	return child;
}

static void killing(void **state)
{
	(void)state;
	static const char *const texts[] = {"before-commit", "before-commit:kill"};
	for (size_t i = 0; i < 2; i++) {
		int status = 0;
		pid_t child = fork_at(texts[i]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

static void stopping(void **state)
{
	(void)state;
	int status = 0;
	pid_t child = fork_at("before-commit:stop");
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(child, SIGCONT);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_has_its_own_name),
		cmocka_unit_test(nothing_happens_unasked),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(failing_is_for_one_point),
		cmocka_unit_test(killing),
		cmocka_unit_test(stopping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
