#include "capture/names_pass.h"

#include <string.h>

#include "capture/read_plan.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define KEEP_LEAST_NS UINT64_C(10000000)
#define KEEP_MOST_NS  UINT64_C(1000000000)

void names_pass_deinit(struct names_pass *pass)
{
	memory_image_destroy(pass->places);
	thread_name_list_deinit(&pass->before);
	memory_image_destroy(pass->kept);
	*pass = (struct names_pass){0};
}

/*
 * A copy of what was read is asked before the target: types and keys are shared by many threads.
 * `places` are those of the last time, which are read at once, and then those of this time. `kept`,
 * if it is not NULL, gets what decoding the names that are given needs.
 */
static struct error *read_names(struct memory *memory, const struct python_location *location,
				struct thread_names_request *request, struct memory_image **places,
				struct memory_image *kept, struct thread_name_list *ret)
{
	CLEANUP(read_plan_deinit) struct read_plan plan = {0};
	CLEANUP(memory_image_destroyp) struct memory_image *copy = NULL;
	CLEANUP(memory_destroyp) struct memory *overlay = NULL;
	CLEANUP(memory_destroyp) struct memory *search = NULL;
	CLEANUP(memory_destroyp) struct memory *keep = NULL;
	struct read_plan_memory planned;
	struct error *error = memory_image_create(&copy);
	if (!error && *places)
		error = read_plan_init(&plan, *places, 0);
	if (error)
		return error;
	read_plan_read(&plan, memory);
	read_plan_memory_init(&planned, &plan);
	error = memory_overlay_create(&planned.memory, memory, &overlay);
	if (!error)
		error = memory_recorder_create(overlay, copy, &search);
	/* What is kept is what was looked at, not what is there a moment later. */
	if (!error && kept)
		error = memory_recorder_create(search, kept, &keep);
	if (error)
		return error;
	request->reader.keep = keep;
	request->reader.memory = search;
	request->reader.layout = &location->layout;
	request->runtime_address = location->runtime_address;
	error = thread_names_read(request, ret);
	if (error)
		return error;
	memory_image_destroy(*places);
	*places = TAKE_POINTER(copy);
	return NULL;
}

/* A thread that has just begun gets its name soon: the longer there was none that is new, the
 * longer the names are kept. */
static bool is_kept(const struct names_pass *pass, uint64_t generation)
{
	uint64_t keep_ns = pass->read_ns - pass->generation_ns;
	if (keep_ns < KEEP_LEAST_NS)
		keep_ns = KEEP_LEAST_NS;
	if (keep_ns > KEEP_MOST_NS)
		keep_ns = KEEP_MOST_NS;
	return pass->kept && pass->generation == generation &&
	       clock_ns(CLOCK_MONOTONIC) - pass->read_ns < keep_ns;
}

struct error *names_pass_before(struct names_pass *pass, struct memory *memory,
				const struct python_location *location, uint64_t generation)
{
	struct thread_names_request request = {0};
	if (is_kept(pass, generation))
		return NULL;
	thread_name_list_deinit(&pass->before);
	pass->before = (struct thread_name_list){0};
	memory_image_destroy(pass->kept);
	pass->kept = NULL;
	if (pass->generation != generation || !pass->generation_ns)
		pass->generation_ns = clock_ns(CLOCK_MONOTONIC);
	pass->generation = generation;
	return read_names(memory, location, &request, &pass->places, NULL, &pass->before);
}

/*
 * Whether the sample has seen the same bytes wherever both have some. Memory of a name that was
 * freed since can hold something else by now: a mixture of both would be a name that never was.
 */
static bool agree(const struct memory_image *image, const struct memory_image *kept)
{
	struct memory_walk left = memory_image_walk(kept, 0);
	struct memory_walk right = memory_image_walk(image, 0);
	struct memory_range a;
	struct memory_range b;
	while (memory_walk_at(&left, &a) && memory_walk_at(&right, &b)) {
		uint64_t begin = a.address > b.address ? a.address : b.address;
		uint64_t a_end = a.address + a.size;
		uint64_t b_end = b.address + b.size;
		uint64_t end = a_end < b_end ? a_end : b_end;
		if (begin < end && memcmp((const uint8_t *)a.bytes + (begin - a.address),
					  (const uint8_t *)b.bytes + (begin - b.address),
					  (size_t)(end - begin)) != 0)
			return false;
		memory_walk_step(a_end <= b_end ? &left : &right);
	}
	return true;
}

/* Put what of these bytes is not in the image yet. */
static struct error *put_missing(struct memory_image *image, const struct memory_range *range)
{
	const uint8_t *bytes = range->bytes;
	uint64_t last = range->address + (range->size - 1);
	for (uint64_t at = range->address; at >= range->address && at <= last;) {
		struct memory_range there;
		bool any = memory_image_next(image, at, &there) && there.address <= last;
		uint64_t end = any ? there.address : last + 1;
		uint64_t behind = any ? there.address + there.size : 0;
		if (!any || there.address > at) {
			struct error *error = memory_image_put(
				image, at, bytes + (at - range->address), (size_t)(end - at));
			if (error)
				return error;
		}
		if (!any)
			break;
		at = behind;
	}
	return NULL;
}

static struct error *put_all_missing(struct memory_image *into, const struct memory_image *from)
{
	struct memory_range range;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && memory_image_next(from, at, &range);
	     at = range.address + range.size)
		error = put_missing(into, &range);
	return error;
}

/* Read them again, and keep what was the same. */
static struct error *read_again(struct names_pass *pass, struct memory *memory,
				const struct python_location *location, struct memory_image *image)
{
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	CLEANUP(memory_image_destroyp) struct memory_image *kept = NULL;
	CLEANUP(memory_destroyp) struct memory *overlay = NULL;
	struct thread_names_request request = {.known = &pass->before};
	struct error *error = memory_image_create(&kept);
	/* What the sample holds is what analysis will read. */
	if (!error)
		error = memory_overlay_create(memory_image_memory(image), memory, &overlay);
	if (!error)
		error = read_names(overlay, location, &request, &pass->places, kept, &names);
	if (error)
		return error;
	if (!names.count)
		memory_image_clear(kept);
	pass->kept = TAKE_POINTER(kept);
	pass->read_ns = clock_ns(CLOCK_MONOTONIC);
	return NULL;
}

struct error *names_pass_after(struct names_pass *pass, struct memory *memory,
			       const struct python_location *location, struct memory_image *image,
			       bool same_threads)
{
	struct error *error = NULL;
	if (pass->kept && (!same_threads || !agree(image, pass->kept))) {
		memory_image_destroy(pass->kept);
		pass->kept = NULL;
	}
	if (!pass->kept && pass->before.count)
		error = read_again(pass, memory, location, image);
	if (error || !pass->kept)
		return error;
	return put_all_missing(image, pass->kept);
}

bool names_pass_are_kept(const struct names_pass *pass)
{
	return pass->kept != NULL;
}
