/*
 * A screen as it should look: rows of text with styles, no wider and no higher than the terminal.
 * Made without a terminal, so that it can be tested; top_screen.h shows it.
 */
#ifndef PYSPY_ANALYZE_TOP_TOP_PAGE_H
#define PYSPY_ANALYZE_TOP_TOP_PAGE_H

#include "common/buffer.h"

enum top_style {
	TOP_PLAIN = 0,
	TOP_STRONG,
	TOP_FAINT,
	TOP_NAME,     /* of the program */
	TOP_HEADING,  /* of a column: reverse */
	TOP_SORTED,   /* of the column that is sorted by */
	TOP_SELECTED, /* row */
	TOP_WARNING,
	TOP_STYLES,
};

/* A part of a row in one style. */
struct top_span {
	enum top_style style;
	size_t row;
	size_t begin; /* bytes of the page's text */
	size_t end;
	unsigned column;
};

struct top_page {
	unsigned width;
	unsigned height;
	bool ascii;	    /* the terminal shows nothing else */
	struct buffer text; /* UTF-8, safe for a terminal */
	struct top_span *spans;
	size_t span_count;
	size_t span_capacity;
	unsigned row;	     /* that is being written */
	unsigned column;     /* of it */
	struct error *error; /* the first that came up; nothing is written after it */
};

/* Empty, of a size. `page` is all zero or was used before. */
void top_page_begin(struct top_page *page, unsigned width, unsigned height, bool ascii);
void top_page_deinit(struct top_page *page);

/* Append to the row; what does not fit is cut. Text of a target is made safe. */
void top_page_put(struct top_page *page, enum top_style style, const char *text);
/* The same, of the text only what fits in so many columns. */
void top_page_put_part(struct top_page *page, enum top_style style, const char *text,
		       unsigned columns);
void top_page_format(struct top_page *page, enum top_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Append blanks up to a column. */
void top_page_pad(struct top_page *page, enum top_style style, unsigned column);
/* Go on with the row below. */
void top_page_end_row(struct top_page *page);
/* Go on with a row, which is below those that were written. */
void top_page_go_to(struct top_page *page, unsigned row);
/* Rows that are left, with the one that is being written. */
unsigned top_page_rows_left(const struct top_page *page);

/* How many columns a text takes once it is made safe. */
unsigned top_page_width_of(const struct top_page *page, const char *text);

/* The text of a row without its styles; for tests. Owned by the caller. */
char *top_page_row_text(const struct top_page *page, unsigned row);

#endif
