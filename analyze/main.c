/* pyspy-analyze(1). The only file of this program that prints messages and exits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "analyze/command.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"

static const char program[] = "pyspy-analyze";
static bool quiet;

static void print_message(enum message_kind kind, const char *text)
{
	if (kind == MESSAGE_WARNING && quiet)
		return;
	/* In the order in which they came about, where both go to a terminal. */
	fflush(stdout);
	terminal_message(program, kind == MESSAGE_WARNING ? "warning" : "error", text);
}

/* Consumes `error`. */
static enum exit_status print_error(struct error *error)
{
	enum exit_status status = exit_status_of(error->code);
	/* As head(1) ends a pipe: that the reader has seen enough is no news. */
	if (error->errnum != EPIPE)
		print_message(MESSAGE_ERROR, error->message);
	error_destroy(error);
	return status;
}

/*
 * A program can be started with standard descriptors closed. A file that is opened then would take
 * their number, and be written to as if it were standard output.
 */
static void reserve_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		/* Lowest number first: open(2) gives this one. For reading, so that writing fails.
		 */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return;
	}
}

/* Full disks and closed pipes are seen for these too. */
static enum exit_status finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_STATUS_DONE;
	return print_error(error_errno(ERROR_IO, errno, "cannot write to standard output"));
}

static enum exit_status print_help(const struct analyze_options *options)
{
	struct command_line command_line = analyze_command_line(options->command);
	command_line_help(&command_line, stdout);
	if (options->command == command_default())
		command_list(stdout);
	return finish_output();
}

static enum exit_status print_version(const struct analyze_options *options)
{
	struct command_line command_line = analyze_command_line(options->command);
	command_line_version(&command_line, stdout);
	return finish_output();
}

int main(int argc, char **argv)
{
	CLEANUP(analyze_options_deinit) struct analyze_options options = {0};
	enum exit_status status = EXIT_STATUS_DONE;
	reserve_standard_descriptors();
	struct error *error = analyze_options_parse(argc, argv, &options);
	quiet = options.common.quiet;
	if (error)
		return (int)print_error(error);
	if (options.common.help)
		return (int)print_help(&options);
	if (options.common.version)
		return (int)print_version(&options);
	const struct command_context context = {&options, print_message};
	error = options.command->run(&context, &status);
	if (error)
		status = print_error(error);
	return (int)status;
}
