/*
 * The locals' part of a pass (sample_pass.h): reads the values of frames' variables as analysis
 * does with --locals, so that what it reads is recorded.
 */
#ifndef PYSPY_CAPTURE_LOCALS_PASS_H
#define PYSPY_CAPTURE_LOCALS_PASS_H

#include "common/memory_image.h"
#include "common/walk.h"

enum {
	/*
	 * What a sample may grow to by values: beyond it, no more of them are read. Half of each is
	 * for what --locals shows, the other half for what it shows when it is repeated. Ranges
	 * that are near each other are copied as one, so this is more than what may be copied while
	 * the target stands still (SAMPLE_MAX_REQUESTS).
	 */
	LOCALS_MAX_RANGES = 1 << 18,
	LOCALS_MAX_BYTES = 64 << 20,
};

struct locals_pass;
/* At most `max_ranges` are read. Searches read through `memory`; all that is to be kept is read
 * through `recorder`, which puts it into `image`. All are borrowed. */
struct error *locals_pass_create(struct memory *memory, struct memory *recorder,
				 const struct memory_image *image,
				 const struct python_layout *layout, size_t max_ranges,
				 struct locals_pass **ret);
void locals_pass_destroyp(struct locals_pass **pass);

/* Read the values of a frame as --locals shows them. */
struct error *locals_pass_frame(struct locals_pass *pass, const struct walk_frame *frame);

/* After all frames: read as much more of what was cut as --locals shows when it is repeated. */
struct error *locals_pass_deepen(struct locals_pass *pass);

#endif
