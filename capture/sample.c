#include "capture/sample.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/fault_point.h"
#include "capture/holder.h"
#include "capture/read_plan.h"
#include "capture/sample_pass.h"
#include "capture/sample_verify.h"
#include "capture/thread_clocks.h"
#include "capture/urgency.h"
#include "common/cleanup.h"

enum {
	/*
	 * Programs that wait a lot release the GIL before the stop arrives; more attempts than
	 * these would cost the target more than stopping all its threads once.
	 */
	HOLDER_ATTEMPTS = 8,
	ALL_ATTEMPTS = 3,
	PREDICTION_ATTEMPTS = 10,
	NONBLOCKING_ATTEMPTS = 1000,
	NONBLOCKING_LOCALS_ATTEMPTS = 100, /* a reading with values takes longer */
	NONBLOCKING_PROOFS = 9,		   /* reads that must all be the same as the first */
	/*
	 * Between attempts, at most; it varies, not to beat with the target. A thread that is let
	 * go and stopped again at once does not execute a single instruction in between.
	 */
	PAUSE_NS = 1000 * 1000,
	JOIN_GAP_BYTES = 1024,
	/* Level locals: of so many joined ranges the values are read at once, which is some 20 ms.
	 */
	SAMPLE_MAX_REQUESTS = 30000,
	/* Attempts that lack values; the next one walks while the target stands still. To copy
	 * again costs it much less. */
	VALUE_MISSES = 4,
};

struct sampler {
	struct sample_options options;
	bool predicted;		       /* by the sample before */
	struct sample_pass prediction; /* the pass before: its ranges are read at once */
	struct sample_pass pass;
	struct sample_facts facts;
	unsigned value_misses; /* attempts that lacked nothing but values */
	/*
	 * While the target stands still, only the predicted ranges are copied, and the walk over
	 * the copy comes after it was let go. Where the prediction missed something, the next
	 * attempt walks while it stands still, and reads what is missing.
	 */
	bool walk_inside;
	bool accept_gaps;	/* the last attempt of all: what is missing now is not there */
	struct urgency urgency; /* from before the first stop until all are let go */
};

/* What one attempt reads at once. */
struct attempt {
	struct read_plan ranges; /* of the prediction, joined */
	struct read_plan links;	 /* words to be read again, after the ranges */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct error *attempt_init(struct attempt *attempt, const struct sample_pass *prediction)
{
	const uint64_t *links = (const uint64_t *)(const void *)prediction->links.data;
	CLEANUP(memory_image_destroyp) struct memory_image *words = NULL;
	struct error *error = memory_image_create(&words);
	for (size_t i = 0; !error && i < prediction->links.size / sizeof(*links); i++)
		error = memory_image_put(words, links[i], &links[i], sizeof(*links));
	if (!error)
		error = read_plan_init(&attempt->links, words, 0);
	if (!error)
		error = read_plan_init(&attempt->ranges, prediction->image, JOIN_GAP_BYTES);
	return error;
}

static void attempt_deinit(struct attempt *attempt)
{
	read_plan_deinit(&attempt->ranges);
	read_plan_deinit(&attempt->links);
}

/* Read the predicted ranges at once. */
static struct error *sampler_copy(struct sampler *sampler, struct attempt *attempt)
{
	sampler->facts.time_ns = clock_ns(CLOCK_REALTIME);
	sampler->facts.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	if (fault_point(FAULT_DURING_READ))
		return error_create(ERROR_IO, "reading was made to fail");
	read_plan_read(&attempt->ranges, sampler->options.memory);
	return NULL;
}

/* Walk over the copy; what the prediction missed is read from the target. */
static struct error *sampler_walk(struct sampler *sampler, struct attempt *attempt)
{
	CLEANUP(memory_destroyp) struct memory *overlay = NULL;
	struct read_plan_memory copy;
	if (sampler->options.level == LEVEL_STACKS)
		return sample_pass_run_stacks(&sampler->pass, &attempt->ranges,
					      sampler->options.memory, sampler->options.location);
	read_plan_memory_init(&copy, &attempt->ranges);
	struct error *error =
		memory_overlay_create(&copy.memory, sampler->options.memory, &overlay);
	if (error)
		return error;
	return sample_pass_run(&sampler->pass, overlay, sampler->options.location,
			       sampler->options.level);
}

static struct error *sampler_read(struct sampler *sampler, struct attempt *attempt)
{
	struct error *error = sampler_copy(sampler, attempt);
	return error ? error : sampler_walk(sampler, attempt);
}

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
	struct memory_range range;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && memory_image_next(sampler->pass.image, at, &range);
	     at = range.address + range.size)
		error = memory_image_put(image, range.address, range.bytes, range.size);
	for (size_t i = 0; !error && i < count; i++)
		error = memory_image_put(image, missed[i] & ~(uint64_t)(sizeof(page) - 1), page,
					 sizeof(page));
	return error;
}

/* The pass that was just made predicts the next one. */
static struct error *sampler_learn(struct sampler *sampler)
{
	struct sample_pass swapped = sampler->prediction;
	sampler->prediction = sampler->pass;
	sampler->pass = swapped;
	if (sampler->options.level == LEVEL_STACKS)
		return NULL;
	return sampler_add_places(sampler);
}

static struct error *sampler_gils(struct sampler *sampler, struct gil_set *ret)
{
	const struct buffer *interpreters = &sampler->prediction.interpreters;
	return gil_set_read(sampler->options.memory, sampler->options.location,
			    (const uint64_t *)(const void *)interpreters->data,
			    interpreters->size / sizeof(uint64_t), sampler->options.threads, ret);
}

static struct error *moved(void)
{
	return error_create(ERROR_BUSY, "the target moved while it was read");
}

/* Let go, and count the time that the target stood still. */
static struct error *sampler_release(struct sampler *sampler, struct error *earlier)
{
	uint64_t freeze_ns = 0;
	struct error *error = freezer_release(sampler->options.freezer, &freeze_ns);
	urgency_end(&sampler->urgency);
	sampler->facts.freeze_ns += freeze_ns;
	if (!earlier)
		return error;
	error_destroy(error);
	return earlier;
}

/* With the owners of some GILs stopped: are they the owners still? */
static struct error *sampler_check_gils(struct sampler *sampler, const struct gil_set *gils)
{
	struct gil_set now;
	struct error *error = sampler_gils(sampler, &now);
	if (error)
		return error;
	return gil_set_equal(gils, &now) ? NULL : moved();
}

/* The whole sample while the owners are stopped. */
static struct error *sampler_read_held(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt)
{
	bool same = false;
	struct error *error = sampler_read(sampler, attempt);
	if (!error)
		error = verify_links(&sampler->pass, sampler->options.memory, &same);
	if (error || !same || sampler->pass.gap_count)
		return error ? error : moved();
	if (gils->held_count == gils->count)
		return NULL;
	/* An interpreter whose GIL was free can have been entered meanwhile. */
	error = verify_image(&sampler->pass, sampler->options.memory, VERIFY_DESCENDING, &same);
	if (error || !same)
		return error ? error : moved();
	return sampler_check_gils(sampler, gils);
}

/*
 * Whether the copy lacks some of the values. What is wild fails to be read everywhere: what the
 * target itself does not have was not missed.
 */
static bool sampler_missed_values(const struct sampler *sampler)
{
	const struct buffer *missed = &sampler->pass.missed;
	const uint64_t *addresses = (const uint64_t *)(const void *)missed->data;
	size_t count = missed->size / sizeof(*addresses);
	uint8_t byte;
	if (sampler->options.level == LEVEL_STACKS)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (memory_read(sampler->options.memory, addresses[i], &byte, 1) == MEMORY_OK)
			return true;
	}
	return sampler->pass.failed_reads > count;
}

/*
 * The walk over the copy alone, after the target was let go. What the copy lacks is a gap: then the
 * prediction was wrong, and the next attempt walks inside.
 */
static struct error *sampler_walk_copy(struct sampler *sampler, struct attempt *attempt)
{
	struct read_plan_memory ranges;
	struct read_plan_memory links;
	bool same = false;
	read_plan_memory_init(&ranges, &attempt->ranges);
	read_plan_memory_init(&links, &attempt->links);
	struct error *error =
		sampler->options.level == LEVEL_STACKS
			? sample_pass_run_stacks(&sampler->pass, &attempt->ranges, NULL,
						 sampler->options.location)
			: sample_pass_run(&sampler->pass, &ranges.memory, sampler->options.location,
					  sampler->options.level);
	if (!error)
		error = verify_links(&sampler->pass, &links.memory, &same);
	if (!error && (!same || sampler->pass.gap_count))
		error = moved();
	sampler->walk_inside = error && error->code == ERROR_BUSY;
	if (!error && sampler_missed_values(sampler)) {
		sampler->walk_inside = ++sampler->value_misses >= VALUE_MISSES;
		error = moved();
	}
	return error;
}

/* Way a: stop the owner of each GIL that is held. */
static struct error *sampler_holder(struct sampler *sampler, const struct gil_set *gils,
				    struct attempt *attempt)
{
	pid_t tids[HOLDER_MAX_GILS];
	size_t count = 0;
	bool walk_inside = sampler->walk_inside || gils->held_count < gils->count;
	for (size_t i = 0; i < gils->count; i++) {
		if (gils->items[i].tid)
			tids[count++] = gils->items[i].tid;
	}
	urgency_begin(&sampler->urgency);
	struct error *error = freezer_stop(sampler->options.freezer, tids, count);
	if (error)
		urgency_end(&sampler->urgency);
	if (error && error->code == ERROR_NO_PROCESS) {
		/* The owner has ended, not necessarily the process. */
		error_destroy(error);
		return moved();
	}
	if (error)
		return error;
	sampler->facts.way = FREEZE_HOLDER;
	sampler->facts.threads_stopped = (uint32_t)count;
	error = sampler_check_gils(sampler, gils);
	if (!error)
		error = walk_inside ? sampler_read_held(sampler, gils, attempt)
				    : sampler_copy(sampler, attempt);
	if (!error && !walk_inside)
		read_plan_read(&attempt->links, sampler->options.memory);
	error = sampler_release(sampler, error);
	return error || walk_inside ? error : sampler_walk_copy(sampler, attempt);
}

/* Whether a thread state was in the interpreters' lists when they were walked last. */
static bool is_listed(const struct sampler *sampler, uint64_t thread_state)
{
	const struct buffer *links = &sampler->prediction.links;
	const uint64_t *items = (const uint64_t *)(const void *)links->data;
	uint64_t next = thread_state + sampler->options.location->layout.thread.next;
	for (size_t i = 0; i < links->size / sizeof(*items); i++) {
		if (items[i] == next)
			return true;
	}
	return false;
}

/*
 * The thread that held a free GIL last is the only one that can take it and leave no trace in the
 * GIL. If it has ended there is none: a new thread state can get its address, but no stack other
 * than that one's changes by what it does.
 */
static struct error *last_holder_clock(struct sampler *sampler, const struct held_gil *held,
				       struct thread_clock *ret)
{
	pid_t tid = 0;
	if (held->gil.last_holder)
		tid = thread_state_tid(sampler->options.memory, sampler->options.location,
				       held->gil.last_holder, sampler->options.threads);
	if (!tid && !is_listed(sampler, held->gil.last_holder)) {
		*ret = (struct thread_clock){.known = true};
		return NULL;
	}
	if (!tid)
		return error_create(ERROR_BUSY, "the thread that held the GIL last is not known");
	thread_clock_read(sampler->options.pid, tid, ret);
	return NULL;
}

/* Read twice what must be the same, with the GILs as they were. */
static struct error *sampler_read_twice(struct sampler *sampler, const struct gil_set *gils,
					struct attempt *attempt)
{
	bool same = false;
	struct error *error = sampler_read(sampler, attempt);
	if (!error)
		error = verify_image(&sampler->pass, sampler->options.memory, VERIFY_DESCENDING,
				     &same);
	if (!error && (!same || sampler->pass.gap_count))
		error = moved();
	return error ? error : sampler_check_gils(sampler, gils);
}

/* The same as way b before 3.7: no thread ran. */
static struct error *sampler_all_stood(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt)
{
	const struct sample_options *options = &sampler->options;
	CLEANUP(thread_clocks_deinit) struct thread_clocks before = {0};
	bool stood = false;
	struct error *error = thread_clocks_read(options->pid, options->threads, &before);
	if (!error)
		error = sampler_read_twice(sampler, gils, attempt);
	if (!error)
		error = thread_clocks_stood(options->pid, options->threads, &before, &stood);
	return error || stood ? error : moved();
}

/* Way b: no GIL is held. Read twice; nobody took a GIL meanwhile. */
static struct error *sampler_verified(struct sampler *sampler, const struct gil_set *gils,
				      struct attempt *attempt)
{
	struct thread_clock before[HOLDER_MAX_GILS];
	struct thread_clock after;
	struct error *error = NULL;
	sampler->facts.way = FREEZE_VERIFIED;
	sampler->facts.threads_stopped = 0;
	if (sampler->options.location->current_thread_address)
		return sampler_all_stood(sampler, gils, attempt);
	for (size_t i = 0; !error && i < gils->count; i++)
		error = last_holder_clock(sampler, &gils->items[i], &before[i]);
	if (!error)
		error = sampler_read_twice(sampler, gils, attempt);
	for (size_t i = 0; !error && i < gils->count; i++) {
		error = last_holder_clock(sampler, &gils->items[i], &after);
		if (!error && !thread_clock_stood(&before[i], &after))
			error = moved();
	}
	return error;
}

/* Way c: stop all threads. */
static struct error *sampler_all(struct sampler *sampler, struct attempt *attempt)
{
	/* The last attempt must not fail for a value that the copy lacks. */
	bool walk_inside = sampler->walk_inside || sampler->accept_gaps;
	urgency_begin(&sampler->urgency);
	struct error *error = freezer_stop_all(sampler->options.freezer);
	if (error) {
		urgency_end(&sampler->urgency);
		return error;
	}
	sampler->facts.way = FREEZE_ALL;
	sampler->facts.threads_stopped = (uint32_t)freezer_held_count(sampler->options.freezer);
	error = walk_inside ? sampler_read(sampler, attempt) : sampler_copy(sampler, attempt);
	if (!error && walk_inside && sampler->pass.gap_count && !sampler->accept_gaps)
		error = moved();
	if (!error && !walk_inside)
		read_plan_read(&attempt->links, sampler->options.memory);
	if (!error && sampler->options.native)
		error = native_pass_copy(sampler->options.native);
	error = sampler_release(sampler, error);
	return error || walk_inside ? error : sampler_walk_copy(sampler, attempt);
}

/* Without stopping anything: the same again and again, and stacks that begin where they did before.
 */
static struct error *sampler_nonblocking(struct sampler *sampler, struct attempt *attempt)
{
	bool same = true;
	struct error *error = sampler_read(sampler, attempt);
	for (int i = 0; !error && same && i < NONBLOCKING_PROOFS; i++)
		error = verify_image(&sampler->pass, sampler->options.memory,
				     VERIFY_IGNORE_POSITIONS | (i % 2 ? 0 : VERIFY_DESCENDING),
				     &same);
	if (!error && (!same || sampler->pass.gap_count ||
		       !sample_pass_same_roots(&sampler->prediction, &sampler->pass)))
		error = moved();
	sampler->facts.way = FREEZE_NONE;
	return error;
}

/* The attempt by the GILs' owners: way a if one is held, else way b. */
static struct error *sampler_by_gil(struct sampler *sampler, struct attempt *attempt)
{
	struct gil_set gils;
	struct error *error = sampler_gils(sampler, &gils);
	if (error)
		return error;
	if (gils.held_count)
		return sampler_holder(sampler, &gils, attempt);
	return sampler_verified(sampler, &gils, attempt);
}

typedef struct error *(*sampler_way)(struct sampler *sampler, struct attempt *attempt);

/* Try one way up to `attempts` times. ERROR_BUSY and ERROR_UNSUPPORTED mean that another way may
 * do. */
static struct error *sampler_try(struct sampler *sampler, sampler_way way, unsigned attempts)
{
	struct error *error = NULL;
	for (unsigned i = 0; i < attempts; i++) {
		CLEANUP(attempt_deinit) struct attempt attempt = {0};
		error_destroy(error);
		error = attempt_init(&attempt, &sampler->prediction);
		if (error)
			return error;
		sampler->facts.attempts++;
		sampler->accept_gaps = i + 1 == attempts;
		error = way(sampler, &attempt);
		if (!error || error->code != ERROR_BUSY)
			return error;
		/* A pass that was not reached predicts nothing. */
		if (sampler->pass.thread_count) {
			struct error *failure = sampler_learn(sampler);
			if (failure) {
				error_destroy(error);
				return failure;
			}
		}
		/* Steps of a large prime spread over the whole pause. */
		struct timespec pause = {.tv_nsec = (long)((i + 1) * 611953ULL % PAUSE_NS)};
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
		error = read_plan_init(&plan, sampler->prediction.image, JOIN_GAP_BYTES);
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
	error = sampler_try(sampler, sampler_by_gil, HOLDER_ATTEMPTS);
	if (is_worth_another_way(error)) {
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
	sample_pass_deinit(&sampler->prediction);
	sample_pass_deinit(&sampler->pass);
	free(sampler);
}

void sampler_destroyp(struct sampler **sampler)
{
	sampler_destroy(*sampler);
}

struct error *sampler_take(struct sampler *sampler, struct memory_image *image,
			   struct sample_facts *ret)
{
	struct memory_range range;
	sampler->facts = (struct sample_facts){0};
	sampler->value_misses = 0;
	sampler->walk_inside = false;
	sampler->accept_gaps = false;
	struct error *error = sampler_run(sampler);
	sampler->predicted = !error;
	for (uint64_t at = 0; !error && memory_image_next(sampler->pass.image, at, &range);
	     at = range.address + range.size)
		error = memory_image_put(image, range.address, range.bytes, range.size);
	if (error)
		return error;
	sampler->facts.pid = sampler->options.pid;
	sampler->facts.level = sampler->options.level;
	sampler->facts.partial = sampler->pass.gap_count != 0;
	*ret = sampler->facts;
	/* Only this pass predicts the next sample: what attempts add up would grow with the run. */
	struct sample_pass swapped = sampler->prediction;
	sampler->prediction = sampler->pass;
	sampler->pass = swapped;
	return NULL;
}
