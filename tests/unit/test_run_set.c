/* The processes of a run: what happens when there are too many. */
#include "tests/unit/cmocka_headers.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/run_set.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* No process is left over, should the test fail. */
static void __attribute__((noreturn)) wait_for_end(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static pid_t start_child(void)
{
	pid_t pid = fork();
	if (pid == 0)
		wait_for_end();
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process that has ended, and is some other's parent: it has its place. */
static struct run_member *make_ended(const struct capture_options *options, pid_t pid)
{
	struct process_facts facts = {.pid = pid};
	struct run_member *member = NULL;
	assert_null(run_member_create(options, NULL, &facts, false, &member));
	member->state = MEMBER_ENDED;
	return member;
}

static void fill(struct run_set *set, const struct capture_options *options)
{
	set->members = reallocarray(set->members, RUN_SET_MAX, sizeof(struct run_member *));
	assert_non_null(set->members);
	set->capacity = RUN_SET_MAX;
	while (set->count < RUN_SET_MAX)
		set->members[set->count++] = make_ended(options, INT32_MAX);
}

static void children_are_found_when_there_is_room_again(void **state)
{
	(void)state;
	const struct capture_options options = {.subprocesses = true, .rate = 100};
	struct run_set set = {.options = &options};
	pid_t parent = fork();
	if (parent == 0) {
		fork();
		wait_for_end();
	}
	assert_true(parent > 0);
	assert_null(run_set_add(&set, parent));
	fill(&set, &options);
	uint64_t now = NS_PER_SECOND;
	/* Until the child is there; it could not be told from one that was found late. */
	for (int i = 0; i < 1000 && !set.cut; i++) {
		usleep(10000);
		assert_null(run_set_look(&set, now += NS_PER_SECOND));
	}
	assert_true(set.cut);
	assert_int_equal(set.count, RUN_SET_MAX);
	while (set.count > 1)
		run_set_remove(&set, set.members[set.count - 1]);
	assert_null(run_set_look(&set, now += NS_PER_SECOND));
	assert_int_equal(set.count, 2);
	pid_t grandchild = set.members[1]->pid;
	assert_int_equal(set.members[1]->facts.parent_pid, parent);
	/* That some were left out is told at the end. */
	assert_true(set.cut);
	run_set_deinit(&set);
	kill(grandchild, SIGKILL);
	end_child(parent);
}

static void named_twice_is_one(void **state)
{
	(void)state;
	const struct capture_options options = {.rate = 100};
	struct run_set set = {.options = &options};
	pid_t child = start_child();
	assert_null(run_set_add(&set, child));
	assert_null(run_set_add(&set, child));
	assert_int_equal(set.count, 1);
	assert_true(set.members[0]->named);
	run_set_deinit(&set);
	end_child(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_are_found_when_there_is_room_again),
		cmocka_unit_test(named_twice_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
