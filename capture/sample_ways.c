#include "capture/sample_ways.h"

#include <stdlib.h>
#include <string.h>

#include "capture/early_read.h"
#include "capture/ended_call.h"
#include "capture/fault_point.h"
#include "capture/sample_verify.h"
#include "capture/stack_extents.h"
#include "capture/thread_clock.h"
#include "capture/thread_clocks.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum {
	NONBLOCKING_PROOFS = 9, /* reads that must all be the same as the first */
	/* Attempts that lack values; the next one walks while the target stands still. To copy
	 * again costs it much less. */
	VALUE_MISSES = 4,
	/* For a moment like that of the first look: if a GIL was held, each stops a thread; if
	 * none was, it costs the target nothing. */
	CHOOSY_ATTEMPTS_HELD = 3,
	CHOOSY_ATTEMPTS_FREE = 6,
};

struct error *attempt_init(struct attempt *attempt, struct sample_pass *prediction)
{
	stack_extents_sort(&prediction->extents);
	struct error *error =
		read_plan_init_words(&attempt->links, &prediction->links, READ_PLAN_JOIN_GAP);
	if (!error)
		error = read_plan_init_stacks(&attempt->ranges, prediction->image,
					      READ_PLAN_JOIN_GAP, &prediction->extents);
	return error;
}

void attempt_deinit(struct attempt *attempt)
{
	read_plan_deinit(&attempt->ranges);
	read_plan_deinit(&attempt->links);
}

/* Read the predicted ranges at once, as far as they were not read early. */
static struct error *sampler_copy(struct sampler *sampler, struct attempt *attempt)
{
	sampler->facts.time_ns = clock_ns(CLOCK_REALTIME);
	sampler->facts.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	if (fault_point(FAULT_DURING_READ))
		return error_create(ERROR_IO, "reading was made to fail");
	if (attempt->ranges.held_back)
		read_plan_read_late(&attempt->ranges, sampler->options.memory);
	else
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

struct error *sampler_gils(struct sampler *sampler, struct gil_set *ret)
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

static const uint64_t *words_of(const struct buffer *buffer, size_t *ret_count)
{
	*ret_count = buffer->size / sizeof(uint64_t);
	return (const uint64_t *)(const void *)buffer->data;
}

static bool has_word(const struct buffer *buffer, uint64_t word)
{
	size_t count;
	const uint64_t *words = words_of(buffer, &count);
	for (size_t i = 0; i < count; i++) {
		if (words[i] == word)
			return true;
	}
	return false;
}

/* An interpreter that has begun since the prediction can have a GIL of its own, at which nobody has
 * looked: its threads ran while they were read. */
static bool sampler_met_interpreter(const struct sampler *sampler)
{
	size_t count;
	const uint64_t *interpreters = words_of(&sampler->pass.interpreters, &count);
	for (size_t i = 0; i < count; i++) {
		if (!has_word(&sampler->prediction.interpreters, interpreters[i]))
			return true;
	}
	return false;
}

/* The whole sample while the owners are stopped. */
static struct error *sampler_read_held(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt)
{
	bool same = false;
	struct error *error = sampler_read(sampler, attempt);
	if (!error)
		error = verify_links(&sampler->pass, sampler->options.memory, &same);
	if (error || !same || sampler->pass.gap_count || sampler_met_interpreter(sampler))
		return error ? error : moved();
	if (gils->held_count == gils->count)
		return NULL;
	/* An interpreter whose GIL was free can have been entered meanwhile. */
	error = verify_image(&sampler->pass, sampler->options.memory,
			     VERIFY_DESCENDING | VERIFY_JOINED, &same);
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
	size_t count;
	const uint64_t *addresses = words_of(&sampler->pass.missed, &count);
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

/* Whether a thread state was in the interpreters' lists when they were walked last. */
static bool is_listed(const struct sampler *sampler, uint64_t thread_state)
{
	layout_offset next = sampler->options.location->layout.thread.next;
	return has_word(&sampler->prediction.links, thread_state + next);
}

/*
 * The thread that held a free GIL last is the only one that can take it and leave no trace in the
 * GIL. If it has ended there is none: a new thread state can get its address, but no stack other
 * than that one's changes by what it does, and the list of threads does. `ret_tid` is 0 then.
 */
static struct error *last_holder_tid(struct sampler *sampler, const struct held_gil *held,
				     pid_t *ret_tid)
{
	pid_t tid = 0;
	if (held->gil.last_holder)
		tid = thread_state_tid(sampler->options.memory, sampler->options.location,
				       held->gil.last_holder, sampler->options.threads);
	if (!tid && is_listed(sampler, held->gil.last_holder))
		return error_create(ERROR_BUSY, "the thread that held the GIL last is not known");
	*ret_tid = tid;
	return NULL;
}

/*
 * A copy in a moment at which no GIL is held, to be proven by what is around this. The walk comes
 * after: the shorter this takes, the less often has it to be begun anew for threads that wake up.
 */
static struct error *sampler_copy_free(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt)
{
	const struct sample_options *options = &sampler->options;
	struct error *error = sampler_copy(sampler, attempt);
	if (error)
		return error;
	read_plan_read(&attempt->links, options->memory);
	return gil_set_seems_same(options->memory, options->location, gils) ? NULL : moved();
}

/* The same where the prediction missed something, which the walk reads. */
static struct error *sampler_read_free(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt)
{
	bool same = false;
	struct error *error = sampler_copy(sampler, attempt);
	/* With many threads that wake often most attempts end here: before the walk, which takes
	 * longer than the copy. */
	if (!error)
		error = sampler_check_gils(sampler, gils);
	if (!error)
		error = sampler_walk(sampler, attempt);
	if (!error)
		error = verify_image(&sampler->pass, sampler->options.memory,
				     VERIFY_DESCENDING | VERIFY_JOINED, &same);
	if (!error && (!same || sampler->pass.gap_count || sampler_met_interpreter(sampler)))
		error = moved();
	return error ? error : sampler_check_gils(sampler, gils);
}

typedef struct error *(*free_read)(struct sampler *sampler, const struct gil_set *gils,
				   struct attempt *attempt);

/* Up to 3.6 nothing tells who held the GIL last: no thread ran. */
static struct error *sampler_all_stood(struct sampler *sampler, const struct gil_set *gils,
				       struct attempt *attempt, free_read read)
{
	const struct sample_options *options = &sampler->options;
	CLEANUP(thread_clocks_deinit) struct thread_clocks clocks = {0};
	bool stood = false;
	struct error *error = thread_clocks_begin(options->pid, options->threads, &clocks);
	if (!error)
		error = read(sampler, gils, attempt);
	if (!error)
		error = thread_clocks_stood(options->pid, options->threads, &clocks, &stood);
	return error || stood ? error : moved();
}

/* From 3.7 on: who held a GIL last did not run. */
static struct error *sampler_holders_stood(struct sampler *sampler, const struct gil_set *gils,
					   struct attempt *attempt, free_read read)
{
	struct thread_clock clocks[HOLDER_MAX_GILS] = {0};
	pid_t tids[HOLDER_MAX_GILS] = {0};
	bool stood = true;
	struct error *error = NULL;
	for (size_t i = 0; !error && i < gils->count; i++)
		error = last_holder_tid(sampler, &gils->items[i], &tids[i]);
	for (size_t i = 0; !error && i < gils->count; i++) {
		if (tids[i])
			thread_clock_begin(sampler->options.pid, tids[i], &sampler->clock_files[i],
					   &clocks[i]);
		stood &= !tids[i] || clocks[i].known;
	}
	if (!error && stood)
		error = read(sampler, gils, attempt);
	for (size_t i = 0; !error && stood && i < gils->count; i++)
		stood = !tids[i] || thread_clock_stood(&clocks[i], &sampler->clock_files[i]);
	return error || stood ? error : moved();
}

/*
 * While no GIL is held, and nobody took one meanwhile. `ret_copied`: the walk is yet to be made,
 * over the copy.
 */
static struct error *sampler_read_unheld(struct sampler *sampler, const struct gil_set *gils,
					 struct attempt *attempt, bool *ret_copied)
{
	free_read read = sampler->walk_inside ? sampler_read_free : sampler_copy_free;
	attempt->ranges.held_back = 0;
	*ret_copied = !sampler->walk_inside;
	return sampler->options.location->current_thread_address
		       ? sampler_all_stood(sampler, gils, attempt, read)
		       : sampler_holders_stood(sampler, gils, attempt, read);
}

/* Way b: no GIL is held. */
static struct error *sampler_verified(struct sampler *sampler, const struct gil_set *gils,
				      struct attempt *attempt)
{
	bool copied = false;
	sampler->facts.way = FREEZE_VERIFIED;
	sampler->facts.threads_stopped = 0;
	struct error *error = sampler_read_unheld(sampler, gils, attempt, &copied);
	return error || !copied ? error : sampler_walk_copy(sampler, attempt);
}

/* With the threads stopped. */
static void count_ended_calls(struct sampler *sampler, pid_t tid)
{
	CLEANUP_FREE void *registers = NULL;
	size_t size;
	struct error *error = freezer_registers(sampler->options.freezer, tid, &registers, &size);
	if (!error)
		sampler->ended_calls += ended_call(registers, size);
	error_destroy(error);
}

/*
 * Which attempts succeed must not decide what samples show. Work between waits that follow each
 * other quickly, as that of a server, is over before it is stopped, and a wait before it is read:
 * with any attempt as good as another, what takes longer would be seen too often. So the first look
 * decides which of the two it is, and a number of attempts is only for that.
 */
static bool sampler_is_choosy(const struct sampler *sampler)
{
	return sampler->facts.attempts <=
	       (sampler->looked_held ? CHOOSY_ATTEMPTS_HELD : CHOOSY_ATTEMPTS_FREE);
}

/*
 * The owners of the GILs that are held are stopped. A thread can have let its GIL go before its
 * stop came; where nobody else has taken it, that moment is as good, at last.
 */
static struct error *sampler_read_stopped(struct sampler *sampler, const struct gil_set *gils,
					  struct attempt *attempt, bool walk_inside,
					  bool *ret_copied)
{
	struct gil_set now;
	struct error *error = sampler_gils(sampler, &now);
	if (error)
		return error;
	if (!gil_set_equal(gils, &now)) {
		if (now.held_count || sampler->only_gil || sampler_is_choosy(sampler))
			return moved();
		return sampler_read_unheld(sampler, &now, attempt, ret_copied);
	}
	if (walk_inside)
		return sampler_read_held(sampler, gils, attempt);
	error = sampler_copy(sampler, attempt);
	if (error)
		return error;
	read_plan_read(&attempt->links, sampler->options.memory);
	*ret_copied = true;
	return NULL;
}

/* Stop the owners. ERROR_BUSY if one has ended, not necessarily the process. */
static struct error *sampler_stop_owners(struct sampler *sampler, const struct gil_set *gils,
					 const pid_t *tids, size_t count)
{
	urgency_begin(&sampler->urgency);
	/* The nearer to the stop this is, the fewer threads are stopped for nothing. */
	struct error *error =
		gil_set_seems_same(sampler->options.memory, sampler->options.location, gils)
			? freezer_stop(sampler->options.freezer, tids, count)
			: moved();
	if (error)
		urgency_end(&sampler->urgency);
	sampler->stuck = error && freezer_missed_deadline(sampler->options.freezer);
	if (!error || error->code != ERROR_NO_PROCESS)
		return error;
	error_destroy(error);
	return moved();
}

/* Way a: stop the owner of each GIL that is held. */
static struct error *sampler_holder(struct sampler *sampler, const struct gil_set *gils,
				    struct attempt *attempt)
{
	pid_t tids[HOLDER_MAX_GILS];
	size_t count = 0;
	bool walk_inside = sampler->walk_inside || gils->held_count < gils->count;
	bool copied = false;
	for (size_t i = 0; i < gils->count; i++) {
		if (gils->items[i].tid)
			tids[count++] = gils->items[i].tid;
	}
	struct error *error = sampler_stop_owners(sampler, gils, tids, count);
	if (error)
		return error;
	sampler->facts.way = FREEZE_HOLDER;
	sampler->facts.threads_stopped = (uint32_t)count;
	error = sampler_read_stopped(sampler, gils, attempt, walk_inside, &copied);
	for (size_t i = 0; i < count; i++)
		count_ended_calls(sampler, tids[i]);
	error = sampler_release(sampler, error);
	return error || !copied ? error : sampler_walk_copy(sampler, attempt);
}

static struct error *nobody_holds(void)
{
	return error_create(ERROR_NOT_FOUND, "nobody holds the GIL");
}

/* With --gil, and all threads stopped or running. */
static struct error *sampler_check_filter(struct sampler *sampler)
{
	struct gil_set gils;
	if (!sampler->only_gil)
		return NULL;
	struct error *error = sampler_gils(sampler, &gils);
	return error || gils.held_count ? error : nobody_holds();
}

/* Way c: stop all threads. */
struct error *sampler_all(struct sampler *sampler, struct attempt *attempt)
{
	/* The last attempt must not fail for a value that the copy lacks. */
	bool walk_inside = sampler->walk_inside || sampler->accept_gaps;
	urgency_begin(&sampler->urgency);
	struct error *error = freezer_stop_all(sampler->options.freezer);
	sampler->stuck = error && freezer_missed_deadline(sampler->options.freezer);
	if (error) {
		urgency_end(&sampler->urgency);
		return error;
	}
	sampler->facts.way = FREEZE_ALL;
	sampler->facts.threads_stopped = (uint32_t)freezer_held_count(sampler->options.freezer);
	for (size_t i = 0; i < sampler->options.threads->count; i++)
		count_ended_calls(sampler, sampler->options.threads->items[i].tid);
	error = sampler_check_filter(sampler);
	if (!error)
		error = walk_inside ? sampler_read(sampler, attempt)
				    : sampler_copy(sampler, attempt);
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
struct error *sampler_nonblocking(struct sampler *sampler, struct attempt *attempt)
{
	bool same = true;
	struct error *error = sampler_check_filter(sampler);
	if (!error)
		error = sampler_read(sampler, attempt);
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
struct error *sampler_by_gil(struct sampler *sampler, struct attempt *attempt)
{
	struct gil_set gils;
	struct error *error = sampler_gils(sampler, &gils);
	if (!error)
		error = early_read(sampler, &gils, attempt);
	if (error)
		return error;
	bool held = gils.held_count != 0;
	if (!held && sampler->only_gil)
		return nobody_holds();
	if (!sampler->looked)
		sampler->looked_held = held;
	sampler->looked = true;
	if (held != sampler->looked_held && sampler_is_choosy(sampler))
		return moved();
	if (!held)
		return sampler_verified(sampler, &gils, attempt);
	error = sampler_holder(sampler, &gils, attempt);
	early_read_done(sampler, attempt, error);
	return error;
}
