/* The tables of a profile: what each function, or each line, weighs. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "formats/profile_tree.h"

struct table_builder {
	const struct profile_tree *tree;
	struct profile_table table;
	uint32_t *row_of; /* by frame; PROFILE_NONE: in no row */
	uint32_t *depth;  /* by row: how often it is on the stack that is looked at */
};

static bool is_root(const struct profile_frame *frame)
{
	return frame->kind == PROFILE_FRAME_THREAD || frame->kind == PROFILE_FRAME_PROCESS ||
	       frame->kind == PROFILE_FRAME_ROOT;
}

static struct error *find_row(struct table_builder *builder, struct hash_index *index,
			      enum table_kind kind, uint32_t number)
{
	const struct profile *profile = builder->tree->profile;
	const struct profile_frame *frame = &profile->frames[number];
	uint32_t hash = hash_two(frame->name, frame->path) ^
			(kind == TABLE_BY_LINE ? hash_two((uint32_t)frame->line, 1) : 0);
	size_t cursor = hash;
	uint32_t row;
	builder->row_of[number] = PROFILE_NONE;
	if (is_root(frame))
		return NULL;
	while ((row = hash_index_next(index, hash, &cursor)) != HASH_INDEX_END) {
		if (profile_frames_agree(&profile->frames[builder->table.rows[row].frame], frame,
					 kind != TABLE_BY_FUNCTION))
			break;
	}
	if (row == HASH_INDEX_END) {
		row = (uint32_t)builder->table.count;
		struct error *error = hash_index_add(index, hash, row);
		if (error)
			return error;
		builder->table.rows[builder->table.count++] = (struct table_row){.frame = number};
	}
	builder->row_of[number] = row;
	return NULL;
}

static uint32_t row_of_node(const struct table_builder *builder, uint32_t node)
{
	uint32_t frame = builder->tree->nodes[node].frame;
	return frame == PROFILE_NONE ? PROFILE_NONE : builder->row_of[frame];
}

static void leave(void *context, uint32_t node)
{
	struct table_builder *builder = context;
	uint32_t row = row_of_node(builder, node);
	if (row != PROFILE_NONE)
		builder->depth[row]--;
}

static void add_weights(struct table_builder *builder)
{
	uint32_t node = 0;
	while (node != PROFILE_NONE) {
		uint32_t row = row_of_node(builder, node);
		if (row != PROFILE_NONE) {
			const struct tree_node *weights = &builder->tree->nodes[node];
			profile_weight_add(&builder->table.rows[row].own, &weights->own);
			if (!builder->depth[row]++)
				profile_weight_add(&builder->table.rows[row].total,
						   &weights->total);
		}
		node = profile_tree_next(builder->tree, node, leave, builder);
	}
}

static bool is_empty(const struct profile_weight *weight)
{
	for (size_t i = 0; i < PROFILE_UNITS; i++) {
		if (weight->of[i])
			return false;
	}
	return true;
}

/* Functions whose stacks were all left out, or are of processes that were. */
static void drop_empty(struct profile_table *table)
{
	size_t kept = 0;
	for (size_t i = 0; i < table->count; i++) {
		if (!is_empty(&table->rows[i].total))
			table->rows[kept++] = table->rows[i];
	}
	table->count = kept;
}

struct row_order {
	const struct profile *profile;
	enum profile_unit unit;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct row_order *order = context;
	const struct table_row *first = a;
	const struct table_row *second = b;
	const struct profile_frame *first_frame = &order->profile->frames[first->frame];
	const struct profile_frame *second_frame = &order->profile->frames[second->frame];
	int result = compare_numbers(first->own.of[order->unit], second->own.of[order->unit]);
	if (!result)
		result = compare_numbers(first->total.of[order->unit],
					 second->total.of[order->unit]);
	if (!result)
		result = strcmp(profile_text_of(order->profile, first_frame->name),
				profile_text_of(order->profile, second_frame->name));
	if (!result)
		result = strcmp(profile_text_of(order->profile, first_frame->path),
				profile_text_of(order->profile, second_frame->path));
	return result ? result
		      : (first_frame->line > second_frame->line) -
				(first_frame->line < second_frame->line);
}

struct error *profile_table_build(const struct profile_tree *tree, enum table_kind kind,
				  enum profile_unit unit, struct profile_table *ret)
{
	size_t frames = tree->profile->frame_count;
	CLEANUP(hash_index_deinit) struct hash_index index = {0};
	CLEANUP_FREE uint32_t *row_of = calloc(frames + 1, sizeof(*row_of));
	CLEANUP_FREE uint32_t *depth = calloc(frames + 1, sizeof(*depth));
	struct table_builder builder = {
		.tree = tree,
		.table = {.rows = calloc(frames + 1, sizeof(*builder.table.rows))},
		.row_of = row_of,
		.depth = depth,
	};
	struct row_order order = {.profile = tree->profile, .unit = unit};
	struct error *error = NULL;
	if (!row_of || !depth || !builder.table.rows)
		error = &error_out_of_memory;
	for (size_t i = 0; i < frames && !error; i++)
		error = find_row(&builder, &index, kind, (uint32_t)i);
	if (error) {
		profile_table_deinit(&builder.table);
		return error;
	}
	add_weights(&builder);
	drop_empty(&builder.table);
	qsort_r(builder.table.rows, builder.table.count, sizeof(*builder.table.rows), compare_rows,
		&order);
	*ret = builder.table;
	return NULL;
}

void profile_table_deinit(struct profile_table *table)
{
	free(table->rows);
	*table = (struct profile_table){0};
}
