#include "analyze/live_run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/input.h"
#include "analyze/progress.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/exit_status.h"

enum { WAIT_MS = 100, NOTABLE_BEHIND_MS = 1000 };

/* What signals came: a handler has nowhere else to put it. */
static volatile sig_atomic_t signals;
/* Of the first: it came from a terminal, whose whole group got it. */
static volatile sig_atomic_t from_terminal;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (!signals)
		from_terminal = info->si_code == SI_KERNEL;
	if (signals < 2)
		signals = signals + 1;
}

static void take_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	signals = 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction old;
		struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
		sigemptyset(&action.sa_mask);
		/* nohup(1) */
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

static void on_first_interrupt(int number)
{
	(void)number; /* the next one has its default action */
}

void live_stream_take_interrupt(void)
{
	struct stat status;
	struct sigaction old;
	struct sigaction action = {.sa_handler = on_first_interrupt, .sa_flags = SA_RESETHAND};
	sigemptyset(&action.sa_mask);
	if (fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode) &&
	    sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

/* Not of a terminal, whose whole group gets it: it is meant for this program, and ends it. */
static void on_first_key(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code != SI_KERNEL)
		raise(number); /* the next one has its default action */
}

static void take_first_key(void)
{
	struct sigaction old;
	struct sigaction action = {
		.sa_sigaction = on_first_key,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND,
	};
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

static void show_progress(struct live_run *run, const struct target *target)
{
	/* The terminal cuts it. */
	char text[768];
	char behind[48] = "";
	char missed[64] = "";
	struct snapshot_statistics statistics;
	const struct snapshot *snapshot = target_snapshot((struct target *)(uintptr_t)target);
	double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - run->begin_ns) / 1e9;
	if (run->behind_ns / 1000000 > NOTABLE_BEHIND_MS)
		snprintf(behind, sizeof(behind), ", %.1f s behind", (double)run->behind_ns / 1e9);
	snapshot_statistics(snapshot, &statistics);
	const struct sample_counts *counts = &statistics.counts;
	if (counts->late || counts->failed || counts->dropped)
		snprintf(missed, sizeof(missed), ", %" PRIu64 " errors, %" PRIu64 " late",
			 counts->failed, counts->late + counts->dropped);
	int size = snprintf(text, sizeof(text), "%s: %zu samples in %.0f s%s%s%s%s%s", run->name,
			    snapshot_sample_count(snapshot), seconds,
			    run->options->duration ? " of " : "",
			    run->options->duration ? run->options->duration : "", missed, behind,
			    run->asked ? ", ending" : "; Control-C ends it");
	if (size > 0)
		progress_text(text);
}

static bool on_wait(void *context, struct target *target, bool starved)
{
	struct live_run *run = context;
	if (signals && !run->asked) {
		run->asked = true;
		/* A second one would cut its end short. */
		if (!from_terminal)
			live_capture_interrupt(run->capture);
	}
	if (signals > 1)
		return false;
	if (starved) {
		struct pollfd poll_fd = {.fd = live_capture_fd(run->capture), .events = POLLIN};
		poll(&poll_fd, 1, WAIT_MS);
		run->behind_ns = 0;
	} else if (progress_due()) {
		uint64_t sampled = snapshot_sample(target_snapshot(target))->monotonic_ns;
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		run->behind_ns = sampled && sampled < now ? now - sampled : 0;
	}
	if (progress_due())
		show_progress(run, target);
	return true;
}

/* The command's own where it is to be seen, with ours; else all of it is the capture's. */
static enum live_output output_of(const struct analyze_options *options)
{
	return options->live_command && !options->hide_output ? LIVE_OUTPUT_OTHER
							      : LIVE_OUTPUT_STANDARD;
}

/* What it warned of, as a warning of ours. */
static void pass_warnings(const struct live_capture *capture, struct tally *tally)
{
	enum live_message kind;
	const char *text;
	for (size_t i = 0; live_capture_message(capture, i, &kind, &text); i++) {
		if (kind == LIVE_MESSAGE_WARNING)
			tally->context->message(MESSAGE_WARNING, text);
	}
}

/* Of a command that failed all is shown: what it printed is in it, if that was hidden. */
static void pass_messages(const struct live_run *run, int status)
{
	progress_clear();
	if (status && run->options->live_command)
		live_capture_print(run->capture);
	else
		pass_warnings(run->capture, run->tally);
}

/* A command that did well, and nothing of it to show: no success of ours. Why, the capture has
 * said, here or to the user. Consumes `unread`. */
static struct error *no_sample(const struct live_run *run, struct error *unread)
{
	error_destroy(unread);
	if (output_of(run->options) == LIVE_OUTPUT_STANDARD)
		return live_capture_failure(run->capture);
	return error_create(ERROR_FAILED, "no sample was taken of %s, so there is nothing to show",
			    run->name);
}

/* Where no sample comes, the capture knows why. Consumes `unread`. */
static struct error *fail(struct live_run *run, struct error *unread)
{
	struct error *error = live_capture_end(run->capture, &run->status);
	if (!error)
		pass_messages(run, run->status);
	if (!error && !run->status)
		return run->options->live_command ? no_sample(run, unread) : unread;
	error_destroy(unread);
	run->failed = !error && run->options->live_command;
	return error || run->failed ? error : live_capture_failure(run->capture);
}

static struct error *start(struct live_run *run, bool sampling)
{
	struct error *error = live_arguments_make(run->options, sampling, &run->arguments);
	return error ? error
		     : live_capture_start(run->arguments.words, output_of(run->options),
					  &run->capture);
}

struct error *live_run_begin(const struct analyze_options *options, struct tally *tally,
			     struct live_run *ret)
{
	*ret = (struct live_run){
		.options = options, .tally = tally, .begin_ns = clock_ns(CLOCK_MONOTONIC)};
	live_name(options, ret->name, sizeof(ret->name));
	take_signals();
	struct error *error = start(ret, true);
	const struct target_options target_options = input_target_options(options);
	if (!error)
		error = target_open_stream(live_capture_fd(ret->capture), ret->name,
					   &target_options, &ret->target);
	if (error)
		return error;
	target_set_wait(ret->target, on_wait, ret);
	error = target_begin(ret->target);
	return error ? fail(ret, error) : NULL;
}

void live_run_deinit(struct live_run *run)
{
	target_destroy(run->target);
	live_capture_destroy(run->capture);
	live_arguments_deinit(&run->arguments);
	*run = (struct live_run){0};
}

/* How the capture ended, when there is something of it. */
static void pass_end(const struct live_capture *capture, int status, const char *name,
		     struct tally *tally)
{
	if (status == EXIT_STATUS_DONE)
		return;
	tally->partial = true;
	if (status == EXIT_STATUS_PARTIAL)
		return;
	struct error *error = live_capture_failure(capture);
	tally_loss(tally, name, error->message);
	error_destroy(error);
}

struct error *live_run_end(struct live_run *run, int *ret_status)
{
	int status;
	bool any = snapshot_sample_count(target_snapshot(run->target)) != 0;
	struct error *error = live_capture_end(run->capture, &status);
	if (error)
		return error;
	*ret_status = 0;
	pass_messages(run, status);
	if (!any && status)
		return live_capture_failure(run->capture);
	if (run->options->live_command)
		*ret_status = status;
	else
		pass_end(run->capture, status, run->name, run->tally);
	return NULL;
}

struct error *live_run_open_whole(const struct analyze_options *options, struct tally *tally,
				  struct live_run *ret)
{
	const struct target_options target_options = input_target_options(options);
	*ret = (struct live_run){.options = options, .tally = tally};
	live_name(options, ret->name, sizeof(ret->name));
	if (options->live_command)
		take_first_key();
	struct error *error = start(ret, false);
	if (error)
		return error;
	error = target_open_descriptor(live_capture_fd(ret->capture), ret->name, &target_options,
				       &ret->target);
	return error ? fail(ret, error) : NULL;
}
