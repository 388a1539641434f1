#include "formats/text_locals.h"

#include "common/terminal_text.h"

static void write_styled(FILE *stream, bool color, enum terminal_style style, const char *text)
{
	fputs(terminal_style(color, style), stream);
	terminal_text_write(stream, text);
	fputs(terminal_style_end(color), stream);
}

/* What a variable is that is not simply in the frame. */
static const char *const kind_marks[] = {
	[MODEL_LOCAL_PLAIN] = "",
	[MODEL_LOCAL_CELL] = " (cell)",
	[MODEL_LOCAL_FREE] = " (free)",
	[MODEL_LOCAL_NAMESPACE] = "",
};

static void write_local(FILE *stream, const struct model_local *local, bool color)
{
	fputs("            ", stream);
	terminal_text_write(stream, local->name);
	fputs(kind_marks[local->kind], stream);
	fputs(": ", stream);
	if (local->repr) {
		terminal_text_write(stream, local->repr);
	} else {
		fputc('<', stream);
		write_styled(stream, color, STYLE_PROBLEM, local->gap ? local->gap : "?");
		fputc('>', stream);
	}
	fputc('\n', stream);
}

void text_locals_write(FILE *stream, const struct model_frame *frame, bool color)
{
	for (size_t i = 0; i < frame->local_count; i++) {
		const struct model_local *local = &frame->locals[i];
		if (i == 0 || local->is_argument != frame->locals[i - 1].is_argument) {
			fputs("        ", stream);
			write_styled(stream, color, STYLE_FAINT,
				     local->is_argument ? "Arguments:" : "Locals:");
			fputc('\n', stream);
		}
		write_local(stream, local, color);
	}
	if (!frame->locals_gap)
		return;
	fputs("        <", stream);
	write_styled(stream, color, STYLE_PROBLEM, frame->locals_gap);
	fputs(">\n", stream);
}
