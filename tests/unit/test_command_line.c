#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/command_line.h"
#include "common/exit_status.h"

struct values {
	struct common_options common;
	struct id_list pids;
	const char *output;
	bool native;
	bool nonblocking;
	uint64_t wait_ns;
	uint64_t number;
	int level;
	struct string_list paths;
	struct string_list files;
	struct arguments arguments;
	bool only_second;
};

enum { COMMAND_FIRST = 1, COMMAND_SECOND = 2 };

static const char *const levels[] = {"stacks", "full", NULL};

static const struct option_spec options[] = {
	{.name = "pid",
	 .letter = 'p',
	 .argument = "PID",
	 .kind = OPTION_IDS,
	 .offset = offsetof(struct values, pids),
	 .help = "a process, decimal or hexadecimal; repeat for more, of which there can be as "
		 "many "
		 "as there are"},
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct values, output),
	 .help = "write to FILE"},
	{.name = "nonblocking",
	 .alias = "no-block",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct values, nonblocking),
	 .help = "do not stop it"},
	{.name = "native", .letter = 'n', .kind = OPTION_UNAVAILABLE},
	{.name = "native-all", .kind = OPTION_UNAVAILABLE},
	{.name = "wait",
	 .argument = "SECONDS",
	 .kind = OPTION_SECONDS,
	 .offset = offsetof(struct values, wait_ns),
	 .help = "retry"},
	{.name = "sample",
	 .argument = "K",
	 .kind = OPTION_NUMBER,
	 .offset = offsetof(struct values, number),
	 .help = "which"},
	{.name = "level",
	 .argument = "stacks|full",
	 .kind = OPTION_CHOICE,
	 .choices = levels,
	 .offset = offsetof(struct values, level),
	 .help = "how much"},
	{.name = "lib-search-path",
	 .argument = "A:B",
	 .kind = OPTION_COLON_LIST,
	 .offset = offsetof(struct values, paths),
	 .help = "folders"},
	{.name = "file",
	 .argument = "FILE",
	 .kind = OPTION_STRINGS,
	 .offset = offsetof(struct values, files),
	 .help = "files"},
	{.name = "only-second",
	 .kind = OPTION_FLAG,
	 .commands = COMMAND_SECOND,
	 .offset = offsetof(struct values, only_second),
	 .help = "of the second command"},
	{.name = "debug",
	 .kind = OPTION_FLAG,
	 .hidden = true,
	 .offset = offsetof(struct values, native),
	 .help = "never shown"},
	COMMON_OPTIONS(struct values, common),
};

static const char *const synopsis[] = {"[OPTION]... FILE", "--pid PID", NULL};

static const struct command_line command_line = {
	.program = "program",
	.synopsis = synopsis,
	.description = "Does things.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.epilogue = "See program(1).",
	.command = COMMAND_FIRST,
};

static void values_deinit(struct values *values)
{
	id_list_deinit(&values->pids);
	string_list_deinit(&values->paths);
	string_list_deinit(&values->files);
	arguments_deinit(&values->arguments);
}

static struct error *parse(struct values *values, char **argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	return command_line_parse(&command_line, argc, argv, values, &values->arguments);
}

#define PARSE(values, ...) parse(values, (char *[]){(char *)"program", __VA_ARGS__, NULL})
#define WORD(text)	   ((char *)(text))

/* The message of the usage error that the arguments give. */
static void assert_refused(const char *message, char **argv)
{
	CLEANUP(values_deinit) struct values values = {0};
	CLEANUP(error_destroyp) struct error *error = parse(&values, argv);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_USAGE);
	assert_string_equal(error->message, message);
}

#define ASSERT_REFUSED(message, ...)                                                               \
	assert_refused(message " (try 'program --help')",                                          \
		       (char *[]){(char *)"program", __VA_ARGS__, NULL})

static void test_values(void **state)
{
	(void)state;
	CLEANUP(values_deinit) struct values values = {0};
	assert_null(PARSE(&values, WORD("-p"), WORD("12"), WORD("first"), WORD("--pid=0x1F"),
			  WORD("-p12"), WORD("-vqv"), WORD("--no-block"), WORD("--wait"),
			  WORD("0.5"), WORD("--level=full"), WORD("-o"), WORD("-"), WORD("-"),
			  WORD("--lib-search-path"), WORD("/a::/b"), WORD("--lib-search-path=/c"),
			  WORD("--sample"), WORD("010"), WORD("--file=x"), WORD("--file=y"),
			  WORD("second")));
	assert_int_equal(values.pids.count, 2);
	assert_int_equal(values.pids.items[0], 12);
	assert_int_equal(values.pids.items[1], 31);
	assert_true(id_list_contains(&values.pids, 31));
	assert_false(id_list_contains(&values.pids, 13));
	assert_int_equal(values.common.verbose, 2);
	assert_true(values.common.quiet);
	assert_true(values.nonblocking);
	assert_int_equal(values.wait_ns, 500000000);
	assert_int_equal(values.level, 1);
	assert_string_equal(values.output, "-");
	assert_int_equal(values.number, 10);
	assert_int_equal(values.paths.count, 3);
	assert_string_equal(values.paths.items[1], "/b");
	assert_string_equal(values.paths.items[2], "/c");
	assert_null(values.paths.items[3]);
	assert_int_equal(values.files.count, 2);
	assert_int_equal(values.arguments.words.count, 3);
	assert_string_equal(values.arguments.words.items[0], "first");
	assert_string_equal(values.arguments.words.items[1], "-");
	assert_string_equal(values.arguments.words.items[2], "second");
	assert_false(values.arguments.has_separator);
}

static void test_separator(void **state)
{
	(void)state;
	CLEANUP(values_deinit) struct values values = {0};
	assert_null(PARSE(&values, WORD("word"), WORD("-p"), WORD("1"), WORD("--"), WORD("python3"),
			  WORD("-q"), WORD("--"), WORD("x")));
	assert_true(values.arguments.has_separator);
	assert_false(values.common.quiet);
	assert_int_equal(values.arguments.words.count, 1);
	assert_int_equal(values.arguments.rest_count, 4);
	assert_string_equal(values.arguments.rest[0], "python3");
	assert_string_equal(values.arguments.rest[2], "--");
	assert_null(values.arguments.rest[4]);
}

static void test_separator_at_the_ends(void **state)
{
	(void)state;
	CLEANUP(values_deinit) struct values first = {0};
	assert_null(PARSE(&first, WORD("--")));
	assert_true(first.arguments.has_separator);
	assert_int_equal(first.arguments.rest_count, 0);
	CLEANUP(values_deinit) struct values argument = {0};
	assert_null(PARSE(&argument, WORD("-o"), WORD("--")));
	assert_false(argument.arguments.has_separator);
	assert_string_equal(argument.output, "--");
}

static void test_help_ends_parsing(void **state)
{
	(void)state;
	CLEANUP(values_deinit) struct values values = {0};
	assert_null(PARSE(&values, WORD("-h"), WORD("--unknown")));
	assert_true(values.common.help);
	assert_false(values.common.version);
	CLEANUP(values_deinit) struct values version = {0};
	assert_null(PARSE(&version, WORD("-qV"), WORD("--unknown")));
	assert_true(version.common.version);
}

static void test_usage_errors(void **state)
{
	(void)state;
	ASSERT_REFUSED("unknown option '--foo'", WORD("--foo"));
	ASSERT_REFUSED("unknown option '--foo=1'", WORD("x"), WORD("--foo=1"));
	ASSERT_REFUSED("unknown option '-x'", WORD("-qx"));
	ASSERT_REFUSED("unknown option '--only-second'", WORD("--only-second"));
	ASSERT_REFUSED("'--no' can be --nonblocking, --no-block, --no-color", WORD("--no"));
	ASSERT_REFUSED("option --quiet takes no argument", WORD("--quiet=1"));
	ASSERT_REFUSED("option --pid needs its argument, PID", WORD("-p"));
	ASSERT_REFUSED("option --pid needs its argument, PID", WORD("--pid"));
	ASSERT_REFUSED("--native: it is for sampling a running process, which this does not do",
		       WORD("-n"));
	ASSERT_REFUSED("--native: it is for sampling a running process, which this does not do",
		       WORD("--native"));
	ASSERT_REFUSED("--native-all: it is for sampling a running process, which this does not do",
		       WORD("--native-all=2"));
	ASSERT_REFUSED("--level: 'some' is not one of stacks, full", WORD("--level"), WORD("some"));
	ASSERT_REFUSED("--pid: '1f' is no process or thread id (decimal or 0x...)", WORD("-p1f"));
}

static void test_numbers(void **state)
{
	(void)state;
	static const char *const wrong_ids[] = {
		"", "0", "-1", "+1", " 1", "1 ", "0x", "1x", "0x1g", "2147483648", "0x100000000"};
	int32_t id = 7;
	for (size_t i = 0; i < sizeof(wrong_ids) / sizeof(wrong_ids[0]); i++) {
		CLEANUP(error_destroyp) struct error *error = parse_id(wrong_ids[i], &id);
		assert_non_null(error);
		assert_int_equal(id, 7);
	}
	assert_null(parse_id("2147483647", &id));
	assert_int_equal(id, INT32_MAX);
	uint64_t number = 7;
	assert_null(parse_number("0xffffffffffffffff", &number));
	assert_true(number == UINT64_MAX);
	CLEANUP(error_destroyp) struct error *error = parse_number("18446744073709551616", &number);
	assert_non_null(error);
}

static void test_seconds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns;
	} right[] = {
		{"0", 0},
		{"10", 10000000000},
		{"0.5", 500000000},
		{".25", 250000000},
		{"3.", 3000000000},
		{"0.0000000019", 1},
		{"1000000000", UINT64_C(1000000000000000000)},
	};
	static const char *const wrong[] = {
		"",    ".",	"-1",  "1e3",	     "nan",
		"inf", "1.2.3", "1 s", "1000000001", "99999999999999999999999"};
	uint64_t ns;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		assert_null(parse_seconds(right[i].text, &ns));
		assert_int_equal(ns, right[i].ns);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(error_destroyp) struct error *error = parse_seconds(wrong[i], &ns);
		assert_non_null(error);
		assert_int_equal(error->code, ERROR_USAGE);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} right[] = {
		{"0", 0},	   {"4096", 4096},	 {"0x1000", 4096},
		{"4K", 4096},	   {"4k", 4096},	 {"4KiB", 4096},
		{"10M", 10 << 20}, {"2GiB", 2ULL << 30}, {"17179869183G", 17179869183ULL << 30},
	};
	static const char *const wrong[] = {"",
					    "K",
					    "-1",
					    "1.5M",
					    "10T",
					    "1 M",
					    "1KB",
					    "1iB",
					    "M1",
					    "17179869184G",
					    "99999999999999999999999999999999999999999K"};
	uint64_t bytes;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		assert_null(parse_size(right[i].text, &bytes));
		assert_int_equal(bytes, right[i].bytes);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(error_destroyp) struct error *error = parse_size(wrong[i], &bytes);
		assert_non_null(error);
		assert_int_equal(error->code, ERROR_USAGE);
	}
}

static const char expected_help[] =
	"Usage: program [OPTION]... FILE\n"
	"       program --pid PID\n"
	"\n"
	"Does things.\n"
	"\n"
	"Options:\n"
	"  -p, --pid PID            a process, decimal or hexadecimal; repeat for more,\n"
	"                           of which there can be as many as there are\n"
	"  -o, --output FILE        write to FILE\n"
	"      --nonblocking, --no-block\n"
	"                           do not stop it\n"
	"      --wait SECONDS       retry\n"
	"      --sample K           which\n"
	"      --level stacks|full  how much\n"
	"      --lib-search-path A:B\n"
	"                           folders\n"
	"      --file FILE          files\n"
	"  -q, --quiet              print errors only, no warnings\n"
	"  -v, --verbose            say more about what is done; repeat for more\n"
	"      --no-color           print without colors\n"
	"  -V, --version            print the version and exit\n"
	"  -h, --help               print this help and exit\n"
	"\n"
	"See program(1).\n";

static void test_help(void **state)
{
	(void)state;
	CLEANUP_FREE char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	command_line_help(&command_line, stream);
	fclose(stream);
	assert_string_equal(text, expected_help);
}

static void test_exit_statuses(void **state)
{
	(void)state;
	assert_int_equal(exit_status_of(ERROR_USAGE), 2);
	assert_int_equal(exit_status_of(ERROR_NOT_PYTHON), 4);
	assert_int_equal(exit_status_of(ERROR_PERMISSION), 5);
	assert_int_equal(exit_status_of(ERROR_FAILED), 1);
	assert_int_equal(exit_status_of(ERROR_EXISTS), 1);
	assert_int_equal(exit_status_of((enum error_code)1000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_separator),
		cmocka_unit_test(test_separator_at_the_ends),
		cmocka_unit_test(test_help_ends_parsing),
		cmocka_unit_test(test_usage_errors),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_exit_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
