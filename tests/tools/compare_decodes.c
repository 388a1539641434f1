/*
 * Whether samples that are decoded one after another, each with what is known from those before,
 * come out as each decoded by itself: `compare_decodes FILE [STEP]`. Every STEP-th sample is
 * decoded. What the decoder tells of threads being as they were is checked too.
 */
#include "tests/tools/decode_comparison.h"

int main(int argc, char **argv)
{
	const struct target_options target_options = {0};
	const struct incremental_options options = {.others = true};
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP(incremental_decoder_destroyp) struct incremental_decoder *decoder = NULL;
	if (argc < 2) {
		fprintf(stderr, "usage: compare_decodes FILE [STEP]\n");
		return 2;
	}
	size_t step = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	check(target_open(argv[1], &target_options, &target));
	check(incremental_decoder_create(&options, &decoder));
	struct snapshot *snapshot = target_snapshot(target);
	size_t count = snapshot ? snapshot_sample_count(snapshot) : 1;
	for (sample = 0; sample < count; sample += step ? step : 1) {
		if (snapshot)
			check(snapshot_select(snapshot, sample));
		compare_sample(decoder, target);
	}
	printf("{\"samples\": %zu, \"threads\": %zu, \"same\": %zu, \"frames\": %zu, "
	       "\"kept\": %zu}\n",
	       count, threads_seen, same_seen, frames_seen, kept_seen);
	forget_comparison();
	return 0;
}
