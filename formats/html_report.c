/*
 * A page that needs nothing else: graphs, tables and a timeline, drawn by formats/assets/report.js
 * from data within it. What comes from a target is only ever in that data, as JSON without '<', and
 * the script shows it as text; the page may load nothing (Content-Security-Policy).
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "formats/html_fold.h"
#include "formats/markup_text.h"
#include "formats/report_assets.h"
#include "formats/report_colors.h"
#include "formats/report_text.h"
#include "formats/thread_stacks.h"

enum {
	STEPS = 1200,	       /* parts of a timeline: more could not be told apart */
	NODES_MOST = 40000,    /* with which a browser is still quick */
	TIMELINES_MOST = 1000, /* of the threads that have most */
};

struct page {
	FILE *stream;
	const struct report *report;
	struct html_fold fold;
	bool *used_frames;
	bool *used_texts;
	uint32_t *timelines; /* numbers of threads */
	size_t timeline_count;
};

static void page_deinit(struct page *page)
{
	html_fold_deinit(&page->fold);
	free(page->used_frames);
	free(page->used_texts);
	free(page->timelines);
}

/* What a thread does in each step: the stack that began last. */
struct timeline {
	const struct profile *profile;
	uint64_t span_ns;
	uint32_t steps[STEPS];
};

/* What is in no place that is shown is left out: its number stays. */
static struct error *write_strings(struct page *page)
{
	const struct profile *profile = page->report->profile;
	FILE *stream = page->stream;
	struct error *error = NULL;
	fputs("\"strings\":[", stream);
	for (size_t i = 0; i < profile->text_count && !error; i++) {
		const char *text = profile_text_of(profile, (uint32_t)i);
		fputs(i ? "," : "", stream);
		error = script_string_write(stream, page->used_texts[i] ? text : "");
	}
	fputs("],\n\"frames\":[", stream);
	for (size_t i = 0; i < profile->frame_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		fputs(i ? "," : "", stream);
		if (page->used_frames[i])
			fprintf(stream, "[%u,%u,%u,%d,%u]", frame->name, frame->file, frame->path,
				frame->line, frame->kind);
		else
			fputc('0', stream);
	}
	fputs("],\n\"colors\":[", stream);
	for (size_t i = 0; i < profile->frame_count; i++) {
		char color[REPORT_COLOR_SIZE] = "";
		if (page->used_frames[i])
			report_color(profile, (uint32_t)i, color);
		fprintf(stream, "%s\"%s\"", i ? "," : "", color);
	}
	fputs("],\n", stream);
	return error;
}

static void write_node(const struct page *page, uint32_t parent, size_t frame,
		       const struct profile_weight *own, bool first)
{
	int number = parent == PROFILE_NONE ? -1 : (int)html_fold_number(&page->fold, parent);
	fprintf(page->stream, "%s[%d,%zu", first ? "" : ",", number, frame);
	for (size_t j = 0; j < PROFILE_UNITS; j++)
		fprintf(page->stream, ",%llu", (unsigned long long)own->of[j]);
	fputc(']', page->stream);
}

/* Folds have the frame behind the last one, which the script makes. */
static void write_nodes(const struct page *page)
{
	const struct profile *profile = page->report->profile;
	bool first = true;
	fputs("\"nodes\":[", page->stream);
	for (uint32_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		if (!html_fold_keeps(&page->fold, i))
			continue;
		write_node(page, node->parent, node->frame, &node->own, first);
		first = false;
	}
	for (uint32_t i = 0; i < page->fold.fold_count; i++) {
		const struct fold *fold = &page->fold.folds[i];
		write_node(page, fold->parent, profile->frame_count, &fold->weight, first);
		first = false;
	}
	fputs("],\n", page->stream);
}

static struct error *write_sources(const struct page *page)
{
	const struct report *report = page->report;
	struct error *error = NULL;
	bool any = false;
	fputs("\"sources\":{", page->stream);
	for (uint32_t i = 0; report->source && i < report->profile->frame_count && !error; i++) {
		CLEANUP_FREE char *text = NULL;
		if (!page->used_frames[i])
			continue;
		error = report->source(report->source_context, i, &text);
		if (error || !text)
			continue;
		fprintf(page->stream, "%s\"%u\":", any ? "," : "", i);
		any = true;
		error = script_string_write(page->stream, text);
	}
	fputs("},\n", page->stream);
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

static struct error *write_steps(const struct page *page, struct timeline *timeline,
				 uint32_t thread)
{
	FILE *stream = page->stream;
	for (size_t i = 0; i < STEPS; i++)
		timeline->steps[i] = PROFILE_NONE;
	struct error *error = profile_trail_each(page->report->trail, thread, place_run, timeline);
	for (size_t i = 0; i < STEPS;) {
		size_t end = i;
		uint32_t node = timeline->steps[i];
		while (end < STEPS && timeline->steps[end] == node)
			end++;
		int number = node == PROFILE_NONE ? -1 : (int)html_fold_number(&page->fold, node);
		fprintf(stream, "%s[%d,%zu]", i ? "," : "", number, end - i);
		i = end;
	}
	return error;
}

static struct error *write_threads(const struct page *page)
{
	const struct profile *profile = page->report->profile;
	FILE *stream = page->stream;
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
	for (size_t i = 0; i < page->timeline_count && !error; i++) {
		CLEANUP(buffer_deinit) struct buffer title = {0};
		uint32_t thread = page->timelines[i];
		error = thread_title(profile, thread, &title);
		fprintf(stream, "%s\n{\"number\":%u,\"title\":", i ? "," : "", thread);
		if (!error)
			error = script_string_write(stream, (const char *)title.data);
		fputs(",\"steps\":[", stream);
		if (!error)
			error = write_steps(page, timeline, thread);
		fputs("]}", stream);
	}
	fputs("]", stream);
	return error;
}

/* What was measured and is not in the page. */
static void write_left_out(const struct page *page)
{
	const struct profile *profile = page->report->profile;
	enum profile_unit unit = page->report->unit;
	uint64_t total = profile->total.of[unit];
	if (page->fold.folded_nodes)
		fprintf(page->stream,
			"<li>%llu of %zu places in the tree of stacks are too light for a page: "
			"what "
			"they weigh, %.2f%% of all, is in frames named [folded]; other formats "
			"have "
			"them</li>",
			(unsigned long long)page->fold.folded_nodes, profile->node_count,
			total ? 100.0 * (double)page->fold.folded.of[unit] / (double)total : 0);
	if (page->timeline_count < profile->thread_count)
		fprintf(page->stream,
			"<li>of %zu threads, the %zu that have most are listed and have a "
			"timeline</li>",
			profile->thread_count, page->timeline_count);
}

static struct error *write_facts(const struct page *page)
{
	const struct report *report = page->report;
	const struct profile *profile = report->profile;
	FILE *stream = page->stream;
	struct error *error;
	fputs("<header><h1>", stream);
	error = markup_text_write(stream, report->title);
	fputs("</h1><div id=\"facts\">", stream);
	report_extent_write(stream, profile);
	report_period_write(stream, profile, ", ", "");
	fputs("</div>", stream);
	bool is_whole = !*report->lost && !page->fold.folded_nodes &&
			page->timeline_count == profile->thread_count;
	if (!is_whole)
		fputs("<ul id=\"missing\">", stream);
	for (const char *const *lost = report->lost; *lost && !error; lost++) {
		fputs("<li>missing: ", stream);
		error = markup_text_write(stream, *lost);
		fputs("</li>", stream);
	}
	write_left_out(page);
	fputs(is_whole ? "</header>\n" : "</ul></header>\n", stream);
	return error;
}

static struct error *write_data(struct page *page)
{
	fprintf(page->stream, "<script type=\"application/json\" id=\"data\">\n{\"unit\":%d,\n",
		(int)page->report->unit);
	struct error *error = write_strings(page);
	write_nodes(page);
	if (!error)
		error = write_sources(page);
	if (!error)
		error = write_threads(page);
	fputs("}\n</script>\n", page->stream);
	return error;
}

static void mark_used(struct page *page)
{
	const struct profile *profile = page->report->profile;
	for (uint32_t i = 0; i < profile->node_count; i++) {
		if (html_fold_keeps(&page->fold, i))
			page->used_frames[profile->nodes[i].frame] = true;
	}
	for (size_t i = 0; i < profile->frame_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		if (!page->used_frames[i])
			continue;
		page->used_texts[frame->name] = true;
		page->used_texts[frame->file] = true;
		page->used_texts[frame->path] = true;
	}
}

struct ranked {
	uint64_t weight;
	uint32_t thread;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->thread < b->thread ? -1 : a->thread > b->thread;
}

static int compare_threads(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;
	return *a < *b ? -1 : *a > *b;
}

static struct error *choose_threads(struct page *page)
{
	const struct profile *profile = page->report->profile;
	size_t count = profile->thread_count;
	CLEANUP_FREE struct ranked *ranked = calloc(count + 1, sizeof(*ranked));
	page->timelines = calloc(TIMELINES_MOST, sizeof(*page->timelines));
	if (!ranked || !page->timelines)
		return &error_out_of_memory;
	for (uint32_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){profile->threads[i].total.of[page->report->unit], i};
	qsort(ranked, count, sizeof(*ranked), compare_ranked);
	page->timeline_count = count < TIMELINES_MOST ? count : TIMELINES_MOST;
	for (size_t i = 0; i < page->timeline_count; i++)
		page->timelines[i] = ranked[i].thread;
	qsort(page->timelines, page->timeline_count, sizeof(*page->timelines), compare_threads);
	return NULL;
}

static struct error *choose(struct page *page)
{
	const struct profile *profile = page->report->profile;
	page->used_frames = calloc(profile->frame_count + 1, sizeof(*page->used_frames));
	page->used_texts = calloc(profile->text_count + 1, sizeof(*page->used_texts));
	if (!page->used_frames || !page->used_texts)
		return &error_out_of_memory;
	struct error *error = html_fold_build(profile, page->report->unit, NODES_MOST, &page->fold);
	if (error)
		return error;
	mark_used(page);
	return choose_threads(page);
}

/* Its controls: the script fills them. */
static void write_controls(FILE *stream)
{
	fputs("<nav><span id=\"views\" role=\"tablist\" aria-label=\"view\"></span>"
	      "<select id=\"unit\" aria-label=\"weight\"></select>"
	      "<select id=\"thread\" aria-label=\"thread\"></select>"
	      "<input id=\"search\" type=\"search\" aria-label=\"search\" "
	      "placeholder=\"search (regular expression)\">"
	      "<span id=\"found\" role=\"status\"></span>"
	      "<button id=\"reset\">Reset zoom</button><button id=\"theme\">Light/dark</button>"
	      "</nav>\n<main><div id=\"details\" aria-live=\"polite\"></div>"
	      "<canvas id=\"graph\" tabindex=\"0\" role=\"application\" aria-label=\"graph of "
	      "stacks: arrow keys go to callers, callees and neighbours, Enter zooms, Escape "
	      "resets\" aria-describedby=\"details\"></canvas>"
	      "<table id=\"table\"><thead><tr><th data-sort=\"own\" tabindex=\"0\">%Own</th>"
	      "<th data-sort=\"total\" tabindex=\"0\">%Total</th>"
	      "<th data-sort=\"own\" tabindex=\"0\">Own</th>"
	      "<th data-sort=\"total\" tabindex=\"0\">Total</th><th>Function (file)</th></tr>"
	      "</thead><tbody></tbody></table><div id=\"more\"></div><div id=\"lanes\"></div>"
	      "<noscript>This page draws its graphs with a script.</noscript></main>\n",
	      stream);
}

struct error *html_report(FILE *stream, const struct report *report)
{
	CLEANUP(page_deinit) struct page page = {.stream = stream, .report = report};
	struct error *error = choose(&page);
	if (error)
		return error;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      stream);
	error = markup_text_write(stream, report->title);
	fprintf(stream, "</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		report_asset_report_css);
	if (!error)
		error = write_facts(&page);
	write_controls(stream);
	if (!error)
		error = write_data(&page);
	fprintf(stream, "<script>\n%s</script>\n</body>\n</html>\n", report_asset_report_js);
	return error;
}
