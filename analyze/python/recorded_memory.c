#include "analyze/python/recorded_memory.h"

/* Also what is not there: it can come to be there. */
static enum memory_status recorded_read(struct memory *memory, uint64_t address, void *buffer,
					size_t size)
{
	struct recorded_memory *recorded = (struct recorded_memory *)memory;
	const struct recorded_thing *thing = &recorded->thing;
	if (size > recorded->left)
		recorded->is_cut = true;
	else if (thing->footprint && !recorded->error)
		recorded->error = footprint_add(recorded->index, thing->footprint, thing->owner,
						address, size);
	recorded->left -= size > recorded->left ? 0 : size;
	return memory_read(recorded->below, address, buffer, size);
}

static void recorded_destroy(struct memory *memory)
{
	(void)memory; /* its owner's */
}

static const struct memory_operations operations = {
	.read = recorded_read,
	.destroy = recorded_destroy,
};

void recorded_memory_init(struct recorded_memory *recorded, struct footprint_index *index)
{
	*recorded = (struct recorded_memory){
		.memory.operations = &operations,
		.index = index,
		.left = UINT64_MAX,
	};
}

struct recorded_thing recorded_memory_begin(struct recorded_memory *recorded,
					    struct footprint *footprint, void *object,
					    uint32_t part)
{
	struct recorded_thing before = recorded->thing;
	recorded->thing = (struct recorded_thing){
		.footprint = footprint,
		.owner = {.object = object, .part = part},
	};
	recorded->left = UINT64_MAX;
	recorded->is_cut = false;
	return before;
}
