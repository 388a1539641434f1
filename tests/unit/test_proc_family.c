/* Relatives of a process, as /proc tells. The tree under test is of this program's children. */
#include "tests/unit/cmocka_headers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/proc.h"
#include "capture/proc_family.h"

enum { CHILDREN = 3 };

struct tree {
	pid_t children[CHILDREN];
	pid_t grandchild; /* of the first */
};

static void stand_still(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void make_tree(struct tree *tree)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < CHILDREN; i++) {
		tree->children[i] = fork();
		if (tree->children[i] == 0) {
			pid_t own = i == 0 ? fork() : 0;
			if (own && write(ends[1], &own, sizeof(own)) != sizeof(own))
				_exit(1);
			stand_still();
		}
	}
	assert_int_equal(read(ends[0], &tree->grandchild, sizeof(tree->grandchild)),
			 sizeof(tree->grandchild));
	close(ends[0]);
	close(ends[1]);
}

static void end_tree(const struct tree *tree)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		kill(tree->children[i], SIGKILL);
		waitpid(tree->children[i], NULL, 0);
	}
}

static size_t index_of(const struct family *family, pid_t pid)
{
	size_t i = 0;
	while (i < family->count && family->items[i].pid != pid)
		i++;
	return i;
}

static void own_facts(struct process_facts *ret)
{
	assert_null(proc_relative(getpid(), ret));
}

static void test_relative(void **state)
{
	(void)state;
	struct process_facts facts;
	own_facts(&facts);
	assert_int_equal(facts.pid, getpid());
	assert_int_equal(facts.parent_pid, getppid());
	assert_string_equal(facts.command_name, "test_proc_famil"); /* 15 bytes of it */
	assert_non_null(strstr(facts.command_line, "test_proc_family"));
	assert_true(facts.start_ticks > 0);
	process_facts_deinit(&facts);
	struct error *error = proc_relative(0, &facts);
	assert_int_equal(error->code, ERROR_NO_PROCESS);
	error_destroy(error);
}

static void test_descendants(void **state)
{
	(void)state;
	struct family family = {0};
	struct tree tree;
	make_tree(&tree);
	/* Twice: those that are there are not added again. */
	for (int i = 0; i < 2; i++) {
		assert_null(family_add_descendants(&family, getpid()));
		assert_int_equal(family.count, CHILDREN + 1);
	}
	for (size_t i = 0; i < CHILDREN; i++)
		assert_true(index_of(&family, tree.children[i]) < CHILDREN);
	size_t grandchild = index_of(&family, tree.grandchild);
	assert_int_equal(grandchild, CHILDREN); /* behind its parent */
	assert_int_equal(family.items[grandchild].parent_pid, tree.children[0]);
	assert_false(family.cut);
	family_deinit(&family);
	assert_null(family_add_descendants(&family, tree.children[0]));
	assert_int_equal(family.count, 1);
	family_deinit(&family);
	end_tree(&tree);
}

static void test_ended(void **state)
{
	(void)state;
	struct family family = {0};
	pid_t zombie = fork();
	if (zombie == 0)
		_exit(0);
	siginfo_t information;
	assert_int_equal(waitid(P_PID, (id_t)zombie, &information, WEXITED | WNOWAIT), 0);
	assert_null(family_add_descendants(&family, getpid()));
	assert_int_equal(family.count, 0);
	waitpid(zombie, NULL, 0);
	assert_null(family_add_descendants(&family, zombie));
	assert_int_equal(family.count, 0);
	family_deinit(&family);
}

static void test_ancestors(void **state)
{
	(void)state;
	struct family family = {0};
	struct process_facts own;
	own_facts(&own);
	assert_null(family_add_ancestors(&family, &own));
	assert_true(family.count >= 1);
	assert_int_equal(family.items[0].pid, getppid());
	for (size_t i = 0; i + 1 < family.count; i++) {
		assert_int_equal(family.items[i].parent_pid, family.items[i + 1].pid);
		assert_true(family.items[i].start_ticks >= family.items[i + 1].start_ticks);
	}
	size_t count = family.count;
	assert_null(family_add_ancestors(&family, &own));
	assert_int_equal(family.count, count);
	family_deinit(&family);
	process_facts_deinit(&own);
}

/* A parent that is younger has another's number. */
static void test_number_used_again(void **state)
{
	(void)state;
	struct family family = {0};
	struct process_facts own;
	own_facts(&own);
	own.start_ticks = 1;
	own.parent_pid = getpid();
	assert_null(family_add_ancestors(&family, &own));
	assert_int_equal(family.count, 0);
	process_facts_deinit(&own);
}

static void test_bound(void **state)
{
	(void)state;
	struct family family = {.count = FAMILY_MAX, .capacity = FAMILY_MAX};
	struct tree tree;
	family.items = calloc(FAMILY_MAX, sizeof(*family.items));
	make_tree(&tree);
	assert_null(family_add_descendants(&family, getpid()));
	assert_int_equal(family.count, FAMILY_MAX);
	assert_true(family.cut);
	end_tree(&tree);
	family_deinit(&family);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_descendants),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_ancestors),
		cmocka_unit_test(test_number_used_again),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
