/* Texts that are derived from traces and frames. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/configuration.h"

const char *pyspy_trace_status(const struct pyspy_trace *trace)
{
	if (!trace->active)
		return "idle";
	return trace->owns_gil ? "active+gil" : "active";
}

/* snprintf(3) gives less than 0 only for what cannot be formatted at all. */
static size_t length_of(int result)
{
	return result < 0 ? 0 : (size_t)result;
}

size_t pyspy_trace_thread_id_text(const struct pyspy_trace *trace, char *text, size_t size)
{
	if (trace->os_thread_id)
		return length_of(snprintf(text, size, "%" PRId32, trace->os_thread_id));
	return length_of(snprintf(text, size, "0x%" PRIX64, trace->thread_id));
}

static const char *shown_filename(const struct pyspy_frame *frame, bool full)
{
	if (frame->kind == PYSPY_FRAME_NATIVE && frame->module && !frame->filename)
		return frame->module;
	return frame->short_filename && !full ? frame->short_filename : frame->filename;
}

size_t pyspy_frame_text(const struct pyspy_frame *frame, const struct pyspy_config *config,
			char *text, size_t size)
{
	struct pyspy_config known;
	/* One that is wrong elsewhere can still say how to show a frame, but not more than the
	 * defaults do. */
	struct error *error = configuration_read(config, &known);
	if (error) {
		error_destroy(error);
		pyspy_config_init(&known, sizeof(known));
	}
	const char *name = frame->name ? frame->name : "?";
	const char *file = shown_filename(frame, known.full_filenames);
	if (!file)
		return length_of(snprintf(text, size, "%s", name));
	if (!known.show_line_numbers || !frame->line)
		return length_of(snprintf(text, size, "%s (%s)", name, file));
	return length_of(snprintf(text, size, "%s (%s:%" PRId32 ")", name, file, frame->line));
}
