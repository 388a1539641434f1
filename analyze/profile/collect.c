#include "analyze/profile/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/profile/stack_cache.h"
#include "analyze/profile/stack_frames.h"
#include "common/array.h"
#include "common/cleanup.h"

/* Of runs with more processes, the oldest ones have nearly always ended: what is remembered of
 * their stacks is let go, and found again if it has to be. */
enum { REMEMBERED_TRACKS = 256 };

/* A thread with the stack that it had in the last sample, which has not got its weight yet. */
struct open_thread {
	uint64_t thread_id;
	int32_t os_id;
	uint32_t node;
	uint32_t thread; /* of the profile; PROFILE_NONE without by_thread */
	bool owns_gil;
	uint64_t cpu_ns;
	size_t listed; /* where it was in the list of threads, or is likely to be */
};

struct open_list {
	struct open_thread *items;
	size_t count;
	size_t capacity;
};

/* A process of the file that is read. */
struct track {
	int32_t pid;
	uint64_t start_ticks;
	uint32_t host;	  /* text of the profile */
	uint32_t process; /* of the profile */
	uint64_t time_ns; /* of the last sample */
	uint64_t monotonic_ns;
	uint64_t distance_sum_ns;
	uint64_t distances;
	struct open_list open;
	struct stack_cache stacks;
};

struct collector {
	struct profile *profile;
	struct collect_options options;
	struct stack_frames frames;
	struct track *tracks;
	size_t track_count;
	struct open_list next;	   /* of the sample that is added */
	uint32_t root;		   /* node that stacks begin at, or PROFILE_NONE */
	struct cached_stack stack; /* where nothing is known of threads */
};

struct error *collector_create(struct profile *profile, const struct collect_options *options,
			       struct collector **ret)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	if (!collector)
		return &error_out_of_memory;
	collector->profile = profile;
	collector->options = *options;
	collector->root = PROFILE_NONE;
	*ret = collector;
	return NULL;
}

static void forget_tracks(struct collector *collector)
{
	for (size_t i = 0; i < collector->track_count; i++) {
		free(collector->tracks[i].open.items);
		stack_cache_deinit(&collector->tracks[i].stacks);
	}
	free(collector->tracks);
	collector->tracks = NULL;
	collector->track_count = 0;
}

void collector_destroy(struct collector *collector)
{
	if (!collector)
		return;
	forget_tracks(collector);
	free(collector->next.items);
	cached_stack_deinit(&collector->stack);
	stack_frames_deinit(&collector->frames);
	free(collector);
}

void collector_destroyp(struct collector **collector)
{
	collector_destroy(*collector);
}

/* A thread of the list; `listed` is where it is likely to be, and then where it is. */
static uint64_t cpu_time(const struct thread_list *threads, int32_t id, size_t *listed)
{
	size_t count = threads->count;
	for (size_t i = 0; id && i < count; i++) {
		size_t at = (*listed < count ? *listed + i : i) % count;
		if (threads->items[at].tid == id) {
			*listed = at;
			return threads->items[at].cpu_time_ns;
		}
	}
	return 0;
}

static struct error *add_run(struct collector *collector, const struct track *track,
			     const struct open_thread *open, uint64_t wall_ns)
{
	struct profile_thread *thread = &collector->profile->threads[open->thread];
	const struct profile_run run = {
		.start_ns = track->time_ns,
		.wall_ns = wall_ns,
		.node = open->node,
		.samples = 1,
	};
	if (!thread->first_ns || track->time_ns < thread->first_ns)
		thread->first_ns = track->time_ns;
	if (track->time_ns + wall_ns > thread->last_ns)
		thread->last_ns = track->time_ns + wall_ns;
	if (!collector->options.trail)
		return NULL;
	return profile_trail_add(collector->options.trail, open->thread, &run);
}

/* The stacks of the last sample get what they weigh. `threads` NULL: there is no next sample. */
static struct error *weigh(struct collector *collector, struct track *track, uint64_t wall_ns,
			   const struct thread_list *threads)
{
	struct profile *profile = collector->profile;
	struct error *error = NULL;
	for (size_t i = 0; i < track->open.count && !error; i++) {
		struct open_thread *open = &track->open.items[i];
		uint64_t cpu_ns =
			threads && open->cpu_ns ? cpu_time(threads, open->os_id, &open->listed) : 0;
		const struct profile_weight weight = {
			.of = {[PROFILE_SAMPLES] = 1,
			       [PROFILE_WALL] = wall_ns,
			       [PROFILE_CPU] = cpu_ns > open->cpu_ns ? cpu_ns - open->cpu_ns : 0,
			       [PROFILE_GIL] = open->owns_gil ? wall_ns : 0},
		};
		profile_weight_add(&profile->nodes[open->node].own, &weight);
		profile_weight_add(&profile->total, &weight);
		if (open->thread == PROFILE_NONE)
			continue;
		profile_weight_add(&profile->threads[open->thread].total, &weight);
		error = add_run(collector, track, open, wall_ns);
	}
	track->open.count = 0;
	return error;
}

static uint64_t mean_distance(const struct track *track)
{
	return track->distances ? track->distance_sum_ns / track->distances : 0;
}

static struct error *begin_track(struct collector *collector, const struct model_process *process,
				 struct track *track)
{
	struct profile *profile = collector->profile;
	const struct process_facts *facts = &process->facts;
	struct profile_process entry = {
		.pid = facts->pid,
		.parent_pid = facts->parent_pid,
		.start_ticks = facts->start_ticks,
	};
	const char *command = facts->command_line ? facts->command_line : facts->command_name;
	struct error *error = profile_text(profile, facts->host ? facts->host : "", &entry.host);
	if (!error)
		error = profile_text(profile, command ? command : "", &entry.command);
	if (!error)
		error = profile_process(profile, &entry, &track->process);
	track->host = entry.host;
	track->pid = facts->pid;
	track->start_ticks = facts->start_ticks;
	return error;
}

static struct error *find_track(struct collector *collector, const struct model_process *process,
				struct track **ret)
{
	const char *host = process->facts.host ? process->facts.host : "";
	for (size_t i = collector->track_count; i-- > 0;) {
		struct track *track = &collector->tracks[i];
		if (track->pid == process->facts.pid &&
		    track->start_ticks == process->facts.start_ticks &&
		    strcmp(profile_text_of(collector->profile, track->host), host) == 0) {
			*ret = track;
			return NULL;
		}
	}
	struct track *tracks =
		reallocarray(collector->tracks, collector->track_count + 1, sizeof(*tracks));
	if (!tracks)
		return &error_out_of_memory;
	collector->tracks = tracks;
	struct track *track = &tracks[collector->track_count];
	*track = (struct track){0};
	struct error *error = begin_track(collector, process, track);
	if (error)
		return error;
	collector->track_count++;
	if (collector->track_count > REMEMBERED_TRACKS)
		stack_cache_deinit(&tracks[collector->track_count - 1 - REMEMBERED_TRACKS].stacks);
	*ret = track;
	return NULL;
}

/* The distance to the sample before; 0 if there was none, or its clock was another one. */
static uint64_t distance(const struct track *track, const struct sample_facts *sample)
{
	if (track->monotonic_ns && sample->monotonic_ns > track->monotonic_ns)
		return sample->monotonic_ns - track->monotonic_ns;
	return 0;
}

/* The node that a tree of its own begins with. */
static struct error *make_root(struct profile *profile, uint32_t number, uint32_t *ret)
{
	const struct profile_frame root = {.line = (int32_t)number, .kind = PROFILE_FRAME_ROOT};
	uint32_t frame;
	struct error *error = profile_frame(profile, &root, &frame);
	return error ? error : profile_node(profile, PROFILE_NONE, frame, ret);
}

struct error *collector_set_side(struct collector *collector, unsigned side)
{
	return make_root(collector->profile, side, &collector->root);
}

static struct error *find_thread(struct collector *collector, const struct track *track,
				 const struct model_process *process,
				 const struct model_thread *thread, uint32_t *ret)
{
	struct profile *profile = collector->profile;
	struct profile_thread entry = {
		.process = track->process,
		.root = PROFILE_NONE,
		.os_id = thread->os_thread_id,
		.thread_id = thread->thread_id,
	};
	const char *name = model_thread_display_name(process, thread);
	bool is_new = false;
	uint32_t number;
	struct error *error = profile_thread(profile, &entry, &is_new, &number);
	if (!error && name && !profile->threads[number].name)
		error = profile_text(profile, name, &profile->threads[number].name);
	if (!error && is_new)
		error = make_root(profile, number, &profile->threads[number].root);
	if (!error)
		*ret = number;
	return error;
}

static struct error *open_list_add(struct open_list *list, const struct open_thread *thread)
{
	struct error *no_room = ARRAY_GROW(list->items, list->count, list->capacity, 16);
	if (no_room)
		return no_room;
	list->items[list->count++] = *thread;
	return NULL;
}

/* A sample that is added, and of which process. */
struct adding {
	struct collector *collector;
	struct track *track;
	const struct collect_sample *sample;
};

/* Take over the frames that stand in collector->frames, and empty that. */
static struct error *append_frames(struct collector *collector, struct cached_stack *stack)
{
	struct error *error = NULL;
	for (size_t i = 0; i < collector->frames.count && !error; i++)
		error = cached_stack_append(stack, collector->frames.items[i]);
	collector->frames.count = 0;
	return error;
}

static struct error *add_roots(const struct adding *adding, const struct model_thread *thread,
			       struct cached_stack *stack)
{
	struct collector *collector = adding->collector;
	const struct collect_options *options = &collector->options;
	const struct model_process *process = adding->sample->process;
	struct error *error = NULL;
	if (options->process_roots)
		error = stack_frames_add_process(&collector->frames, collector->profile,
						 &process->facts, adding->sample->parents);
	if (!error && options->thread_roots)
		error = stack_frames_add_thread(&collector->frames, collector->profile, process,
						thread);
	if (!error)
		error = append_frames(collector, stack);
	stack->roots = stack->count;
	return error;
}

/* `place` is where its number is or gets remembered, or NULL. */
static struct error *add_frame(struct collector *collector, const struct model_frame *frame,
			       uint32_t *place, struct cached_stack *stack)
{
	const struct collect_options *options = &collector->options;
	if (place && *place)
		return cached_stack_append(stack, *place - 1);
	struct error *error = stack_frames_add(&collector->frames, collector->profile, frame,
					       options->lines, options->full_filenames);
	if (error)
		return error;
	if (place)
		*place = collector->frames.items[0] + 1;
	return append_frames(collector, stack);
}

/* What of a thread's roots and frames is not there yet. */
static struct error *complete_stack(const struct adding *adding, size_t number,
				    struct cached_stack *stack)
{
	struct collector *collector = adding->collector;
	const struct model_thread *thread = &adding->sample->process->threads[number];
	const struct decoded_process *decoded = adding->sample->decoded;
	struct error *error = NULL;
	collector->frames.count = 0;
	if (!stack->count)
		error = add_roots(adding, thread, stack);
	for (size_t i = thread->frame_count - (stack->count - stack->roots); i-- > 0 && !error;) {
		uint32_t *place = NULL;
		if (decoded)
			error = stack_cache_frame(&adding->track->stacks,
						  decoded->threads[number].numbers[i], &place);
		if (!error)
			error = add_frame(collector, &thread->frames[i], place, stack);
	}
	if (error || stack->is_looked_at)
		return error;
	stack->is_looked_at = true;
	stack->is_wanted = true;
	if (!collector->options.filter)
		return NULL;
	return frame_filter_wants(collector->options.filter, collector->profile, stack->frames,
				  stack->count, &stack->is_wanted);
}

/* The node of the innermost frame. */
static struct error *find_node(const struct adding *adding, const struct model_thread *thread,
			       struct cached_stack *stack, uint32_t *ret)
{
	struct collector *collector = adding->collector;
	struct profile *profile = collector->profile;
	uint32_t node = collector->root;
	struct error *error = NULL;
	if (collector->options.by_thread && stack->thread == PROFILE_NONE)
		error = find_thread(collector, adding->track, adding->sample->process, thread,
				    &stack->thread);
	if (!error && collector->options.by_thread)
		node = profile->threads[stack->thread].root;
	if (stack->node_count)
		node = stack->nodes[stack->node_count - 1];
	while (stack->node_count < stack->count && !error) {
		error = profile_node(profile, node, stack->frames[stack->node_count], &node);
		stack->nodes[stack->node_count++] = node;
	}
	*ret = node;
	return error;
}

static struct error *add_thread(const struct adding *adding, size_t number,
				struct cached_stack *stack)
{
	struct collector *collector = adding->collector;
	const struct model_thread *thread = &adding->sample->process->threads[number];
	const struct decoded_process *decoded = adding->sample->decoded;
	struct open_thread open = {
		.thread_id = thread->thread_id,
		.os_id = thread->os_thread_id,
		.owns_gil = thread->owns_gil,
		.listed = decoded ? decoded->threads[number].listed : collector->next.count,
	};
	struct error *error = complete_stack(adding, number, stack);
	if (error || !stack->is_wanted)
		return error;
	error = find_node(adding, thread, stack, &open.node);
	if (error)
		return error;
	open.thread = stack->thread;
	open.cpu_ns = cpu_time(adding->sample->threads, open.os_id, &open.listed);
	return open_list_add(&collector->next, &open);
}

static bool is_wanted(const struct collect_options *options, const struct model_thread *thread)
{
	return thread->frame_count && (options->idle || thread->activity != MODEL_IDLE) &&
	       (!options->threads || thread_filter_has(options->threads, thread));
}

static struct error *add_threads(const struct adding *adding)
{
	struct collector *collector = adding->collector;
	const struct collect_sample *sample = adding->sample;
	struct error *error = NULL;
	for (size_t i = 0; i < sample->process->thread_count && !error; i++) {
		struct cached_stack *stack = &collector->stack;
		if (!is_wanted(&collector->options, &sample->process->threads[i]))
			continue;
		if (sample->decoded)
			error = stack_cache_get(&adding->track->stacks, sample->decoded, i,
						sample->parents, &stack);
		else
			cached_stack_clear(stack);
		if (!error)
			error = add_thread(adding, i, stack);
	}
	return error;
}

static void note_time(struct profile *profile, uint64_t time_ns)
{
	if (!time_ns) /* of a core whose time is not known */
		return;
	if (!profile->first_ns || time_ns < profile->first_ns)
		profile->first_ns = time_ns;
	if (time_ns > profile->last_ns)
		profile->last_ns = time_ns;
}

struct error *collector_add_sample(struct collector *collector, const struct collect_sample *sample)
{
	const struct model_process *process = sample->process;
	struct track *track;
	struct error *error = find_track(collector, process, &track);
	if (error)
		return error;
	uint64_t wall_ns = distance(track, &process->sample);
	if (wall_ns) {
		track->distance_sum_ns += wall_ns;
		track->distances++;
	}
	error = weigh(collector, track, wall_ns, wall_ns ? sample->threads : NULL);
	collector->next.count = 0;
	if (sample->decoded)
		stack_cache_begin(&track->stacks, sample->decoded);
	const struct adding adding = {collector, track, sample};
	if (!error)
		error = add_threads(&adding);
	if (error)
		return error;
	struct open_list emptied = track->open;
	track->open = collector->next;
	collector->next = emptied;
	/* By one clock, so that one stack ends where the next begins. */
	if (wall_ns)
		track->time_ns += wall_ns;
	else
		track->time_ns = model_process_time_ns(process);
	track->monotonic_ns = process->sample.monotonic_ns;
	note_time(collector->profile, track->time_ns);
	collector->profile->samples++;
	collector->profile->processes[track->process].samples++;
	return NULL;
}

struct error *collector_add(struct collector *collector, const struct model_process *process,
			    const struct thread_list *threads)
{
	const struct collect_sample sample = {
		.process = process,
		.threads = threads,
		.parents = process->facts.ancestor_count,
	};
	return collector_add_sample(collector, &sample);
}

struct error *collector_end_file(struct collector *collector)
{
	struct error *error = NULL;
	for (size_t i = 0; i < collector->track_count && !error; i++)
		error = weigh(collector, &collector->tracks[i],
			      mean_distance(&collector->tracks[i]), NULL);
	forget_tracks(collector);
	if (collector->options.trail)
		profile_trail_begin_part(collector->options.trail);
	return error;
}
