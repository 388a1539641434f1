/*
 * Collapsed stacks: a line for each stack, its frames from the outermost on, a blank, its weight.
 * What py-spy calls raw, and what flamegraph.pl reads. Times are in microseconds.
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/profile_diff.h"
#include "formats/profile_tree.h"
#include "formats/report_format.h"

static void buffer_deinitp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

/* The frames of a node from the root on. `path` has room for them. */
static size_t find_path(const struct profile_tree *tree, uint32_t node, uint32_t *path)
{
	size_t depth = 0;
	for (uint32_t i = node; i; i = tree->nodes[i].parent)
		path[depth++] = tree->nodes[i].frame;
	return depth;
}

static uint64_t shown_weight(uint64_t weight, enum profile_unit unit)
{
	return unit == PROFILE_SAMPLES ? weight : (weight + 500) / 1000;
}

static struct error *write_stack(FILE *stream, const struct profile_tree *tree,
				 const uint32_t *path, size_t depth, struct buffer *line)
{
	buffer_clear(line);
	for (size_t i = depth; i-- > 0;) {
		struct error *error = profile_label(tree->profile, path[i], line);
		if (!error)
			error = buffer_append_u8(line, i ? ';' : '\0');
		if (error)
			return error;
	}
	terminal_text_write(stream, (const char *)line->data);
	return NULL;
}

static void write_weights(FILE *stream, const struct report *report,
			  const struct profile_weight *own)
{
	if (report->is_diff)
		fprintf(stream, " %llu %llu\n", (unsigned long long)own->of[DIFF_BEFORE],
			(unsigned long long)own->of[DIFF_AFTER]);
	else
		fprintf(stream, " %llu\n",
			(unsigned long long)shown_weight(own->of[report->unit], report->unit));
}

static bool is_shown(const struct report *report, const struct profile_weight *own)
{
	if (report->is_diff)
		return own->of[DIFF_BEFORE] || own->of[DIFF_AFTER];
	return shown_weight(own->of[report->unit], report->unit) != 0;
}

/* Two numbers on each line, as difffolded.pl writes and flamegraph.pl reads them. */
struct error *collapsed_diff(FILE *stream, const struct report *report)
{
	return collapsed_report(stream, report);
}

struct error *collapsed_report(FILE *stream, const struct report *report)
{
	CLEANUP(profile_tree_deinit) struct profile_tree tree = {0};
	CLEANUP(buffer_deinitp) struct buffer line = {0};
	struct error *error = profile_tree_build(report->profile, &tree);
	if (error)
		return error;
	CLEANUP_FREE uint32_t *path = calloc(tree.count, sizeof(*path));
	if (!path)
		return &error_out_of_memory;
	for (uint32_t node = profile_tree_next(&tree, 0, NULL, NULL);
	     node != PROFILE_NONE && !error; node = profile_tree_next(&tree, node, NULL, NULL)) {
		if (!is_shown(report, &tree.nodes[node].own))
			continue;
		error = write_stack(stream, &tree, path, find_path(&tree, node, path), &line);
		write_weights(stream, report, &tree.nodes[node].own);
	}
	return error;
}
