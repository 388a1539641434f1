#include "analyze/top/top_loop.h"

#include "analyze/top/top_clock.h"
#include "analyze/top/top_signals.h"
#include "analyze/top/top_view.h"
#include "common/clock.h"

/* Keys are looked for after so much work. */
#define SLICE_NS UINT64_C(30000000)
#define SEEK_NS	 UINT64_C(5000000000)
#define MS_NS	 UINT64_C(1000000)

/* What writes a stream has its last words on the same terminal, just after it closed the stream:
 * the screen is painted again so often, so far apart. */
enum { REPAINTS = 3, REPAINT_MS = 300 };

struct top_run {
	const struct analyze_options *options;
	struct top_source *source;
	struct top_screen *screen;
	struct top_processes *processes;
	struct top_state state;
	struct top_clock clock;
	struct top_page page;
	struct top_rows rows;
	bool has_sample;      /* one that is not due yet */
	bool has_first;	      /* the next is known */
	uint64_t first_ns;    /* wall clock of the first sample */
	uint64_t position_ns; /* of the last one that was added */
	bool ended;
	int repaints;	/* that are left */
	bool is_behind; /* more can be done at once */
	bool dirty;
	uint64_t drawn_ns;
	uint64_t drawn_rounds;
};

static uint64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static bool is_replay(const struct top_run *run)
{
	return top_source_is_replay(run->source);
}

static uint64_t sample_position(struct top_run *run)
{
	uint64_t time_ns = top_source_time(run->source);
	return time_ns > run->first_ns ? time_ns - run->first_ns : 0;
}

static struct error *end(struct top_run *run)
{
	run->ended = true;
	run->dirty = true;
	run->repaints = is_replay(run) ? 0 : REPAINTS;
	return top_processes_finish(run->processes);
}

/* A sample that cannot be decoded is counted; what stops everything is an error. */
static struct error *add_sample(struct top_run *run)
{
	struct top_sample sample;
	struct error *failure = top_source_decode(run->source, &sample);
	if (failure && failure->code == ERROR_OUT_OF_MEMORY)
		return failure;
	struct error *error = failure ? top_processes_fail(run->processes, failure->message)
				      : top_processes_add(run->processes, &sample);
	error_destroy(failure);
	return error;
}

/* Instead of a sample; behind some errors there are others. Consumes `failure`. */
static struct error *fail(struct top_run *run, struct error *failure)
{
	if (failure->code == ERROR_OUT_OF_MEMORY ||
	    (!run->has_first && !run->processes->health.failed &&
	     !top_source_can_go_on(run->source)))
		return failure;
	struct error *error = top_processes_fail(run->processes, failure->message);
	error_destroy(failure);
	run->is_behind = true;
	if (!error && !top_source_can_go_on(run->source))
		error = end(run);
	return error;
}

/* Have the next sample at hand. */
static struct error *fetch(struct top_run *run)
{
	enum top_arrival arrival;
	struct error *error = top_source_next(run->source, &arrival);
	if (error)
		return fail(run, error);
	run->is_behind = arrival == TOP_ARRIVED;
	run->has_sample = arrival == TOP_ARRIVED;
	if (arrival == TOP_NO_MORE)
		return end(run);
	if (run->has_sample && !run->has_first) {
		run->has_first = true;
		run->first_ns = top_source_time(run->source);
	}
	return NULL;
}

static struct error *take_sample(struct top_run *run)
{
	static const uint64_t early[] = {10, 100, 500};
	run->has_sample = false;
	run->position_ns = sample_position(run);
	/* A stream must not be kept waiting, or its writer would. */
	if (run->state.paused && !is_replay(run))
		return NULL;
	struct error *error = add_sample(run);
	uint64_t rounds = run->processes->stats.rounds;
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		run->dirty |= rounds == early[i] && run->drawn_rounds < early[i];
	return error;
}

static bool is_due(struct top_run *run)
{
	return !is_replay(run) || sample_position(run) <= top_clock_position(&run->clock, now());
}

/* What has come, for a while at most. */
static struct error *work(struct top_run *run)
{
	struct error *error = NULL;
	uint64_t begin_ns = now();
	run->is_behind = false;
	while (!run->ended && !error) {
		if (!run->has_sample)
			error = fetch(run);
		if (error || !run->has_sample)
			break;
		run->is_behind = is_due(run);
		if (!run->is_behind)
			break;
		error = take_sample(run);
		/* The screens of the first samples are shown, however fast they come. */
		if (run->dirty || now() - begin_ns >= SLICE_NS)
			break;
	}
	return error;
}

static struct error *draw(struct top_run *run)
{
	const struct top_scene scene = {
		.processes = run->processes,
		.subprocesses = run->options->subprocesses,
		.is_replay = is_replay(run),
		.position_ns = run->position_ns,
		.part = top_source_part(run->source),
		.speed = run->clock.speed,
		.status = run->ended ? top_source_end_text(run->source) : NULL,
	};
	const struct sample_counts counts = top_source_counts(run->source);
	top_processes_note(run->processes, &counts);
	struct error *error = top_processes_settle(run->processes);
	if (error)
		return error;
	top_screen_begin(run->screen, &run->page);
	error = top_view_draw(&scene, &run->state, &run->rows, &run->page);
	if (error)
		return error;
	top_screen_show(run->screen, &run->page);
	run->dirty = false;
	run->drawn_ns = now();
	run->drawn_rounds = run->processes->stats.rounds;
	return NULL;
}

static struct error *seek(struct top_run *run, bool forward)
{
	uint64_t position_ns = run->position_ns;
	struct error *error = NULL;
	if (!is_replay(run) || (forward && run->ended))
		return NULL;
	if (forward)
		position_ns += SEEK_NS;
	else
		position_ns -= position_ns < SEEK_NS ? position_ns : SEEK_NS;
	top_clock_seek(&run->clock, now(), position_ns);
	if (forward)
		return NULL;
	/* Counts are of all that was played: they are made again. */
	error = top_source_rewind(run->source);
	if (!error)
		error = top_processes_restart(run->processes);
	run->has_sample = false;
	run->ended = false;
	return error;
}

static void change_speed(struct top_run *run, double factor)
{
	if (!is_replay(run))
		return;
	if (run->clock.speed <= 0)
		top_clock_seek(&run->clock, now(), run->position_ns);
	else
		top_clock_change_speed(&run->clock, now(), factor);
}

static struct error *pause_or_go_on(struct top_run *run)
{
	if (is_replay(run)) {
		top_clock_stop(&run->clock, now(), run->state.paused);
		return NULL;
	}
	return run->state.paused ? NULL : top_processes_interrupt(run->processes);
}

/* `ret` is true if the user wants to leave. */
static struct error *act(struct top_run *run, enum top_action action, bool *ret)
{
	switch (action) {
	case TOP_ACTION_QUIT:
		*ret = true;
		return NULL;
	case TOP_ACTION_RESET:
		return top_processes_reset(run->processes);
	case TOP_ACTION_PAUSE:
		return pause_or_go_on(run);
	case TOP_ACTION_REPAINT:
		top_screen_repaint(run->screen);
		return NULL;
	case TOP_ACTION_BACK:
		return seek(run, false);
	case TOP_ACTION_FORWARD:
		return seek(run, true);
	case TOP_ACTION_SLOWER:
		change_speed(run, 0.5);
		return NULL;
	case TOP_ACTION_FASTER:
		change_speed(run, 2);
		return NULL;
	case TOP_ACTION_NONE:
		break;
	}
	return NULL;
}

/* One at a time: what it does can depend on what the one before has brought to the screen. */
static struct error *read_key(struct top_run *run, bool *ret_quit)
{
	uint32_t key = top_screen_key(run->screen);
	if (key == TOP_KEY_NONE)
		return NULL;
	run->processes->is_new = false;
	run->dirty = true;
	return act(run, top_state_key(&run->state, key), ret_quit);
}

/* How long there is nothing to do but wait. */
static int wait_ms(struct top_run *run)
{
	uint64_t now_ns = now();
	uint64_t next_ns = run->drawn_ns + run->processes->delay_ns;
	uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
	if (run->is_behind || run->dirty)
		return 0;
	if (run->ended)
		return run->repaints ? REPAINT_MS : -1;
	if (is_replay(run) && run->has_sample) {
		uint64_t until_ns = top_clock_until(&run->clock, now_ns, sample_position(run));
		wait_ns = until_ns < wait_ns ? until_ns : wait_ns;
	}
	uint64_t wait = (wait_ns + MS_NS - 1) / MS_NS;
	return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

/* `ret_quit` is true if the terminal is gone. */
static void wait(struct top_run *run, bool *ret_quit)
{
	struct pollfd items[] = {
		{.fd = top_screen_fd(run->screen), .events = POLLIN},
		{.fd = run->ended ? -1 : top_source_fd(run->source), .events = POLLIN},
	};
	top_signals_poll(items, sizeof(items) / sizeof(items[0]), wait_ms(run));
	*ret_quit |= (items[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* After a wait. */
static void repaint(struct top_run *run)
{
	if (!run->ended || !run->repaints || now() - run->drawn_ns < REPAINT_MS * MS_NS)
		return;
	run->repaints--;
	run->dirty = true;
	top_screen_repaint(run->screen);
}

static struct error *loop(struct top_run *run)
{
	struct error *error = NULL;
	bool quit = false;
	while (!error && !quit && !top_signals_pending()) {
		if (top_signals_stop_wanted()) {
			top_screen_stop(run->screen);
			run->dirty = true;
		}
		error = work(run);
		if (!error && (run->dirty ||
			       (!run->ended && now() - run->drawn_ns >= run->processes->delay_ns)))
			error = draw(run);
		if (!error)
			wait(run, &quit);
		if (!error && !quit)
			error = read_key(run, &quit);
		repaint(run);
	}
	return error;
}

struct error *top_loop_run(const struct analyze_options *options, struct top_source *source,
			   double speed, struct top_screen *screen, struct top_processes *processes)
{
	struct top_run run = {
		.options = options,
		.source = source,
		.screen = screen,
		.processes = processes,
		.dirty = true,
	};
	top_state_init(&run.state);
	run.state.gil = options->gil;
	run.state.idle = options->idle;
	top_clock_init(&run.clock, speed, now());
	struct error *error = loop(&run);
	top_rows_deinit(&run.rows);
	top_page_deinit(&run.page);
	return error;
}
