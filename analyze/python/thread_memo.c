#include "analyze/python/thread_memo.h"

#include <stdlib.h>
#include <string.h>

#include "common/walk.h"

/* A stack that is longer is walked as a whole: the bounds of a walk are counted then. */
enum { LINKS_MAX = WALK_MAX_FRAMES / 2 };

struct thread_memo *thread_memo_create(uint64_t address)
{
	struct thread_memo *memo = calloc(1, sizeof(*memo));
	if (!memo)
		return NULL;
	memo->kind = MEMO_THREAD;
	memo->address = address;
	return memo;
}

/* Links from `count` on end, and their footprints. */
static void cut_links(struct thread_memo *memo, struct footprint_index *index, size_t count)
{
	for (size_t i = count; i < memo->links.count; i++)
		footprint_clear(index, &memo->links.items[i].footprint);
	if (memo->links.count > count)
		memo->links.count = count;
}

static void forget_gaps(struct thread_memo *memo)
{
	for (size_t i = 0; i < memo->gap_count; i++)
		free(memo->gaps[i]);
	memo->gap_count = 0;
}

void thread_memo_destroy(struct thread_memo *memo, struct footprint_index *index)
{
	cut_links(memo, index, 0);
	footprint_clear(index, &memo->header);
	forget_gaps(memo);
	free(memo->gaps);
	free(memo->links.items);
	free(memo->frames.items);
	free(memo->frames.numbers);
	free(memo->model.name);
	free(memo->model.os_name);
	free(memo);
}

void thread_walk_deinit(struct thread_walk *walk)
{
	free(walk->links.items);
	free(walk->frames);
	free(walk->numbers);
	*walk = (struct thread_walk){0};
}

void thread_memo_touch(struct thread_memo *memo, uint32_t part)
{
	memo->is_touched = true;
	if (part < memo->clean)
		memo->clean = part;
}

void thread_walk_begin(struct thread_walk *walk, struct thread_memo *memo)
{
	walk->memo = memo;
	walk->links.count = 0;
	walk->reported = 0;
	walk->count = 0;
	walk->tail = 0;
	footprint_clear(walk->index, &memo->header);
	/* Where a walk ended is not told by the links then. */
	if (memo->has_gap || !memo->is_known || memo->links.count > LINKS_MAX)
		memo->clean = 0;
	cut_links(memo, walk->index, memo->clean);
	forget_gaps(memo);
	memo->has_gap = false;
	memo->is_known = false;
	memo->is_met = false;
}

static struct error *grow_links(struct stack_links *links, size_t count)
{
	if (count <= links->capacity)
		return NULL;
	size_t capacity = links->capacity ? links->capacity * 2 : 32;
	if (capacity < count)
		capacity = count;
	struct stack_link *items = reallocarray(links->items, capacity, sizeof(*items));
	if (!items)
		return &error_out_of_memory;
	links->items = items;
	links->capacity = capacity;
	return NULL;
}

/* The search for a link by the address that its footprint has. */
struct link_search {
	struct thread_memo *memo;
	uint64_t address;
	size_t found; /* + 1; 0: none */
};

static void see_link(void *context, struct footprint_owner owner)
{
	struct link_search *search = context;
	const struct stack_links *links = &search->memo->links;
	if (owner.object == search->memo && owner.part < links->count &&
	    links->items[owner.part].address == search->address)
		search->found = (size_t)owner.part + 1;
}

struct error *thread_walk_frame(struct thread_walk *walk, struct recorded_memory *recorded,
				uint64_t address, const struct stack_link **ret)
{
	struct thread_memo *memo = walk->memo;
	struct link_search search = {.memo = memo, .address = address};
	*ret = NULL;
	if (memo->links.count + walk->links.count > LINKS_MAX)
		cut_links(memo, walk->index, 0);
	if (memo->links.count)
		footprint_touch(walk->index, address, 1, see_link, &search);
	if (search.found) {
		cut_links(memo, walk->index, search.found);
		walk->tail = search.found;
		*ret = &memo->links.items[search.found - 1];
		return NULL;
	}
	struct error *error = grow_links(&walk->links, walk->links.count + 1);
	if (error)
		return error;
	struct stack_link *link = &walk->links.items[walk->links.count++];
	*link = (struct stack_link){.address = address, .is_shim = true};
	/* So that it is found again. */
	const struct footprint_owner owner = {memo, THREAD_PART_FRESH};
	error = footprint_add(walk->index, &link->footprint, owner, address, 1);
	recorded_memory_begin(recorded, &link->footprint, memo, THREAD_PART_FRESH);
	return error;
}

struct stack_link *thread_walk_link(struct thread_walk *walk)
{
	return walk->links.count ? &walk->links.items[walk->links.count - 1] : NULL;
}

/* The link of a frame that comes: frames come in their order, when the one outside is known. */
static struct stack_link *report_link(struct thread_walk *walk, uint64_t address)
{
	while (walk->reported < walk->links.count) {
		struct stack_link *link = &walk->links.items[walk->reported++];
		if (link->address != address)
			continue;
		link->is_shim = false;
		return link;
	}
	return NULL;
}

static struct error *append_frame(struct thread_walk *walk, const struct model_frame *frame,
				  uint32_t number)
{
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity ? walk->capacity * 2 : 32;
		struct model_frame *frames = reallocarray(walk->frames, capacity, sizeof(*frames));
		if (!frames)
			return &error_out_of_memory;
		walk->frames = frames;
		uint32_t *numbers = reallocarray(walk->numbers, capacity, sizeof(*numbers));
		if (!numbers)
			return &error_out_of_memory;
		walk->numbers = numbers;
		walk->capacity = capacity;
	}
	walk->frames[walk->count] = *frame;
	walk->numbers[walk->count++] = number;
	return NULL;
}

struct error *thread_walk_shown(struct thread_walk *walk, uint64_t address,
				const struct model_frame *frame, uint32_t number)
{
	struct stack_link *link = report_link(walk, address);
	if (link) {
		link->shown = 1;
		link->is_partial = frame->kind == MODEL_FRAME_GAP;
	}
	return append_frame(walk, frame, number);
}

void thread_walk_hidden(struct thread_walk *walk, uint64_t address)
{
	report_link(walk, address);
}

struct error *thread_walk_gap(struct thread_walk *walk, const struct model_frame *frame)
{
	struct thread_memo *memo = walk->memo;
	char **gaps = reallocarray(memo->gaps, memo->gap_count + 1, sizeof(*gaps));
	if (!gaps) {
		free(frame->gap);
		return &error_out_of_memory;
	}
	memo->gaps = gaps;
	gaps[memo->gap_count++] = frame->gap;
	memo->has_gap = true;
	return append_frame(walk, frame, FRAME_NUMBER_NONE);
}

/* What was walked behind what holds, which it is inside of. */
static struct error *join_links(struct thread_walk *walk)
{
	struct stack_links *links = &walk->memo->links;
	struct stack_link base = {0};
	struct error *error = grow_links(links, walk->tail + walk->links.count);
	if (error)
		return error;
	cut_links(walk->memo, walk->index, walk->tail);
	if (links->count)
		base = links->items[links->count - 1];
	for (size_t i = walk->links.count; i-- > 0;) {
		struct stack_link link = walk->links.items[i];
		link.shown += base.shown;
		link.is_partial |= base.is_partial;
		footprint_set_part(walk->index, &link.footprint, (uint32_t)links->count);
		links->items[links->count++] = base = link;
	}
	walk->links.count = 0;
	return NULL;
}

/* Room for `count` frames, of which the outermost `kept` are there. */
static struct error *grow_frames(struct stack_frames_shown *frames, size_t kept, size_t count)
{
	if (count <= frames->capacity)
		return NULL;
	size_t capacity = frames->capacity ? frames->capacity * 2 : 32;
	if (capacity < count)
		capacity = count;
	struct model_frame *items = reallocarray(NULL, capacity, sizeof(*items));
	uint32_t *numbers = reallocarray(NULL, capacity, sizeof(*numbers));
	if (!items || !numbers) {
		free(items);
		free(numbers);
		return &error_out_of_memory;
	}
	if (kept) {
		memcpy(items + capacity - kept, frames->items + frames->capacity - kept,
		       kept * sizeof(*items));
		memcpy(numbers + capacity - kept, frames->numbers + frames->capacity - kept,
		       kept * sizeof(*numbers));
	}
	free(frames->items);
	free(frames->numbers);
	frames->items = items;
	frames->numbers = numbers;
	frames->capacity = capacity;
	return NULL;
}

static struct error *join_frames(struct thread_walk *walk, size_t kept)
{
	struct stack_frames_shown *frames = &walk->memo->frames;
	size_t count = kept + walk->count;
	struct error *error = grow_frames(frames, kept, count);
	if (error)
		return error;
	frames->count = count;
	size_t at = frames->capacity - count;
	if (walk->count) {
		memcpy(frames->items + at, walk->frames, walk->count * sizeof(*frames->items));
		memcpy(frames->numbers + at, walk->numbers, walk->count * sizeof(*frames->numbers));
	}
	return NULL;
}

struct error *thread_walk_end(struct thread_walk *walk)
{
	struct thread_memo *memo = walk->memo;
	size_t kept = walk->tail ? memo->links.items[walk->tail - 1].shown : 0;
	struct error *error = join_frames(walk, kept);
	if (!error)
		error = join_links(walk);
	if (error)
		return error;
	struct stack_frames_shown *frames = &memo->frames;
	memo->model.frames =
		frames->count ? frames->items + frames->capacity - frames->count : NULL;
	memo->model.frame_count = frames->count;
	memo->kept = kept;
	memo->version++;
	memo->clean = memo->links.count;
	memo->is_touched = false;
	memo->is_known = true;
	return NULL;
}
