#include "analyze/top/top_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

void top_rows_deinit(struct top_rows *rows)
{
	free(rows->items);
	*rows = (struct top_rows){0};
}

static struct error *append(struct top_rows *rows, const struct top_row *row)
{
	struct error *no_room = ARRAY_GROW(rows->items, rows->count, rows->capacity, 128);
	if (no_room)
		return no_room;
	rows->items[rows->count++] = *row;
	return NULL;
}

struct error *top_rows_label(const struct profile *profile, uint32_t number, bool with_line,
			     struct buffer *ret)
{
	const struct profile_frame *frame = &profile->frames[number];
	const char *file = profile_text_of(profile, frame->file);
	char line[16] = "";
	if (with_line && frame->line)
		snprintf(line, sizeof(line), ":%d", (int)frame->line);
	bool has_place = *file || *line;
	const char *const parts[] = {
		profile_text_of(profile, frame->name),
		has_place ? " (" : "",
		file,
		line,
		has_place ? ")" : "",
	};
	struct error *error = NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !error; i++)
		error = buffer_append(ret, parts[i], strlen(parts[i]));
	return error;
}

struct making {
	struct top_rows *rows;
	const struct top_processes *processes;
	const struct top_stats *stats;
	const struct top_state *state;
	const struct top_table *table;
	unsigned classes;
	struct buffer label; /* scratch */
};

static struct error *matches(struct making *making, uint32_t frame, bool with_line, bool *ret)
{
	*ret = true;
	if (!making->state->filter[0])
		return NULL;
	buffer_clear(&making->label);
	struct error *error =
		top_rows_label(&making->stats->profile, frame, with_line, &making->label);
	if (!error)
		error = buffer_append_u8(&making->label, 0);
	if (!error)
		*ret = strcasestr((const char *)making->label.data, making->state->filter) != NULL;
	return error;
}

static struct top_row entry_row(const struct making *making, uint32_t number)
{
	const struct top_entry *entry = &making->table->entries[number];
	return (struct top_row){
		.kind = TOP_ROW_ENTRY,
		.entry = number,
		.frame = entry->frame,
		.own_samples = top_tally_samples(making->stats, &entry->own, making->classes),
		.total_samples = top_tally_samples(making->stats, &entry->total, making->classes),
		.own_ns = top_tally_time(&entry->own, making->classes),
		.total_ns = top_tally_time(&entry->total, making->classes),
	};
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static uint64_t value_of(const struct top_row *row, enum top_column column)
{
	switch (column) {
	case TOP_OWN_PERCENT:
		return row->own_samples;
	case TOP_TOTAL_PERCENT:
		return row->total_samples;
	case TOP_OWN_TIME:
		return row->own_ns;
	case TOP_TOTAL_TIME:
		break;
	}
	return row->total_ns;
}

/* What is equal by the column is in an order that does not depend on when it was met. */
static int compare_rows(const void *a, const void *b, void *context)
{
	static const enum top_column further[] = {TOP_OWN_TIME, TOP_TOTAL_TIME, TOP_OWN_PERCENT,
						  TOP_TOTAL_PERCENT};
	const struct making *making = context;
	const struct profile *profile = &making->stats->profile;
	const struct top_row *first = a;
	const struct top_row *second = b;
	const struct profile_frame *first_frame = &profile->frames[first->frame];
	const struct profile_frame *second_frame = &profile->frames[second->frame];
	int result = compare_numbers(value_of(first, making->state->sort),
				     value_of(second, making->state->sort));
	for (size_t i = 0; !result && i < sizeof(further) / sizeof(further[0]); i++)
		result = compare_numbers(value_of(first, further[i]), value_of(second, further[i]));
	if (!result)
		result = strcmp(profile_text_of(profile, first_frame->name),
				profile_text_of(profile, second_frame->name));
	if (!result)
		result = strcmp(profile_text_of(profile, first_frame->path),
				profile_text_of(profile, second_frame->path));
	return result ? result
		      : (first_frame->line > second_frame->line) -
				(first_frame->line < second_frame->line);
}

static void sort(struct making *making, size_t from)
{
	qsort_r(making->rows->items + from, making->rows->count - from, sizeof(struct top_row),
		compare_rows, making);
}

static struct error *make_table(struct making *making)
{
	for (uint32_t i = 0; i < making->table->entry_count; i++) {
		struct top_row row = entry_row(making, i);
		bool wanted;
		if (!row.total_samples && !row.total_ns)
			continue;
		struct error *error = matches(making, row.frame, making->state->lines, &wanted);
		if (!error && wanted)
			error = append(making->rows, &row);
		if (error)
			return error;
	}
	if (making->rows->count)
		sort(making, 0);
	return NULL;
}

/* The other ends of the calls of an entry. */
static struct error *make_calls_of(struct making *making, uint32_t entry, bool callers)
{
	const struct top_row heading = {.kind = TOP_ROW_HEADING,
					.text = callers ? "Called by" : "Calls"};
	struct error *error = append(making->rows, &heading);
	size_t from = making->rows->count;
	for (size_t i = 0; i < making->table->call_count && !error; i++) {
		const struct top_call *call = &making->table->calls[i];
		uint32_t other = callers ? call->caller : call->callee;
		if ((callers ? call->callee : call->caller) != entry)
			continue;
		const struct top_row row = {
			.kind = TOP_ROW_CALL,
			.entry = other,
			.frame = making->table->entries[other].frame,
			.total_samples =
				top_tally_samples(making->stats, &call->total, making->classes),
			.total_ns = top_tally_time(&call->total, making->classes),
		};
		if (row.total_samples || row.total_ns)
			error = append(making->rows, &row);
	}
	if (!error && making->rows->count > from)
		sort(making, from);
	return error;
}

static struct error *make_calls(struct making *making)
{
	const struct top_state *state = making->state;
	uint32_t entry = state->trail_count ? state->trail[state->trail_count - 1] : TOP_NO_ENTRY;
	/* The counts can have begun again since it was chosen. */
	if (entry >= making->table->entry_count)
		return NULL;
	const struct top_row heading = {.kind = TOP_ROW_HEADING, .text = "Function"};
	const struct top_row row = entry_row(making, entry);
	struct error *error = make_calls_of(making, entry, true);
	if (!error)
		error = append(making->rows, &heading);
	if (!error)
		error = append(making->rows, &row);
	return error ? error : make_calls_of(making, entry, false);
}

static struct error *thread_matches(struct making *making, const struct top_thread *thread,
				    bool *ret)
{
	struct error *error = NULL;
	*ret = !making->state->filter[0] ||
	       (thread->name && strcasestr(thread->name, making->state->filter));
	for (size_t i = 0; i < thread->frame_count && !*ret && !error; i++)
		error = matches(making, thread->frames[i], true, ret);
	return error;
}

static struct error *add_thread(struct making *making, const struct top_process *process,
				const struct top_thread *thread)
{
	struct top_row row = {.kind = TOP_ROW_THREAD, .process = process, .thread = thread};
	bool wanted = false;
	struct error *error = thread_matches(making, thread, &wanted);
	if (error || !wanted)
		return error;
	error = append(making->rows, &row);
	row.kind = TOP_ROW_FRAME;
	for (size_t i = thread->frame_count; i-- > 0 && !error;) {
		row.frame = thread->frames[i];
		error = append(making->rows, &row);
	}
	return error;
}

static struct error *make_threads(struct making *making)
{
	const struct top_processes *processes = making->processes;
	struct error *error = NULL;
	for (size_t i = 0; i < processes->count && !error; i++) {
		const struct top_process *process = &processes->items[i];
		const struct top_row row = {.kind = TOP_ROW_PROCESS, .process = process};
		if (processes->count > 1)
			error = append(making->rows, &row);
		for (size_t j = 0; j < process->thread_count && !error; j++)
			error = add_thread(making, process, &process->threads[j]);
	}
	return error;
}

struct error *top_rows_make(struct top_rows *rows, const struct top_processes *processes,
			    const struct top_state *state)
{
	static struct error *(*const makers[TOP_MODES])(struct making *) = {
		[TOP_MODE_TABLE] = make_table,
		[TOP_MODE_CALLS] = make_calls,
		[TOP_MODE_THREADS] = make_threads,
	};
	struct making making = {
		.rows = rows,
		.processes = processes,
		.stats = &processes->stats,
		.state = state,
		.table = &processes->stats.tables[state->lines ? TOP_BY_LINE : TOP_BY_FUNCTION],
		.classes = top_class_set(state->gil, state->idle),
	};
	rows->count = 0;
	struct error *error = makers[state->mode](&making);
	buffer_deinit(&making.label);
	return error;
}
