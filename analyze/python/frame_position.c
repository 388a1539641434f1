#include "analyze/python/frame_position.h"

#include <string.h>

#include "analyze/python/line_table.h"

void frame_position_decode(const struct python_layout *layout, const struct walk_frame *walked,
			   struct model_frame *ret)
{
	const struct raw_code *code = walked->code;
	ret->first_line = code->first_line > 0 ? code->first_line : 0;
	/* What the tracer set is no place in the code. */
	if (walked->traced_line > 0) {
		ret->line = walked->traced_line;
		return;
	}
	if (code->line_table_status != MEMORY_OK)
		return;
	struct source_position position =
		line_table_lookup(layout->line_table_kind, code->line_table, code->line_table_size,
				  code->first_line, walked->instruction_offset);
	ret->line = position.before_first_line ? ret->first_line : position.line;
	ret->end_line = position.end_line;
	ret->has_columns = position.column >= 0;
	ret->column = position.column;
	ret->end_column = position.end_column;
}

bool frame_is_internal(const struct walk_frame *walked)
{
	static const char init[] = "__init__";
	const struct raw_code *code = walked->code;
	/* One string is all of its names, and no function of a program begins at line 0. */
	return code->first_line <= 0 && code->name.address == code->filename.address &&
	       code->name.data && code->name.width == 1 && code->name.length == sizeof(init) - 1 &&
	       memcmp(code->name.data, init, code->name.length) == 0;
}
