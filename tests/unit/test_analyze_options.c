#include "tests/unit/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/elf_kind.h"
#include "analyze/live_options.h"
#include "analyze/options.h"
#include "common/cleanup.h"

/* Any program will do, and this test is one. */
static const char self[] = "/proc/self/exe";

#define WORD(text) ((char *)(text))
#define PARSE(...) PARSE_INTO(&options, __VA_ARGS__)
#define PARSE_INTO(options, ...)                                                                   \
	parse((char *[]){WORD("pyspy-analyze"), __VA_ARGS__, NULL}, options)
#define OPTIONS(name) CLEANUP(analyze_options_deinit) struct analyze_options name = {0}

static struct error *parse(char **argv, struct analyze_options *options)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	return analyze_options_parse(argc, argv, options);
}

static void assert_input(const struct analyze_options *options, size_t index, const char *path)
{
	assert_true(index < options->inputs.count);
	assert_string_equal(options->inputs.items[index], path);
}

static void test_dump_is_the_default(void **state)
{
	(void)state;
	OPTIONS(options);
	assert_null(PARSE(WORD("a.zst"), WORD("--json"), WORD("b.zst")));
	assert_string_equal(options.command->name, "dump");
	assert_true(options.json);
	assert_int_equal(options.inputs.count, 2);
	assert_input(&options, 0, "a.zst");
	assert_input(&options, 1, "b.zst");
}

static void assert_command(const char *expected, char **argv)
{
	OPTIONS(options);
	assert_null(parse(argv, &options));
	assert_string_equal(options.command->name, expected);
	assert_int_equal(options.inputs.count, 1);
	assert_input(&options, 0, "FILE");
}

static void test_command_words(void **state)
{
	(void)state;
	static const struct {
		const char *expected;
		const char *words[8];
	} lines[] = {
		{"dump", {"p", "dump", "FILE"}},
		{"dump", {"p", "d", "FILE"}},
		{"info", {"p", "info", "FILE"}},
		{"report", {"p", "report", "-f", "text", "FILE"}},
		{"record", {"p", "r", "-i", "FILE"}},
		{"info", {"p", "-v", "--no-color", "info", "FILE"}},
		{"info", {"p", "--sysroot", "dump", "info", "FILE"}},
		{"info", {"p", "--sysroot=x", "-jo", "out", "info", "FILE"}},
		{"info", {"p", "-oout", "info", "FILE"}},
		{"info", {"p", "info", "-c", "FILE"}},
		/* only the first word is a command */
		{"dump", {"p", "--", "FILE"}},
		{"dump", {"p", "-c", "FILE"}},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *argv[8];
		for (size_t j = 0; j < 8; j++)
			argv[j] = WORD(lines[i].words[j]);
		assert_command(lines[i].expected, argv);
	}
}

static void test_files_named_like_commands(void **state)
{
	(void)state;
	OPTIONS(options);
	assert_null(PARSE(WORD("info"), WORD("dump"), WORD("--"), WORD("-x"), WORD("info")));
	assert_int_equal(options.inputs.count, 3);
	assert_input(&options, 0, "dump");
	assert_input(&options, 1, "-x");
	assert_input(&options, 2, "info");
}

static void test_program_among_files(void **state)
{
	(void)state;
	OPTIONS(options);
	assert_null(PARSE(WORD("core"), WORD(self)));
	assert_int_equal(options.inputs.count, 1);
	assert_string_equal(options.executable, self);
	OPTIONS(debugger);
	assert_null(parse((char *[]){WORD("p"), WORD(self), WORD("-c"), WORD("core"), NULL},
			  &debugger));
	assert_input(&debugger, 0, "core");
	assert_string_equal(debugger.executable, self);
	/* Alone it is read, so that the message about it is the reader's. */
	OPTIONS(alone);
	assert_null(parse((char *[]){WORD("p"), WORD(self), NULL}, &alone));
	assert_input(&alone, 0, self);
	assert_null(alone.executable);
}

static void test_live(void **state)
{
	(void)state;
	OPTIONS(sampled);
	assert_null(
		PARSE_INTO(&sampled, WORD("r"), WORD("-p0x10"), WORD("-r7"), WORD("-dunlimited")));
	assert_true(live_wanted(&sampled));
	struct live_arguments arguments;
	static const char *const expected[] = {"--pid",	     "16",	  "--rate", "7",
					       "--duration", "unlimited", NULL};
	assert_null(live_arguments_make(&sampled, true, &arguments));
	for (size_t i = 0; expected[i]; i++)
		assert_string_equal(arguments.words[i], expected[i]);
	assert_null(arguments.words[6]);
	live_arguments_deinit(&arguments);
	OPTIONS(command);
	assert_null(PARSE_INTO(&command, WORD("record"), WORD("--kill"), WORD("--"),
			       WORD("python3"), WORD("-p")));
	assert_true(live_wanted(&command));
	assert_int_equal(command.inputs.count, 0);
	assert_string_equal(command.live_command[1], "-p");
	assert_null(command.live_command[2]);
	OPTIONS(filtered);
	assert_null(PARSE_INTO(&filtered, WORD("-p1"), WORD("FILE")));
	assert_false(live_wanted(&filtered));
}

static void assert_arguments(const struct analyze_options *options, const char *const *expected)
{
	struct live_arguments arguments;
	size_t i;
	assert_null(live_arguments_make(options, false, &arguments));
	for (i = 0; expected[i]; i++)
		assert_string_equal(arguments.words[i], expected[i]);
	assert_null(arguments.words[i]);
	live_arguments_deinit(&arguments);
}

/* Only where dump is named is it a command: what was a file stays one. */
static void test_dump_of_command(void **state)
{
	(void)state;
	OPTIONS(first);
	assert_null(PARSE_INTO(&first, WORD("d"), WORD("--kill"), WORD("--"), WORD("python3"),
			       WORD("-p")));
	assert_true(live_wanted(&first));
	assert_arguments(&first, (const char *const[]){"--rate", "10", "--count", "1", "--kill",
						       "--quiet", "--", "python3", "-p", NULL});
	OPTIONS(last);
	assert_null(PARSE_INTO(&last, WORD("dump"), WORD("-d5"), WORD("--"), WORD("a")));
	assert_arguments(&last, (const char *const[]){"--rate", "10", "--duration", "5", "--quiet",
						      "--", "a", NULL});
	OPTIONS(process);
	assert_null(PARSE_INTO(&process, WORD("-p1")));
	assert_arguments(&process, (const char *const[]){"--pid", "1", NULL});
	OPTIONS(file);
	assert_null(PARSE_INTO(&file, WORD("--"), WORD("a")));
	assert_false(live_wanted(&file));
	assert_input(&file, 0, "a");
}

static void assert_refused(const char *part, char **argv)
{
	OPTIONS(options);
	CLEANUP(error_destroyp) struct error *error = parse(argv, &options);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_USAGE);
	if (!strstr(error->message, part))
		fail_msg("'%s' is not in '%s'", part, error->message);
	assert_non_null(strstr(error->message, "(try 'pyspy-analyze --help')"));
}

#define ASSERT_REFUSED(part, ...)                                                                  \
	assert_refused(part, (char *[]){WORD("pyspy-analyze"), __VA_ARGS__, NULL})

static void test_live_refused(void **state)
{
	(void)state;
	ASSERT_REFUSED("--rate is for a running process", WORD("r"), WORD("-r5"), WORD("f"));
	ASSERT_REFUSED("--pid", WORD("dump"), WORD("--nonblocking"), WORD("f"));
	ASSERT_REFUSED("--sample is for files", WORD("-p1"), WORD("--sample=2"));
	ASSERT_REFUSED("exclude each other", WORD("-p1"), WORD("-n"), WORD("--no-block"));
	ASSERT_REFUSED("a rate is 1 to 10000", WORD("r"), WORD("-p1"), WORD("-r0"));
	ASSERT_REFUSED("'unlimited'", WORD("r"), WORD("-p1"), WORD("-dlong"));
	ASSERT_REFUSED("which command?", WORD("r"), WORD("--"));
	ASSERT_REFUSED("exclude each other", WORD("r"), WORD("f"), WORD("--"), WORD("python3"));
	ASSERT_REFUSED("exclude each other", WORD("r"), WORD("-p1"), WORD("--"), WORD("python3"));
	ASSERT_REFUSED("give it after --", WORD("r"), WORD("-p1"), WORD("--kill"));
	ASSERT_REFUSED("give it after --", WORD("-p1"), WORD("--capture"));
	ASSERT_REFUSED("as it is now", WORD("-p1"), WORD("-d5"));
	ASSERT_REFUSED("which command?", WORD("dump"), WORD("--"));
	ASSERT_REFUSED("--rate: it is for sampling", WORD("dump"), WORD("-r5"), WORD("--"),
		       WORD("a"));
}

static void test_refused(void **state)
{
	(void)state;
	ASSERT_REFUSED("a FILE to read is missing", WORD("dump"));
	ASSERT_REFUSED("pyspy-capture writes one", WORD("info"), WORD("-p1"));
	ASSERT_REFUSED("--format", WORD("report"), WORD("-f"), WORD("none"), WORD("f"));
	ASSERT_REFUSED("unknown option '--format'", WORD("dump"), WORD("--format"), WORD("f"));
	ASSERT_REFUSED("unknown option '-l'", WORD("info"), WORD("-ll"), WORD("f"));
	ASSERT_REFUSED("--rate: it is for sampling a running process", WORD("--rate"), WORD("f"));
	ASSERT_REFUSED("exclude each other", WORD("-F"), WORD("--nolineno"), WORD("f"));
	ASSERT_REFUSED("read once only", WORD("-"), WORD("-"));
	ASSERT_REFUSED("is given already", WORD("core"), WORD(self), WORD(self));
	ASSERT_REFUSED("unknown option '--gil'", WORD("info"), WORD("--gil"), WORD("f"));
}

static void test_help_of_each_command(void **state)
{
	(void)state;
	OPTIONS(options);
	assert_null(PARSE(WORD("info"), WORD("--help")));
	struct command_line command_line = analyze_command_line(options.command);
	CLEANUP_FREE char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	command_line_help(&command_line, stream);
	command_list(stream);
	fclose(stream);
	assert_non_null(strstr(text, "Usage: pyspy-analyze info "));
	assert_null(strstr(text, "--gil"));
	assert_null(strstr(text, "--rate"));
	assert_non_null(strstr(text, "  report "));
	assert_non_null(strstr(text, "  top "));
	assert_non_null(strstr(text, "  completions "));
}

static void test_elf_kinds(void **state)
{
	(void)state;
	assert_int_equal(elf_kind_of_path(self), ELF_KIND_PROGRAM);
	assert_int_equal(elf_kind_of_path("/nonexistent"), ELF_KIND_NONE);
	assert_int_equal(elf_kind_of_path("/"), ELF_KIND_NONE);
	assert_int_equal(elf_kind_of_path("/dev/null"), ELF_KIND_NONE);
	assert_int_equal(elf_kind_of_path("/proc/self/status"), ELF_KIND_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump_is_the_default),
		cmocka_unit_test(test_command_words),
		cmocka_unit_test(test_files_named_like_commands),
		cmocka_unit_test(test_program_among_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_dump_of_command),
		cmocka_unit_test(test_live_refused),
		cmocka_unit_test(test_help_of_each_command),
		cmocka_unit_test(test_elf_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
