#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/thread_filter.h"
#include "common/cleanup.h"
#include "tests/unit/dump_model.h"

static struct error *apply(struct model_process *process, int32_t tid, bool gil)
{
	CLEANUP(id_list_deinit) struct id_list tids = {0};
	if (tid)
		assert_null(id_list_append(&tids, tid));
	const struct thread_filter filter = {&tids, gil};
	return thread_filter_apply(&filter, process);
}

static void test_all(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	assert_null(apply(&process, 0, false));
	assert_int_equal(process.thread_count, 4);
}

static void test_ids(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	assert_null(apply(&process, 1236, false));
	assert_int_equal(process.thread_count, 1);
	assert_int_equal(process.threads[0].os_thread_id, 1236);
	CLEANUP(model_process_deinit) struct model_process container = {0};
	dump_model(&container);
	assert_null(apply(&container, 7, false));
	assert_int_equal(container.thread_count, 1);
	assert_int_equal(container.threads[0].os_thread_id, 1234);
	CLEANUP(error_destroyp) struct error *error = apply(&container, 99, false);
	assert_int_equal(error->code, ERROR_NOT_FOUND);
}

static void test_gil(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	assert_null(apply(&process, 0, true));
	assert_int_equal(process.thread_count, 1);
	assert_true(process.threads[0].owns_gil);
	/* Known, and nobody's: empty is the answer. */
	process.threads[0].owns_gil = false;
	assert_null(apply(&process, 0, true));
	assert_int_equal(process.thread_count, 0);
}

static void test_gil_that_cannot_be_known(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	process.free_threaded = true;
	CLEANUP(error_destroyp) struct error *none = apply(&process, 0, true);
	assert_int_equal(none->code, ERROR_UNSUPPORTED);
	process.free_threaded = false;
	for (size_t i = 0; i < process.thread_count; i++)
		process.threads[i].owns_gil_known = false;
	CLEANUP(error_destroyp) struct error *unknown = apply(&process, 0, true);
	assert_int_equal(unknown->code, ERROR_UNSUPPORTED);
	assert_int_equal(process.thread_count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_gil),
		cmocka_unit_test(test_gil_that_cannot_be_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
