/* libpyspy as its users see it: configurations, formats, errors, and what needs no process. */
#include "tests/unit/cmocka_headers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/pyspy.h"

static struct pyspy_config made(void)
{
	struct pyspy_config config;
	pyspy_config_init(&config, sizeof(config));
	return config;
}

static void test_defaults(void **state)
{
	(void)state;
	struct pyspy_config config;
	memset(&config, 0xff, sizeof(config));
	pyspy_config_init(&config, sizeof(config));
	assert_int_equal(config.size, sizeof(config));
	assert_int_equal(config.pid, 0);
	assert_null(config.core_file);
	assert_null(config.command);
	assert_int_equal(config.lock, PYSPY_LOCK);
	assert_false(config.native);
	assert_false(config.subprocesses);
	assert_false(config.gil_only);
	assert_false(config.include_idle);
	assert_int_equal(config.locals, 0);
	assert_int_equal(config.lines, PYSPY_LINES_LAST);
	assert_int_equal(config.sampling_rate, 100);
	assert_true(config.duration_ns == PYSPY_UNLIMITED);
	assert_false(config.show_line_numbers);
	assert_false(config.full_filenames);
	assert_false(config.include_thread_ids);
	assert_false(config.hide_progress);
	assert_true(config.capture_output);
	assert_false(config.json);
	assert_int_equal(config.format, PYSPY_FORMAT_FLAMEGRAPH);
	assert_null(config.output);
	assert_true(config.refresh_seconds == 1.0);
	assert_null(config.executable);
	assert_null(config.sysroot);
	assert_null(config.search_paths[0]);
	assert_null(config.search_roots[PYSPY_PATHS_MAX - 1]);
	assert_int_equal(config.tid_count, 0);
	assert_false(config.exhaustive);
	assert_false(config.native_all || config.native_last || config.native_internal);
	assert_int_equal(config.wait_ns, 0);
	assert_null(pyspy_config_check(&config));
	assert_null(pyspy_config_check(NULL));
}

static void assert_refused(struct pyspy_error *error, const char *word)
{
	assert_non_null(error);
	assert_int_equal(pyspy_error_code(error), PYSPY_USAGE);
	if (!strstr(pyspy_error_message(error), word))
		fail_msg("'%s' does not speak of '%s'", pyspy_error_message(error), word);
	pyspy_error_free(error);
}

static void test_each_value_is_checked(void **state)
{
	(void)state;
	struct pyspy_config config = made();
	config.lock = (enum pyspy_lock)3;
	assert_refused(pyspy_config_check(&config), "lock");
	config = made();
	config.lines = (enum pyspy_lines)(-1);
	assert_refused(pyspy_config_check(&config), "lines");
	config = made();
	config.format = (enum pyspy_format)100;
	assert_refused(pyspy_config_check(&config), "format");
	config = made();
	config.sampling_rate = 0;
	assert_refused(pyspy_config_check(&config), "sampling_rate");
	config.sampling_rate = 1000001;
	assert_refused(pyspy_config_check(&config), "sampling_rate");
	config.sampling_rate = 1000000;
	assert_null(pyspy_config_check(&config));
	config = made();
	config.duration_ns = 0;
	assert_refused(pyspy_config_check(&config), "duration_ns");
	config = made();
	config.pid = -5;
	assert_refused(pyspy_config_check(&config), "pid");
	config = made();
	config.locals = 1U << 20;
	assert_refused(pyspy_config_check(&config), "locals");
	config = made();
	config.refresh_seconds = (double)NAN;
	assert_refused(pyspy_config_check(&config), "refresh_seconds");
	config.refresh_seconds = 0;
	assert_refused(pyspy_config_check(&config), "refresh_seconds");
	config = made();
	config.tid_count = PYSPY_TIDS_MAX + 1;
	assert_refused(pyspy_config_check(&config), "tid_count");
	config.tid_count = 2;
	config.tids[0] = 12;
	assert_refused(pyspy_config_check(&config), "tids");
	config.tids[1] = UINT64_MAX;
	assert_null(pyspy_config_check(&config));
	config.wait_ns = PYSPY_UNLIMITED;
	assert_null(pyspy_config_check(&config));
}

static void test_what_excludes_each_other(void **state)
{
	(void)state;
	struct pyspy_config config = made();
	config.native = true;
	assert_null(pyspy_config_check(&config));
	config.lock = PYSPY_NON_BLOCKING;
	assert_refused(pyspy_config_check(&config), "native and non-blocking exclude each other");
	config.lock = PYSPY_ALREADY_LOCKED;
	assert_refused(pyspy_config_check(&config), "already-locked");
	/* Each of them is native stacks. */
	bool *const ways[] = {&config.native_all, &config.native_last, &config.native_internal};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		config = made();
		*ways[i] = true;
		assert_null(pyspy_config_check(&config));
		config.lock = PYSPY_NON_BLOCKING;
		assert_refused(pyspy_config_check(&config), "native and non-blocking");
	}
	config = made();
	config.pid = 1;
	config.core_file = "core";
	assert_refused(pyspy_config_check(&config), "core_file");
}

/* Every function that takes a configuration refuses one that is wrong, and touches no result. */
static void test_wrong_ones_are_refused_everywhere(void **state)
{
	(void)state;
	struct pyspy_config config = made();
	struct pyspy *spy = NULL;
	struct pyspy_sampler *sampler = NULL;
	config.sampling_rate = 0;
	assert_refused(pyspy_open(getpid(), &config, &spy), "sampling_rate");
	assert_refused(pyspy_open_retry(getpid(), &config, 3, &spy), "sampling_rate");
	assert_refused(pyspy_open_file("core", &config, &spy), "sampling_rate");
	assert_refused(pyspy_sampler_create(getpid(), &config, &sampler), "sampling_rate");
	assert_refused(pyspy_open(0, NULL, &spy), "pid");
	assert_refused(pyspy_open(-1, NULL, &spy), "pid");
	assert_refused(pyspy_open_file(NULL, NULL, &spy), "name");
	assert_refused(pyspy_open(getpid(), NULL, &spy), "its own threads");
	/* A command is the caller's to start. */
	char *const command[] = {(char *)"python3", NULL};
	config = made();
	config.command = command;
	assert_refused(pyspy_open(0, &config, &spy), "'python3' is started by who uses");
	assert_refused(pyspy_sampler_create(0, &config, &sampler), "'python3' is started by");
	assert_null(spy);
	assert_null(sampler);
}

/* A structure that was not initialised, or that an older or newer program made. */
static void test_sizes(void **state)
{
	(void)state;
	enum {
		OLD_SIZE = offsetof(struct pyspy_config, sampling_rate),
		FIRST_SIZE = offsetof(struct pyspy_config, search_paths),
	};
	struct {
		struct pyspy_config config;
		char more[64];
	} larger;
	struct pyspy_config config = {0};
	assert_refused(pyspy_config_check(&config), "pyspy_config_init");
	/* An older program's structure ends before the rate, and what is behind is not its own. */
	memset(&config, 0xff, sizeof(config));
	pyspy_config_init(&config, OLD_SIZE);
	assert_int_equal(config.size, OLD_SIZE);
	assert_true(config.sampling_rate == UINT64_MAX);
	assert_null(pyspy_config_check(&config));
	pyspy_config_init(&larger.config, sizeof(larger));
	assert_int_equal(larger.config.size, sizeof(larger));
	assert_null(pyspy_config_check(&larger.config));
	larger.config.sampling_rate = 0;
	assert_refused(pyspy_config_check(&larger.config), "sampling_rate");
	/* What an older program does not have is not read: here it would be refused. */
	memset(&config, 0xff, sizeof(config));
	pyspy_config_init(&config, FIRST_SIZE);
	assert_true(config.tid_count > PYSPY_TIDS_MAX);
	assert_null(pyspy_config_check(&config));
}

enum { WORDS_MAX = 128 };

/* A command line of words, as argv is. */
struct line {
	char text[1024];
	char *words[WORDS_MAX];
	int count;
};

static struct pyspy_error *parse(struct line *line, const char *text, struct pyspy_config *config)
{
	char *rest;
	line->count = 0;
	snprintf(line->text, sizeof(line->text), "%s", text);
	for (char *word = strtok_r(line->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		line->words[line->count++] = word;
	line->words[line->count] = NULL;
	return pyspy_config_from_arguments(line->count, line->words, config, sizeof(*config));
}

static void test_arguments(void **state)
{
	(void)state;
	struct line line;
	struct pyspy_config config;
	assert_null(parse(&line,
			  "py-spy record -p 12 -r 250 -d 2.5 -nsgt -ll --idle --full-filenames "
			  "-f speedscope -o out.json -F --hideprogress",
			  &config));
	assert_int_equal(config.pid, 12);
	assert_int_equal(config.sampling_rate, 250);
	assert_true(config.duration_ns == 2500000000);
	assert_true(config.native && config.subprocesses && config.gil_only);
	assert_true(config.include_thread_ids && config.include_idle && config.full_filenames);
	assert_int_equal(config.locals, 2);
	assert_int_equal(config.format, PYSPY_FORMAT_SPEEDSCOPE);
	assert_string_equal(config.output, "out.json");
	assert_int_equal(config.lines, PYSPY_LINES_FIRST);
	assert_true(config.show_line_numbers && config.hide_progress);
	assert_null(parse(&line, "py-spy dump --pid=0x10 --nonblocking --json", &config));
	assert_int_equal(config.pid, 16);
	assert_int_equal(config.lock, PYSPY_NON_BLOCKING);
	assert_true(config.json);
	assert_false(config.show_line_numbers);
	assert_null(
		parse(&line, "py-spy r -p5 --nolineno --duration unlimited --delay 0.25", &config));
	assert_int_equal(config.lines, PYSPY_LINES_NONE);
	assert_false(config.show_line_numbers);
	assert_true(config.duration_ns == PYSPY_UNLIMITED);
	assert_true(config.refresh_seconds == 0.25);
	assert_null(parse(&line, "py-spy dump -c core.1", &config));
	assert_string_equal(config.core_file, "core.1");
	assert_null(parse(&line, "py-spy core.2", &config));
	assert_string_equal(config.core_file, "core.2");
	assert_null(parse(&line, "py-spy", &config));
	assert_int_equal(config.sampling_rate, 100);
}

static void test_arguments_with_a_command(void **state)
{
	(void)state;
	struct line line;
	struct pyspy_config config;
	assert_null(parse(&line, "py-spy record -- python3 -c pass", &config));
	assert_ptr_equal(config.command, line.words + 3);
	assert_string_equal(config.command[0], "python3");
	assert_string_equal(config.command[1], "-c");
	assert_null(config.command[3]);
	assert_true(config.wait_ns == 10000000000);
	assert_null(parse(&line, "py-spy record --wait 0 -- python3", &config));
	assert_int_equal(config.wait_ns, 0);
}

/* As py-spy: but that progress is hidden where a command's output would be drawn into it only. */
static void test_arguments_and_output(void **state)
{
	static const struct {
		const char *line;
		bool capture;
		bool hide;
	} rows[] = {
		{"py-spy record -- python3", false, true},
		{"py-spy r --hideprogress --capture -- python3", true, true},
		{"py-spy record --capture -- python3", true, false},
		{"py-spy record --capture-output -- python3", true, false},
		{"py-spy report -- python3", false, true},
		{"py-spy top -- python3", true, false},
		{"py-spy dump -- python3", true, false},
		{"py-spy top -p 1", true, false},
		{"py-spy record -p 1", false, false},
		{"py-spy record -p 1 --hideprogress", false, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line line;
		struct pyspy_config config;
		assert_null(parse(&line, rows[i].line, &config));
		if (config.capture_output != rows[i].capture ||
		    config.hide_progress != rows[i].hide)
			fail_msg("%s: capture_output %d, hide_progress %d", rows[i].line,
				 config.capture_output, config.hide_progress);
	}
}

/* What pyspy-analyze's command line has, and py-spy's does not. */
static void test_arguments_of_analyze(void **state)
{
	(void)state;
	struct line line;
	struct pyspy_config config;
	assert_null(parse(&line,
			  "pyspy-analyze dump --wait 1.5 --tid 7 --tid 0x7f0000001700 --exhaustive "
			  "--lib-search-path a:b --lib-search-path=c --lib-search-root d core.1",
			  &config));
	assert_true(config.wait_ns == 1500000000);
	assert_int_equal(config.tid_count, 2);
	assert_true(config.tids[0] == 7 && config.tids[1] == 0x7f0000001700);
	assert_true(config.exhaustive);
	assert_string_equal(config.search_paths[0], "a:b");
	assert_string_equal(config.search_paths[1], "c");
	assert_null(config.search_paths[2]);
	assert_string_equal(config.search_roots[0], "d");
	assert_null(config.search_roots[1]);
	assert_string_equal(config.core_file, "core.1");
	assert_false(config.native);
	assert_null(parse(&line, "pyspy-analyze report run.zst", &config));
	assert_string_equal(config.core_file, "run.zst");
	assert_true(config.show_line_numbers);
	assert_null(parse(&line, "pyspy-analyze --native-all -p 1", &config));
	assert_true(config.native && config.native_all);
	assert_false(config.native_last || config.native_internal);
	assert_null(parse(&line, "pyspy-analyze --native-last --native-internal -p 1", &config));
	assert_true(config.native && config.native_last && config.native_internal);
	/* A core's program, as pystack and coredumpctl(1) name it. */
	assert_null(parse(&line, "pyspy-analyze core.1 /proc/self/exe", &config));
	assert_string_equal(config.core_file, "core.1");
	assert_string_equal(config.executable, "/proc/self/exe");
	assert_null(parse(&line, "pyspy-analyze /proc/self/exe -c core.1", &config));
	assert_string_equal(config.core_file, "core.1");
	assert_string_equal(config.executable, "/proc/self/exe");
}

/* An older program cannot be told of what it has no field for. */
static void test_arguments_for_an_older_program(void **state)
{
	enum { FIRST_SIZE = offsetof(struct pyspy_config, search_paths) };
	static char *known[] = {(char *)"x", (char *)"record", (char *)"--sysroot",
				(char *)"r", (char *)"--",     (char *)"python3",
				NULL};
	static char *more[] = {(char *)"x", (char *)"--tid", (char *)"5", NULL};
	struct pyspy_config config;
	(void)state;
	memset(&config, 0xff, sizeof(config));
	assert_null(pyspy_config_from_arguments(6, known, &config, FIRST_SIZE));
	assert_int_equal(config.size, FIRST_SIZE);
	assert_string_equal(config.sysroot, "r");
	assert_true(config.wait_ns == UINT64_MAX);
	assert_refused(pyspy_config_from_arguments(3, more, &config, FIRST_SIZE), "older libpyspy");
}

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);
	snprintf(text + used, size - used, "%s", more);
}

static void test_too_many(void **state)
{
	static const struct {
		const char *words;
		int most;
	} lists[] = {
		{" --tid 5", PYSPY_TIDS_MAX},
		{" --lib-search-path a", PYSPY_PATHS_MAX},
		{" --lib-search-root a", PYSPY_PATHS_MAX},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char text[1024] = "pyspy-analyze";
		struct line line;
		struct pyspy_config config;
		for (int j = 0; j < lists[i].most; j++)
			append(text, sizeof(text), lists[i].words);
		assert_null(parse(&line, text, &config));
		append(text, sizeof(text), lists[i].words);
		assert_refused(parse(&line, text, &config), "more than");
	}
}

static void test_wrong_arguments(void **state)
{
	static const struct {
		const char *line;
		const char *word;
	} wrong[] = {
		{"py-spy --nothing", "--nothing"},
		{"py-spy -Z", "-Z"},
		{"py-spy --pid", "--pid"},
		{"py-spy --pid x", "--pid"},
		{"py-spy -p 1 -p 2", "one process"},
		{"py-spy --native=yes", "--native"},
		{"py-spy --native --nonblocking -p 1", "exclude"},
		{"py-spy -F --nolineno -p 1", "exclude"},
		{"py-spy --rate 0 -p 1", "sampling_rate"},
		{"py-spy --rate ten -p 1", "--rate"},
		{"py-spy --duration long", "--duration"},
		{"py-spy --duration 0 -p 1", "duration"},
		{"py-spy --delay 0 -p 1", "refresh_seconds"},
		{"py-spy -f odd -p 1", "'odd'"},
		{"py-spy one two", "one file"},
		{"py-spy -c one two", "one file"},
		{"py-spy -p 1 core", "exclude"},
		{"py-spy -p 1 -- python3", "command"},
		{"py-spy --tid 0", "--tid"},
		{"py-spy --wait soon", "--wait"},
		{"py-spy --native-all --nonblocking -p 1", "exclude"},
		{"py-spy -c /proc/self/exe /proc/self/exe /proc/self/exe", "one file"},
		{"pyspy-analyze report --weight cpu", "--weight is an option of pyspy-analyze"},
		{"pyspy-analyze --sample=3 run.zst", "--sample is an option of pyspy-analyze"},
		{"pyspy-analyze -v", "-v is an option of pyspy-analyze"},
		{"pyspy-analyze info run.zst", "'info'"},
		{"pyspy-analyze merge a b", "'merge'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct line line;
		struct pyspy_config config = made();
		config.pid = 77;
		assert_refused(parse(&line, wrong[i].line, &config), wrong[i].word);
		assert_int_equal(config.pid, 77);
	}
}

static void test_formats(void **state)
{
	(void)state;
	enum pyspy_format format;
	size_t count = 0;
	for (int i = 0; pyspy_format_name((enum pyspy_format)i); i++, count++) {
		assert_null(
			pyspy_format_from_name(pyspy_format_name((enum pyspy_format)i), &format));
		assert_int_equal(format, i);
	}
	assert_int_equal(count, 8);
	assert_null(pyspy_format_from_name("collapsed", &format));
	assert_int_equal(format, PYSPY_FORMAT_RAW);
	assert_null(pyspy_format_from_name("Flamegraph", &format));
	assert_int_equal(format, PYSPY_FORMAT_FLAMEGRAPH);
	assert_null(pyspy_format_from_name("COLLAPSED", &format));
	assert_int_equal(format, PYSPY_FORMAT_RAW);
	assert_refused(pyspy_format_from_name("flame", &format), "speedscope");
	assert_refused(pyspy_format_from_name("", &format), "no format");
	assert_refused(pyspy_format_from_name(NULL, &format), "no format");
	assert_int_equal(format, PYSPY_FORMAT_RAW);
}

static void test_errors(void **state)
{
	(void)state;
	struct pyspy *spy = NULL;
	assert_int_equal(pyspy_error_code(NULL), PYSPY_OK);
	assert_string_equal(pyspy_error_message(NULL), "");
	pyspy_error_free(NULL);
	struct pyspy_error *error = pyspy_open_file("/nowhere/core", NULL, &spy);
	assert_int_equal(pyspy_error_code(error), PYSPY_IO);
	assert_non_null(strstr(pyspy_error_message(error), "/nowhere/core"));
	pyspy_error_free(error);
	error = pyspy_open_file("/dev/null", NULL, &spy);
	assert_non_null(error);
	pyspy_error_free(error);
	error = pyspy_open(0x7ffffffe, NULL, &spy);
	assert_int_equal(pyspy_error_code(error), PYSPY_NO_PROCESS);
	pyspy_error_free(error);
	assert_string_equal(pyspy_code_name(PYSPY_PERMISSION), "permission");
	for (int i = PYSPY_OK; i <= PYSPY_BUSY; i++)
		assert_string_not_equal(pyspy_code_name((enum pyspy_code)i), "unknown");
	assert_string_equal(pyspy_code_name((enum pyspy_code)99), "unknown");
	assert_null(spy);
	pyspy_close(NULL);
	pyspy_traces_free(NULL);
	pyspy_sample_free(NULL);
	pyspy_sampler_destroy(NULL);
	pyspy_process_free(NULL);
}

/* A process that is not Python: the parent of the test, whatever runs it, may be. */
static void test_not_python(void **state)
{
	(void)state;
	struct pyspy_config config = made();
	struct pyspy *spy = NULL;
	config.lock = PYSPY_NON_BLOCKING;
	struct pyspy_error *error = pyspy_open(getpid(), &config, &spy);
	assert_int_equal(pyspy_error_code(error), PYSPY_NOT_PYTHON);
	pyspy_error_free(error);
	assert_null(spy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_value_is_checked),
		cmocka_unit_test(test_what_excludes_each_other),
		cmocka_unit_test(test_wrong_ones_are_refused_everywhere),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_arguments_with_a_command),
		cmocka_unit_test(test_arguments_and_output),
		cmocka_unit_test(test_arguments_of_analyze),
		cmocka_unit_test(test_arguments_for_an_older_program),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_wrong_arguments),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_not_python),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
