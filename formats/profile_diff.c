#include "formats/profile_diff.h"

#include <stdlib.h>

#include "common/cleanup.h"

/* So many parts is a whole side: few enough for the sum of two sides and 2^32 samples to fit. */
#define WHOLE_PARTS 1e15

/* The side of each node: parents come first. */
static struct error *find_sides(const struct profile *profile, uint8_t **ret)
{
	uint8_t *sides = calloc(profile->node_count + 1, 1);
	if (!sides)
		return &error_out_of_memory;
	for (size_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		sides[i] = node->parent == PROFILE_NONE
				   ? profile->frames[node->frame].line == SIDE_AFTER
				   : sides[node->parent];
	}
	*ret = sides;
	return NULL;
}

struct error *profile_diff_prepare(struct profile *profile, enum profile_unit unit)
{
	CLEANUP_FREE uint8_t *sides = NULL;
	uint64_t sums[2] = {0};
	struct error *error = find_sides(profile, &sides);
	if (error)
		return error;
	for (size_t i = 0; i < profile->node_count; i++)
		sums[sides[i]] += profile->nodes[i].own.of[unit];
	if (!sums[SIDE_BEFORE] || !sums[SIDE_AFTER])
		return error_create(ERROR_NOT_FOUND,
				    "no stack of %s weighs anything; there is nothing to compare",
				    sums[SIDE_BEFORE] ? "AFTER" : "BEFORE");
	profile->total = (struct profile_weight){0};
	for (size_t i = 0; i < profile->node_count; i++) {
		uint8_t side = sides[i];
		const struct profile_weight weight = profile->nodes[i].own;
		double share = (double)weight.of[unit] / (double)sums[side];
		profile->nodes[i].own = (struct profile_weight){
			.of = {[DIFF_BEFORE] = side == SIDE_BEFORE ? weight.of[unit] : 0,
			       [DIFF_AFTER] = side == SIDE_AFTER ? weight.of[unit] : 0,
			       [DIFF_WIDTH] = (uint64_t)(share * WHOLE_PARTS),
			       [DIFF_SAMPLES] = weight.of[PROFILE_SAMPLES]}};
		profile_weight_add(&profile->total, &profile->nodes[i].own);
	}
	return NULL;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

struct diff_shares diff_shares_of(const struct profile_weight *whole,
				  const struct profile_weight *part)
{
	return (struct diff_shares){
		.before = percent(part->of[DIFF_BEFORE], whole->of[DIFF_BEFORE]),
		.after = percent(part->of[DIFF_AFTER], whole->of[DIFF_AFTER]),
	};
}
