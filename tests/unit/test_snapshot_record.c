/* Fields that are shown as they are: what a file may say in them. */
#include "common/cleanup.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_step.h"
#include "tests/unit/error_checks.h"

static void cleanup_buffer(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static bool is_state(int state)
{
	return !state || (state >= 'A' && state <= 'Z') || (state >= 'a' && state <= 'z');
}

/* A thread's state, in a record: a letter, or none. */
static void test_states(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		CLEANUP(cleanup_buffer) struct buffer buffer = {0};
		struct thread_facts thread = {.tid = 7, .state = (char)i};
		struct thread_facts back = {0};
		check(record_encode(&buffer, &snapshot_thread_table, &thread));
		struct cursor cursor = cursor_make(buffer.data, buffer.size);
		check(record_decode(&cursor, &snapshot_thread_table, &back));
		assert_int_equal(cursor_ok(&cursor), is_state(i));
		assert_int_equal(back.state, is_state(i) ? i : 0);
	}
}

/* The same in the steps of a run, where the high bit is of something else. */
static void test_states_of_steps(void **state)
{
	(void)state;
	for (int i = 0; i < 128; i++) {
		CLEANUP(cleanup_buffer) struct buffer buffer = {0};
		struct step_situations written = {0};
		struct step_situations read = {0};
		struct thread_facts old = {.tid = 7, .state = 'x'};
		struct thread_facts new = {.tid = 7, .state = (char)i, .system_call = 3};
		struct thread_list before = {0};
		struct thread_list after = {0};
		struct thread_list now = {.items = &new, .count = 1};
		bool records;
		check(thread_list_append(&before, &old));
		check(thread_list_append(&after, &old));
		check(step_threads_encode(&buffer, &written, &before, &now, &records));
		struct cursor cursor = cursor_make(buffer.data, buffer.size);
		check(step_threads_decode(&cursor, &read, &after, &records));
		assert_int_equal(cursor_ok(&cursor), is_state(i));
		assert_int_equal(after.items[0].state, is_state(i) ? i : 'x');
		thread_list_deinit(&before);
		thread_list_deinit(&after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_states_of_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
