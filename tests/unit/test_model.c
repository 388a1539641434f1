#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/model.h"

static void test_grows(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	for (int i = 0; i < 1000; i++) {
		struct model_thread *thread;
		assert_null(model_process_add_thread(&process, &thread));
		assert_int_equal(thread->frame_count, 0);
		assert_null(thread->name);
		thread->os_thread_id = i + 1;
		for (int j = 0; j < i % 50; j++) {
			struct model_frame *frame;
			assert_null(model_thread_add_frame(thread, &frame));
			assert_null(frame->name);
			frame->name = strdup("function");
			frame->line = j;
		}
	}
	assert_int_equal(process.thread_count, 1000);
	assert_int_equal(process.threads[999].os_thread_id, 1000);
	assert_int_equal(process.threads[999].frame_count, 49);
	assert_int_equal(process.threads[999].frames[48].line, 48);
	assert_false(model_process_is_partial(&process));
}

static void test_notes_are_losses(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	for (int i = 0; i < 100; i++)
		assert_null(model_process_add_note(&process, "frame %d is lost", i));
	assert_int_equal(process.note_count, 100);
	assert_string_equal(process.notes[42], "frame 42 is lost");
	assert_true(model_process_is_partial(&process));
}

static void test_gaps_are_losses(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	struct model_thread *thread;
	struct model_frame *frame;
	assert_null(model_process_add_thread(&process, &thread));
	assert_null(model_thread_add_frame(thread, &frame));
	assert_false(model_process_is_partial(&process));
	assert_null(model_thread_add_frame(thread, &frame));
	frame->kind = MODEL_FRAME_GAP;
	assert_true(model_process_is_partial(&process));
}

static void test_partial_sample(void **state)
{
	(void)state;
	struct model_process process = {.sample = {.partial = true}};
	assert_false(model_process_is_partial(&process));
	process.has_sample = true;
	assert_true(model_process_is_partial(&process));
}

static void test_display_names(void **state)
{
	(void)state;
	char bare[] = "run";
	char qualified[] = "Worker.run";
	char program[] = "python3";
	char own[] = "pool-1";
	struct model_process process = {.facts = {.command_name = program}};
	struct model_frame frame = {.name = bare};
	struct model_thread thread = {.os_name = program};
	assert_string_equal(model_frame_display_name(&frame), "run");
	frame.qualified_name = qualified;
	assert_string_equal(model_frame_display_name(&frame), "Worker.run");
	assert_null(model_thread_display_name(&process, &thread));
	thread.os_name = own;
	assert_string_equal(model_thread_display_name(&process, &thread), "pool-1");
	thread.name = bare;
	assert_string_equal(model_thread_display_name(&process, &thread), "run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),		cmocka_unit_test(test_notes_are_losses),
		cmocka_unit_test(test_gaps_are_losses), cmocka_unit_test(test_partial_sample),
		cmocka_unit_test(test_display_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
