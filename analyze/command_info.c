/* info: what is in each input. */
#include "analyze/command.h"
#include "analyze/info.h"
#include "analyze/input.h"
#include "analyze/result_stream.h"
#include "analyze/sample_choice.h"
#include "analyze/tally.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"

static struct error *write_info(const struct info *info, const struct analyze_options *options,
				const struct result_stream *result, bool is_first)
{
	bool no_color = options->common.no_color || result->file;
	if (options->json)
		return info_write_json(result->stream, info);
	if (!is_first)
		fputc('\n', result->stream);
	return info_write_text(result->stream, info,
			       terminal_color_wanted(no_color, result->stream));
}

/* The first process, or the first one that --pid names. */
static struct error *select_process(const struct analyze_options *options,
				    const struct sample_choice *choice, struct target *target)
{
	CLEANUP_FREE uint64_t *numbers = NULL;
	struct error *unreadable = sample_choice_find(choice, target, &numbers);
	if (unreadable)
		return unreadable;
	for (size_t i = 0; i < target_process_count(target); i++) {
		struct error *error = target_select(target, i, 0);
		if (error)
			return error;
		const struct process_facts *facts = target_process(target);
		if (!options->pids.count || id_list_contains(&options->pids, facts->pid) ||
		    (facts->container_pid &&
		     id_list_contains(&options->pids, facts->container_pid)))
			return sample_choice_select(choice, numbers, target, i);
	}
	return error_create(ERROR_NOT_FOUND, "the process given with --pid is not in it");
}

/* An error is one of the output or of this program; those of the input are said and counted. */
static struct error *show_input(const char *path, const struct sample_choice *choice,
				struct tally *tally, const struct result_stream *result)
{
	const struct analyze_options *options = tally->context->options;
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP(info_deinit) struct info info = {0};
	struct error *error = input_open(options, path, &target);
	if (!error)
		error = select_process(options, choice, target);
	if (!error)
		error = info_gather(input_name(path), target, options->exhaustive, &info);
	if (error) {
		tally_failure(tally, input_error(path, error));
		return NULL;
	}
	for (const char *const *loss = target_losses(target); *loss; loss++)
		tally_loss(tally, path, *loss);
	return write_info(&info, options, result, !tally->shown++);
}

struct error *command_info(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	struct tally tally = {.context = context};
	CLEANUP(result_stream_close) struct result_stream result = {0};
	struct sample_choice choice;
	struct error *error = sample_choice_parse(options->sample, &choice);
	if (!error)
		error = result_stream_open(&result, options->output);
	for (size_t i = 0; i < options->inputs.count && !error; i++)
		error = show_input(options->inputs.items[i], &choice, &tally, &result);
	if (!error && (tally.shown || !result.file))
		error = result_stream_commit(&result);
	if (!error)
		*ret = tally_status(&tally);
	return error;
}
