#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/facts.h"

static void test_process(void **state)
{
	(void)state;
	struct process_facts facts = {.pid = 1, .command_line = strdup("x"), .host = strdup("h")};
	process_facts_deinit(&facts);
	assert_int_equal(facts.pid, 0);
	assert_null(facts.command_line);
	process_facts_deinit(&facts);
}

static void test_ancestors(void **state)
{
	(void)state;
	struct process_facts facts = {.pid = 1};
	struct process_facts copy;
	char line[] = "sh -c x";
	for (int32_t i = 0; i < 2 * ANCESTORS_MAX; i++) {
		const struct process_facts parent = {.pid = i + 2, .command_line = i ? line : NULL};
		assert_null(process_facts_add_ancestor(&facts, &parent));
	}
	assert_int_equal(facts.ancestor_count, ANCESTORS_MAX);
	assert_null(process_facts_copy(&facts, &copy));
	process_facts_deinit(&facts);
	assert_int_equal(copy.ancestor_count, ANCESTORS_MAX);
	assert_null(copy.ancestors[0].command_line);
	assert_string_equal(copy.ancestors[1].command_line, line);
	assert_int_equal(copy.ancestors[ANCESTORS_MAX - 1].pid, ANCESTORS_MAX + 1);
	process_facts_deinit(&copy);
	assert_null(copy.ancestors);
}

static void test_threads(void **state)
{
	(void)state;
	struct thread_list list = {0};
	for (int32_t i = 0; i < 100; i++) {
		struct thread_facts thread = {.tid = i, .system_call = -1};
		if (i % 3 == 0) {
			thread.registers = malloc(8);
			thread.registers_size = 8;
		}
		assert_null(thread_list_append(&list, &thread));
	}
	assert_int_equal(list.count, 100);
	assert_int_equal(list.items[99].tid, 99);
	assert_non_null(list.items[99].registers);
	thread_list_deinit(&list);
	assert_null(list.items);
	assert_int_equal(list.count, 0);
}

/* Values come from files too. */
static void test_names(void **state)
{
	(void)state;
	assert_string_equal(freeze_way_name(FREEZE_NONE), "none");
	assert_string_equal(freeze_way_name(FREEZE_ALL), "all");
	assert_string_equal(freeze_way_name((enum freeze_way)4711), "unknown");
	assert_string_equal(capture_level_name(LEVEL_STACKS), "stacks");
	assert_string_equal(capture_level_name(LEVEL_FULL), "full");
	assert_string_equal(capture_level_name((enum capture_level)3), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_ancestors),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
