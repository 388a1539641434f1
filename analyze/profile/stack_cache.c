#include "analyze/profile/stack_cache.h"

#include <stdlib.h>
#include <string.h>

void cached_stack_deinit(struct cached_stack *stack)
{
	free(stack->frames);
	free(stack->nodes);
	*stack = (struct cached_stack){0};
}

void stack_cache_deinit(struct stack_cache *cache)
{
	for (size_t i = 0; i < cache->count; i++)
		cached_stack_deinit(&cache->stacks[i]);
	free(cache->stacks);
	free(cache->frames);
	*cache = (struct stack_cache){0};
}

void stack_cache_begin(struct stack_cache *cache, const struct decoded_process *decoded)
{
	if (cache->stamp == decoded->stamp)
		return;
	stack_cache_deinit(cache);
	cache->stamp = decoded->stamp;
}

/* A longer array of zeroes behind what there is. */
static struct error *lengthen(void **items, size_t *count, size_t wanted, size_t size)
{
	if (wanted <= *count)
		return NULL;
	size_t longer = *count * 2 > wanted ? *count * 2 : wanted;
	void *grown = reallocarray(*items, longer, size);
	if (!grown)
		return &error_out_of_memory;
	memset((char *)grown + *count * size, 0, (longer - *count) * size);
	*items = grown;
	*count = longer;
	return NULL;
}

/* Frames and nodes from `count` on are no more. */
static void cut(struct cached_stack *stack, size_t count)
{
	if (stack->count > count)
		stack->count = count;
	if (stack->node_count > count)
		stack->node_count = count;
	stack->is_looked_at = false;
}

void cached_stack_clear(struct cached_stack *stack)
{
	cut(stack, 0);
	stack->roots = 0;
	stack->thread = PROFILE_NONE;
}

struct error *stack_cache_get(struct stack_cache *cache, const struct decoded_process *decoded,
			      size_t thread, size_t parents, struct cached_stack **ret)
{
	const struct decoded_thread *now = &decoded->threads[thread];
	void *stacks = cache->stacks;
	struct error *error = lengthen(&stacks, &cache->count, (size_t)now->slot + 1,
				       sizeof(struct cached_stack));
	cache->stacks = stacks;
	if (error)
		return error;
	struct cached_stack *stack = &cache->stacks[now->slot];
	if (stack->stamp != now->stamp || stack->identity != now->identity ||
	    stack->facts != decoded->facts || stack->parents != parents) {
		cached_stack_clear(stack);
	} else if (stack->version + 1 == now->version) {
		cut(stack, stack->roots + now->kept);
	} else if (stack->version != now->version) {
		cut(stack, stack->roots);
	}
	stack->stamp = now->stamp;
	stack->version = now->version;
	stack->identity = now->identity;
	stack->facts = decoded->facts;
	stack->parents = parents;
	*ret = stack;
	return NULL;
}

struct error *cached_stack_append(struct cached_stack *stack, uint32_t frame)
{
	if (stack->count == stack->capacity) {
		size_t capacity = stack->capacity ? stack->capacity * 2 : 32;
		uint32_t *frames = reallocarray(stack->frames, capacity, sizeof(*frames));
		if (!frames)
			return &error_out_of_memory;
		stack->frames = frames;
		uint32_t *nodes = reallocarray(stack->nodes, capacity, sizeof(*nodes));
		if (!nodes)
			return &error_out_of_memory;
		stack->nodes = nodes;
		stack->capacity = capacity;
	}
	stack->frames[stack->count++] = frame;
	return NULL;
}

struct error *stack_cache_frame(struct stack_cache *cache, uint32_t number, uint32_t **ret)
{
	*ret = NULL;
	if (number == UINT32_MAX)
		return NULL;
	void *frames = cache->frames;
	struct error *error =
		lengthen(&frames, &cache->frame_count, (size_t)number + 1, sizeof(*cache->frames));
	cache->frames = frames;
	if (!error)
		*ret = &cache->frames[number];
	return error;
}
