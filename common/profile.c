#include "common/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error *grow(void **items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return NULL;
	if (count >= PROFILE_MAX_ITEMS)
		return error_create(ERROR_UNSUPPORTED, "more than %u different stacks in a report",
				    PROFILE_MAX_ITEMS);
	size_t wanted = *capacity ? *capacity + *capacity / 2 : 64;
	void *grown = reallocarray(*items, wanted, size);
	if (!grown)
		return &error_out_of_memory;
	*items = grown;
	*capacity = wanted;
	return NULL;
}

#define GROW(profile, items, count, capacity)                                                      \
	({                                                                                         \
		void *grown_ = (profile)->items;                                                   \
		struct error *grow_error_ = grow(&grown_, (profile)->count, &(profile)->capacity,  \
						 sizeof(*(profile)->items));                       \
		(profile)->items = grown_;                                                         \
		grow_error_;                                                                       \
	})

struct error *profile_init(struct profile *profile)
{
	uint32_t empty;
	*profile = (struct profile){0};
	return profile_text(profile, "", &empty);
}

void profile_deinit(struct profile *profile)
{
	buffer_deinit(&profile->texts);
	free(profile->text_offsets);
	hash_index_deinit(&profile->text_index);
	free(profile->frames);
	hash_index_deinit(&profile->frame_index);
	free(profile->nodes);
	hash_index_deinit(&profile->node_index);
	free(profile->processes);
	free(profile->threads);
	hash_index_deinit(&profile->thread_index);
	*profile = (struct profile){0};
}

const char *profile_text_of(const struct profile *profile, uint32_t number)
{
	return (const char *)profile->texts.data + profile->text_offsets[number];
}

struct error *profile_text(struct profile *profile, const char *text, uint32_t *ret)
{
	size_t size = strlen(text) + 1;
	uint32_t hash = hash_bytes(text, size);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&profile->text_index, hash, &cursor)) != HASH_INDEX_END) {
		if (strcmp(profile_text_of(profile, number), text) == 0) {
			*ret = number;
			return NULL;
		}
	}
	if (profile->texts.size + size > UINT32_MAX)
		return error_create(ERROR_UNSUPPORTED,
				    "more than 4 GiB of different names in a report");
	struct error *error = GROW(profile, text_offsets, text_count, text_capacity);
	size_t offset = profile->texts.size;
	if (!error)
		error = buffer_append(&profile->texts, text, size);
	if (!error)
		error = hash_index_add(&profile->text_index, hash, (uint32_t)profile->text_count);
	if (error)
		return error;
	profile->text_offsets[profile->text_count] = (uint32_t)offset;
	*ret = (uint32_t)profile->text_count++;
	return NULL;
}

static bool same_frame(const struct profile_frame *a, const struct profile_frame *b)
{
	return profile_frames_agree(a, b, true) && a->first_line == b->first_line;
}

struct error *profile_frame(struct profile *profile, const struct profile_frame *frame,
			    uint32_t *ret)
{
	uint32_t hash = hash_bytes(frame, sizeof(*frame));
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&profile->frame_index, hash, &cursor)) != HASH_INDEX_END) {
		if (same_frame(&profile->frames[number], frame)) {
			*ret = number;
			return NULL;
		}
	}
	struct error *error = GROW(profile, frames, frame_count, frame_capacity);
	if (!error)
		error = hash_index_add(&profile->frame_index, hash, (uint32_t)profile->frame_count);
	if (error)
		return error;
	profile->frames[profile->frame_count] = *frame;
	*ret = (uint32_t)profile->frame_count++;
	return NULL;
}

struct error *profile_node(struct profile *profile, uint32_t parent, uint32_t frame, uint32_t *ret)
{
	uint32_t hash = hash_two(parent, frame);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&profile->node_index, hash, &cursor)) != HASH_INDEX_END) {
		const struct profile_node *node = &profile->nodes[number];
		if (node->parent == parent && node->frame == frame) {
			*ret = number;
			return NULL;
		}
	}
	struct error *error = GROW(profile, nodes, node_count, node_capacity);
	if (!error)
		error = hash_index_add(&profile->node_index, hash, (uint32_t)profile->node_count);
	if (error)
		return error;
	profile->nodes[profile->node_count] =
		(struct profile_node){.parent = parent, .frame = frame};
	*ret = (uint32_t)profile->node_count++;
	return NULL;
}

struct error *profile_process(struct profile *profile, const struct profile_process *process,
			      uint32_t *ret)
{
	/* From the newest on: samples of one process come in runs. */
	for (size_t i = profile->process_count; i-- > 0;) {
		const struct profile_process *other = &profile->processes[i];
		if (other->pid == process->pid && other->host == process->host &&
		    other->start_ticks == process->start_ticks) {
			*ret = (uint32_t)i;
			return NULL;
		}
	}
	struct error *error = GROW(profile, processes, process_count, process_capacity);
	if (error)
		return error;
	profile->processes[profile->process_count] = *process;
	*ret = (uint32_t)profile->process_count++;
	return NULL;
}

struct error *profile_thread(struct profile *profile, const struct profile_thread *thread,
			     bool *ret_new, uint32_t *ret)
{
	uint32_t hash = hash_two(thread->process, (uint32_t)thread->os_id) ^
			hash_two((uint32_t)(thread->thread_id >> 32), (uint32_t)thread->thread_id);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&profile->thread_index, hash, &cursor)) !=
	       HASH_INDEX_END) {
		const struct profile_thread *other = &profile->threads[number];
		if (other->process == thread->process && other->os_id == thread->os_id &&
		    other->thread_id == thread->thread_id) {
			*ret_new = false;
			*ret = number;
			return NULL;
		}
	}
	struct error *error = GROW(profile, threads, thread_count, thread_capacity);
	if (!error)
		error = hash_index_add(&profile->thread_index, hash,
				       (uint32_t)profile->thread_count);
	if (error)
		return error;
	profile->threads[profile->thread_count] = *thread;
	*ret_new = true;
	*ret = (uint32_t)profile->thread_count++;
	return NULL;
}

/* What separates frames and stacks in collapsed form must not be in a name. */
static void make_safe(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == ';')
			bytes[i] = ':';
		else if (bytes[i] < ' ' || bytes[i] == 0x7f)
			bytes[i] = ' ';
	}
}

static struct error *append_text(struct buffer *ret, const char *text)
{
	return buffer_append(ret, text, strlen(text));
}

struct error *profile_label(const struct profile *profile, uint32_t number, struct buffer *ret)
{
	const struct profile_frame *frame = &profile->frames[number];
	const char *file = profile_text_of(profile, frame->file);
	size_t start = ret->size;
	char line[16];
	struct error *error = append_text(ret, profile_text_of(profile, frame->name));
	if (!error && (*file || frame->line)) {
		error = append_text(ret, " (");
		if (!error)
			error = append_text(ret, file);
		snprintf(line, sizeof(line), ":%d", (int)frame->line);
		if (!error && frame->line)
			error = append_text(ret, line);
		if (!error)
			error = append_text(ret, ")");
	}
	if (!error)
		make_safe(ret->data + start, ret->size - start);
	return error;
}

void profile_weight_add(struct profile_weight *sum, const struct profile_weight *weight)
{
	for (size_t i = 0; i < PROFILE_UNITS; i++)
		sum->of[i] += weight->of[i];
}
