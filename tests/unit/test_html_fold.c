/* The folding that bounds the report for browsers: the heaviest places stay, and no weight is lost.
 */
#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "formats/html_fold.h"
#include "tests/unit/random_numbers.h"

enum { NODES = 400, ROUNDS = 60 };

/* A tree of nodes with their totals of wall time, children after their parents. */
struct tree {
	struct profile profile;
	struct profile_node nodes[NODES];
	uint64_t totals[NODES];
};

static void add(struct tree *tree, uint32_t parent, uint64_t own)
{
	struct profile *profile = &tree->profile;
	profile->nodes = tree->nodes;
	tree->nodes[profile->node_count] = (struct profile_node){
		.parent = parent,
		.own.of = {[PROFILE_SAMPLES] = 1, [PROFILE_WALL] = own},
	};
	tree->totals[profile->node_count] = 0;
	for (uint32_t i = (uint32_t)profile->node_count++; i != PROFILE_NONE;
	     i = tree->nodes[i].parent)
		tree->totals[i] += own;
}

static struct html_fold build(const struct tree *tree, size_t most)
{
	struct html_fold fold = {0};
	assert_null(html_fold_build(&tree->profile, PROFILE_WALL, most, &fold));
	return fold;
}

static void test_small_tree_is_whole(void **state)
{
	(void)state;
	static struct tree tree;
	add(&tree, PROFILE_NONE, 0);
	add(&tree, 0, 5);
	add(&tree, PROFILE_NONE, 7);
	struct html_fold fold = build(&tree, 3);
	assert_int_equal(fold.kept, 3);
	assert_int_equal(fold.fold_count, 0);
	assert_int_equal(fold.folded_nodes, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(html_fold_keeps(&fold, i));
		assert_int_equal(html_fold_number(&fold, i), i);
	}
	html_fold_deinit(&fold);
}

/* Two light branches below one place are one fold, with what is below them. */
static void test_light_branches(void **state)
{
	(void)state;
	static struct tree tree;
	add(&tree, PROFILE_NONE, 1); /* 0 */
	add(&tree, 0, 2);	     /* 1: light */
	add(&tree, 0, 50);	     /* 2 */
	add(&tree, 1, 3);	     /* 3: below the light one */
	add(&tree, 0, 4);	     /* 4: light */
	add(&tree, PROFILE_NONE, 1); /* 5: a light root */
	add(&tree, PROFILE_NONE, 9); /* 6 */
	struct html_fold fold = build(&tree, 3);
	static const uint32_t numbers[] = {0, 3, 1, 3, 3, 4, 2};
	for (uint32_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		assert_int_equal(html_fold_number(&fold, i), numbers[i]);
	assert_int_equal(fold.kept, 3);
	assert_int_equal(fold.fold_count, 2);
	assert_int_equal(fold.folds[0].parent, 0);
	assert_int_equal(fold.folds[0].weight.of[PROFILE_WALL], 2 + 3 + 4);
	assert_int_equal(fold.folds[0].weight.of[PROFILE_SAMPLES], 3);
	assert_int_equal(fold.folds[1].parent, PROFILE_NONE);
	assert_int_equal(fold.folds[1].weight.of[PROFILE_WALL], 1);
	assert_int_equal(fold.folded_nodes, 4);
	assert_int_equal(fold.folded.of[PROFILE_WALL], 2 + 3 + 4 + 1);
	html_fold_deinit(&fold);
}

static void grow(struct tree *tree)
{
	*tree = (struct tree){0};
	for (uint32_t i = 0; i < NODES; i++) {
		uint32_t parent = i && random_below(12) ? random_below(i) : PROFILE_NONE;
		/* Many weigh the same, and nothing. */
		add(tree, parent, random_below(3) ? random_below(4) : random_below(1000));
	}
}

/* What is folded is nowhere heavier than what stays, and is told where it hangs. */
static void check_places(const struct tree *tree, const struct html_fold *fold)
{
	uint64_t lightest = UINT64_MAX;
	uint32_t next = 0;
	for (uint32_t i = 0; i < NODES; i++) {
		uint32_t parent = tree->nodes[i].parent;
		uint32_t number = html_fold_number(fold, i);
		bool below_kept = parent == PROFILE_NONE || html_fold_keeps(fold, parent);
		if (html_fold_keeps(fold, i)) {
			assert_true(below_kept);
			assert_int_equal(number, next++);
			if (tree->totals[i] < lightest)
				lightest = tree->totals[i];
		} else if (below_kept) {
			assert_true(number >= fold->kept);
			assert_true(number < fold->kept + fold->fold_count);
			assert_int_equal(fold->folds[number - fold->kept].parent, parent);
		} else {
			assert_int_equal(number, html_fold_number(fold, parent));
		}
	}
	for (uint32_t i = 0; i < NODES; i++)
		assert_true(html_fold_keeps(fold, i) || tree->totals[i] <= lightest);
}

static void check_weights(const struct tree *tree, const struct html_fold *fold)
{
	uint64_t whole = 0;
	uint64_t kept = 0;
	uint64_t folded = 0;
	uint64_t folded_samples = 0;
	for (uint32_t i = 0; i < NODES; i++) {
		uint64_t own = tree->nodes[i].own.of[PROFILE_WALL];
		whole += own;
		kept += html_fold_keeps(fold, i) ? own : 0;
	}
	for (size_t i = 0; i < fold->fold_count; i++) {
		folded += fold->folds[i].weight.of[PROFILE_WALL];
		folded_samples += fold->folds[i].weight.of[PROFILE_SAMPLES];
		assert_true(fold->folds[i].parent == PROFILE_NONE ||
			    html_fold_keeps(fold, fold->folds[i].parent));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(fold->folds[i].parent, fold->folds[j].parent);
	}
	assert_int_equal(kept + folded, whole);
	assert_int_equal(folded, fold->folded.of[PROFILE_WALL]);
	assert_int_equal(folded_samples, fold->folded_nodes);
	assert_int_equal(fold->kept + fold->folded_nodes, NODES);
}

static void test_random_trees(void **state)
{
	(void)state;
	static struct tree tree;
	random_state = 5;
	for (size_t round = 0; round < ROUNDS; round++) {
		grow(&tree);
		size_t most = 1 + random_below(NODES + 20);
		struct html_fold fold = build(&tree, most);
		assert_int_equal(fold.kept, most < NODES ? most : NODES);
		check_places(&tree, &fold);
		check_weights(&tree, &fold);
		html_fold_deinit(&fold);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_tree_is_whole),
		cmocka_unit_test(test_light_branches),
		cmocka_unit_test(test_random_trees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
