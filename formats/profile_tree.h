/* A profile made ready to be drawn: one tree with totals, children in the order of their labels. */
#ifndef PYSPY_FORMATS_PROFILE_TREE_H
#define PYSPY_FORMATS_PROFILE_TREE_H

#include "common/profile.h"

struct tree_node {
	uint32_t frame; /* PROFILE_NONE for the root of all, which is node 0 */
	uint32_t parent;
	uint32_t first_child; /* PROFILE_NONE: none */
	uint32_t next;	      /* sibling */
	struct profile_weight own;
	struct profile_weight total;
};

struct profile_tree {
	const struct profile *profile;
	struct tree_node *nodes; /* parents before their children */
	size_t count;
};

/* All threads' trees as one. `profile` must live as long. */
struct error *profile_tree_build(const struct profile *profile, struct profile_tree *ret);
void profile_tree_deinit(struct profile_tree *tree);

/* The node after `node` from the root down, children after their parent; PROFILE_NONE behind the
 * last. `left` NULL, or called for each node that is left for good, with `context`. */
uint32_t profile_tree_next(const struct profile_tree *tree, uint32_t node,
			   void (*left)(void *context, uint32_t node), void *context);

/* A row of a table: a function, or a line of it. */
struct table_row {
	uint32_t frame; /* one of its frames */
	struct profile_weight own;
	struct profile_weight total; /* recursion counts once */
};

struct profile_table {
	struct table_row *rows;
	size_t count;
};

enum table_kind {
	TABLE_BY_FUNCTION = 0,
	TABLE_BY_LINE,
};

/* Sorted by what is own in `unit`, then by total and label. Roots of threads and processes are left
 * out. */
struct error *profile_table_build(const struct profile_tree *tree, enum table_kind kind,
				  enum profile_unit unit, struct profile_table *ret);
void profile_table_deinit(struct profile_table *table);

#endif
