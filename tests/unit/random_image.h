/* Memory that changes at random. */
#ifndef PYSPY_TESTS_RANDOM_IMAGE_H
#define PYSPY_TESTS_RANDOM_IMAGE_H

#include "common/memory_image.h"
#include "tests/unit/error_checks.h"
#include "tests/unit/random_numbers.h"

/* Where the memory is: windows are crossed. */
static const uint64_t base = 0x7f0000004000 - 100;

/* Single bytes, runs of less than `run` and holes change in the first `space` bytes; fewer than
 * `changes` of them, at times none. */
static inline void mutate_image(struct memory_image *image, uint32_t space, uint32_t changes,
				uint32_t run)
{
	uint8_t bytes[512];
	assert_true(run <= sizeof(bytes));
	for (uint32_t i = random_below(changes); i > 0; i--) {
		uint32_t size = 1 + random_below(random_below(2) ? 3 : run);
		uint64_t address = base + random_below(space - run);
		for (uint32_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)random_below(3);
		if (random_below(4) == 0)
			check(memory_image_drop(image, address, size));
		else
			check(memory_image_put(image, address, bytes, size));
	}
}

#endif
