/*
 * The names of threads for a sample. They are read while the target runs, before and after the
 * sample's stacks, because they rarely change and are no reason to hold it longer. Only those are
 * kept that were the same both times: what a thread's id meant then, it meant in the sample.
 */
#ifndef PYSPY_CAPTURE_NAMES_PASS_H
#define PYSPY_CAPTURE_NAMES_PASS_H

#include "common/locate.h"
#include "common/memory_image.h"
#include "common/thread_names.h"

/* Before the sample; `memory` is the live one. Only running out of memory is an error. */
struct error *names_pass_before(struct memory *memory, const struct python_location *location,
				struct thread_name_list *ret);

/* After it: add to `image`, the sample's, what is needed to read the names that are still as they
 * were before. What the sample holds stays as it is. */
struct error *names_pass_after(struct memory *memory, const struct python_location *location,
			       const struct thread_name_list *before, struct memory_image **image);

#endif
