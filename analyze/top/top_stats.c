#include "analyze/top/top_stats.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

struct error *top_stats_init(struct top_stats *stats)
{
	*stats = (struct top_stats){0};
	return profile_init(&stats->profile);
}

void top_stats_deinit(struct top_stats *stats)
{
	for (size_t i = 0; i < TOP_LEVELS; i++) {
		struct top_table *table = &stats->tables[i];
		free(table->entries);
		hash_index_deinit(&table->entry_index);
		free(table->entry_of);
		free(table->calls);
		hash_index_deinit(&table->call_index);
	}
	profile_deinit(&stats->profile);
	*stats = (struct top_stats){0};
}

bool top_stats_is_full(const struct top_stats *stats)
{
	bool full = stats->profile.frame_count > TOP_FRAMES_MAX ||
		    stats->profile.texts.size > TOP_TEXT_MAX;
	for (size_t i = 0; i < TOP_LEVELS; i++)
		full |= stats->tables[i].call_count > TOP_CALLS_MAX;
	return full;
}

static struct error *make_entry(struct top_stats *stats, enum top_level level, uint32_t number,
				uint32_t *ret)
{
	struct top_table *table = &stats->tables[level];
	const struct profile_frame *frame = &stats->profile.frames[number];
	uint32_t hash = hash_two(frame->name, frame->path) ^
			(level == TOP_BY_LINE ? hash_two((uint32_t)frame->line, 1) : 0);
	size_t cursor = hash;
	uint32_t entry;
	while ((entry = hash_index_next(&table->entry_index, hash, &cursor)) != HASH_INDEX_END) {
		if (profile_frames_agree(&stats->profile.frames[table->entries[entry].frame], frame,
					 level != TOP_BY_FUNCTION)) {
			*ret = entry;
			return NULL;
		}
	}
	struct error *error =
		ARRAY_GROW(table->entries, table->entry_count, table->entry_capacity, 64);
	if (!error)
		error = hash_index_add(&table->entry_index, hash, (uint32_t)table->entry_count);
	if (error)
		return error;
	table->entries[table->entry_count] = (struct top_entry){.frame = number};
	*ret = (uint32_t)table->entry_count++;
	return NULL;
}

/* Which entry a frame is in. */
static struct error *find_entry(struct top_stats *stats, enum top_level level, uint32_t frame,
				uint32_t *ret)
{
	struct top_table *table = &stats->tables[level];
	while (table->frame_count <= frame) {
		struct error *error =
			ARRAY_GROW(table->entry_of, table->frame_count, table->frame_capacity, 64);
		if (error)
			return error;
		table->entry_of[table->frame_count++] = PROFILE_NONE;
	}
	struct error *error = NULL;
	if (table->entry_of[frame] == PROFILE_NONE)
		error = make_entry(stats, level, frame, &table->entry_of[frame]);
	if (!error)
		*ret = table->entry_of[frame];
	return error;
}

static struct error *find_call(struct top_table *table, uint32_t caller, uint32_t callee,
			       struct top_call **ret)
{
	uint32_t hash = hash_two(caller, callee);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&table->call_index, hash, &cursor)) != HASH_INDEX_END) {
		struct top_call *call = &table->calls[number];
		if (call->caller == caller && call->callee == callee) {
			*ret = call;
			return NULL;
		}
	}
	struct error *error = ARRAY_GROW(table->calls, table->call_count, table->call_capacity, 64);
	if (!error)
		error = hash_index_add(&table->call_index, hash, (uint32_t)table->call_count);
	if (error)
		return error;
	*ret = &table->calls[table->call_count++];
	**ret = (struct top_call){.caller = caller, .callee = callee};
	return NULL;
}

struct added {
	unsigned thread_class;
	uint32_t samples;
	uint64_t time_ns;
};

static void tally_add(struct top_tally *tally, const struct added *added)
{
	tally->now[added->thread_class] += added->samples;
	tally->time_ns[added->thread_class] += added->time_ns;
}

/* The same entry, and the same call, can be on a stack more than once. */
static struct error *add_to_table(struct top_stats *stats, enum top_level level,
				  const uint32_t *frames, size_t count, const struct added *added)
{
	struct top_table *table = &stats->tables[level];
	uint32_t caller = PROFILE_NONE;
	for (size_t i = 0; i < count; i++) {
		uint32_t number = 0;
		struct top_call *call = NULL;
		struct error *error = find_entry(stats, level, frames[i], &number);
		if (!error && caller != PROFILE_NONE)
			error = find_call(table, caller, number, &call);
		if (error)
			return error;
		struct top_entry *entry = &table->entries[number];
		if (entry->stamp != stats->stamp)
			tally_add(&entry->total, added);
		entry->stamp = stats->stamp;
		if (call && call->stamp != stats->stamp)
			tally_add(&call->total, added);
		if (call)
			call->stamp = stats->stamp;
		caller = number;
	}
	if (caller != PROFILE_NONE)
		tally_add(&table->entries[caller].own, added);
	return NULL;
}

struct error *top_stats_add(struct top_stats *stats, const uint32_t *frames, size_t count,
			    unsigned thread_class, uint32_t samples, uint64_t time_ns)
{
	const struct added added = {thread_class, samples, time_ns};
	struct error *error = NULL;
	stats->stamp++;
	tally_add(&stats->threads, &added);
	for (size_t i = 0; i < TOP_LEVELS && !error; i++)
		error = add_to_table(stats, (enum top_level)i, frames, count, &added);
	return error;
}

static void for_each_tally(struct top_stats *stats, void (*function)(struct top_tally *tally))
{
	function(&stats->threads);
	for (size_t i = 0; i < TOP_LEVELS; i++) {
		struct top_table *table = &stats->tables[i];
		for (size_t j = 0; j < table->entry_count; j++) {
			function(&table->entries[j].own);
			function(&table->entries[j].total);
		}
		for (size_t j = 0; j < table->call_count; j++)
			function(&table->calls[j].total);
	}
}

static void move_on(struct top_tally *tally)
{
	memcpy(tally->last, tally->now, sizeof(tally->last));
	memset(tally->now, 0, sizeof(tally->now));
}

static void forget(struct top_tally *tally)
{
	*tally = (struct top_tally){0};
}

void top_stats_end_interval(struct top_stats *stats)
{
	for_each_tally(stats, move_on);
	stats->rounds_last = stats->rounds_now;
	stats->rounds_now = 0;
	stats->has_interval = true;
}

void top_stats_reset(struct top_stats *stats)
{
	for_each_tally(stats, forget);
	stats->rounds_now = 0;
	stats->rounds_last = 0;
	stats->rounds = 0;
	stats->has_interval = false;
}

unsigned top_class_set(bool gil_only, bool idle_too)
{
	unsigned set = 0;
	for (unsigned i = 0; i < TOP_CLASSES; i++) {
		bool is_wanted =
			(idle_too || (i & TOP_CLASS_ACTIVE)) && (!gil_only || (i & TOP_CLASS_GIL));
		set |= (unsigned)is_wanted << i;
	}
	return set;
}

uint64_t top_tally_samples(const struct top_stats *stats, const struct top_tally *tally,
			   unsigned classes)
{
	const uint32_t *samples = stats->has_interval ? tally->last : tally->now;
	uint64_t sum = 0;
	for (unsigned i = 0; i < TOP_CLASSES; i++)
		sum += classes >> i & 1 ? samples[i] : 0;
	return sum;
}

uint64_t top_tally_time(const struct top_tally *tally, unsigned classes)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < TOP_CLASSES; i++)
		sum += classes >> i & 1 ? tally->time_ns[i] : 0;
	return sum;
}

uint32_t top_stats_rounds(const struct top_stats *stats)
{
	return stats->has_interval ? stats->rounds_last : stats->rounds_now;
}
