/* completions: the script that completes this program's words in a shell. */
#include "analyze/command.h"
#include "analyze/result_stream.h"
#include "common/cleanup.h"
#include "common/completions.h"

enum { COMMANDS_MOST = 32 };

struct error *command_completions(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	struct command_line command_line = analyze_command_line(options->command);
	struct completion_command commands[COMMANDS_MOST];
	size_t count = 0;
	const struct command *command;
	for (size_t i = 0; (command = command_at(i)) != NULL && count < COMMANDS_MOST; i++) {
		commands[count++] = (struct completion_command){
			.name = command->name,
			.abbreviation = command->abbreviation,
			.summary = command->summary,
			.bit = command->bit,
		};
	}
	if (options->inputs.count != 1)
		return command_line_error(&command_line, "which shell? bash, zsh or fish");
	const struct completions completions = {
		.program = command_line.program,
		.options = command_line.options,
		.option_count = command_line.option_count,
		.commands = commands,
		.command_count = count,
	};
	CLEANUP(result_stream_close) struct result_stream result = {0};
	struct error *error = result_stream_open(&result, options->output);
	if (!error)
		error = completions_write(&completions, options->inputs.items[0], result.stream);
	if (!error)
		error = result_stream_commit(&result);
	if (error)
		return error;
	*ret = EXIT_STATUS_DONE;
	return NULL;
}
