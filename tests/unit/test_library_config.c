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
	assert_null(spy);
	assert_null(sampler);
}

/* A structure that was not initialised, or that an older or newer program made. */
static void test_sizes(void **state)
{
	(void)state;
	enum { OLD_SIZE = offsetof(struct pyspy_config, sampling_rate) };
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
}

enum { WORDS_MAX = 24 };

/* A command line of words, as argv is. */
struct line {
	char text[256];
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
	assert_false(config.capture_output);
	assert_null(parse(&line, "py-spy record --capture -- python3", &config));
	assert_true(config.capture_output);
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
	assert_refused(pyspy_format_from_name("Flamegraph", &format), "speedscope");
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
		cmocka_unit_test(test_wrong_arguments),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_not_python),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
