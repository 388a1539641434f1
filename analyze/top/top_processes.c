#include "analyze/top/top_processes.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

/* A process without a sample for as long as this has ended, if another one has samples. */
#define GONE_NS UINT64_C(3000000000)

struct error *top_processes_init(struct top_processes *processes, uint64_t delay_ns,
				 bool full_filenames)
{
	*processes = (struct top_processes){
		.delay_ns = delay_ns,
		.full_filenames = full_filenames,
	};
	return top_stats_init(&processes->stats);
}

static void thread_deinit(struct top_thread *thread)
{
	free(thread->name);
	free(thread->frames);
}

static void process_deinit(struct top_process *process)
{
	for (size_t i = 0; i < process->thread_count; i++)
		thread_deinit(&process->threads[i]);
	free(process->threads);
	free(process->command);
	stack_cache_deinit(&process->cache);
}

static void forget_processes(struct top_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		process_deinit(&processes->items[i]);
	processes->count = 0;
}

void top_processes_deinit(struct top_processes *processes)
{
	forget_processes(processes);
	free(processes->items);
	free(processes->health.last_error);
	stack_frames_deinit(&processes->frames);
	top_stats_deinit(&processes->stats);
	*processes = (struct top_processes){0};
}

static unsigned class_of(const struct top_thread *thread)
{
	return (thread->activity != MODEL_IDLE ? TOP_CLASS_ACTIVE : 0U) |
	       (thread->owns_gil ? TOP_CLASS_GIL : 0U);
}

static struct error *count_thread(struct top_processes *processes, struct top_thread *thread)
{
	struct error *error = NULL;
	if (thread->frame_count && (thread->samples || thread->time_ns))
		error = top_stats_add(&processes->stats, thread->frames, thread->frame_count,
				      class_of(thread), thread->samples, thread->time_ns);
	thread->samples = 0;
	thread->time_ns = 0;
	return error;
}

static struct error *count_process(struct top_processes *processes, struct top_process *process)
{
	struct error *error = NULL;
	for (size_t i = 0; i < process->thread_count && !error; i++)
		error = count_thread(processes, &process->threads[i]);
	return error;
}

struct error *top_processes_settle(struct top_processes *processes)
{
	struct error *error = NULL;
	for (size_t i = 0; i < processes->count && !error; i++)
		error = count_process(processes, &processes->items[i]);
	return error;
}

/* A process whose samples have stopped while those of others come. */
static struct error *drop_gone(struct top_processes *processes)
{
	size_t kept = 0;
	struct error *error = NULL;
	for (size_t i = 0; i < processes->count; i++) {
		struct top_process *process = &processes->items[i];
		uint64_t bound =
			GONE_NS > 3 * processes->delay_ns ? GONE_NS : 3 * processes->delay_ns;
		if (error || process->seen_ns + bound >= processes->time_ns) {
			processes->items[kept++] = *process;
			continue;
		}
		error = count_process(processes, process);
		process_deinit(process);
	}
	processes->count = kept;
	return error;
}

static struct error *end_interval(struct top_processes *processes)
{
	struct error *error = top_processes_settle(processes);
	if (!error)
		error = drop_gone(processes);
	if (!error)
		top_stats_end_interval(&processes->stats);
	return error;
}

/* By the wall clock, which all processes share; one that was put back begins an interval too. */
static struct error *advance(struct top_processes *processes, uint64_t time_ns)
{
	struct error *error = NULL;
	if (!processes->first_ns)
		processes->first_ns = time_ns;
	if (!processes->interval_ns || time_ns < processes->interval_ns) {
		processes->interval_ns = time_ns;
	} else if (time_ns - processes->interval_ns >= processes->delay_ns) {
		error = end_interval(processes);
		processes->last_interval_ns = time_ns - processes->interval_ns;
		processes->interval_ns = time_ns;
	}
	processes->time_ns = time_ns;
	return error;
}

static struct error *copy_name(const char *name, char **ret)
{
	if (name == NULL ? !*ret : *ret && strcmp(*ret, name) == 0)
		return NULL;
	free(*ret);
	*ret = name ? strdup(name) : NULL;
	return name && !*ret ? &error_out_of_memory : NULL;
}

static struct error *find_process(struct top_processes *processes,
				  const struct model_process *model, struct top_process **ret)
{
	const struct process_facts *facts = &model->facts;
	for (size_t i = 0; i < processes->count; i++) {
		struct top_process *process = &processes->items[i];
		if (process->pid == facts->pid && process->start_ticks == facts->start_ticks) {
			*ret = process;
			return NULL;
		}
	}
	struct error *no_room =
		ARRAY_GROW(processes->items, processes->count, processes->capacity, 8);
	if (no_room)
		return no_room;
	struct top_process *process = &processes->items[processes->count++];
	*process = (struct top_process){
		.pid = facts->pid,
		.start_ticks = facts->start_ticks,
		.version = model->version,
		.version_known = model->version_known,
	};
	*ret = process;
	return copy_name(facts->command_line ? facts->command_line : facts->command_name,
			 &process->command);
}

static bool is_thread(const struct top_thread *thread, const struct model_thread *model)
{
	return thread->thread_id == model->thread_id && thread->os_id == model->os_thread_id &&
	       thread->interpreter_id == model->interpreter_id;
}

/* Threads are in nearly the same order in all samples. */
static struct error *find_thread(struct top_process *process, const struct model_thread *model,
				 struct top_thread **ret)
{
	for (size_t i = 0; i < process->thread_count; i++) {
		size_t at = (process->hint + i) % process->thread_count;
		if (is_thread(&process->threads[at], model)) {
			process->hint = at + 1;
			*ret = &process->threads[at];
			return NULL;
		}
	}
	struct error *no_room =
		ARRAY_GROW(process->threads, process->thread_count, process->thread_capacity, 16);
	if (no_room)
		return no_room;
	*ret = &process->threads[process->thread_count++];
	**ret = (struct top_thread){
		.thread_id = model->thread_id,
		.os_id = model->os_thread_id,
		.interpreter_id = model->interpreter_id,
	};
	return NULL;
}

static bool has_frames(const struct top_thread *thread, const struct stack_frames *frames)
{
	return thread->frame_count == frames->count &&
	       (!frames->count ||
		memcmp(thread->frames, frames->items, frames->count * sizeof(*frames->items)) == 0);
}

static struct error *set_stack(struct top_thread *thread, const struct stack_frames *frames)
{
	if (frames->count > thread->frame_capacity) {
		uint32_t *items = reallocarray(thread->frames, frames->count, sizeof(*items));
		if (!items)
			return &error_out_of_memory;
		thread->frames = items;
		thread->frame_capacity = frames->count;
	}
	if (frames->count)
		memcpy(thread->frames, frames->items, frames->count * sizeof(*frames->items));
	thread->frame_count = frames->count;
	return NULL;
}

/* A frame that was met before has a number, by which it is found. */
static struct error *add_frame(struct top_processes *processes, struct top_process *process,
			       const struct top_sample *sample, const struct model_frame *frame,
			       uint32_t number)
{
	struct stack_frames *frames = &processes->frames;
	uint32_t *place = NULL;
	struct error *error =
		sample->decoded ? stack_cache_frame(&process->cache, number, &place) : NULL;
	if (!error && place && *place)
		return stack_frames_append(frames, *place - 1);
	if (!error)
		error = stack_frames_add(frames, &processes->stats.profile, frame, sample->lines,
					 processes->full_filenames);
	if (!error && place)
		*place = frames->items[frames->count - 1] + 1;
	return error;
}

static struct error *read_stack(struct top_processes *processes, struct top_process *process,
				const struct top_sample *sample, size_t index)
{
	const struct model_thread *model = &sample->process->threads[index];
	const uint32_t *numbers = sample->decoded ? sample->decoded->threads[index].numbers : NULL;
	struct error *error = NULL;
	processes->frames.count = 0;
	for (size_t i = model->frame_count; i-- > 0 && !error;)
		error = add_frame(processes, process, sample, &model->frames[i],
				  numbers ? numbers[i] : UINT32_MAX);
	return error;
}

/* The frames as they are now; not looked at where they are known to be as they were. */
static struct error *update_stack(struct top_processes *processes, struct top_process *process,
				  const struct top_sample *sample, size_t index,
				  struct top_thread *thread)
{
	const struct model_thread *model = &sample->process->threads[index];
	const struct decoded_thread *decoded =
		sample->decoded ? &sample->decoded->threads[index] : NULL;
	bool same_state =
		thread->activity == model->activity && thread->owns_gil == model->owns_gil;
	bool is_known = decoded && thread->stamp && thread->stamp == decoded->stamp &&
			thread->version == decoded->version;
	struct error *error = NULL;
	if (!is_known)
		error = read_stack(processes, process, sample, index);
	bool same_frames = is_known || (!error && has_frames(thread, &processes->frames));
	if (!error && (!same_state || !same_frames))
		error = count_thread(processes, thread);
	if (!error && !same_frames)
		error = set_stack(thread, &processes->frames);
	thread->stamp = decoded && !error ? decoded->stamp : 0;
	thread->version = decoded ? decoded->version : 0;
	return error;
}

static struct error *add_thread(struct top_processes *processes, struct top_process *process,
				const struct top_sample *sample, size_t index)
{
	const struct model_thread *model = &sample->process->threads[index];
	struct top_thread *thread;
	uint64_t identity = sample->decoded ? sample->decoded->threads[index].identity : 0;
	struct error *error = find_thread(process, model, &thread);
	if (!error)
		error = update_stack(processes, process, sample, index, thread);
	if (!error && (!identity || thread->identity != identity))
		error = copy_name(model_thread_display_name(sample->process, model), &thread->name);
	if (error)
		return error;
	thread->identity = identity;
	thread->activity = model->activity;
	thread->owns_gil = model->owns_gil;
	thread->waits_for_gil = model->waits_for_gil == MODEL_YES;
	thread->samples++;
	thread->is_present = true;
	return NULL;
}

static struct error *drop_absent(struct top_processes *processes, struct top_process *process)
{
	size_t kept = 0;
	struct error *error = NULL;
	for (size_t i = 0; i < process->thread_count; i++) {
		struct top_thread *thread = &process->threads[i];
		if (error || thread->is_present) {
			process->threads[kept++] = *thread;
			continue;
		}
		error = count_thread(processes, thread);
		thread_deinit(thread);
	}
	process->thread_count = kept;
	return error;
}

/* What versions and numbers mean holds for one stamp only. */
static void begin_versions(struct top_process *process, const struct decoded_process *decoded)
{
	uint64_t stamp = decoded ? decoded->stamp : 0;
	if (decoded)
		stack_cache_begin(&process->cache, decoded);
	for (size_t i = 0; process->decoded != stamp && i < process->thread_count; i++) {
		process->threads[i].stamp = 0;
		process->threads[i].identity = 0;
	}
	process->decoded = stamp;
}

static struct error *add_threads(struct top_processes *processes, struct top_process *process,
				 const struct top_sample *sample)
{
	struct error *error = NULL;
	begin_versions(process, sample->decoded);
	for (size_t i = 0; i < sample->process->thread_count && !error; i++) {
		const struct model_thread *thread = &sample->process->threads[i];
		if (thread->frame_count &&
		    (!sample->filter || thread_filter_has(sample->filter, thread)))
			error = add_thread(processes, process, sample, i);
	}
	return error ? error : drop_absent(processes, process);
}

/* The stacks before held until now. */
static void hold(struct top_process *process, uint64_t monotonic_ns)
{
	uint64_t distance_ns = process->monotonic_ns && monotonic_ns > process->monotonic_ns
				       ? monotonic_ns - process->monotonic_ns
				       : 0;
	if (distance_ns) {
		process->distance_sum_ns += distance_ns;
		process->distances++;
	}
	process->monotonic_ns = monotonic_ns;
	for (size_t i = 0; i < process->thread_count; i++) {
		process->threads[i].time_ns += distance_ns;
		process->threads[i].is_present = false;
	}
}

/* A round is over when a process has its next sample. */
static void count_round(struct top_processes *processes, struct top_process *process)
{
	struct top_stats *stats = &processes->stats;
	if (process->round == stats->rounds || !stats->rounds_now) {
		stats->rounds++;
		stats->rounds_now++;
	}
	process->round = stats->rounds;
}

static void note_gil(struct top_processes *processes, const struct model_process *model)
{
	bool known = !model->thread_count;
	for (size_t i = 0; i < model->thread_count; i++)
		known |= model->threads[i].owns_gil_known;
	processes->gil_unknown |= model->free_threaded || !known;
}

struct error *top_processes_add(struct top_processes *processes, const struct top_sample *sample)
{
	const struct model_process *model = sample->process;
	struct top_process *process;
	uint64_t time_ns = model_process_time_ns(model);
	struct error *error = NULL;
	if (top_stats_is_full(&processes->stats)) {
		error = top_processes_restart(processes);
		processes->is_new = true;
	}
	if (!error)
		error = advance(processes, time_ns);
	if (!error)
		error = find_process(processes, model, &process);
	if (error)
		return error;
	hold(process, model->sample.monotonic_ns);
	process->seen_ns = time_ns;
	error = add_threads(processes, process, sample);
	count_round(processes, process);
	note_gil(processes, model);
	return error;
}

struct error *top_processes_fail(struct top_processes *processes, const char *text)
{
	processes->health.failed++;
	return copy_name(text, &processes->health.last_error);
}

static uint64_t left_out(const struct sample_counts *counts)
{
	return counts->late + counts->dropped;
}

/* A log that begins anew can count from zero again. */
void top_processes_note(struct top_processes *processes, const struct sample_counts *counts)
{
	struct top_health *health = &processes->health;
	if (left_out(counts) < left_out(&health->before) || counts->failed < health->before.failed)
		health->before = (struct sample_counts){0};
	health->left_out = left_out(counts) - left_out(&health->before);
	health->not_had = counts->failed - health->before.failed;
}

struct error *top_processes_finish(struct top_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++) {
		struct top_process *process = &processes->items[i];
		uint64_t mean_ns =
			process->distances ? process->distance_sum_ns / process->distances : 0;
		/* Without a clock nothing holds for longer if this is called again. */
		for (size_t j = 0; process->monotonic_ns && j < process->thread_count; j++)
			process->threads[j].time_ns += mean_ns;
		process->monotonic_ns = 0;
	}
	return top_processes_settle(processes);
}

struct error *top_processes_interrupt(struct top_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		processes->items[i].monotonic_ns = 0;
	processes->interval_ns = 0;
	return top_processes_settle(processes);
}

static void forget_counts(struct top_processes *processes)
{
	struct top_health *health = &processes->health;
	health->before.late += health->left_out;
	health->before.failed += health->not_had;
	health->left_out = 0;
	health->not_had = 0;
	health->failed = 0;
	free(health->last_error);
	health->last_error = NULL;
	processes->interval_ns = 0;
	processes->last_interval_ns = 0;
	processes->first_ns = 0;
	processes->gil_unknown = false;
}

struct error *top_processes_reset(struct top_processes *processes)
{
	struct error *error = top_processes_settle(processes);
	top_stats_reset(&processes->stats);
	for (size_t i = 0; i < processes->count; i++) {
		processes->items[i].distance_sum_ns = 0;
		processes->items[i].distances = 0;
		processes->items[i].round = 0;
	}
	forget_counts(processes);
	return error;
}

struct error *top_processes_restart(struct top_processes *processes)
{
	forget_processes(processes);
	forget_counts(processes);
	top_stats_deinit(&processes->stats);
	return top_stats_init(&processes->stats);
}

size_t top_processes_threads(const struct top_processes *processes)
{
	size_t count = 0;
	for (size_t i = 0; i < processes->count; i++)
		count += processes->items[i].thread_count;
	return count;
}
