/*
 * Samples that are decoded with what is known from those before, against the same decoded each by
 * itself: of hostile runs too, both give the same. The input is segments (segments.h).
 */
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/segments.h"
#include "tests/tools/decode_comparison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rest would be of the same kind. */
enum { SAMPLES_MAX = 12 };

static void compare_target(struct target *target)
{
	const struct incremental_options options = {.others = true};
	CLEANUP(incremental_decoder_destroyp) struct incremental_decoder *decoder = NULL;
	struct snapshot *snapshot = target_snapshot(target);
	size_t count = snapshot ? snapshot_sample_count(snapshot) : 0;
	must(incremental_decoder_create(&options, &decoder));
	for (sample = 0; sample < count && sample < SAMPLES_MAX; sample++) {
		struct error *error = snapshot_select(snapshot, sample);
		if (!error)
			compare_sample(decoder, target);
		error_destroy(error);
	}
	forget_comparison();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct target_options options = {0};
	struct buffer file = {0};
	struct target *target = NULL;
	build_segments(cursor_make(data, size), &file);
	CLEANUP_CLOSE int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, file.data, file.size) != (ssize_t)file.size)
		abort();
	buffer_deinit(&file);
	lseek(fd, 0, SEEK_SET);
	struct error *error = target_open_descriptor(fd, "fuzz", &options, &target);
	error_destroy(error);
	if (target)
		compare_target(target);
	target_destroy(target);
	return 0;
}
