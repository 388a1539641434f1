/* The screens of top, laid out without a terminal, and the keys that change them. */
#include "tests/unit/cmocka_headers.h"

#include <locale.h>
#include <stdio.h>

#include "analyze/top/top_clock.h"
#include "analyze/top/top_text.h"
#include "analyze/top/top_view.h"
#include "tests/unit/top_model.h"

static struct top_processes processes;
static struct top_state state;
static struct top_scene scene;
static struct top_page page;
static struct top_rows rows;
static bool ascii;

static int set_up(void **unused)
{
	(void)unused;
	assert_null(top_processes_init(&processes, MS(1000), false));
	top_state_init(&state);
	scene = (struct top_scene){.processes = &processes};
	ascii = false;
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	top_processes_deinit(&processes);
	top_page_deinit(&page);
	top_rows_deinit(&rows);
	return 0;
}

/* The whole screen, blanks at the ends of lines and empty lines at its end left out. */
static char *draw(unsigned width, unsigned height)
{
	char *text = NULL;
	size_t size = 0;
	size_t kept = 0;
	FILE *stream = open_memstream(&text, &size);
	assert_null(top_processes_settle(&processes));
	top_page_begin(&page, width, height, ascii);
	assert_null(top_view_draw(&scene, &state, &rows, &page));
	for (unsigned i = 0; i < height; i++) {
		CLEANUP_FREE char *row = top_page_row_text(&page, i);
		size_t length = strlen(row);
		assert_true(top_page_width_of(&page, row) <= width);
		while (length && row[length - 1] == ' ')
			length--;
		fprintf(stream, "%.*s\n", (int)length, row);
		fflush(stream);
		kept = length ? size : kept;
	}
	fclose(stream);
	text[kept] = '\0';
	return text;
}

#define ASSERT_SCREEN(width, height, expected)                                                     \
	do {                                                                                       \
		CLEANUP_FREE char *text_ = draw(width, height);                                    \
		assert_string_equal(text_, expected);                                              \
	} while (0)
#define ASSERT_SHOWS(width, height, part)                                                          \
	do {                                                                                       \
		CLEANUP_FREE char *text_ = draw(width, height);                                    \
		if (!strstr(text_, part))                                                          \
			fail_msg("'%s' is not in:\n%s", part, text_);                              \
	} while (0)
#define ASSERT_HIDES(width, height, part)                                                          \
	do {                                                                                       \
		CLEANUP_FREE char *text_ = draw(width, height);                                    \
		if (strstr(text_, part))                                                           \
			fail_msg("'%s' is in:\n%s", part, text_);                                  \
	} while (0)

static void press(const char *keys)
{
	for (; *keys; keys++)
		assert_int_equal(top_state_key(&state, (uint32_t)(unsigned char)*keys),
				 TOP_ACTION_NONE);
}

static void press_key(uint32_t key)
{
	assert_int_equal(top_state_key(&state, key), TOP_ACTION_NONE);
}

static void finish(void)
{
	top_add_two_seconds(&processes);
	assert_null(top_processes_finish(&processes));
}

static void test_80_columns(void **unused)
{
	(void)unused;
	finish();
	scene.status = "process 10 ended";
	ASSERT_SCREEN(80, 14,
		      "Collecting samples from 'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      "  %Own   %Total  OwnTime  TotalTime  Function (filename)\n"
		      "  0.00% 100.00%    1.00s     2.00s   work (pkg/app.py)\n"
		      "100.00% 100.00%    1.00s     1.00s   leaf (pkg/app.py)\n"
		      "  0.00% 100.00%   0.000s     2.00s   main (pkg/app.py)\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "process 10 ended  Press q to quit, or ? for help.\n");
}

static void test_narrow(void **unused)
{
	(void)unused;
	finish();
	ASSERT_SCREEN(51, 14,
		      "'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      "  %Own   %Total  OwnTime  TotalTime  Function (file\n"
		      "  0.00% 100.00%    1.00s     2.00s   work (pkg/app.\n"
		      "100.00% 100.00%    1.00s     1.00s   leaf (pkg/app.\n"
		      "  0.00% 100.00%   0.000s     2.00s   main (pkg/app.\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "Press q to quit, or ? for help.\n");
	ASSERT_SCREEN(50, 14,
		      "'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      "  %Own   %Total  OwnTime  TotalTime\n"
		      "  0.00% 100.00%    1.00s     2.00s\n"
		      "  work (pkg/app.py)\n"
		      "100.00% 100.00%    1.00s     1.00s\n"
		      "  leaf (pkg/app.py)\n"
		      "  0.00% 100.00%   0.000s     2.00s\n"
		      "  main (pkg/app.py)\n"
		      "\n"
		      "\n"
		      "Press q to quit, or ? for help.\n");
	ASSERT_SCREEN(20, 5,
		      "GIL: 100.00%, Active\n"
		      "  OwnTime  TotalTime\n"
		      "    1.00s     2.00s\n"
		      "  work (pkg/app.py)\n"
		      "Press q to quit, or\n");
	for (unsigned width = 1; width < 60; width++) {
		for (unsigned height = 1; height < 14; height++)
			free(draw(width, height));
	}
}

static void test_modes(void **unused)
{
	(void)unused;
	finish();
	press("t");
	ASSERT_SCREEN(60, 14,
		      "Collecting samples from 'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      " Threads and their current stacks\n"
		      "Thread 11 (active): \"Main\\x1b[31m\"\n"
		      "    work (pkg/app.py:3)\n"
		      "    work (pkg/app.py:4)\n"
		      "    main (pkg/app.py:9)\n"
		      "Thread 12 (idle)\n"
		      "    wait (pkg/app.py:8)\n"
		      "    run (pkg/app.py:2)\n"
		      "\n"
		      "Press q to quit, or ? for help.\n");
	press("ti4");
	free(draw(60, 14));
	press_key(TOP_KEY_DOWN);
	press_key(TOP_KEY_DOWN);
	ASSERT_SCREEN(60, 14,
		      "Collecting samples from 'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      "  %Own   %Total  OwnTime  TotalTime  Function (filename)\n"
		      "100.00% 100.00%    2.00s     2.00s   wait (pkg/app.py)\n"
		      "  0.00% 100.00%    1.00s     2.00s   work (pkg/app.py)\n"
		      "  0.00% 100.00%   0.000s     2.00s   main (pkg/app.py)\n"
		      "  0.00% 100.00%   0.000s     2.00s   run (pkg/app.py)\n"
		      "100.00% 100.00%    1.00s     1.00s   leaf (pkg/app.py)\n"
		      "\n"
		      "\n"
		      "\n"
		      "[idle too] Press q to quit, or ? for help.\n");
}

/* Who calls the chosen function and what it calls; and the keys, above all else. */
static void test_calls_and_help(void **unused)
{
	(void)unused;
	finish();
	press("i4");
	free(draw(60, 14));
	press_key(TOP_KEY_DOWN);
	press_key(TOP_KEY_DOWN);
	free(draw(60, 14));
	press_key(TOP_KEY_ENTER);
	ASSERT_SCREEN(60, 20,
		      "Collecting samples from 'python3 app.py' (python v3.11.7)\n"
		      "Total Samples 20 (10.0/s)\n"
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      "\n"
		      "  %Own   %Total  OwnTime  TotalTime  Function (filename)\n"
		      "Called by\n"
		      "        100.00%              2.00s   main (pkg/app.py)\n"
		      "          0.00%              1.00s   work (pkg/app.py)\n"
		      "Function\n"
		      "  0.00% 100.00%    1.00s     2.00s   work (pkg/app.py)\n"
		      "Calls\n"
		      "        100.00%              1.00s   leaf (pkg/app.py)\n"
		      "          0.00%              1.00s   work (pkg/app.py)\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "\n"
		      "[idle too] Press q to quit, or ? for help.\n");
	press("?");
	ASSERT_SCREEN(60, 8,
		      "GIL: 100.00%, Active: 100.00%, Threads: 2\n"
		      " Keyboard Shortcuts\n"
		      " 1             Sort by %Own (share of time in the function i\n"
		      " 2             Sort by %Total (in the function and what it c\n"
		      " 3             Sort by OwnTime (time in the function itself,\n"
		      " 4             Sort by TotalTime (in the function and what i\n"
		      " L,l           Toggle between aggregating by line number or\n"
		      "[idle too] Press q to quit, or ? for help.\n");
}

static void test_filter(void **unused)
{
	(void)unused;
	finish();
	press("/WO");
	ASSERT_SHOWS(60, 14, "\n/WO");
	ASSERT_SHOWS(60, 14, "work (pkg");
	ASSERT_HIDES(60, 14, "leaf (pkg");
	press_key(TOP_KEY_BACKSPACE);
	press("q\xc3");
	ASSERT_SHOWS(60, 14, "nothing matches");
	press_key(TOP_KEY_ESCAPE);
	ASSERT_SHOWS(60, 14, "leaf (pkg");
}

static void test_filter_kept(void **unused)
{
	(void)unused;
	finish();
	press("/le");
	press_key(TOP_KEY_ENTER);
	ASSERT_HIDES(60, 14, "work (pkg");
	ASSERT_SHOWS(60, 14, "[/le] Press");
	press("t");
	ASSERT_SHOWS(60, 14, "nothing matches");
	press("tx");
	ASSERT_SHOWS(60, 14, "work (pkg");
	/* Whole characters go, and the empty filter ends the typing. */
	press("/");
	press_key(0x65e5);
	assert_string_equal(state.filter, "\xe6\x97\xa5");
	press_key(TOP_KEY_BACKSPACE);
	assert_string_equal(state.filter, "");
	press_key(TOP_KEY_BACKSPACE);
	assert_false(state.editing);
}

/* A wide character is not cut in half, and what could drive the terminal is shown as its number. */
static void test_characters(void **unused)
{
	(void)unused;
	TOP_ADD(&processes, 0,
		{11, MODEL_ACTIVE, true, {"\xe6\x97\xa5\xe6\x9c\xac\x1b]0;x\x07:9"}});
	ASSERT_SHOWS(80, 14, "   \xe6\x97\xa5\xe6\x9c\xac\\x1b]0;x\\x07 (pkg/app.py)");
	ASSERT_SHOWS(40, 14, "\n  \xe6\x97\xa5\xe6\x9c\xac\\x1b]0;x\\x07 (pkg");
	ASSERT_SHOWS(5, 14, "\n  \xe6\x97\xa5\n");
	ASSERT_SHOWS(4, 14, "\n  \xe6\x97\xa5\n");
	ASSERT_SHOWS(3, 14, "\n\n");
	ascii = true;
	ASSERT_SHOWS(80, 14, "   \\u65e5\\u672c\\x1b]0;x\\x07 (pkg/app.py)");
}

static void test_header(void **unused)
{
	(void)unused;
	ASSERT_SHOWS(60, 14, "Waiting for samples\nTotal Samples 0\nGIL: 0.00%, Active: 0.00%");
	scene.status = "end of x";
	ASSERT_SHOWS(60, 14, "There were no samples");
	assert_null(top_processes_fail(&processes, "cannot read\nthis"));
	ASSERT_SHOWS(80, 14, "Total Samples 0, Error Rate 100.00% (cannot read\\x0athis)\n");
	finish();
	ASSERT_HIDES(80, 14, "Error Rate");
	for (int i = 0; i < 100; i++)
		assert_null(top_processes_fail(&processes, "gone"));
	ASSERT_SHOWS(80, 14, "Total Samples 20 (10.0/s), Error Rate 83.47% (gone)\n");
}

static void test_title(void **unused)
{
	(void)unused;
	finish();
	scene.subprocesses = true;
	ASSERT_SHOWS(80, 14, "Threads: 2, Processes 1\n");
	ASSERT_SHOWS(80, 14, "(python v3.11.7) and subprocesses\n");
	ASSERT_SHOWS(60, 14, "'python3 app.py' (python v3.11.7) and subprocesses\n");
	ASSERT_SHOWS(46, 14, "'python3...' (python v3.11.7) and subprocesses\n");
	scene.subprocesses = false;
	scene.is_replay = true;
	scene.position_ns = MS(75000);
	scene.part = 0.25;
	scene.speed = 0.5;
	ASSERT_SHOWS(80, 14, "\n1m15s, 25% at 0.5 x  Press q to quit, or ? for help.\n");
	ASSERT_SHOWS(90, 14, "Replaying samples of '");
}

static void test_late(void **unused)
{
	(void)unused;
	finish();
	struct sample_counts counts = {.late = 4, .dropped = 3};
	top_processes_note(&processes, &counts);
	ASSERT_HIDES(80, 14, "late");
	counts.late = 20;
	top_processes_note(&processes, &counts);
	ASSERT_SHOWS(80, 14,
		     "\n53% of the samples were late, and left out: ask for fewer with --rate\n");
	ASSERT_SHOWS(80, 8,
		     "53% of the samples were late, and left out: ask for fewer with --rate\n");
	assert_null(top_processes_reset(&processes));
	top_processes_note(&processes, &counts);
	ASSERT_HIDES(80, 14, "late");
}

/* Without knowing who holds the GIL, there is nothing to choose by. */
static void test_unknown_gil(void **unused)
{
	(void)unused;
	finish();
	processes.gil_unknown = true;
	ASSERT_SHOWS(80, 14, "GIL: unknown, Active");
	press("g");
	ASSERT_SHOWS(80, 14, "\nIt cannot be known here which thread holds the GIL\n");
	ASSERT_SHOWS(80, 14, "main (pkg");
	press("1");
	ASSERT_HIDES(80, 14, "It cannot");
	processes.gil_unknown = false;
	press("1");
	ASSERT_SHOWS(80, 14, "GIL: 1");
	press("g");
	ASSERT_SHOWS(80, 14, "[GIL only] Press");
}

static void add_many(void)
{
	static const char *const names[] = {"a:1", "b:1", "c:1", "d:1", "e:1", "f:1",
					    "g:1", "h:1", "i:1", "j:1", "k:1", "l:1"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		TOP_ADD(&processes, i * 10, {11, MODEL_ACTIVE, true, {names[i]}});
	assert_null(top_processes_finish(&processes));
}

/* The cursor is always on the screen, and stays on its function where that moves. */
static void test_scrolling(void **unused)
{
	(void)unused;
	struct top_list *list = &state.lists[TOP_MODE_TABLE];
	add_many();
	ASSERT_HIDES(60, 11, "i (pkg");
	assert_int_equal(list->page, 8);
	press_key(TOP_KEY_END);
	ASSERT_SHOWS(60, 11, "l (pkg");
	ASSERT_HIDES(60, 11, "d (pkg");
	press_key(TOP_KEY_PAGE_UP);
	ASSERT_SHOWS(60, 11, "d (pkg");
	assert_int_equal(list->cursor, 3);
	press_key(TOP_KEY_UP);
	free(draw(60, 11));
	assert_int_equal(list->cursor, 2);
	uint32_t followed = list->followed;
	TOP_ADD(&processes, 130, {11, MODEL_ACTIVE, true, {"c:1"}});
	TOP_ADD(&processes, 140, {11, MODEL_ACTIVE, true, {"c:1"}});
	free(draw(60, 11));
	assert_int_equal(list->cursor, 0);
	assert_int_equal(list->followed, followed);
	press_key(TOP_KEY_PAGE_DOWN);
	press_key(TOP_KEY_PAGE_DOWN);
	press_key(TOP_KEY_DOWN);
	free(draw(60, 11));
	assert_int_equal(list->cursor, 11);
	/* A smaller screen, and a shorter list. */
	ASSERT_SHOWS(60, 5, "l (pkg");
	press("/a (");
	ASSERT_SHOWS(60, 5, "a (pkg");
	press_key(TOP_KEY_ENTER);
	press_key(TOP_KEY_HOME);
	assert_false(list->has_cursor);
}

static void test_leaving(void **unused)
{
	(void)unused;
	finish();
	press("4");
	free(draw(60, 20));
	press_key(TOP_KEY_ENTER); /* work, which main and itself call */
	ASSERT_SHOWS(60, 20, "Called by\n        100.00%              2.00s   main");
	press_key(TOP_KEY_END);
	press_key(TOP_KEY_UP);
	free(draw(60, 20));
	press_key(TOP_KEY_ENTER); /* leaf, which work calls; the heading was passed over */
	ASSERT_SHOWS(60, 20, "Called by\n        100.00%              1.00s   work");
	assert_int_equal(state.trail_count, 2);
	press("t");
	ASSERT_SHOWS(60, 20, "Threads and their current stacks");
	press("?");
	ASSERT_SHOWS(60, 20, "Keyboard Shortcuts");
	press("X");
	ASSERT_SHOWS(60, 20, "Threads and their current stacks");
	press_key(TOP_KEY_ESCAPE);
	assert_int_equal(state.mode, TOP_MODE_CALLS);
	press_key(TOP_KEY_ESCAPE);
	ASSERT_SHOWS(60, 20, "Called by\n        100.00%              2.00s   main");
	press_key(TOP_KEY_BACKSPACE);
	assert_int_equal(state.mode, TOP_MODE_TABLE);
	/* Further than the trail is long. */
	for (uint32_t i = 0; i < 2 * TOP_TRAIL_MAX; i++) {
		state.lists[state.mode].entry = i % 2;
		press_key(TOP_KEY_ENTER);
	}
	assert_int_equal(state.trail_count, TOP_TRAIL_MAX);
	press("l");
	assert_int_equal(state.mode, TOP_MODE_TABLE);
	assert_int_equal(state.trail_count, 0);
}

static void test_actions(void **unused)
{
	(void)unused;
	static const struct {
		uint32_t key;
		enum top_action action;
	} expected[] = {
		{'q', TOP_ACTION_QUIT},
		{'Q', TOP_ACTION_QUIT},
		{TOP_KEY_CLOSED, TOP_ACTION_QUIT},
		{'r', TOP_ACTION_RESET},
		{'R', TOP_ACTION_RESET},
		{'p', TOP_ACTION_PAUSE},
		{' ', TOP_ACTION_PAUSE},
		{TOP_KEY_LEFT, TOP_ACTION_BACK},
		{TOP_KEY_RIGHT, TOP_ACTION_FORWARD},
		{'<', TOP_ACTION_SLOWER},
		{'>', TOP_ACTION_FASTER},
		{0x0c, TOP_ACTION_REPAINT},
		{TOP_KEY_RESIZE, TOP_ACTION_REPAINT},
		{'z', TOP_ACTION_NONE},
		{0, TOP_ACTION_NONE},
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(top_state_key(&state, expected[i].key), expected[i].action);
	assert_false(state.paused);
	press("/qr");
	assert_string_equal(state.filter, "qr");
	assert_int_equal(top_state_key(&state, TOP_KEY_RESIZE), TOP_ACTION_REPAINT);
	assert_true(state.editing);
}

static void test_numbers(void **unused)
{
	(void)unused;
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {
		{0, "0.000s"},
		{MS(999), "0.999s"},
		{MS(1000) - 1, "1.00s"},
		{MS(12345), "12.35s"},
		{MS(99999), "100.0s"},
		{MS(999940), "999.9s"},
		{MS(999960), "1000s"},
		{MS(86400000), "86400s"},
		{UINT64_C(1000000) * 1000000000, "11.6d"},
	};
	static const struct {
		uint64_t ns;
		const char *text;
	} positions[] = {
		{0, "0.0s"},
		{MS(59999), "59.9s"},
		{MS(60000), "1m00s"},
		{MS(3661000), "1h01m01s"},
	};
	char text[TOP_NUMBER_SIZE];
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(top_time(times[i].ns, text), times[i].text);
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
		assert_string_equal(top_position(positions[i].ns, text), positions[i].text);
	assert_string_equal(top_percent(1, 3, text), "33.33%");
	assert_string_equal(top_percent(20, 1, text), "2000%");
	assert_string_equal(top_percent(1, 0, text), "0.00%");
}

static void test_clock(void **unused)
{
	(void)unused;
	struct top_clock clock;
	top_clock_init(&clock, 2, 1000);
	assert_int_equal(top_clock_position(&clock, 1500), 1000);
	assert_int_equal(top_clock_until(&clock, 1500, 2000), 501);
	assert_int_equal(top_clock_until(&clock, 1500, 1000), 0);
	top_clock_stop(&clock, 1500, true);
	assert_int_equal(top_clock_position(&clock, 9000), 1000);
	assert_true(top_clock_until(&clock, 9000, 2000) == UINT64_MAX);
	top_clock_stop(&clock, 9000, false);
	assert_int_equal(top_clock_position(&clock, 9100), 1200);
	top_clock_change_speed(&clock, 9100, 0.5);
	assert_int_equal(top_clock_position(&clock, 9200), 1300);
	top_clock_seek(&clock, 9200, 50);
	assert_int_equal(top_clock_position(&clock, 9300), 150);
	for (int i = 0; i < 40; i++)
		top_clock_change_speed(&clock, 9300, 2);
	assert_int_equal(top_clock_position(&clock, 9301), 150 + 1024);
	/* As fast as can be: everything is due, but not while it is stopped. */
	top_clock_init(&clock, 0, 0);
	assert_true(top_clock_position(&clock, 1) == UINT64_MAX);
	top_clock_stop(&clock, 1, true);
	assert_int_equal(top_clock_position(&clock, 2), 0);
	top_clock_stop(&clock, 3, false);
	assert_true(top_clock_position(&clock, 4) == UINT64_MAX);
	top_clock_seek(&clock, 5, 700);
	assert_int_equal(top_clock_position(&clock, 6), 701);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_80_columns),	   TEST(test_narrow),	   TEST(test_modes),
		TEST(test_calls_and_help), TEST(test_filter),	   TEST(test_filter_kept),
		TEST(test_title),	   TEST(test_late),	   TEST(test_characters),
		TEST(test_header),	   TEST(test_unknown_gil), TEST(test_scrolling),
		TEST(test_leaving),	   TEST(test_actions),	   TEST(test_numbers),
		TEST(test_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
