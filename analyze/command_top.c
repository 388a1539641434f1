/* top: where the time goes, on a screen of its own, as the samples come. */
#include <stdlib.h>

#include "analyze/command.h"
#include "analyze/tally.h"
#include "analyze/top/top_loop.h"
#include "analyze/top/top_signals.h"
#include "common/cleanup.h"

#define DELAY_MIN_NS UINT64_C(50000000)
#define DELAY_MAX_NS UINT64_C(86400000000000)

/* Times of it are whole nanoseconds, which no double beyond this tells apart. */
#define SPEED_MAX 1e6

static struct error *parse_speed(const char *text, double *ret)
{
	char *end;
	if (!text)
		return NULL;
	double speed = strtod(text, &end);
	if (end == text || *end || !(speed >= 0 && speed <= SPEED_MAX))
		return error_create(ERROR_USAGE,
				    "--speed: '%s' is no factor from 0 to 1000000, like 2 or 0.5",
				    text);
	*ret = speed;
	return NULL;
}

static struct error *check(const struct analyze_options *options)
{
	if (options->inputs.count > 1)
		return error_create(ERROR_USAGE, "top shows one FILE at a time");
	if (options->output)
		return error_create(ERROR_USAGE, "top writes no file; record does");
	if (options->delay_ns < DELAY_MIN_NS || options->delay_ns > DELAY_MAX_NS)
		return error_create(ERROR_USAGE, "--delay is from 0.05 to 86400 seconds");
	return NULL;
}

/* Said when the screen is gone. */
static void say_losses(struct tally *tally, const struct analyze_options *options,
		       const struct top_source *source)
{
	for (const char *const *loss = top_source_losses(source); *loss; loss++)
		tally_loss(tally, options->inputs.count ? options->inputs.items[0] : "stream",
			   *loss);
}

static struct error *check_gil(const struct analyze_options *options,
			       const struct top_processes *processes)
{
	if (!options->gil || !processes->gil_unknown)
		return NULL;
	return error_create(ERROR_UNSUPPORTED,
			    "--gil: it cannot be known which thread held the GIL here");
}

struct error *command_top(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	CLEANUP(top_source_destroyp) struct top_source *source = NULL;
	CLEANUP(top_screen_destroyp) struct top_screen *screen = NULL;
	CLEANUP(top_processes_deinit) struct top_processes processes = {0};
	struct tally tally = {.context = context, .shown = 1};
	double speed = 1;
	struct error *error = check(options);
	if (!error)
		error = parse_speed(options->speed, &speed);
	if (!error)
		error = top_processes_init(&processes, options->delay_ns, options->full_filenames);
	/* What stands in the way of the screen is said before a command is started. */
	if (!error)
		error = top_screen_open(&screen);
	if (!error)
		error = top_source_open(options, &source);
	if (!error)
		error = top_screen_take(screen, options->common.no_color);
	if (!error)
		error = top_loop_run(options, source, speed, screen, &processes);
	top_screen_destroyp(&screen);
	top_signals_pass_on();
	int status = source ? top_source_command_end(source) : 0;
	/* Why there is none was among what was shown. */
	if (error && status && !top_source_has_sample(source)) {
		error_destroy(error);
		*ret = (enum exit_status)status;
		return NULL;
	}
	if (!error)
		error = check_gil(options, &processes);
	if (!error)
		error = top_source_missing(source);
	if (error)
		return error;
	say_losses(&tally, options, source);
	*ret = status ? (enum exit_status)status : tally_status(&tally);
	return NULL;
}
