#include "analyze/python/frame_position.h"

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
