#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/thread_filter.h"
#include "common/cleanup.h"
#include "tests/unit/dump_model.h"

static struct error *apply(struct model_process *process, uint64_t id, bool gil, bool *ret_wanted)
{
	CLEANUP(number_list_deinit) struct number_list ids = {0};
	if (id)
		assert_null(number_list_append(&ids, id));
	CLEANUP(thread_filter_deinit) struct thread_filter filter = {.ids = &ids, .gil = gil};
	struct error *error = thread_filter_apply(&filter, process, ret_wanted);
	if (!error)
		error = thread_filter_missing(&filter);
	return error;
}

static void test_all(void **state)
{
	(void)state;
	bool wanted = false;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	assert_null(apply(&process, 0, false, &wanted));
	assert_int_equal(process.thread_count, 4);
	assert_true(wanted);
}

/* The operating system's id, that in the container, and Python's. */
static void test_ids(void **state)
{
	static const struct {
		uint64_t id;
		int32_t tid;
	} rows[] = {{1236, 1236}, {7, 1234}, {UINT64_C(0x7f0000000000) + 1230, 1230}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool wanted = false;
		CLEANUP(model_process_deinit) struct model_process process = {0};
		dump_model(&process);
		assert_null(apply(&process, rows[i].id, false, &wanted));
		assert_true(wanted);
		assert_int_equal(process.thread_count, 1);
		assert_int_equal(process.threads[0].os_thread_id, rows[i].tid);
	}
}

static void test_ids_that_are_missing(void **state)
{
	(void)state;
	bool wanted = true;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP(error_destroyp) struct error *error = apply(&process, 99, false, &wanted);
	assert_false(wanted);
	assert_int_equal(error->code, ERROR_NOT_FOUND);
	assert_string_equal(error->message, "no thread has the id 99 given with --tid; there are "
					    "0xffffffffffffffff 1236 1234 1230");
	/* The lower half of an id is not that id. */
	CLEANUP(model_process_deinit) struct model_process again = {0};
	dump_model(&again);
	CLEANUP(error_destroyp)
	struct error *cut = apply(&again, UINT64_C(1) << 32 | 1236, false, &wanted);
	assert_int_equal(cut->code, ERROR_NOT_FOUND);
	assert_non_null(strstr(cut->message, "the id 0x1000004d4 given"));
}

/* Each id must be found in one of several processes; threads without Python have ids too. */
static void test_ids_of_several_processes(void **state)
{
	(void)state;
	bool wanted = false;
	CLEANUP(number_list_deinit) struct number_list ids = {0};
	CLEANUP(thread_filter_deinit) struct thread_filter filter = {.ids = &ids};
	CLEANUP(model_process_deinit) struct model_process first = {0};
	CLEANUP(model_process_deinit) struct model_process second = {0};
	CLEANUP(model_process_deinit) struct model_process third = {0};
	struct model_thread *other;
	dump_model(&first);
	dump_model(&second);
	dump_model(&third);
	assert_null(model_process_add_other(&second, &other));
	other->os_thread_id = 1300;
	second.threads[1].os_thread_id = 1336;
	third.threads[1].os_thread_id = 1436;
	assert_null(number_list_append(&ids, 1236));
	assert_null(number_list_append(&ids, 1300));
	assert_null(thread_filter_apply(&filter, &first, &wanted));
	assert_true(wanted);
	assert_null(thread_filter_apply(&filter, &second, &wanted));
	assert_true(wanted);
	assert_int_equal(second.thread_count, 0);
	assert_int_equal(second.other_count, 1);
	assert_null(thread_filter_apply(&filter, &third, &wanted));
	assert_false(wanted);
	assert_null(thread_filter_missing(&filter));
}

static void test_long_lists(void **state)
{
	(void)state;
	bool wanted = true;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	for (int i = 1; i <= 1000; i++) {
		struct model_thread *thread;
		assert_null(model_process_add_thread(&process, &thread));
		thread->os_thread_id = i;
	}
	CLEANUP(error_destroyp) struct error *error = apply(&process, 1001, false, &wanted);
	assert_non_null(strstr(error->message, " 31 32 and others"));
	assert_null(strstr(error->message, " 33"));
}

/* Each once, however many samples have them; no more than the first are named. */
static void test_ids_of_many_samples(void **state)
{
	(void)state;
	bool wanted = true;
	CLEANUP(number_list_deinit) struct number_list ids = {0};
	CLEANUP(thread_filter_deinit) struct thread_filter filter = {.ids = &ids};
	assert_null(number_list_append(&ids, 99));
	for (size_t i = 0; i < 50; i++) {
		CLEANUP(model_process_deinit) struct model_process process = {0};
		dump_model(&process);
		assert_null(thread_filter_look(&filter, &process, &wanted));
		assert_false(wanted);
	}
	CLEANUP(error_destroyp) struct error *error = thread_filter_missing(&filter);
	assert_string_equal(error->message, "no thread has the id 99 given with --tid; there are "
					    "0xffffffffffffffff 1236 1234 1230");
}

static void test_gil(void **state)
{
	(void)state;
	bool wanted = false;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	struct model_thread *other;
	assert_null(model_process_add_other(&process, &other));
	assert_null(apply(&process, 0, true, &wanted));
	assert_int_equal(process.other_count, 0);
	assert_int_equal(process.thread_count, 1);
	assert_true(process.threads[0].owns_gil);
	/* Known, and nobody's: empty is the answer. */
	process.threads[0].owns_gil = false;
	assert_null(apply(&process, 0, true, &wanted));
	assert_true(wanted);
	assert_int_equal(process.thread_count, 0);
}

static void test_gil_that_cannot_be_known(void **state)
{
	(void)state;
	bool wanted = false;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	process.free_threaded = true;
	CLEANUP(error_destroyp) struct error *none = apply(&process, 0, true, &wanted);
	assert_int_equal(none->code, ERROR_UNSUPPORTED);
	process.free_threaded = false;
	for (size_t i = 0; i < process.thread_count; i++)
		process.threads[i].owns_gil_known = false;
	CLEANUP(error_destroyp) struct error *unknown = apply(&process, 0, true, &wanted);
	assert_int_equal(unknown->code, ERROR_UNSUPPORTED);
	assert_int_equal(process.thread_count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_that_are_missing),
		cmocka_unit_test(test_ids_of_several_processes),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_ids_of_many_samples),
		cmocka_unit_test(test_gil),
		cmocka_unit_test(test_gil_that_cannot_be_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
