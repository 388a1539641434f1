#include "tests/unit/cmocka_headers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture_options.h"
#include "capture/subject.h"

enum { MAX_ARGUMENTS = 16 };

/* Arguments that are strings of their own, as argv's are. */
struct line {
	char *items[MAX_ARGUMENTS];
	int count;
};

static void line_add(struct line *line, const char *word)
{
	assert_true(line->count < MAX_ARGUMENTS - 1);
	line->items[line->count] = strdup(word);
	assert_non_null(line->items[line->count]);
	line->items[++line->count] = NULL;
}

static struct line line_make(const char *text)
{
	struct line line = {0};
	char *copy = strdup(text);
	char *rest = copy;
	assert_non_null(copy);
	line_add(&line, "pyspy-capture");
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		line_add(&line, word);
	free(copy);
	return line;
}

static void line_free(struct line *line)
{
	for (int i = 0; i < line->count; i++)
		free(line->items[i]);
}

/* `line` is to be freed after the options are done with. */
static void parse(struct line *line, struct capture_options *options)
{
	struct error *error = capture_options_parse(line->count, line->items, options);
	if (error)
		fail_msg("%s", error->message);
}

static void test_defaults(void **state)
{
	(void)state;
	struct capture_options options;
	struct line line = line_make("--pid 1");
	parse(&line, &options);
	assert_int_equal(options.pids.items[0], 1);
	assert_null(options.output);
	assert_int_equal(options.level, LEVEL_STACKS);
	assert_int_equal(options.wait_ns, 0);
	assert_false(options.nonblocking);
	assert_false(options.exhaustive);
	capture_options_deinit(&options);
	line_free(&line);
}

static void test_all(void **state)
{
	(void)state;
	struct capture_options options;
	struct line line = line_make(
		"-p 0x1F -o a.zst --level=full --wait 2.5 --exhaustive -v -v -q --no-color");
	parse(&line, &options);
	assert_int_equal(options.pids.items[0], 31);
	assert_string_equal(options.output, "a.zst");
	assert_int_equal(options.level, LEVEL_FULL);
	assert_int_equal(options.wait_ns, 2500000000ULL);
	assert_true(options.exhaustive);
	assert_int_equal(options.common.verbose, 2);
	assert_true(options.common.quiet);
	assert_true(options.common.no_color);
	capture_options_deinit(&options);
	line_free(&line);
}

static void test_spellings(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"--pid 77 --nonblocking",
		"--pid=77 --no-block",
		"-p77 --no-block",
		"-p 77 -p 77 --nonblocking",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct capture_options options;
		struct line line = line_make(lines[i]);
		parse(&line, &options);
		assert_int_equal(options.pids.items[0], 77);
		assert_true(options.nonblocking);
		capture_options_deinit(&options);
		line_free(&line);
	}
}

static void test_levels(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum capture_level level;
	} cases[] = {
		{"--pid 7 --level stacks", LEVEL_STACKS}, {"--pid 7 --level locals", LEVEL_LOCALS},
		{"--pid 7 --locals", LEVEL_LOCALS},	  {"--pid 7 -ll", LEVEL_LOCALS},
		{"--pid 7 -l --level full", LEVEL_FULL},  {"--pid 7 --level full", LEVEL_FULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture_options options;
		struct line line = line_make(cases[i].line);
		parse(&line, &options);
		assert_int_equal(options.level, cases[i].level);
		capture_options_deinit(&options);
		line_free(&line);
	}
}

static void test_every(void **state)
{
	(void)state;
	struct capture_options options;
	struct line line = line_make("--pid 7 --every 60 --keep 5 --keep-bytes 2M -s -n "
				     "-d 3600 -o a-%Y%m%dT%H%M%S.zst");
	parse(&line, &options);
	assert_false(options.run);
	assert_int_equal(options.every_ns, 60000000000ULL);
	assert_int_equal(options.keep, 5);
	assert_int_equal(options.keep_bytes, 2 << 20);
	assert_int_equal(options.duration_ns, 3600000000000ULL);
	capture_options_deinit(&options);
	line_free(&line);
	line = line_make("--pid 7 -r 10 --max-bytes 1M --keep 2 -o %s");
	parse(&line, &options);
	assert_true(options.run && options.output_is_pattern);
	assert_int_equal(options.max_bytes, 1 << 20);
	capture_options_deinit(&options);
	line_free(&line);
	/* One file: its name is what it is. */
	line = line_make("--pid 7 -r 10 -o 100%.zst");
	parse(&line, &options);
	assert_false(options.output_is_pattern);
	capture_options_deinit(&options);
	line_free(&line);
	line = line_make("-r 10 --every 60 -- --pid -o -");
	parse(&line, &options);
	assert_true(options.run);
	assert_string_equal(options.command[0], "--pid");
	assert_null(options.command[3]);
	assert_int_equal(options.wait_ns, 10000000000ULL);
	assert_false(options.hide_output);
	capture_options_deinit(&options);
	line_free(&line);
	line = line_make("-o - --wait 0 -- a");
	parse(&line, &options);
	assert_true(options.run && options.hide_output);
	assert_int_equal(options.wait_ns, 0);
	capture_options_deinit(&options);
	line_free(&line);
	line = line_make("--pid 7 --count 2");
	parse(&line, &options);
	assert_true(options.run);
	assert_int_equal(options.every_ns, UINT64_MAX);
	assert_int_equal(options.keep, UINT64_MAX);
	assert_int_equal(options.keep_bytes, UINT64_MAX);
	capture_options_deinit(&options);
	line_free(&line);
}

static void test_nothing_else_is_checked(void **state)
{
	(void)state;
	static const char *const lines[] = {"--help", "-V", "--help-faults", "-p 1 -p 2 -h"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct capture_options options;
		struct line line = line_make(lines[i]);
		parse(&line, &options);
		assert_true(options.common.help || options.common.version || options.help_faults);
		capture_options_deinit(&options);
		line_free(&line);
	}
}

static const struct {
	const char *line;
	const char *says;
} refused[] = {
	{"", "--pid"},
	{"1234", "--pid 1234"},
	{"--pid 1 app.py", "app.py"},
	{"--pid 1 -- python3 app.py", "exclude each other"},
	{"--", "which command"},
	{"app.py -- python3", "app.py"},
	{"--pid 1 --kill", "--"},
	{"--pid 1 --capture", "--"},

	{"--pid", "PID"},
	{"--pid 12x", "12x"},
	{"--pid -4", "-4"},
	{"--pid 0", "0"},
	{"--pid 99999999999", "99999999999"},
	{"--pid 1 --level local", "local"},
	{"--pid 1 -l --level full --nonblocking", "exclude each other"},
	{"--pid 1 --level full --nonblocking", "exclude each other"},
	{"--pid 1 --wait soon", "soon"},
	{"--pid 1 -r 0", "rate"},
	{"--pid 1 -r 10001", "rate"},
	{"--pid 1 --count 0", "count"},
	{"--pid 1 --duration soon", "soon"},
	{"--pid 1 -r 10 --level full", "levels stacks and locals"},
	{"--pid 1 -r 10 --native --nonblocking", "exclude each other"},
	{"--pid 1 -r 10 --native --gil", "exclude each other"},
	{"--pid 1 --gil", "--gil chooses among many samples"},
	{"--pid 1 --native --nonblocking", "--nonblocking and --native exclude each other"},
	{"--pid 1 --every 0", "0.1"},
	{"--pid 1 --every 60 -o snap.zst", "no time in it"},
	{"--pid 1 --every 60 -o snap-%H.zst", "same name"},
	{"--pid 1 --every 60 -o snap-%Q.zst", "'%Q'"},
	{"--pid 1 --every 60 -o -", "standard output"},
	{"--pid 1 --every 60 --keep 0", "--keep"},
	{"--pid 1 --every 60 --count 0", "count"},
	{"--pid 1 --keep 3", "--every"},
	{"--pid 1 --keep-bytes 10M", "--every"},
	{"--pid 1 --every 60 --keep-bytes 10X", "10X"},
	{"--pid 1 --max-bytes 10M", "--rate"},
	{"--pid 1 -r 10 --max-bytes 1K", "16K"},
	{"--pid 1 -r 10 --max-bytes 1M -o a-%{pid}", "no time in it"},
	{"--pid 1 -r 10 --max-bytes 1M -o a --keep 2", "--keep"},
	{"--pid 1 -r 10 --every 5 -o -", "standard output"},
	{"--pid 1 --frobnicate", "frobnicate"},
	{"--pid 1 -o", "FILE"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct capture_options options;
		struct line line = line_make(refused[i].line);
		struct error *error = capture_options_parse(line.count, line.items, &options);
		if (!error) {
			fail_msg("accepted: %s", refused[i].line);
			return;
		}
		assert_int_equal(error->code, ERROR_USAGE);
		if (!strstr(error->message, refused[i].says) || !strstr(error->message, "--help"))
			fail_msg("'%s' gave: %s", refused[i].line, error->message);
		error_destroy(error);
		capture_options_deinit(&options);
		line_free(&line);
	}
}

static void test_itself_is_refused(void **state)
{
	(void)state;
	char text[32];
	snprintf(text, sizeof(text), "-p %d", (int)getpid());
	struct capture_options options;
	struct line line = line_make(text);
	struct error *error = capture_options_parse(line.count, line.items, &options);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_USAGE);
	error_destroy(error);
	capture_options_deinit(&options);
	line_free(&line);
}

static void test_terminal_is_refused(void **state)
{
	(void)state;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
		print_message("no pseudo-terminals here\n");
		skip();
	}
	char text[128];
	snprintf(text, sizeof(text), "-p 1 -o %s", ptsname(terminal));
	struct capture_options options;
	struct line line = line_make(text);
	struct error *error = capture_options_parse(line.count, line.items, &options);
	close(terminal);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_USAGE);
	assert_non_null(strstr(error->message, "terminal"));
	error_destroy(error);
	capture_options_deinit(&options);
	line_free(&line);
}

/* 2026-07-24 01:02:03.456 UTC */
#define SOME_TIME_NS 1784854923456000000ULL

static void check_name(const char *executable, const char *command_name, const char *expected)
{
	struct subject subject = {
		.facts = {.pid = 42, .capture_time_ns = SOME_TIME_NS},
	};
	subject.facts.executable = executable ? strdup(executable) : NULL;
	subject.facts.command_name = command_name ? strdup(command_name) : NULL;
	char *name = subject_file_name(&subject);
	assert_string_equal(name, expected);
	free(name);
	process_facts_deinit(&subject.facts);
}

static void test_default_name(void **state)
{
	(void)state;
	check_name("/usr/bin/python3.12", "python3", "python3.12-42-20260724T010203.456Z.zst");
	check_name(NULL, "worker", "worker-42-20260724T010203.456Z.zst");
	check_name(NULL, NULL, "process-42-20260724T010203.456Z.zst");
}

static void test_default_name_has_the_time(void **state)
{
	(void)state;
	static const struct {
		uint64_t seconds;
		const char *name;
	} cases[] = {
		{0, "process-1-19700101T000000.000Z.zst"},
		{951782399, "process-1-20000228T235959.000Z.zst"},
		{951782400, "process-1-20000229T000000.000Z.zst"},
		{951868800, "process-1-20000301T000000.000Z.zst"},
		{1735689599, "process-1-20241231T235959.000Z.zst"},
		{4107542400, "process-1-21000301T000000.000Z.zst"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct subject subject = {
			.facts = {.pid = 1, .capture_time_ns = cases[i].seconds * 1000000000},
		};
		char *name = subject_file_name(&subject);
		assert_string_equal(name, cases[i].name);
		free(name);
	}
}

static void test_default_name_is_harmless(void **state)
{
	(void)state;
	check_name("/tmp/-o my\napp\"\xc3\xa9", NULL, "_o_my_app___-42-20260724T010203.456Z.zst");
	check_name("/tmp/.hidden", NULL, "_hidden-42-20260724T010203.456Z.zst");
	check_name(NULL, "../../etc/x", "_._.._etc_x-42-20260724T010203.456Z.zst");
}

static void test_python_hint(void **state)
{
	(void)state;
	static struct {
		char executable[48];
		char module[48];
		bool hint;
	} cases[] = {
		{"/usr/bin/sleep", "/usr/lib/libc.so.6", false},
		{"/opt/python-tools/sleep", "/opt/python3/lib/libc.so.6", false},
		{"/usr/bin/python3.15", "", true},
		{"/opt/pypy3", "", true},
		{"/usr/bin/gdb", "/usr/lib/libpython3.15.so.1.0", true},
		{"/srv/app", "/srv/_ssl.cpython-315-x86_64-linux-gnu.so", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct module module = {.path = cases[i].module};
		const struct subject subject = {
			.facts = {.executable = cases[i].executable},
			.modules = {.items = &module, .count = cases[i].module[0] != 0},
		};
		assert_int_equal(subject_python_hint(&subject) != NULL, cases[i].hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_nothing_else_is_checked),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_itself_is_refused),
		cmocka_unit_test(test_terminal_is_refused),
		cmocka_unit_test(test_default_name),
		cmocka_unit_test(test_default_name_has_the_time),
		cmocka_unit_test(test_default_name_is_harmless),
		cmocka_unit_test(test_python_hint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
