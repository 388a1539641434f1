#include "formats/thread_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

void stack_path_deinit(struct stack_path *path)
{
	free(path->frames);
	*path = (struct stack_path){0};
}

struct error *stack_path_find(const struct profile *profile, uint32_t node, struct stack_path *ret)
{
	ret->count = 0;
	for (; node != PROFILE_NONE; node = profile->nodes[node].parent) {
		uint32_t frame = profile->nodes[node].frame;
		if (profile->frames[frame].kind == PROFILE_FRAME_ROOT)
			continue;
		struct error *no_room = ARRAY_GROW(ret->frames, ret->count, ret->capacity, 64);
		if (no_room)
			return no_room;
		ret->frames[ret->count++] = frame;
	}
	return NULL;
}

struct error *thread_of_nodes(const struct profile *profile, uint32_t **ret)
{
	uint32_t *threads = calloc(profile->node_count + 1, sizeof(*threads));
	if (!threads)
		return &error_out_of_memory;
	for (size_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		const struct profile_frame *frame = &profile->frames[node->frame];
		if (frame->kind == PROFILE_FRAME_ROOT)
			threads[i] = (uint32_t)frame->line;
		else
			threads[i] = node->parent == PROFILE_NONE ? 0 : threads[node->parent];
	}
	*ret = threads;
	return NULL;
}

struct error *thread_title(const struct profile *profile, uint32_t number, struct buffer *ret)
{
	const struct profile_thread *thread = &profile->threads[number];
	const char *name = profile_text_of(profile, thread->name);
	char text[96];
	int size = 0;
	if (profile->process_count > 1)
		size = snprintf(text, sizeof(text), "process %d ",
				profile->processes[thread->process].pid);
	if (thread->os_id)
		size += snprintf(text + size, sizeof(text) - (size_t)size, "thread %d",
				 thread->os_id);
	else
		size += snprintf(text + size, sizeof(text) - (size_t)size, "thread 0x%llX",
				 (unsigned long long)thread->thread_id);
	struct error *error = buffer_append(ret, text, (size_t)size);
	if (!error && *name)
		error = buffer_append(ret, ": ", 2);
	return error ? error : buffer_append(ret, name, strlen(name) + 1);
}
