/*
 * A flame graph as SVG, callers above what they call. It is drawn without its script, which only
 * adds zooming and search: each frame is an inner SVG, which cuts its text where it ends, and all
 * places are in per cent, so that the picture is as wide as its window.
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "formats/markup_text.h"
#include "formats/profile_diff.h"
#include "formats/profile_tree.h"
#include "formats/report_assets.h"
#include "formats/report_colors.h"
#include "formats/report_format.h"
#include "formats/unit_text.h"

enum {
	ROW_HEIGHT = 18,
	TOP = 52,
	BOTTOM = 12,
	/* A frame that is less than this part of all is left out: it could not be seen. */
	SMALLEST_PART = 20000,
	/* Less than this part has no room for text, until it is zoomed into. */
	SMALLEST_TEXT = 80,
};

struct graph {
	FILE *stream;
	const struct report *report;
	const struct profile_tree *tree;
	uint64_t *starts; /* by node: what weighs left of it */
	uint32_t *depths;
	unsigned width; /* which weight is a width: enum profile_unit, or enum diff_weight */
	uint64_t whole;
	uint32_t deepest;
	struct buffer label;
};

static void graph_deinit(struct graph *graph)
{
	free(graph->starts);
	free(graph->depths);
	buffer_deinit(&graph->label);
}

static uint64_t total_of(const struct graph *graph, uint32_t node)
{
	return graph->tree->nodes[node].total.of[graph->width];
}

static bool is_shown(const struct graph *graph, uint32_t node)
{
	uint64_t total = total_of(graph, node);
	return total && total >= graph->whole / SMALLEST_PART;
}

/* Parents come first, children in their order. */
static void lay_out(struct graph *graph)
{
	const struct profile_tree *tree = graph->tree;
	for (uint32_t node = 0; node != PROFILE_NONE;
	     node = profile_tree_next(tree, node, NULL, NULL)) {
		uint64_t start = graph->starts[node];
		if (is_shown(graph, node) && graph->depths[node] > graph->deepest)
			graph->deepest = graph->depths[node];
		for (uint32_t child = tree->nodes[node].first_child; child != PROFILE_NONE;
		     child = tree->nodes[child].next) {
			graph->starts[child] = start;
			graph->depths[child] = graph->depths[node] + 1;
			start += total_of(graph, child);
		}
	}
}

static void write_amount(FILE *stream, uint64_t amount, enum profile_unit unit)
{
	char text[UNIT_TEXT_SIZE];
	if (unit == PROFILE_SAMPLES) {
		fprintf(stream, "%llu sample%s", (unsigned long long)amount,
			amount == 1 ? "" : "s");
		return;
	}
	span_text(amount, text);
	fputs(text, stream);
}

static struct error *write_label(struct graph *graph, uint32_t node)
{
	uint32_t frame = graph->tree->nodes[node].frame;
	if (frame == PROFILE_NONE) {
		fputs("all", graph->stream);
		return NULL;
	}
	buffer_clear(&graph->label);
	struct error *error = profile_label(graph->tree->profile, frame, &graph->label);
	if (!error)
		error = buffer_append_u8(&graph->label, 0);
	return error ? error : markup_text_write(graph->stream, (const char *)graph->label.data);
}

static void write_amounts(const struct graph *graph, uint64_t total, double part,
			  const struct diff_shares *shares)
{
	if (graph->report->is_diff) {
		fprintf(graph->stream, "%.2f%% before, %.2f%% after: %+.2f", shares->before,
			shares->after, shares->after - shares->before);
		return;
	}
	write_amount(graph->stream, total, graph->report->unit);
	fprintf(graph->stream, ", %.2f%%", part);
}

static struct error *write_node(struct graph *graph, uint32_t node)
{
	FILE *stream = graph->stream;
	uint64_t total = total_of(graph, node);
	double part = 100.0 * (double)total / (double)graph->whole;
	char color[REPORT_COLOR_SIZE];
	struct diff_shares shares = {0};
	if (graph->report->is_diff) {
		shares = diff_shares_of(&graph->tree->nodes[0].total,
					&graph->tree->nodes[node].total);
		report_diff_color(shares.before, shares.after, color);
	} else {
		report_color(graph->tree->profile, graph->tree->nodes[node].frame, color);
	}
	fprintf(stream,
		"<svg x=\"%.4f%%\" y=\"%u\" width=\"%.4f%%\" height=\"%d\" data-s=\"%llu\" "
		"data-w=\"%llu\" data-d=\"%u\"><title>",
		100.0 * (double)graph->starts[node] / (double)graph->whole,
		graph->depths[node] * ROW_HEIGHT, part, ROW_HEIGHT - 1,
		(unsigned long long)graph->starts[node], (unsigned long long)total,
		graph->depths[node]);
	struct error *error = write_label(graph, node);
	fputs(" \xe2\x80\x94 ", stream);
	write_amounts(graph, total, part, &shares);
	fprintf(stream, "</title><rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>", color);
	if (!error && total >= graph->whole / SMALLEST_TEXT) {
		fputs("<text x=\"3\" y=\"13\">", stream);
		error = write_label(graph, node);
		fputs("</text>", stream);
	}
	fputs("</svg>\n", stream);
	return error;
}

static struct error *write_head(struct graph *graph)
{
	FILE *stream = graph->stream;
	fprintf(stream,
		"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%%\" height=\"%u\">\n"
		"<style>\n"
		"svg { font: 12px monospace; } :root { background: #fff; }\n"
		"#back { fill: #fff; } .words { fill: #222; } .link { cursor: pointer; fill: #06c; "
		"}\n"
		"#frames svg { cursor: pointer; } #frames text { fill: #111; }\n"
		"#frames rect:hover, #frames svg:hover rect { stroke: #000; }\n"
		"#frames .found rect { fill: #e040fb; }\n"
		"@media (prefers-color-scheme: dark) {\n"
		":root { background: #15171a; } #back { fill: #15171a; } .words { fill: #ddd; } "
		".link { fill: #6cf; }\n"
		"#frames svg:hover rect { stroke: #fff; } }\n"
		"</style>\n"
		"<rect id=\"back\" width=\"100%%\" height=\"100%%\"/>\n"
		"<text x=\"8\" y=\"20\" class=\"words\" style=\"font-size: 15px\">",
		TOP + (graph->deepest + 1) * ROW_HEIGHT + BOTTOM);
	struct error *error = markup_text_write(stream, graph->report->title);
	fputs("</text>\n<text x=\"8\" y=\"40\" class=\"words\" id=\"details\">", stream);
	if (graph->report->is_diff)
		fputs("red: more than before, blue: less; widths are the mean of both shares",
		      stream);
	else
		write_amount(stream, graph->whole, graph->report->unit);
	for (const char *const *lost = graph->report->lost; *lost && !error; lost++) {
		fputs("; missing: ", stream);
		error = markup_text_write(stream, *lost);
	}
	fputs("</text>\n"
	      "<text x=\"99%\" y=\"20\" text-anchor=\"end\" class=\"link\" id=\"search\"></text>\n"
	      "<text x=\"99%\" y=\"40\" text-anchor=\"end\" class=\"link\" id=\"reset\"></text>\n",
	      stream);
	fprintf(stream, "<svg id=\"frames\" y=\"%d\" data-row=\"%d\" data-unit=\"%s\">\n", TOP,
		ROW_HEIGHT, report_unit_names[graph->report->unit]);
	return error;
}

static struct error *write_graph(struct graph *graph)
{
	struct error *error = write_head(graph);
	for (uint32_t node = 0; node != PROFILE_NONE && !error;
	     node = profile_tree_next(graph->tree, node, NULL, NULL)) {
		if (is_shown(graph, node))
			error = write_node(graph, node);
	}
	fprintf(graph->stream, "</svg>\n<script><![CDATA[\n%s]]></script>\n</svg>\n",
		report_asset_flamegraph_js);
	return error;
}

struct error *flamegraph_report(FILE *stream, const struct report *report)
{
	CLEANUP(profile_tree_deinit) struct profile_tree tree = {0};
	struct error *error = profile_tree_build(report->profile, &tree);
	if (error)
		return error;
	CLEANUP(graph_deinit)
	struct graph graph = {
		.stream = stream,
		.report = report,
		.tree = &tree,
		.starts = calloc(tree.count, sizeof(*graph.starts)),
		.depths = calloc(tree.count, sizeof(*graph.depths)),
		.width = report->is_diff ? (unsigned)DIFF_WIDTH : (unsigned)report->unit,
	};
	if (!graph.starts || !graph.depths)
		return &error_out_of_memory;
	graph.whole = total_of(&graph, 0) ? total_of(&graph, 0) : 1;
	lay_out(&graph);
	return write_graph(&graph);
}
