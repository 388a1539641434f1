#include "capture/sample.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/read_plan.h"
#include "capture/sample_ways.h"
#include "capture/stack_extents.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum {
	/*
	 * Programs that wait a lot release the GIL before the stop arrives; more attempts than
	 * these would cost the target more than stopping all its threads once.
	 */
	HOLDER_ATTEMPTS = 8,
	HOLDER_ROUNDS = 4, /* of so many attempts, where there is time for them */
	ALL_ATTEMPTS = 3,
	ATTEMPTS_PER_LOOK = 4,
	PREDICTION_ATTEMPTS = 10,
	NONBLOCKING_ATTEMPTS = 1000,
	NONBLOCKING_LOCALS_ATTEMPTS = 100, /* a reading with values takes longer */
	/*
	 * Between attempts, at most; it varies, not to beat with the target. A thread that is let
	 * go and stopped again at once does not execute a single instruction in between.
	 */
	PAUSE_NS = 1000 * 1000,
	SHORT_PAUSE_NS = 100 * 1000, /* between the first ones by the GIL */
	SHORT_PAUSES = 8,
	/* Level locals: of so many joined ranges the values are read at once, which is some 20 ms.
	 */
	SAMPLE_MAX_REQUESTS = 30000,
};

/*
 * What a program makes while it runs often comes to lie where something of the kind has lain
 * before. So places are kept of all attempts, and for what was missed the page that it is on: with
 * the second or third attempt, the copy has it all.
 */
static struct error *sampler_add_places(struct sampler *sampler)
{
	static uint8_t page[4096]; /* contents are of no consequence */
	struct memory_image *image = sampler->prediction.image;
	const uint64_t *missed = (const uint64_t *)(const void *)sampler->prediction.missed.data;
	size_t count = sampler->prediction.missed.size / sizeof(*missed);
	const struct read_plan *plan = &sampler->attempt.ranges;
	struct error *error = NULL;
	for (size_t i = 0; !error && i < plan->count; i++)
		error = memory_image_put(image, plan->requests[i].address, plan->requests[i].buffer,
					 plan->requests[i].size);
	for (size_t i = 0; !error && i < count; i++)
		error = memory_image_put(image, missed[i] & ~(uint64_t)(sizeof(page) - 1), page,
					 sizeof(page));
	return error;
}

static struct error *sampler_plan(struct sampler *sampler)
{
	attempt_deinit(&sampler->attempt);
	sampler->attempt = (struct attempt){0};
	struct error *error = attempt_init(&sampler->attempt, &sampler->prediction);
	sampler->planned = !error;
	return error;
}

/* The pass that was just made predicts the next one. */
static void sampler_learn(struct sampler *sampler)
{
	struct sample_pass swapped = sampler->prediction;
	sampler->prediction = sampler->pass;
	sampler->pass = swapped;
	sampler->planned = false;
}

static struct error *sampler_learn_of_failure(struct sampler *sampler)
{
	/* A pass that was not reached predicts nothing, and one that was cut in the middle of the
	 * threads, where one began, less than the one before. */
	if (!sampler->pass.thread_count ||
	    sampler->pass.thread_count < sampler->prediction.thread_count)
		return NULL;
	sampler_learn(sampler);
	return sampler->options.level == LEVEL_STACKS ? NULL : sampler_add_places(sampler);
}

/* A thread that is not known can have begun since the last attempt; and what threads do should not
 * be of long before the sample. */
static struct error *sampler_look_again(struct sampler *sampler, unsigned attempt)
{
	const struct sample_options *options = &sampler->options;
	if (!attempt || !options->watch)
		return NULL;
	return attempt % ATTEMPTS_PER_LOOK ? thread_watch_meet(options->watch, options->threads)
					   : thread_watch_update(options->watch, options->threads);
}

/* In a run, the first sample decides whether there is one, and takes its time. */
static bool gives_up(const struct sampler *sampler)
{
	return sampler->stuck && sampler->taken && sampler->options.spread_ns;
}

typedef struct error *(*sampler_way)(struct sampler *sampler, struct attempt *attempt);

/* Try one way up to `attempts` times. ERROR_BUSY and ERROR_UNSUPPORTED mean that another way may
 * do. */
static struct error *sampler_try(struct sampler *sampler, sampler_way way, unsigned attempts)
{
	struct error *error = NULL;
	for (unsigned i = 0; i < attempts; i++) {
		error_destroy(error);
		error = sampler_look_again(sampler, i);
		if (!error && !sampler->planned)
			error = sampler_plan(sampler);
		if (error)
			return error;
		sampler->facts.attempts++;
		/* Of an attempt before, which predicted this one. */
		sampler->pass.thread_count = 0;
		sampler->accept_gaps = i + 1 == attempts;
		error = way(sampler, &sampler->attempt);
		if (!error || error->code != ERROR_BUSY || gives_up(sampler))
			return error;
		/* All others would stand still for as long again, and most likely in vain. */
		if (sampler->stuck && way == sampler_all)
			return error;
		struct error *failure = sampler_learn_of_failure(sampler);
		if (failure) {
			error_destroy(error);
			return failure;
		}
		/* Steps of a large prime spread over the whole pause. */
		bool is_short = way == sampler_by_gil && i < SHORT_PAUSES;
		uint64_t longest_ns = is_short ? SHORT_PAUSE_NS : PAUSE_NS;
		struct timespec pause = {.tv_nsec = (long)((i + 1) * 611953ULL % longest_ns)};
		nanosleep(&pause, NULL);
	}
	return error;
}

static bool is_worth_another_way(const struct error *error)
{
	return error && (error->code == ERROR_BUSY || error->code == ERROR_UNSUPPORTED);
}

/*
 * The pass over the running process. A prediction that is torn is still a prediction. Where it
 * takes too many ranges, because values lie far from each other, fewer values are read.
 */
static struct error *sampler_predict(struct sampler *sampler)
{
	const struct sample_options *options = &sampler->options;
	for (;;) {
		CLEANUP(read_plan_deinit) struct read_plan plan = {0};
		struct error *error = sample_pass_run(&sampler->prediction, options->memory,
						      options->location, options->level);
		if (error || options->level == LEVEL_STACKS)
			return error;
		error = read_plan_init(&plan, sampler->prediction.image, READ_PLAN_JOIN_GAP);
		if (error || plan.count <= SAMPLE_MAX_REQUESTS || !sampler->pass.value_ranges)
			return error;
		sampler->pass.value_ranges /= 4;
		sampler->prediction.value_ranges = sampler->pass.value_ranges;
	}
}

/* The interpreter's lists are checked while they may be changing: what is not there now can be
 * there at the next look. */
static struct error *sampler_begin(struct sampler *sampler)
{
	struct error *error = sampler->predicted ? NULL : sampler_predict(sampler);
	for (unsigned i = 0; error && error->code == ERROR_BUSY && i < PREDICTION_ATTEMPTS; i++) {
		error_destroy(error);
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		error = sampler_predict(sampler);
	}
	return error;
}

static struct error *sampler_run(struct sampler *sampler)
{
	const struct sample_options *options = &sampler->options;
	struct error *error = sampler_begin(sampler);
	if (error)
		return error;
	if (options->nonblocking) {
		int attempts = options->level == LEVEL_STACKS ? NONBLOCKING_ATTEMPTS
							      : NONBLOCKING_LOCALS_ATTEMPTS;
		error = sampler_try(sampler, sampler_nonblocking, (unsigned)attempts);
		if (!error || error->code != ERROR_BUSY)
			return error;
		error_destroy(error);
		return error_create(ERROR_BUSY,
				    "process %d moves faster than it can be read: none of %d "
				    "readings was consistent; try again, or without --nonblocking",
				    options->pid, attempts);
	}
	/* The stacks of all threads at one instant: no other way has them. */
	if (options->native)
		return sampler_try(sampler, sampler_all, ALL_ATTEMPTS);
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + options->spread_ns;
	unsigned rounds = 0;
	do {
		error_destroy(error);
		error = sampler_try(sampler, sampler_by_gil, HOLDER_ATTEMPTS);
	} while (error && error->code == ERROR_BUSY && options->spread_ns && !gives_up(sampler) &&
		 ++rounds < HOLDER_ROUNDS && clock_ns(CLOCK_MONOTONIC) < until_ns);
	if (is_worth_another_way(error) && !gives_up(sampler)) {
		error_destroy(error);
		error = sampler_try(sampler, sampler_all, ALL_ATTEMPTS);
	}
	return error;
}

struct error *sampler_create(const struct sample_options *options, struct sampler **ret)
{
	__attribute__((cleanup(sampler_destroyp))) struct sampler *sampler =
		calloc(1, sizeof(*sampler));
	if (!sampler)
		return &error_out_of_memory;
	sampler->options = *options;
	struct error *error = sample_pass_init(&sampler->prediction);
	if (!error)
		error = sample_pass_init(&sampler->pass);
	if (!error)
		*ret = TAKE_POINTER(sampler);
	return error;
}

void sampler_destroy(struct sampler *sampler)
{
	if (!sampler)
		return;
	attempt_deinit(&sampler->attempt);
	sample_pass_deinit(&sampler->prediction);
	sample_pass_deinit(&sampler->pass);
	for (size_t i = 0; i < HOLDER_MAX_GILS; i++)
		thread_clock_files_close(&sampler->clock_files[i]);
	free(sampler);
}

void sampler_destroyp(struct sampler **sampler)
{
	sampler_destroy(*sampler);
}

struct error *sampler_only_gil(struct sampler *sampler)
{
	struct gil_set gils;
	struct error *error = sampler_gils(sampler, &gils);
	bool unsupported = error && error->code == ERROR_UNSUPPORTED;
	error_destroy(error);
	/* Looking again, as at a Python that is not ready, would not help. */
	if (unsupported)
		return error_create(ERROR_FAILED,
				    sampler->options.location->layout.free_threaded
					    ? "--gil: this Python is free-threaded, there is no "
					      "GIL to hold"
					    : "--gil: this interpreter has no GIL to go by");
	sampler->only_gil = true;
	return NULL;
}

bool sampler_is_stuck(const struct sampler *sampler)
{
	return sampler->stuck;
}

uint64_t sampler_ended_calls(const struct sampler *sampler)
{
	return sampler->ended_calls;
}

/* While the image of the prediction is there. */
static struct error *sampler_plan_next(struct sampler *sampler)
{
	if (!sampler->prediction.plan_holds)
		return sampler_plan(sampler);
	stack_extents_sort(&sampler->prediction.extents);
	sampler->planned = true;
	return NULL;
}

struct error *sampler_take(struct sampler *sampler, struct memory_image **ret_image,
			   struct sample_facts *ret)
{
	sampler->facts = (struct sample_facts){0};
	sampler->value_misses = 0;
	sampler->walk_inside = false;
	sampler->looked = false;
	sampler->accept_gaps = false;
	sampler->stuck = false;
	struct error *error = sampler_run(sampler);
	sampler->predicted = false;
	sampler->taken |= !error;
	if (error)
		return error;
	sampler->facts.pid = sampler->options.pid;
	sampler->facts.level = sampler->options.level;
	sampler->facts.partial = sampler->pass.gap_count != 0;
	*ret = sampler->facts;
	/* Only this pass predicts the next sample: what attempts add up would grow with the run. */
	sampler_learn(sampler);
	if (sampler->options.spread_ns)
		error = sampler_plan_next(sampler);
	sampler->predicted = sampler->planned;
	return error ? error : sample_pass_take_image(&sampler->prediction, ret_image);
}
