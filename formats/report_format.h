/*
 * The formats of reports. To add one:
 *  1. formats/NAME_report.c with its writer, declared here;
 *  2. its row in report_format.c;
 *  3. man/pyspy-analyze.1, a golden output in tests/unit/test_report_formats.c.
 */
#ifndef PYSPY_FORMATS_REPORT_FORMAT_H
#define PYSPY_FORMATS_REPORT_FORMAT_H

#include <stdio.h>

#include "common/profile.h"
#include "formats/profile_trail.h"

struct report {
	const struct profile *profile;
	struct profile_trail *trail; /* of formats that need one; else NULL */
	enum profile_unit unit;	     /* what widths and columns are of */
	const char *title;
	bool is_diff;		 /* of profile_diff.h, which says what the weights are then */
	const char *const *lost; /* what is missing, in words; NULL-terminated */
	/* NULL, or gives the text of a frame's line, owned by the caller; NULL if it is not known.
	 */
	struct error *(*source)(void *context, uint32_t frame, char **ret);
	void *source_context;
};

struct report_format {
	const char *name;
	const char *alias;     /* or NULL */
	const char *extension; /* without a dot */
	bool binary;	       /* not for terminals */
	bool by_thread;	       /* wants a tree for each thread */
	bool trail;	       /* wants what each thread did one after another; with by_thread */
	bool all_units;	       /* shows those too that a trail does not have */
	/* Errors of the stream are the caller's to see. */
	struct error *(*write)(FILE *stream, const struct report *report);
	/* The same for two sides; NULL: the format has none. */
	struct error *(*write_diff)(FILE *stream, const struct report *report);
};

/* NULL-terminated names, aliases too, for the option's choices; and the format of a choice. */
extern const char *const report_format_names[];
#define REPORT_FORMAT_LIST                                                                         \
	"flamegraph, raw, collapsed, speedscope, chrometrace, pprof, html, ndjson, text"
const struct report_format *report_format_find(const char *name);

/* Names of units, NULL-terminated, by enum profile_unit. */
extern const char *const report_unit_names[];

struct error *collapsed_report(FILE *stream, const struct report *report);
struct error *flamegraph_report(FILE *stream, const struct report *report);
struct error *speedscope_report(FILE *stream, const struct report *report);
struct error *chrometrace_report(FILE *stream, const struct report *report);
struct error *pprof_report(FILE *stream, const struct report *report);
struct error *collapsed_diff(FILE *stream, const struct report *report);
struct error *text_diff(FILE *stream, const struct report *report);
struct error *html_report(FILE *stream, const struct report *report);
struct error *ndjson_report(FILE *stream, const struct report *report);
struct error *text_report(FILE *stream, const struct report *report);

#endif
