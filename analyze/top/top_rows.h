/* What a list of `top` has: rows by function or line, callers and callees, threads. */
#ifndef PYSPY_ANALYZE_TOP_TOP_ROWS_H
#define PYSPY_ANALYZE_TOP_TOP_ROWS_H

#include "analyze/top/top_processes.h"
#include "analyze/top/top_state.h"

enum top_row_kind {
	TOP_ROW_ENTRY = 0, /* own and total */
	TOP_ROW_CALL,	   /* total only */
	TOP_ROW_HEADING,   /* `text` */
	TOP_ROW_PROCESS,
	TOP_ROW_THREAD,
	TOP_ROW_FRAME, /* of the thread before */
};

struct top_row {
	enum top_row_kind kind;
	uint32_t entry; /* ENTRY and CALL */
	uint32_t frame;
	uint64_t own_samples;
	uint64_t total_samples;
	uint64_t own_ns;
	uint64_t total_ns;
	const char *text;
	const struct top_process *process;
	const struct top_thread *thread;
};

/* Borrows from the processes. All zero is an empty one. */
struct top_rows {
	struct top_row *items;
	size_t count;
	size_t capacity;
};

void top_rows_deinit(struct top_rows *rows);

/* Fill with what the state wants to see. */
struct error *top_rows_make(struct top_rows *rows, const struct top_processes *processes,
			    const struct top_state *state);

/* Append "name (file:line)", or without the line. */
struct error *top_rows_label(const struct profile *profile, uint32_t frame, bool with_line,
			     struct buffer *ret);

#endif
