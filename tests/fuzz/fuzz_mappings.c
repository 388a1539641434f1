/* Any text as /proc/PID/maps: what is accepted is ascending and disjoint. */
#include <stdlib.h>

#include "common/mappings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mappings mappings = {0};
	struct error *error = mappings_parse((const char *)data, size, &mappings);
	error_destroy(error);
	for (size_t i = 0; i < mappings.count; i++) {
		const struct mapping *item = &mappings.items[i];
		if (item->start >= item->end || (i && item->start < item[-1].end) ||
		    mappings_find(&mappings, item->start) != item ||
		    mappings_find(&mappings, item->end - 1) != item)
			abort();
	}
	mappings_deinit(&mappings);
	return 0;
}
