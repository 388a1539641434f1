#include "formats/html_fold.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

/* In `numbers`: the number of a fold, not of a kept node. Profiles have fewer nodes than this. */
#define IS_FOLD UINT32_C(0x80000000)

_Static_assert(PROFILE_MAX_ITEMS < IS_FOLD, "numbers of nodes leave the bit free");

struct folder {
	const struct profile *profile;
	uint64_t *totals;  /* by node, of the unit */
	uint32_t *fold_of; /* by node, and behind them for the roots: its fold, or PROFILE_NONE */
	uint64_t least;	   /* what weighs more is kept */
	size_t ties;	   /* how many that weigh as much are kept too */
	size_t capacity;
};

static void folder_deinit(struct folder *folder)
{
	free(folder->totals);
	free(folder->fold_of);
}

void html_fold_deinit(struct html_fold *fold)
{
	free(fold->numbers);
	free(fold->folds);
}

/* Heaviest first. */
static int compare_weights(const void *left, const void *right)
{
	uint64_t a, b;
	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	return a > b ? -1 : a < b;
}

static struct error *weigh(struct folder *folder, enum profile_unit unit, size_t most)
{
	const struct profile *profile = folder->profile;
	size_t count = profile->node_count;
	/* Children have greater numbers. */
	for (size_t i = count; i-- > 0;) {
		const struct profile_node *node = &profile->nodes[i];
		folder->totals[i] += node->own.of[unit];
		if (node->parent != PROFILE_NONE)
			folder->totals[node->parent] += folder->totals[i];
	}
	if (count <= most) {
		folder->ties = count;
		return NULL;
	}
	CLEANUP_FREE uint64_t *sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return &error_out_of_memory;
	memcpy(sorted, folder->totals, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_weights);
	folder->least = sorted[most - 1];
	folder->ties = most;
	for (size_t i = 0; i < most && sorted[i] > folder->least; i++)
		folder->ties--;
	return NULL;
}

static bool is_kept(struct folder *folder, const struct html_fold *fold, uint32_t node)
{
	uint32_t parent = folder->profile->nodes[node].parent;
	if (parent != PROFILE_NONE && !html_fold_keeps(fold, parent))
		return false;
	if (folder->totals[node] > folder->least)
		return true;
	if (folder->totals[node] < folder->least || !folder->ties)
		return false;
	folder->ties--;
	return true;
}

/* The fold below the node's parent. */
static struct error *find_fold(struct folder *folder, struct html_fold *fold, uint32_t node,
			       uint32_t *ret)
{
	uint32_t parent = folder->profile->nodes[node].parent;
	if (parent != PROFILE_NONE && !html_fold_keeps(fold, parent)) {
		*ret = fold->numbers[parent] & ~IS_FOLD;
		return NULL;
	}
	size_t place = parent == PROFILE_NONE ? folder->profile->node_count : parent;
	if (folder->fold_of[place] == PROFILE_NONE) {
		struct error *no_room =
			ARRAY_GROW(fold->folds, fold->fold_count, folder->capacity, 64);
		if (no_room)
			return no_room;
		folder->fold_of[place] = fold->fold_count;
		fold->folds[fold->fold_count++] = (struct fold){.parent = parent};
	}
	*ret = folder->fold_of[place];
	return NULL;
}

struct error *html_fold_build(const struct profile *profile, enum profile_unit unit, size_t most,
			      struct html_fold *ret)
{
	size_t count = profile->node_count;
	CLEANUP(folder_deinit)
	struct folder folder = {
		.profile = profile,
		.totals = calloc(count + 1, sizeof(*folder.totals)),
		.fold_of = malloc((count + 1) * sizeof(*folder.fold_of)),
	};
	ret->numbers = calloc(count + 1, sizeof(*ret->numbers));
	if (!folder.totals || !folder.fold_of || !ret->numbers)
		return &error_out_of_memory;
	memset(folder.fold_of, 0xff, (count + 1) * sizeof(*folder.fold_of));
	struct error *error = weigh(&folder, unit, most);
	for (uint32_t i = 0; i < count && !error; i++) {
		uint32_t number;
		if (is_kept(&folder, ret, i)) {
			ret->numbers[i] = ret->kept++;
			continue;
		}
		error = find_fold(&folder, ret, i, &number);
		if (error)
			break;
		ret->numbers[i] = number | IS_FOLD;
		profile_weight_add(&ret->folds[number].weight, &profile->nodes[i].own);
		profile_weight_add(&ret->folded, &profile->nodes[i].own);
		ret->folded_nodes++;
	}
	return error;
}

bool html_fold_keeps(const struct html_fold *fold, uint32_t node)
{
	return !(fold->numbers[node] & IS_FOLD);
}

uint32_t html_fold_number(const struct html_fold *fold, uint32_t node)
{
	uint32_t number = fold->numbers[node];
	return number & IS_FOLD ? fold->kept + (number & ~IS_FOLD) : number;
}
