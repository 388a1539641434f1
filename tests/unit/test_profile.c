/* Profiles: what samples weigh, which stacks count, and the tables and lines made of them. */
#include "tests/unit/cmocka_headers.h"

#include "analyze/profile/time_window.h"
#include "formats/profile_diff.h"
#include "tests/unit/profile_model.h"

static void assert_report(const char *format, const struct collect_options *options,
			  enum profile_unit unit, const char *expected)
{
	size_t size;
	CLEANUP_FREE char *text = report_of(format, options, unit, &size);
	assert_string_equal(text, expected);
}

static void test_samples(void **state)
{
	(void)state;
	const struct collect_options options = {0};
	assert_report("raw", &options, PROFILE_SAMPLES,
		      "main (pkg/app.py:9);work (pkg/app.py:3);leaf (pkg/app.py:5) 2\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4) 1\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4);work (pkg/app.py:3) 1\n"
		      "run (pkg/app.py:2);a:<b> (pkg/app.py:8) 1\n");
}

static void test_idle_and_roots(void **state)
{
	(void)state;
	const struct collect_options options = {
		.idle = true, .thread_roots = true, .process_roots = true, .full_filenames = true};
#define ROOTS "process 9:\"sh -c x:y\";process 10:\"python3 <app>.py\";"
#define FILE_ "(/srv/pkg/app.py:"
	assert_report("collapsed", &options, PROFILE_SAMPLES,
		      ROOTS
		      "thread (11): Main\"</script>;main " FILE_ "9);work " FILE_ "3);leaf " FILE_
		      "5) 2\n" ROOTS "thread (11): Main\"</script>;main " FILE_ "9);work " FILE_
		      "4) 1\n" ROOTS "thread (11): Main\"</script>;main " FILE_ "9);work " FILE_
		      "4);work " FILE_ "3) 1\n" ROOTS "thread (12);run " FILE_ "2);a:<b> " FILE_
		      "8) 1\n" ROOTS "thread (12);run " FILE_ "2);wait " FILE_ "8) 3\n");
}

/* Until the next sample; after the last, the mean of 10, 10 and 20 ms. Microseconds. */
static void test_times(void **state)
{
	(void)state;
	const struct collect_options options = {0};
	assert_report("raw", &options, PROFILE_WALL,
		      "main (pkg/app.py:9);work (pkg/app.py:3);leaf (pkg/app.py:5) 20000\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4) 13333\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4);work (pkg/app.py:3) 20000\n"
		      "run (pkg/app.py:2);a:<b> (pkg/app.py:8) 20000\n");
	assert_report("raw", &options, PROFILE_CPU,
		      "main (pkg/app.py:9);work (pkg/app.py:3);leaf (pkg/app.py:5) 18000\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4);work (pkg/app.py:3) 3000\n"
		      "run (pkg/app.py:2);a:<b> (pkg/app.py:8) 3000\n");
	assert_report("raw", &options, PROFILE_GIL,
		      "main (pkg/app.py:9);work (pkg/app.py:3);leaf (pkg/app.py:5) 20000\n"
		      "main (pkg/app.py:9);work (pkg/app.py:4) 13333\n"
		      "run (pkg/app.py:2);a:<b> (pkg/app.py:8) 20000\n");
}

/* work calls itself once: its total counts that once. */
static void test_table(void **state)
{
	(void)state;
	const struct collect_options options = {0};
	assert_report("text", &options, PROFILE_SAMPLES,
		      "4 samples of 1 process, 5 stacks of threads, over 40.0 ms\n"
		      "from 2026-06-21T00:00:00.000Z to 2026-06-21T00:00:00.040Z\n"
		      "missing: a.zst: cut\n"
		      "\n"
		      "   %Own  %Total        Own      Total  Function (file)\n"
		      " 40.00%  80.00%          2          4  work (pkg/app.py)\n"
		      " 40.00%  40.00%          2          2  leaf (pkg/app.py)\n"
		      " 20.00%  20.00%          1          1  a;<b> (pkg/app.py)\n"
		      "  0.00%  80.00%          0          4  main (pkg/app.py)\n"
		      "  0.00%  20.00%          0          1  run (pkg/app.py)\n");
}

static void test_filter(void **state)
{
	(void)state;
	struct string_list include = {0};
	struct string_list exclude = {0};
	CLEANUP(frame_filter_destroyp) struct frame_filter *filter = NULL;
	assert_null(string_list_append(&include, "^(leaf|work) .*:4\\)$"));
	assert_null(string_list_append(&include, "^run"));
	assert_null(string_list_append(&exclude, ":3\\)"));
	assert_null(frame_filter_create(&include, &exclude, &filter));
	const struct collect_options options = {.filter = filter};
	assert_report("raw", &options, PROFILE_SAMPLES,
		      "main (pkg/app.py:9);work (pkg/app.py:4) 1\n"
		      "run (pkg/app.py:2);a:<b> (pkg/app.py:8) 1\n");
	struct frame_filter *broken = NULL;
	assert_null(string_list_append(&exclude, "("));
	struct error *error = frame_filter_create(&include, &exclude, &broken);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_USAGE);
	assert_non_null(strstr(error->message, "--exclude: '('"));
	error_destroy(error);
	string_list_deinit(&include);
	string_list_deinit(&exclude);
}

static void assert_time(const char *text, bool relative, uint64_t time_ns)
{
	struct time_bound bound;
	assert_null(time_bound_parse("--from", text, &bound));
	assert_int_equal(bound.relative, relative);
	assert_int_equal(bound.time_ns, time_ns);
}

static void test_window(void **state)
{
	(void)state;
	static const char *const wrong[] = {"2026-02-30T00:00:00Z",
					    "2026-07-01T12:00:00",
					    "2026-07-01T12:00:00+2:00",
					    "2026-07-01",
					    "soon",
					    "2026-07-01T12:00:00Zz",
					    ""};
	assert_time("1970-01-01T00:00:01.25Z", false, 1250000000);
	assert_time("2026-07-01T14:00:00+02:00", false, UINT64_C(1782907200000000000));
	assert_time("2.5", true, 2500000000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct time_bound bound;
		struct error *error = time_bound_parse("--to", wrong[i], &bound);
		assert_non_null(error);
		assert_int_equal(error->code, ERROR_USAGE);
		error_destroy(error);
	}
	const struct time_window window = {.from = {true, true, 10}, .to = {true, false, 30}};
	assert_false(time_window_has(&window, 5, 14));
	assert_true(time_window_has(&window, 5, 15));
	assert_true(time_window_has(&window, 5, 29));
	assert_false(time_window_has(&window, 5, 30));
}

/* Half of the samples before, and another function after: shares, not numbers. */
static void test_diff(void **state)
{
	(void)state;
	CLEANUP(profile_deinit) struct profile profile;
	CLEANUP(collector_destroyp) struct collector *collector = NULL;
	static const char *const nothing[] = {NULL};
	const struct collect_options options = {0};
	char *text = NULL;
	size_t size;
	assert_null(profile_init(&profile));
	assert_null(collector_create(&profile, &options, &collector));
	assert_null(collector_set_side(collector, SIDE_BEFORE));
	ADD_SAMPLE(collector, 0, {11, MODEL_ACTIVE, true, 0, {"main:9", "old:3"}});
	ADD_SAMPLE(collector, 10, {11, MODEL_ACTIVE, true, 0, {"main:9", "leaf:3"}});
	assert_null(collector_end_file(collector));
	assert_null(collector_set_side(collector, SIDE_AFTER));
	for (uint64_t i = 0; i < 3; i++)
		ADD_SAMPLE(collector, i, {11, MODEL_ACTIVE, true, 0, {"main:9", "leaf:3"}});
	ADD_SAMPLE(collector, 3, {11, MODEL_ACTIVE, true, 0, {"main:9", "new:3"}});
	assert_null(collector_end_file(collector));
	assert_null(profile_diff_prepare(&profile, PROFILE_SAMPLES));
	const struct report report = {
		.profile = &profile, .title = "", .is_diff = true, .lost = nothing};
	FILE *stream = open_memstream(&text, &size);
	assert_null(report_format_find("text")->write_diff(stream, &report));
	assert_null(report_format_find("raw")->write_diff(stream, &report));
	fclose(stream);
	assert_string_equal(
		text, "     Own                           Total\n"
		      "  before    after   change    before    after   change  Function (file)\n"
		      "  50.00%    0.00%   -50.00    50.00%    0.00%   -50.00  old (pkg/app.py)\n"
		      "  50.00%   75.00%   +25.00    50.00%   75.00%   +25.00  leaf (pkg/app.py)\n"
		      "   0.00%   25.00%   +25.00     0.00%   25.00%   +25.00  new (pkg/app.py)\n"
		      "   0.00%    0.00%    +0.00   100.00%  100.00%    +0.00  main (pkg/app.py)\n"
		      "main (pkg/app.py:9);leaf (pkg/app.py:3) 1 3\n"
		      "main (pkg/app.py:9);new (pkg/app.py:3) 0 1\n"
		      "main (pkg/app.py:9);old (pkg/app.py:3) 1 0\n");
	free(text);
}

static struct error *count_run(void *context, const struct profile_run *run)
{
	uint64_t *sum = context;
	sum[0]++;
	sum[1] += run->samples;
	sum[2] += run->wall_ns;
	return NULL;
}

/* More runs than are held in memory; what goes on is one run. */
static void test_trail(void **state)
{
	(void)state;
	CLEANUP(profile_trail_destroyp) struct profile_trail *trail = NULL;
	assert_null(profile_trail_create("-", &trail));
	for (uint32_t i = 0; i < 1000; i++) {
		for (uint32_t thread = 0; thread < 40; thread += 13) {
			const struct profile_run run = {.start_ns = 1000 + i * 10,
							.wall_ns = 10,
							.node = i / (1 + thread),
							.samples = 1};
			assert_null(profile_trail_add(trail, thread, &run));
		}
	}
	for (uint32_t thread = 0; thread < 40; thread += 13) {
		uint64_t sum[3] = {0};
		assert_null(profile_trail_each(trail, thread, count_run, sum));
		assert_int_equal(sum[0], (1000 + thread) / (1 + thread));
		assert_int_equal(sum[1], 1000);
		assert_int_equal(sum[2], 10000);
	}
	uint64_t sum[3] = {0};
	assert_null(profile_trail_each(trail, 1, count_run, sum));
	assert_null(profile_trail_each(trail, 1000, count_run, sum));
	assert_int_equal(sum[0], 0);
}

static struct error *keep_start(void *context, const struct profile_run *run)
{
	uint64_t *starts = context;
	starts[++starts[0]] = run->start_ns;
	return NULL;
}

/* Files in any order: what follows each other in time does so in the trail too. */
static void test_trail_in_disorder(void **state)
{
	(void)state;
	enum { FILES = 5, RUNS = 150 };
	static const uint64_t order[FILES] = {3, 0, 4, 1, 2};
	static uint64_t starts[1 + FILES * RUNS];
	CLEANUP(profile_trail_destroyp) struct profile_trail *trail = NULL;
	assert_null(profile_trail_create("-", &trail));
	for (size_t file = 0; file < FILES; file++) {
		profile_trail_begin_part(trail);
		for (uint64_t i = 0; i < RUNS; i++) {
			const struct profile_run run = {
				.start_ns = (order[file] * RUNS + i) * 10,
				.wall_ns = 10,
				.node = (uint32_t)i,
				.samples = 1,
			};
			assert_null(profile_trail_add(trail, 0, &run));
		}
	}
	assert_null(profile_trail_each(trail, 0, keep_start, starts));
	assert_int_equal(starts[0], FILES * RUNS);
	for (uint64_t i = 0; i < FILES * RUNS; i++)
		assert_int_equal(starts[1 + i], i * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_idle_and_roots),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_trail),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_trail_in_disorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
