/*
 * A page that needs nothing else: graphs, tables and a timeline, drawn by formats/assets/report.js
 * from data within it. What comes from a target is only ever in that data, as JSON without '<', and
 * the script shows it as text; the page may load nothing (Content-Security-Policy).
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "formats/markup_text.h"
#include "formats/report_assets.h"
#include "formats/report_colors.h"
#include "formats/report_format.h"
#include "formats/thread_stacks.h"
#include "formats/unit_text.h"

/* Parts of a timeline: more could not be told apart. */
enum { STEPS = 1200 };

/* What a thread does in each step: the stack that began last. */
struct timeline {
	const struct profile *profile;
	uint64_t span_ns;
	uint32_t steps[STEPS];
};

static struct error *write_strings(FILE *stream, const struct profile *profile)
{
	struct error *error = NULL;
	fputs("\"strings\":[", stream);
	for (size_t i = 0; i < profile->text_count && !error; i++) {
		fputs(i ? "," : "", stream);
		error = script_string_write(stream, profile_text_of(profile, (uint32_t)i));
	}
	fputs("],\n\"frames\":[", stream);
	for (size_t i = 0; i < profile->frame_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		fprintf(stream, "%s[%u,%u,%u,%d,%u]", i ? "," : "", frame->name, frame->file,
			frame->path, frame->line, frame->kind);
	}
	fputs("],\n\"colors\":[", stream);
	for (size_t i = 0; i < profile->frame_count; i++) {
		char color[REPORT_COLOR_SIZE];
		report_color(profile, (uint32_t)i, color);
		fprintf(stream, "%s\"%s\"", i ? "," : "", color);
	}
	fputs("],\n", stream);
	return error;
}

static void write_nodes(FILE *stream, const struct profile *profile)
{
	fputs("\"nodes\":[", stream);
	for (size_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		fprintf(stream, "%s[%d,%u", i ? "," : "",
			node->parent == PROFILE_NONE ? -1 : (int)node->parent, node->frame);
		for (size_t j = 0; j < PROFILE_UNITS; j++)
			fprintf(stream, ",%llu", (unsigned long long)node->own.of[j]);
		fputc(']', stream);
	}
	fputs("],\n", stream);
}

static struct error *write_sources(FILE *stream, const struct report *report)
{
	struct error *error = NULL;
	bool any = false;
	fputs("\"sources\":{", stream);
	for (uint32_t i = 0; report->source && i < report->profile->frame_count && !error; i++) {
		CLEANUP_FREE char *text = NULL;
		error = report->source(report->source_context, i, &text);
		if (error || !text)
			continue;
		fprintf(stream, "%s\"%u\":", any ? "," : "", i);
		any = true;
		error = script_string_write(stream, text);
	}
	fputs("},\n", stream);
	return error;
}

static struct error *place_run(void *context, const struct profile_run *run)
{
	struct timeline *timeline = context;
	uint64_t first = run->start_ns - timeline->profile->first_ns;
	uint64_t last = first + run->wall_ns;
	if (run->start_ns < timeline->profile->first_ns)
		return NULL;
	size_t from = (size_t)((double)first * STEPS / (double)timeline->span_ns);
	size_t to = (size_t)((double)last * STEPS / (double)timeline->span_ns);
	for (size_t i = from; i < STEPS && (i < to || i == from); i++)
		timeline->steps[i] = run->node;
	return NULL;
}

static struct error *write_steps(FILE *stream, const struct report *report,
				 struct timeline *timeline, uint32_t thread)
{
	for (size_t i = 0; i < STEPS; i++)
		timeline->steps[i] = PROFILE_NONE;
	struct error *error = profile_trail_each(report->trail, thread, place_run, timeline);
	for (size_t i = 0; i < STEPS;) {
		size_t end = i;
		uint32_t node = timeline->steps[i];
		while (end < STEPS && timeline->steps[end] == node)
			end++;
		fprintf(stream, "%s[%d,%zu]", i ? "," : "", node == PROFILE_NONE ? -1 : (int)node,
			end - i);
		i = end;
	}
	return error;
}

static struct error *write_threads(FILE *stream, const struct report *report)
{
	const struct profile *profile = report->profile;
	CLEANUP_FREE struct timeline *timeline = calloc(1, sizeof(*timeline));
	struct error *error = NULL;
	if (!timeline)
		return &error_out_of_memory;
	timeline->profile = profile;
	timeline->span_ns = profile->last_ns - profile->first_ns;
	for (size_t i = 0; i < profile->thread_count; i++) {
		if (profile->threads[i].last_ns > profile->first_ns + timeline->span_ns)
			timeline->span_ns = profile->threads[i].last_ns - profile->first_ns;
	}
	if (!timeline->span_ns)
		timeline->span_ns = 1;
	fprintf(stream, "\"steps\":%d,\"seconds\":%.6f,\"threads\":[", STEPS,
		(double)timeline->span_ns / 1e9);
	for (uint32_t i = 0; i < profile->thread_count && !error; i++) {
		CLEANUP(buffer_deinit) struct buffer title = {0};
		error = thread_title(profile, i, &title);
		fputs(i ? ",\n{\"title\":" : "\n{\"title\":", stream);
		if (!error)
			error = script_string_write(stream, (const char *)title.data);
		fputs(",\"steps\":[", stream);
		if (!error)
			error = write_steps(stream, report, timeline, i);
		fputs("]}", stream);
	}
	fputs("]", stream);
	return error;
}

static struct error *write_facts(FILE *stream, const struct report *report)
{
	const struct profile *profile = report->profile;
	char text[UNIT_TEXT_SIZE];
	struct error *error;
	fputs("<header><h1>", stream);
	error = markup_text_write(stream, report->title);
	fprintf(stream,
		"</h1><div id=\"facts\">%llu samples of %zu process%s, %llu stacks of threads",
		(unsigned long long)profile->samples, profile->process_count,
		profile->process_count == 1 ? "" : "es",
		(unsigned long long)profile->total.of[PROFILE_SAMPLES]);
	if (profile->first_ns) {
		time_text(profile->first_ns, text);
		fprintf(stream, ", from %s", text);
		time_text(profile->last_ns, text);
		fprintf(stream, " to %s", text);
	}
	fputs("</div>", stream);
	if (*report->lost)
		fputs("<ul id=\"missing\">", stream);
	for (const char *const *lost = report->lost; *lost && !error; lost++) {
		fputs("<li>missing: ", stream);
		error = markup_text_write(stream, *lost);
		fputs("</li>", stream);
	}
	fputs(*report->lost ? "</ul></header>\n" : "</header>\n", stream);
	return error;
}

static struct error *write_data(FILE *stream, const struct report *report)
{
	fprintf(stream, "<script type=\"application/json\" id=\"data\">\n{\"unit\":%d,\n",
		(int)report->unit);
	struct error *error = write_strings(stream, report->profile);
	write_nodes(stream, report->profile);
	if (!error)
		error = write_sources(stream, report);
	if (!error)
		error = write_threads(stream, report);
	fputs("}\n</script>\n", stream);
	return error;
}

struct error *html_report(FILE *stream, const struct report *report)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      stream);
	struct error *error = markup_text_write(stream, report->title);
	fprintf(stream, "</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		report_asset_report_css);
	if (!error)
		error = write_facts(stream, report);
	fputs("<nav><span id=\"views\"></span>"
	      "<select id=\"unit\" aria-label=\"weight\"></select>"
	      "<select id=\"thread\" aria-label=\"thread\"></select>"
	      "<input id=\"search\" type=\"search\" placeholder=\"search (regular expression)\">"
	      "<button id=\"reset\">Reset zoom</button><button id=\"theme\">Light/dark</button>"
	      "</nav>\n<main><div id=\"details\"></div><canvas id=\"graph\"></canvas>"
	      "<table id=\"table\"><thead><tr><th data-sort=\"own\">%Own</th>"
	      "<th data-sort=\"total\">%Total</th><th data-sort=\"own\">Own</th>"
	      "<th data-sort=\"total\">Total</th><th>Function (file)</th></tr></thead>"
	      "<tbody></tbody></table><div id=\"lanes\"></div></main>\n",
	      stream);
	if (!error)
		error = write_data(stream, report);
	fprintf(stream, "<script>\n%s</script>\n</body>\n</html>\n", report_asset_report_js);
	return error;
}
