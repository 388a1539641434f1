/*
 * Where stacks of a process ended in the tree of a profile, from one sample to the next: of a stack
 * that is as it was nothing is looked up, of one that has changed only what is new of it.
 */
#ifndef PYSPY_ANALYZE_PROFILE_STACK_CACHE_H
#define PYSPY_ANALYZE_PROFILE_STACK_CACHE_H

#include "analyze/python/incremental_decode.h"
#include "common/profile.h"

/* A thread's stack: roots and frames, outermost first. */
struct cached_stack {
	uint64_t stamp; /* of the thread; 0: nothing is cached */
	uint64_t version;
	uint64_t identity;
	uint64_t facts;
	size_t parents;
	bool is_looked_at; /* `is_wanted` holds for these frames */
	bool is_wanted;
	uint32_t thread; /* of the profile; PROFILE_NONE if not looked for */
	size_t roots;
	uint32_t *frames;
	uint32_t *nodes;
	size_t count;	   /* of frames */
	size_t node_count; /* of nodes: the first ones */
	size_t capacity;
};

/* All zero is an empty one. */
struct stack_cache {
	struct cached_stack *stacks; /* by slot */
	size_t count;
	uint64_t stamp;	  /* struct decoded_process */
	uint32_t *frames; /* of the profile + 1, by the decoder's numbers; 0: not looked for */
	size_t frame_count;
};

void stack_cache_deinit(struct stack_cache *cache);

/* What is cached of another stamp is forgotten. */
void stack_cache_begin(struct stack_cache *cache, const struct decoded_process *decoded);

/*
 * The stack of a thread, cut down to what of it is still right: `count` is 0 if that are not even
 * the roots, of which `parents` are processes.
 */
struct error *stack_cache_get(struct stack_cache *cache, const struct decoded_process *decoded,
			      size_t thread, size_t parents, struct cached_stack **ret);
/* One by itself, of which nothing is known. */
void cached_stack_clear(struct cached_stack *stack);
void cached_stack_deinit(struct cached_stack *stack);
struct error *cached_stack_append(struct cached_stack *stack, uint32_t frame);

/* The place for a frame's number in the profile; NULL if it has none. */
struct error *stack_cache_frame(struct stack_cache *cache, uint32_t number, uint32_t **ret);

#endif
