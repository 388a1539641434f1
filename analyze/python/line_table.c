#include "analyze/python/line_table.h"

#include "common/cursor.h"

static const struct source_position position_unknown = {
	.column = -1,
	.end_column = -1,
};

static bool is_line(int64_t line)
{
	return line > 0 && line <= INT32_MAX;
}

static struct source_position position_of_line(int64_t line)
{
	struct source_position position = position_unknown;
	position.line = is_line(line) ? (int32_t)line : 0;
	return position;
}

/* The end of a position that has a line, where it is known. */
static void position_set_end(struct source_position *position, int64_t end_line, int64_t column,
			     int64_t end_column)
{
	if (!position->line || !is_line(end_line))
		return;
	position->end_line = (int32_t)end_line;
	if (column < 0 || end_column < 0 || column > INT32_MAX || end_column > INT32_MAX)
		return;
	position->column = (int32_t)column;
	position->end_column = (int32_t)end_column;
}

/*
 * co_lnotab: pairs of (bytes of code, lines), the lines signed from 3.6 on. The line of an
 * instruction is the sum of all pairs that begin at or before it (Objects/lnotab_notes.txt, 3.9;
 * PyCode_Addr2Line in Objects/codeobject.c).
 */
static struct source_position lookup_pairs(struct cursor cursor, int32_t first_line, int64_t offset,
					   bool is_signed)
{
	int64_t line = first_line;
	int64_t address = 0;
	while (cursor_left(&cursor) >= 2) {
		address += cursor_u8(&cursor);
		if (address > offset)
			break;
		uint8_t lines = cursor_u8(&cursor);
		line += is_signed ? (int8_t)lines : lines;
	}
	return position_of_line(line);
}

static struct source_position lookup_lnotab(struct cursor cursor, int32_t first_line,
					    int64_t offset)
{
	return lookup_pairs(cursor, first_line, offset, true);
}

/* Up to 3.5 lines could only go up (Objects/lnotab_notes.txt, 2.7 and 3.5). */
static struct source_position lookup_unsigned_lnotab(struct cursor cursor, int32_t first_line,
						     int64_t offset)
{
	return lookup_pairs(cursor, first_line, offset, false);
}

/*
 * co_linetable of 3.10: pairs of (bytes of code, lines); each describes the range that it steps
 * over, and -128 lines means a range without a line (PEP 626; Objects/codeobject.c,
 * advance()).
 */
static struct source_position lookup_pep626(struct cursor cursor, int32_t first_line,
					    int64_t offset)
{
	enum { NO_LINE = -128 };
	struct source_position position = position_unknown;
	int64_t line = first_line;
	int64_t end = 0;
	bool started = false;
	while (cursor_left(&cursor) >= 2) {
		end += cursor_u8(&cursor);
		int8_t lines = (int8_t)cursor_u8(&cursor);
		if (lines != NO_LINE)
			line += lines;
		position = lines == NO_LINE ? position_unknown : position_of_line(line);
		started |= position.line != 0;
		position.before_first_line = !started;
		if (offset < end)
			return position;
	}
	return position_unknown;
}

/* Varints of the location table: groups of 6 bits, bit 6 says that more follow
 * (Objects/locations.md). */
static uint32_t location_varint(struct cursor *cursor)
{
	uint32_t value = 0;
	for (unsigned shift = 0; shift < 32; shift += 6) {
		uint8_t group = cursor_u8(cursor);
		value |= (uint32_t)(group & 0x3f) << shift;
		if (!(group & 0x40))
			return value;
	}
	cursor->failed = true;
	return 0;
}

/* The sign is the lowest bit. */
static int32_t location_signed_varint(struct cursor *cursor)
{
	uint32_t value = location_varint(cursor);
	return value & 1 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
}

/* Forms of an entry, the four bits above its length (Objects/locations.md). */
enum location_form {
	LOCATION_SHORT_LAST = 9, /* 0-9: same line, column in one byte and the form */
	LOCATION_ONE_LINE_FIRST = 10,
	LOCATION_ONE_LINE_LAST = 12,
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* Read what follows an entry's first byte; `line` is the running line and is moved on. */
static struct source_position location_entry(struct cursor *cursor, unsigned form, int64_t *line)
{
	struct source_position position;
	int64_t column = -1;
	int64_t end_column = -1;
	int64_t lines = 0;
	if (form == LOCATION_NONE)
		return position_unknown;
	if (form <= LOCATION_SHORT_LAST) {
		uint8_t columns = cursor_u8(cursor);
		column = (int64_t)(form * 8) + ((columns >> 4) & 7);
		end_column = column + (columns & 15);
	} else if (form <= LOCATION_ONE_LINE_LAST) {
		*line += form - LOCATION_ONE_LINE_FIRST;
		column = cursor_u8(cursor);
		end_column = cursor_u8(cursor);
	} else {
		*line += location_signed_varint(cursor);
	}
	if (form == LOCATION_LONG) {
		lines = location_varint(cursor);
		column = (int64_t)location_varint(cursor) - 1;
		end_column = (int64_t)location_varint(cursor) - 1;
	}
	position = position_of_line(*line);
	position_set_end(&position, *line + lines, column, end_column);
	return position;
}

/* co_linetable from 3.11 on: entries that each cover 1 to 8 code units (Objects/locations.md). */
static struct source_position lookup_locations(struct cursor cursor, int32_t first_line,
					       int64_t offset)
{
	enum { CODE_UNIT_BYTES = 2 };
	int64_t line = first_line;
	int64_t end = 0;
	bool started = false;
	while (cursor_left(&cursor)) {
		uint8_t head = cursor_u8(&cursor);
		if (!(head & 0x80))
			break;
		end += ((head & 7) + 1) * CODE_UNIT_BYTES;
		struct source_position position = location_entry(&cursor, (head >> 3) & 15, &line);
		if (!cursor_ok(&cursor))
			break;
		started |= position.line != 0;
		position.before_first_line = !started;
		if (offset < end)
			return position;
	}
	return position_unknown;
}

struct source_position line_table_lookup(enum line_table_kind kind, const uint8_t *table,
					 size_t size, int32_t first_line, int64_t offset)
{
	static struct source_position (*const lookups[])(struct cursor, int32_t, int64_t) = {
		[LINE_TABLE_LNOTAB] = lookup_lnotab,
		[LINE_TABLE_PEP626] = lookup_pep626,
		[LINE_TABLE_LOCATIONS] = lookup_locations,
		[LINE_TABLE_LNOTAB_UNSIGNED] = lookup_unsigned_lnotab,
	};
	if (offset < 0)
		return position_of_line(first_line);
	return lookups[kind](cursor_make(table, table ? size : 0), first_line, offset);
}
