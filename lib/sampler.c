/* Sampling in the background: a thread that takes samples of one or more processes in time. */
#include <stdlib.h>
#include <string.h>

#include "capture/proc.h"
#include "capture/process_capture.h"
#include "capture/sample_schedule.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/copy_text.h"
#include "lib/background_thread.h"
#include "lib/configuration.h"
#include "lib/error_object.h"
#include "lib/handle.h"
#include "lib/sample_item.h"
#include "lib/sample_queue.h"
#include "lib/scout.h"

#define NS_PER_SECOND 1000000000ULL
#define NS_PER_MS     1000000ULL

enum { ROOT_RETRIES = 20 };

struct pyspy_sampler {
	struct pyspy_config config;
	struct process_facts root; /* pid and start_ticks alone */
	char *version;		   /* of the root's Python, or NULL */
	struct sample_queue queue;
	struct scout *scout; /* NULL without subprocesses */
	pthread_t thread;
	bool started;
	/* Of the thread. */
	struct pyspy **members;
	size_t count;
	size_t capacity;
	uint64_t passes_at_end; /* scout's, when nothing was left to sample; 0: something is */
	uint64_t taken;
};

static struct error *add_member(struct pyspy_sampler *sampler, struct pyspy *spy)
{
	struct error *no_room = ARRAY_GROW(sampler->members, sampler->count, sampler->capacity, 4);
	if (no_room) {
		pyspy_close(spy);
		return no_room;
	}
	sampler->members[sampler->count++] = spy;
	return NULL;
}

static struct error *add_arrivals(struct pyspy_sampler *sampler)
{
	struct error *error = NULL;
	struct pyspy *spy;
	while (!error && sampler->scout && (spy = scout_take(sampler->scout)))
		error = add_member(sampler, spy);
	return error;
}

/* Processes that should be sampled, and cannot be. */
static struct error *add_failures(struct pyspy_sampler *sampler, struct pyspy_sample *sample)
{
	struct error *error = NULL;
	struct error *failure;
	int32_t pid;
	while (!error && sampler->scout && (failure = scout_take_failure(sampler->scout, &pid)))
		error = sample_item_fail(sample, pid, failure);
	return error;
}

/* One process of one sample; `ret_ended` is true if it has none any longer. */
static struct error *sample_member(struct pyspy_sampler *sampler, struct pyspy *spy,
				   struct pyspy_sample *sample, bool *ret_ended)
{
	struct pyspy_traces *traces;
	struct error *error = handle_get_traces(spy, !sampler->config.include_idle, &traces);
	if (!error) {
		error = sample_item_add(sample, traces);
		if (error)
			pyspy_traces_free(traces);
		return error;
	}
	if (error->code == ERROR_OUT_OF_MEMORY)
		return error;
	*ret_ended = !pyspy_is_alive(spy);
	/* One that is just ending, or that has got another program, is nothing to tell of. */
	if (!*ret_ended && error->code != ERROR_NO_PROCESS)
		return sample_item_fail(sample, handle_pid(spy), error);
	error_destroy(error);
	return NULL;
}

static struct error *sample_all(struct pyspy_sampler *sampler, struct pyspy_sample *sample)
{
	size_t kept = 0;
	struct error *error = add_arrivals(sampler);
	if (!error)
		error = add_failures(sampler, sample);
	for (size_t i = 0; i < sampler->count; i++) {
		bool ended = false;
		struct pyspy *spy = sampler->members[i];
		if (!error)
			error = sample_member(sampler, spy, sample, &ended);
		if (ended)
			pyspy_close(spy);
		else
			sampler->members[kept++] = spy;
	}
	sampler->count = kept;
	return error;
}

/* Whether nothing is left, and nothing can come: what the last process of all has started just
 * before it ended is found by a pass that began after. */
static bool has_ended(struct pyspy_sampler *sampler)
{
	if (!sampler->scout)
		return !sampler->count;
	if (sampler->count || proc_is_same(&sampler->root)) {
		sampler->passes_at_end = 0;
		return false;
	}
	uint64_t passes = scout_passes(sampler->scout);
	if (!sampler->passes_at_end)
		sampler->passes_at_end = passes + 2;
	return passes >= sampler->passes_at_end;
}

/* Take one sample and hand it over. */
static struct error *take(struct pyspy_sampler *sampler, uint64_t late_ns, uint64_t missed)
{
	CLEANUP(sample_item_destroyp) struct pyspy_sample *sample = NULL;
	struct error *error = sample_item_create(&sample);
	if (!error)
		error = sample_all(sampler, sample);
	if (error)
		return error;
	/* Of nothing: all have ended, or have not come yet. */
	if (!sampler->count && !pyspy_traces_count(sample->traces) && !sample->error_count)
		return NULL;
	sample->late_ns = late_ns;
	sample->missed = missed;
	sample->index = sampler->taken++;
	sample_queue_put(&sampler->queue, TAKE_POINTER(sample));
	return NULL;
}

static void *run(void *argument)
{
	struct pyspy_sampler *sampler = argument;
	uint64_t period_ns = NS_PER_SECOND / sampler->config.sampling_rate;
	uint64_t begin_ns = process_capture_now_ns();
	uint64_t end_ns = sampler->config.duration_ns < UINT64_MAX - begin_ns
				  ? begin_ns + sampler->config.duration_ns
				  : UINT64_MAX;
	struct sample_schedule schedule;
	struct error *error = NULL;
	uint64_t missed_before = 0;
	sample_schedule_init(&schedule, begin_ns, period_ns, begin_ns);
	while (!error && !has_ended(sampler)) {
		uint64_t due_ns = sample_schedule_next(&schedule, process_capture_now_ns());
		uint64_t missed = schedule.late - missed_before;
		missed_before = schedule.late;
		if (due_ns >= end_ns || !sample_queue_pause(&sampler->queue, due_ns))
			break;
		uint64_t now_ns = process_capture_now_ns();
		uint64_t over_ns = now_ns - due_ns;
		bool in_time = !missed && over_ns < period_ns;
		error = take(sampler, in_time ? 0 : missed * period_ns + over_ns, missed);
	}
	sample_queue_end(&sampler->queue, error);
	return NULL;
}

void pyspy_sampler_destroy(struct pyspy_sampler *sampler)
{
	if (!sampler)
		return;
	sample_queue_stop(&sampler->queue);
	if (sampler->started)
		pthread_join(sampler->thread, NULL);
	scout_destroy(sampler->scout);
	for (size_t i = 0; i < sampler->count; i++)
		pyspy_close(sampler->members[i]);
	free(sampler->members);
	sample_queue_deinit(&sampler->queue);
	free(sampler->version);
	free(sampler);
}

static void sampler_closep(struct pyspy_sampler **sampler)
{
	pyspy_sampler_destroy(*sampler);
}

/* With subprocesses, what starts Python need not be Python. */
static bool may_be_without(const struct pyspy_sampler *sampler, const struct error *error)
{
	return sampler->config.subprocesses &&
	       (error->code == ERROR_NOT_PYTHON || error->code == ERROR_UNSUPPORTED ||
		error->code == ERROR_BUSY);
}

static struct error *open_root(struct pyspy_sampler *sampler)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	struct pyspy *spy;
	struct error *error = proc_relative(sampler->root.pid, &facts);
	if (error)
		return error;
	sampler->root.start_ticks = facts.start_ticks;
	error = handle_open_retry(sampler->root.pid, &sampler->config, ROOT_RETRIES, NULL, &spy);
	if (error && may_be_without(sampler, error)) {
		error_destroy(error);
		return NULL;
	}
	if (error)
		return error;
	error = copy_text(pyspy_python_version(spy), &sampler->version);
	if (error) {
		pyspy_close(spy);
		return error;
	}
	return add_member(sampler, spy);
}

static struct error *start(struct pyspy_sampler *sampler)
{
	struct error *error = open_root(sampler);
	if (!error && sampler->config.subprocesses)
		error = scout_create(&sampler->root, !sampler->count, &sampler->config,
				     &sampler->scout);
	if (!error)
		error = background_thread_start(run, sampler, &sampler->thread);
	sampler->started = !error;
	return error;
}

struct pyspy_error *pyspy_sampler_create(int32_t pid, const struct pyspy_config *config,
					 struct pyspy_sampler **ret)
{
	struct pyspy_config known;
	struct error *error = configuration_read(config, &known);
	if (!error)
		error = configuration_pid(&known, &pid);
	if (error)
		return error_public(error);
	CLEANUP(sampler_closep) struct pyspy_sampler *sampler = calloc(1, sizeof(*sampler));
	if (!sampler)
		return error_public(&error_out_of_memory);
	sampler->config = known;
	/* The scout takes it in as soon as it is Python. */
	if (known.subprocesses)
		sampler->config.wait_ns = 0;
	sampler->root.pid = pid;
	sample_queue_init(&sampler->queue);
	error = start(sampler);
	if (!error)
		*ret = TAKE_POINTER(sampler);
	return error_public(error);
}

struct pyspy_error *pyspy_sampler_next(struct pyspy_sampler *sampler, int timeout_ms,
				       struct pyspy_sample **ret)
{
	uint64_t until_ns = timeout_ms < 0
				    ? UINT64_MAX
				    : process_capture_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	return error_public(sample_queue_take(&sampler->queue, until_ns, ret));
}

const char *pyspy_sampler_python_version(struct pyspy_sampler *sampler)
{
	return sampler->version;
}
