#include "formats/report_format.h"

#include <string.h>

static const struct report_format formats[] = {
	{.name = "flamegraph",
	 .extension = "svg",
	 .write = flamegraph_report,
	 .write_diff = flamegraph_report},
	{.name = "raw",
	 .alias = "collapsed",
	 .extension = "txt",
	 .write = collapsed_report,
	 .write_diff = collapsed_diff},
	{.name = "speedscope",
	 .extension = "json",
	 .by_thread = true,
	 .trail = true,
	 .write = speedscope_report},
	{.name = "chrometrace",
	 .extension = "json",
	 .by_thread = true,
	 .trail = true,
	 .write = chrometrace_report},
	{.name = "pprof",
	 .extension = "pb.gz",
	 .binary = true,
	 .by_thread = true,
	 .write = pprof_report},
	{.name = "html",
	 .extension = "html",
	 .by_thread = true,
	 .trail = true,
	 .all_units = true,
	 .write = html_report},
	{.name = "ndjson", .extension = "ndjson", .by_thread = true, .write = ndjson_report},
	{.name = "text", .extension = "txt", .write = text_report, .write_diff = text_diff},
};

const char *const report_format_names[] = {"flamegraph",  "raw",   "collapsed", "speedscope",
					   "chrometrace", "pprof", "html",	"ndjson",
					   "text",	  NULL};

const char *const report_unit_names[] = {
	[PROFILE_SAMPLES] = "samples", [PROFILE_WALL] = "wall", [PROFILE_CPU] = "cpu",
	[PROFILE_GIL] = "gil",	       [PROFILE_UNITS] = NULL,
};

const struct report_format *report_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct report_format *format = &formats[i];
		if (strcmp(format->name, name) == 0 ||
		    (format->alias && strcmp(format->alias, name) == 0))
			return format;
	}
	return NULL;
}
