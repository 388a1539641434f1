#include "capture/early_read.h"

#include "capture/stack_extents.h"
#include "common/struct_view.h"

enum {
	/* Fewer ranges of stacks than these cost the target little while it stands still. */
	MIN_REQUESTS = 64,
	MAX_FAILURES = 6,
};

static void failed(struct sampler *sampler, struct attempt *attempt)
{
	attempt->ranges.held_back = 0;
	if (sampler->early_failures < MAX_FAILURES)
		sampler->early_failures++;
	sampler->early_pause = 1U << sampler->early_failures;
}

/*
 * Up to 3.6 the GIL's count of switches is in a static variable: there it could have been another
 * thread's and its owner's again in the meantime.
 *
 * Where there are several interpreters or GILs, the owner can be another thread state for a while
 * without a switch (PyThreadState_Swap()): what is told apart here is threads, not thread states.
 */
static bool is_worth_it(const struct sampler *sampler, const struct gil_set *gils,
			const struct attempt *attempt)
{
	const struct python_location *location = sampler->options.location;
	return !location->current_thread_address &&
	       location->layout.gil.switch_number != LAYOUT_ABSENT &&
	       sampler->options.level == LEVEL_STACKS && !sampler->walk_inside &&
	       sampler->facts.attempts == 1 && gils->count == 1 &&
	       sampler->prediction.interpreters.size == sizeof(uint64_t) &&
	       read_plan_count_stacks(&attempt->ranges) >= MIN_REQUESTS;
}

/* Threads can have ended and begun since the prediction, with the thread states of others, and with
 * the ids and stacks of yet others: held back must be what the thread that holds the GIL has. */
static bool is_still(const struct sampler *sampler, uint64_t thread_state, uint64_t owner)
{
	uint64_t id;
	layout_offset offset = sampler->options.location->layout.thread.thread_id;
	return struct_read_pointer(sampler->options.memory, thread_state, offset, &id) ==
		       MEMORY_OK &&
	       id == owner;
}

/* Whether somebody holds the GIL before must not decide how long it is until the look that counts:
 * what is held for a short time only would be seen less often. */
struct error *early_read(struct sampler *sampler, struct gil_set *gils, struct attempt *attempt)
{
	struct gil_set now;
	attempt->ranges.held_back = 0;
	sampler->pass.misplaced = false;
	if (!is_worth_it(sampler, gils, attempt))
		return NULL;
	if (sampler->early_pause) {
		sampler->early_pause--;
		return NULL;
	}
	uint64_t place =
		gils->items[0].gil.last_holder + sampler->options.location->layout.thread.next;
	uint64_t owner = stack_extents_owner(&sampler->prediction.extents, place, 1);
	if (!owner || !is_still(sampler, gils->items[0].gil.last_holder, owner))
		return NULL;
	struct error *error =
		read_plan_read_early(&attempt->ranges, sampler->options.memory, owner);
	if (!error)
		error = sampler_gils(sampler, &now);
	if (error || !now.held_count || !gil_set_equal(gils, &now))
		failed(sampler, attempt);
	if (!error)
		*gils = now;
	return error;
}

void early_read_done(struct sampler *sampler, struct attempt *attempt, const struct error *error)
{
	if (!attempt->ranges.held_back)
		return;
	attempt->ranges.held_back = 0;
	if (error && sampler->pass.misplaced)
		failed(sampler, attempt);
	else if (!error)
		sampler->early_failures = 0;
}
