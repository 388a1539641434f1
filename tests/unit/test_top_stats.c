/* What top counts: intervals, times, recursion, classes, calls, rounds of several processes. */
#include "tests/unit/cmocka_headers.h"

#include "analyze/top/top_rows.h"
#include "tests/unit/top_model.h"

static struct top_processes processes;

static int set_up(void **state)
{
	(void)state;
	assert_null(top_processes_init(&processes, MS(1000), false));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	top_processes_deinit(&processes);
	return 0;
}

/* The numbers of a function, or of a line of it. */
static struct top_row row_of(const struct top_state *state, const char *name)
{
	CLEANUP(top_rows_deinit) struct top_rows rows = {0};
	CLEANUP(buffer_deinit) struct buffer label = {0};
	assert_null(top_rows_make(&rows, &processes, state));
	for (size_t i = 0; i < rows.count; i++) {
		buffer_clear(&label);
		assert_null(top_rows_label(&processes.stats.profile, rows.items[i].frame,
					   state->lines, &label));
		if (rows.items[i].kind <= TOP_ROW_CALL && label.size == strlen(name) &&
		    memcmp(label.data, name, label.size) == 0)
			return rows.items[i];
	}
	return (struct top_row){.kind = TOP_ROW_HEADING};
}

#define ASSERT_ROW(state, name, own, total, own_ms, total_ms)                                      \
	do {                                                                                       \
		struct top_row row_ = row_of(state, name);                                         \
		assert_int_not_equal(row_.kind, TOP_ROW_HEADING);                                  \
		assert_int_equal(row_.own_samples, own);                                           \
		assert_int_equal(row_.total_samples, total);                                       \
		assert_int_equal(row_.own_ns, MS(own_ms));                                         \
		assert_int_equal(row_.total_ns, MS(total_ms));                                     \
	} while (0)
#define ASSERT_NO_ROW(state, name) assert_int_equal(row_of(state, name).kind, TOP_ROW_HEADING)

static struct top_state new_state(void)
{
	struct top_state state;
	top_state_init(&state);
	return state;
}

static void test_two_seconds(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	top_add_two_seconds(&processes);
	assert_null(top_processes_finish(&processes));
	/* Of the first second; times are of both, the last sample as long as the others. */
	assert_int_equal(top_stats_rounds(&processes.stats), 10);
	assert_int_equal(processes.stats.rounds, 20);
	assert_int_equal(processes.last_interval_ns, MS(1000));
	ASSERT_ROW(&state, "leaf (pkg/app.py)", 10, 10, 1000, 1000);
	ASSERT_ROW(&state, "work (pkg/app.py)", 0, 10, 1000, 2000);
	ASSERT_ROW(&state, "main (pkg/app.py)", 0, 10, 0, 2000);
	ASSERT_NO_ROW(&state, "wait (pkg/app.py)");
	/* A finished source is not longer for being finished again. */
	assert_null(top_processes_finish(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 0, 10, 0, 2000);
	/* The next interval. */
	TOP_ADD(&processes, 2000, {11, MODEL_ACTIVE, true, {"main:9", "work:4", "work:3"}});
	ASSERT_ROW(&state, "work (pkg/app.py)", 10, 10, 1000, 2000);
	ASSERT_ROW(&state, "leaf (pkg/app.py)", 0, 0, 1000, 1000);
}

static void test_lines(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	state.lines = true;
	top_add_two_seconds(&processes);
	assert_null(top_processes_finish(&processes));
	ASSERT_ROW(&state, "work (pkg/app.py:3)", 0, 10, 1000, 2000);
	ASSERT_ROW(&state, "work (pkg/app.py:4)", 0, 0, 0, 1000);
	ASSERT_NO_ROW(&state, "work (pkg/app.py)");
}

/* What is filtered can be chosen afterwards. */
static void test_classes(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	top_add_two_seconds(&processes);
	assert_null(top_processes_finish(&processes));
	state.gil = true;
	ASSERT_ROW(&state, "main (pkg/app.py)", 0, 10, 0, 1500);
	state.idle = true;
	ASSERT_NO_ROW(&state, "wait (pkg/app.py)");
	state.gil = false;
	ASSERT_ROW(&state, "wait (pkg/app.py)", 10, 10, 2000, 2000);
	assert_int_equal(top_class_set(false, false), 1 << 1 | 1 << 3);
	assert_int_equal(top_class_set(true, false), 1 << 3);
	assert_int_equal(top_class_set(true, true), 1 << 2 | 1 << 3);
	assert_int_equal(top_class_set(false, true), 0xf);
}

static void test_calls(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	top_add_two_seconds(&processes);
	assert_null(top_processes_finish(&processes));
	uint32_t work = row_of(&state, "work (pkg/app.py)").entry;
	state.mode = TOP_MODE_CALLS;
	state.trail[state.trail_count++] = work;
	CLEANUP(top_rows_deinit) struct top_rows rows = {0};
	assert_null(top_rows_make(&rows, &processes, &state));
	/* Called by: main, work. The function. Calls: leaf, work. */
	static const struct {
		enum top_row_kind kind;
		uint64_t total_ms;
	} expected[] = {
		{TOP_ROW_HEADING, 0}, {TOP_ROW_CALL, 2000},  {TOP_ROW_CALL, 1000},
		{TOP_ROW_HEADING, 0}, {TOP_ROW_ENTRY, 2000}, {TOP_ROW_HEADING, 0},
		{TOP_ROW_CALL, 1000}, {TOP_ROW_CALL, 1000},
	};
	assert_int_equal(rows.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < rows.count; i++) {
		assert_int_equal(rows.items[i].kind, expected[i].kind);
		assert_int_equal(rows.items[i].total_ns, MS(expected[i].total_ms));
	}
	/* Chosen, and then there is nothing of it any more. */
	assert_null(top_processes_restart(&processes));
	assert_null(top_rows_make(&rows, &processes, &state));
	assert_int_equal(rows.count, 0);
}

/* Before an interval is whole, what there is of it is shown. */
static void test_beginning(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	TOP_ADD(&processes, 0, {11, MODEL_ACTIVE, true, {"main:9"}});
	TOP_ADD(&processes, 50, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_null(top_processes_settle(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 2, 2, 50, 50);
	assert_int_equal(top_stats_rounds(&processes.stats), 2);
	assert_int_equal(top_processes_threads(&processes), 1);
	assert_null(top_processes_reset(&processes));
	ASSERT_NO_ROW(&state, "main (pkg/app.py)");
	assert_int_equal(processes.stats.rounds, 0);
	/* The stack still holds. */
	TOP_ADD(&processes, 80, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_null(top_processes_settle(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 1, 1, 30, 30);
}

/* The time of a pause is nobody's, nor is what a clock that was put back says. */
static void test_interruption(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	TOP_ADD(&processes, 0, {11, MODEL_ACTIVE, true, {"main:9"}});
	TOP_ADD(&processes, 50, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_null(top_processes_interrupt(&processes));
	TOP_ADD(&processes, 5000, {11, MODEL_ACTIVE, true, {"main:9"}});
	TOP_ADD(&processes, 5050, {11, MODEL_ACTIVE, true, {"main:9"}});
	TOP_ADD(&processes, 10, {11, MODEL_ACTIVE, true, {"main:9"}});
	TOP_ADD(&processes, 30, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_null(top_processes_settle(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 6, 6, 120, 120);
	assert_false(processes.stats.has_interval);
}

/* Threads that end are counted up to where they were seen last. */
static void test_ending_threads(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	TOP_ADD(&processes, 0, {11, MODEL_ACTIVE, true, {"main:9"}},
		{12, MODEL_ACTIVE, false, {"run:2"}});
	TOP_ADD(&processes, 10, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_int_equal(top_processes_threads(&processes), 1);
	ASSERT_ROW(&state, "run (pkg/app.py)", 1, 1, 10, 10);
	TOP_ADD(&processes, 20, {13, MODEL_ACTIVE, true, {"main:9"}});
	assert_int_equal(top_processes_threads(&processes), 1);
	assert_null(top_processes_settle(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 3, 3, 20, 20);
}

/* Samples of several processes at a time are one round; one that ended is dropped. */
static void test_processes(void **unused)
{
	(void)unused;
	struct top_state state = new_state();
	for (uint64_t i = 0; i < 10; i++) {
		TOP_ADD_OF(&processes, 10, i * 10, {11, MODEL_ACTIVE, true, {"main:9"}});
		TOP_ADD_OF(&processes, 20, i * 10 + 1, {21, MODEL_ACTIVE, true, {"main:9"}});
	}
	assert_int_equal(processes.stats.rounds, 10);
	assert_int_equal(processes.count, 2);
	assert_null(top_processes_settle(&processes));
	ASSERT_ROW(&state, "main (pkg/app.py)", 20, 20, 180, 180);
	for (uint64_t i = 1; i < 7; i++)
		TOP_ADD_OF(&processes, 10, i * 1000, {11, MODEL_ACTIVE, true, {"main:9"}});
	assert_int_equal(processes.count, 1);
	assert_int_equal(processes.stats.rounds, 16);
}

static void test_failures(void **unused)
{
	(void)unused;
	assert_null(top_processes_fail(&processes, "cannot read"));
	assert_null(top_processes_fail(&processes, "cannot read on"));
	assert_int_equal(processes.health.failed, 2);
	assert_string_equal(processes.health.last_error, "cannot read on");
	assert_null(top_processes_reset(&processes));
	assert_int_equal(processes.health.failed, 0);
}

/* A target that makes up functions does not make this program grow. */
static void test_bound(void **unused)
{
	(void)unused;
	char name[32];
	for (uint64_t i = 0; i < TOP_FRAMES_MAX + 100; i++) {
		snprintf(name, sizeof(name), "made_up_%llu:1", (unsigned long long)i);
		TOP_ADD(&processes, i, {11, MODEL_ACTIVE, true, {"main:9", name}});
		assert_true(processes.stats.profile.frame_count <= TOP_FRAMES_MAX + 2);
	}
	assert_true(processes.is_new);
	assert_in_range(processes.stats.rounds, 1, 200);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_two_seconds),	   TEST(test_lines),	 TEST(test_classes),
		TEST(test_calls),	   TEST(test_beginning), TEST(test_interruption),
		TEST(test_ending_threads), TEST(test_processes), TEST(test_failures),
		TEST(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
