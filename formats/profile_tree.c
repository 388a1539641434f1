#include "formats/profile_tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Frames with their labels, to be put in order once. */
struct labels {
	struct buffer texts;
	size_t *offsets;
	uint32_t *order;
	uint32_t *rank; /* by frame */
};

static void labels_deinit(struct labels *labels)
{
	buffer_deinit(&labels->texts);
	free(labels->offsets);
	free(labels->order);
	free(labels->rank);
}

static int compare_labels(const void *a, const void *b, void *context)
{
	const struct labels *labels = context;
	uint32_t first = *(const uint32_t *)a;
	uint32_t second = *(const uint32_t *)b;
	const char *texts = (const char *)labels->texts.data;
	int order = strcmp(texts + labels->offsets[first], texts + labels->offsets[second]);
	if (order)
		return order;
	return first < second ? -1 : first > second;
}

static struct error *labels_build(const struct profile *profile, struct labels *ret)
{
	size_t count = profile->frame_count;
	ret->offsets = calloc(count + 1, sizeof(*ret->offsets));
	ret->order = calloc(count + 1, sizeof(*ret->order));
	ret->rank = calloc(count + 1, sizeof(*ret->rank));
	if (!ret->offsets || !ret->order || !ret->rank)
		return &error_out_of_memory;
	for (size_t i = 0; i < count; i++) {
		ret->offsets[i] = ret->texts.size;
		ret->order[i] = (uint32_t)i;
		struct error *error = profile_label(profile, (uint32_t)i, &ret->texts);
		if (!error)
			error = buffer_append_u8(&ret->texts, 0);
		if (error)
			return error;
	}
	if (count)
		qsort_r(ret->order, count, sizeof(*ret->order), compare_labels, ret);
	for (size_t i = 0; i < count; i++)
		ret->rank[ret->order[i]] = (uint32_t)i;
	return NULL;
}

/* Find or append the child of a merged node; `index` is by parent and frame. */
static struct error *merge_child(struct profile_tree *tree, struct hash_index *index,
				 uint32_t parent, uint32_t frame, uint32_t *ret)
{
	uint32_t hash = hash_two(parent, frame);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(index, hash, &cursor)) != HASH_INDEX_END) {
		if (tree->nodes[number].parent == parent && tree->nodes[number].frame == frame) {
			*ret = number;
			return NULL;
		}
	}
	struct error *error = hash_index_add(index, hash, (uint32_t)tree->count);
	if (error)
		return error;
	tree->nodes[tree->count] = (struct tree_node){
		.frame = frame,
		.parent = parent,
		.first_child = PROFILE_NONE,
		.next = PROFILE_NONE,
	};
	*ret = (uint32_t)tree->count++;
	return NULL;
}

/* The trees of threads become one: their roots are the root. */
static struct error *merge_nodes(const struct profile *profile, struct profile_tree *tree,
				 uint32_t *merged, struct hash_index *index)
{
	for (size_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		uint32_t parent = node->parent == PROFILE_NONE ? 0 : merged[node->parent];
		struct error *error = NULL;
		merged[i] = 0;
		if (profile->frames[node->frame].kind != PROFILE_FRAME_ROOT)
			error = merge_child(tree, index, parent, node->frame, &merged[i]);
		if (error)
			return error;
		profile_weight_add(&tree->nodes[merged[i]].own, &node->own);
	}
	return NULL;
}

static void add_totals(struct profile_tree *tree)
{
	for (size_t i = tree->count; i-- > 0;) {
		struct tree_node *node = &tree->nodes[i];
		profile_weight_add(&node->total, &node->own);
		if (i)
			profile_weight_add(&tree->nodes[node->parent].total, &node->total);
	}
}

struct child_order {
	const struct profile_tree *tree;
	const uint32_t *rank;
};

static int compare_children(const void *a, const void *b, void *context)
{
	const struct child_order *order = context;
	const struct tree_node *first = &order->tree->nodes[*(const uint32_t *)a];
	const struct tree_node *second = &order->tree->nodes[*(const uint32_t *)b];
	if (first->parent != second->parent)
		return first->parent < second->parent ? -1 : 1;
	uint32_t first_rank = order->rank[first->frame];
	uint32_t second_rank = order->rank[second->frame];
	return first_rank < second_rank ? -1 : first_rank > second_rank;
}

static struct error *link_children(struct profile_tree *tree, const struct labels *labels)
{
	CLEANUP_FREE uint32_t *order = calloc(tree->count, sizeof(*order));
	struct child_order context = {.tree = tree, .rank = labels->rank};
	if (!order)
		return &error_out_of_memory;
	for (size_t i = 1; i < tree->count; i++)
		order[i - 1] = (uint32_t)i;
	if (tree->count > 1)
		qsort_r(order, tree->count - 1, sizeof(*order), compare_children, &context);
	/* From behind: each becomes the first of its parent's. */
	for (size_t i = tree->count - 1; i-- > 0;) {
		struct tree_node *node = &tree->nodes[order[i]];
		struct tree_node *parent = &tree->nodes[node->parent];
		node->next = parent->first_child;
		parent->first_child = order[i];
	}
	return NULL;
}

struct error *profile_tree_build(const struct profile *profile, struct profile_tree *ret)
{
	CLEANUP(hash_index_deinit) struct hash_index index = {0};
	CLEANUP(labels_deinit) struct labels labels = {0};
	CLEANUP_FREE uint32_t *merged = calloc(profile->node_count + 1, sizeof(*merged));
	struct profile_tree tree = {
		.profile = profile,
		.nodes = calloc(profile->node_count + 1, sizeof(*tree.nodes)),
		.count = 1,
	};
	if (!merged || !tree.nodes) {
		profile_tree_deinit(&tree);
		return &error_out_of_memory;
	}
	tree.nodes[0] = (struct tree_node){
		.frame = PROFILE_NONE, .first_child = PROFILE_NONE, .next = PROFILE_NONE};
	struct error *error = merge_nodes(profile, &tree, merged, &index);
	if (!error)
		error = labels_build(profile, &labels);
	add_totals(&tree);
	if (!error)
		error = link_children(&tree, &labels);
	if (error)
		profile_tree_deinit(&tree);
	else
		*ret = tree;
	return error;
}

void profile_tree_deinit(struct profile_tree *tree)
{
	free(tree->nodes);
	*tree = (struct profile_tree){0};
}

uint32_t profile_tree_next(const struct profile_tree *tree, uint32_t node,
			   void (*left)(void *context, uint32_t node), void *context)
{
	if (tree->nodes[node].first_child != PROFILE_NONE)
		return tree->nodes[node].first_child;
	for (;;) {
		if (left)
			left(context, node);
		if (!node)
			return PROFILE_NONE;
		if (tree->nodes[node].next != PROFILE_NONE)
			return tree->nodes[node].next;
		node = tree->nodes[node].parent;
	}
}
