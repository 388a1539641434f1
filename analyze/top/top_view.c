#include "analyze/top/top_view.h"

#include <stdio.h>
#include <string.h>

#include "analyze/top/top_text.h"
#include "analyze/top/top_view_header.h"
#include "common/cleanup.h"

/* From 51 columns on a row is one line. */
enum { WIDE_COLUMNS = 51, FOUR_COLUMNS = 35 };

static const struct column {
	enum top_column sort;
	const char *title;
	int width;
} columns[] = {
	{TOP_OWN_PERCENT, "%Own ", 7},
	{TOP_TOTAL_PERCENT, "%Total", 8},
	{TOP_OWN_TIME, "OwnTime", 9},
	{TOP_TOTAL_TIME, "TotalTime", 11},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

struct drawing {
	const struct top_scene *scene;
	struct top_state *state;
	struct top_rows *rows;
	struct top_page *page;
	struct buffer label;
	bool wide; /* a row of the table is one line */
};

/* Where not all fit, those that it is sorted by. */
static bool has_column(const struct drawing *drawing, const struct column *column)
{
	bool times = column->sort >= TOP_OWN_TIME;
	return drawing->page->width >= FOUR_COLUMNS ||
	       times == (drawing->state->sort >= TOP_OWN_TIME);
}

static void put_column_titles(const struct drawing *drawing)
{
	struct top_page *page = drawing->page;
	const struct top_state *state = drawing->state;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column *column = &columns[i];
		if (!has_column(drawing, column))
			continue;
		top_page_pad(page, TOP_HEADING,
			     page->column + (unsigned)(column->width - (int)strlen(column->title)));
		top_page_put(page, state->sort == column->sort ? TOP_SORTED : TOP_HEADING,
			     column->title);
	}
	if (drawing->wide)
		top_page_put(page, TOP_HEADING,
			     state->lines ? "  Function (filename:line)" : "  Function (filename)");
	top_page_pad(page, TOP_HEADING, page->width);
	top_page_end_row(page);
}

static void put_title_line(struct top_page *page, const char *title)
{
	top_page_put(page, TOP_HEADING, title);
	top_page_pad(page, TOP_HEADING, page->width);
	top_page_end_row(page);
}

static void put_numbers(const struct drawing *drawing, const struct top_row *row,
			enum top_style style)
{
	char text[TOP_NUMBER_SIZE];
	uint32_t rounds = top_stats_rounds(&drawing->scene->processes->stats);
	const uint64_t values[COLUMN_COUNT] = {row->own_samples, row->total_samples, row->own_ns,
					       row->total_ns};
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		bool is_own = columns[i].sort == TOP_OWN_PERCENT || columns[i].sort == TOP_OWN_TIME;
		if (!has_column(drawing, &columns[i]))
			continue;
		if (is_own && row->kind == TOP_ROW_CALL)
			text[0] = '\0';
		else if (columns[i].sort >= TOP_OWN_TIME)
			top_time(values[i], text);
		else
			top_percent(values[i], rounds, text);
		/* Times have no blank behind them that the titles have. */
		top_page_format(drawing->page, style, "%*s",
				columns[i].width - (columns[i].sort == TOP_TOTAL_TIME), text);
	}
}

static void put_label(struct drawing *drawing, uint32_t frame, bool with_line, enum top_style style)
{
	struct top_page *page = drawing->page;
	buffer_clear(&drawing->label);
	struct error *error = top_rows_label(&drawing->scene->processes->stats.profile, frame,
					     with_line, &drawing->label);
	if (!error)
		error = buffer_append_u8(&drawing->label, 0);
	if (error && !page->error)
		page->error = error;
	else if (!error)
		top_page_put(page, style, (const char *)drawing->label.data);
}

static void put_counts(struct drawing *drawing, const struct top_row *row, enum top_style style)
{
	struct top_page *page = drawing->page;
	put_numbers(drawing, row, style);
	if (drawing->wide) {
		top_page_put(page, style, "   ");
	} else {
		top_page_pad(page, style, style == TOP_SELECTED ? page->width : 0);
		top_page_end_row(page);
		top_page_put(page, style, "  ");
	}
	put_label(drawing, row->frame, drawing->state->lines, style);
}

static void put_process(struct drawing *drawing, const struct top_row *row, enum top_style style)
{
	top_page_format(drawing->page, style ? style : TOP_STRONG,
			"Process %d: ", (int)row->process->pid);
	top_page_put(drawing->page, style, row->process->command ? row->process->command : "?");
}

static void put_thread(struct drawing *drawing, const struct top_row *row, enum top_style style)
{
	const struct top_thread *thread = row->thread;
	struct top_page *page = drawing->page;
	enum top_style strong = style ? style : TOP_STRONG;
	if (thread->os_id)
		top_page_format(page, strong, "Thread %d", (int)thread->os_id);
	else
		top_page_format(page, strong, "Thread 0x%llX",
				(unsigned long long)thread->thread_id);
	top_page_format(
		page, style, " (%s%s%s)", thread->activity == MODEL_IDLE ? "idle" : "active",
		thread->owns_gil ? "+gil" : "", thread->waits_for_gil ? ", waiting for GIL" : "");
	if (thread->name) {
		top_page_put(page, style, ": \"");
		top_page_put(page, style, thread->name);
		top_page_put(page, style, "\"");
	}
}

static void put_frame(struct drawing *drawing, const struct top_row *row, enum top_style style)
{
	top_page_put(drawing->page, style, "    ");
	put_label(drawing, row->frame, true, style);
}

static void put_heading(struct drawing *drawing, const struct top_row *row, enum top_style style)
{
	top_page_put(drawing->page, style ? style : TOP_STRONG, row->text);
}

static void (*const putters[])(struct drawing *, const struct top_row *, enum top_style) = {
	[TOP_ROW_ENTRY] = put_counts,	 [TOP_ROW_CALL] = put_counts,
	[TOP_ROW_HEADING] = put_heading, [TOP_ROW_PROCESS] = put_process,
	[TOP_ROW_THREAD] = put_thread,	 [TOP_ROW_FRAME] = put_frame,
};

static unsigned lines_of_row(const struct drawing *drawing)
{
	return drawing->wide || drawing->state->mode == TOP_MODE_THREADS ? 1 : 2;
}

/* The last line: where there is room for it below a row. What is typed must be seen. */
static bool has_status(const struct drawing *drawing)
{
	return drawing->state->editing || drawing->page->height >= 3 + lines_of_row(drawing);
}

static bool is_counted(const struct top_row *row)
{
	return row->kind == TOP_ROW_ENTRY || row->kind == TOP_ROW_CALL;
}

/* The nearest row at or beyond `at` that can be chosen; `at` if there is none. */
static size_t find_counted(const struct top_rows *rows, size_t at, bool upward)
{
	size_t i = at;
	while (i < rows->count && !is_counted(&rows->items[i])) {
		if (upward && !i)
			return at;
		i = upward ? i - 1 : i + 1;
	}
	return i < rows->count ? i : at;
}

/* Where the cursor is now: on the same entry as before, if that is still there. Headings cannot be
 * chosen; in the list of threads all can, and none can be opened. */
static void place_cursor(struct top_list *list, const struct top_rows *rows, size_t page)
{
	list->count = rows->count;
	list->page = page;
	list->home = find_counted(rows, 0, false);
	for (size_t i = 0; list->followed != TOP_NO_ENTRY && i < rows->count; i++) {
		if (is_counted(&rows->items[i]) && rows->items[i].entry == list->followed)
			list->cursor = i;
	}
	if (!list->has_cursor)
		list->cursor = 0;
	if (list->cursor >= list->count)
		list->cursor = list->count ? list->count - 1 : 0;
	if (list->has_cursor)
		list->cursor = find_counted(rows, find_counted(rows, list->cursor, list->upward),
					    !list->upward);
	size_t at = list->has_cursor ? list->cursor : list->home;
	list->entry = at < list->count && is_counted(&rows->items[at]) ? rows->items[at].entry
								       : TOP_NO_ENTRY;
	if (list->has_cursor)
		list->followed = list->entry;
}

/* So that the cursor is on the screen. */
static void scroll(struct top_list *list)
{
	size_t page = list->page ? list->page : 1;
	if (list->first > list->cursor)
		list->first = list->cursor;
	if (list->cursor - list->first >= page)
		list->first = list->cursor - page + 1;
	if (list->first + page > list->count)
		list->first = list->count > page ? list->count - page : 0;
}

static void put_rows(struct drawing *drawing, unsigned height)
{
	struct top_page *page = drawing->page;
	struct top_list *list = &drawing->state->lists[drawing->state->mode];
	place_cursor(list, drawing->rows, height / lines_of_row(drawing));
	scroll(list);
	for (size_t i = 0; i < list->page && list->first + i < list->count; i++) {
		const struct top_row *row = &drawing->rows->items[list->first + i];
		bool selected = list->has_cursor && list->first + i == list->cursor;
		enum top_style style = selected ? TOP_SELECTED : TOP_PLAIN;
		putters[row->kind](drawing, row, style);
		if (selected)
			top_page_pad(page, style, page->width);
		top_page_end_row(page);
	}
	if (!list->count)
		top_page_put(page, TOP_FAINT,
			     drawing->state->filter[0]			? "nothing matches"
			     : !drawing->scene->processes->stats.rounds ? ""
			     : drawing->state->idle			? "nothing runs Python"
						    : "all threads are idle: press i to show them");
}

/* The lines of the help scroll, where they do not fit. */
static void put_help(struct drawing *drawing, unsigned height)
{
	struct top_page *page = drawing->page;
	struct top_list *list = &drawing->state->help_list;
	size_t count = 0;
	while (top_key_helps[count].keys)
		count++;
	list->count = count > height ? count - height + 1 : 1;
	list->page = height;
	if (list->cursor >= list->count)
		list->cursor = list->count - 1;
	/* There is nothing to choose: each key scrolls. */
	list->has_cursor = true;
	for (size_t i = list->cursor; i < count && i - list->cursor < height; i++) {
		top_page_format(page, TOP_STRONG, " %-14s", top_key_helps[i].keys);
		top_page_put(page, TOP_PLAIN, top_key_helps[i].action);
		top_page_end_row(page);
	}
}

static void put_body(struct drawing *drawing)
{
	static const char *const thread_title = " Threads and their current stacks ";
	struct top_page *page = drawing->page;
	const struct top_state *state = drawing->state;
	if (state->help)
		put_title_line(page, " Keyboard Shortcuts ");
	else if (state->mode == TOP_MODE_THREADS)
		put_title_line(page, thread_title);
	else
		put_column_titles(drawing);
	unsigned left = top_page_rows_left(page);
	unsigned height = left && has_status(drawing) ? left - 1 : left;
	if (state->help)
		put_help(drawing, height);
	else
		put_rows(drawing, height);
}

struct error *top_view_draw(const struct top_scene *scene, struct top_state *state,
			    struct top_rows *rows, struct top_page *page)
{
	struct drawing drawing = {
		.scene = scene,
		.state = state,
		.rows = rows,
		.page = page,
		.wide = page->width >= WIDE_COLUMNS,
	};
	state->gil_unknown = scene->processes->gil_unknown;
	struct error *error = top_rows_make(rows, scene->processes, state);
	if (error)
		return error;
	top_view_header(scene, state, page);
	put_body(&drawing);
	if (has_status(&drawing)) {
		top_page_go_to(page, page->height ? page->height - 1 : 0);
		top_view_status(scene, state, page);
	}
	buffer_deinit(&drawing.label);
	error = page->error;
	page->error = NULL;
	return error;
}
