/* From an instruction's offset to a line: the three encodings of line tables. */
#ifndef PYSPY_ANALYZE_PYTHON_LINE_TABLE_H
#define PYSPY_ANALYZE_PYTHON_LINE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/python_layout.h"

/*
 * Lines are from 1; 0 where unknown. Columns are UTF-8 byte offsets from 0, -1 where unknown, as
 * codeobject.co_positions() gives them; they and end_line are known from 3.11 on, if the code was
 * not compiled without them (-X no_debug_ranges).
 */
struct source_position {
	int32_t line;
	int32_t end_line;
	int32_t column;
	int32_t end_column;
	/* No line is known because no instruction so far has one: what makes cells, copies free
	 * variables and creates a generator comes before the function's first line. */
	bool before_first_line;
};

/*
 * The position of the instruction at `offset` bytes. An offset below 0 is a frame that has not
 * started: its first line. A malformed table gives line 0, never a read past its end.
 */
struct source_position line_table_lookup(enum line_table_kind kind, const uint8_t *table,
					 size_t size, int32_t first_line, int64_t offset);

#endif
