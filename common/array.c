#include "common/array.h"

#include <stdlib.h>

struct error *array_enlarge(void **items, size_t *capacity, size_t first, size_t item_size)
{
	size_t wanted = *capacity ? *capacity * 2 : first;
	void *enlarged = reallocarray(*items, wanted, item_size);
	if (!enlarged)
		return &error_out_of_memory;
	*items = enlarged;
	*capacity = wanted;
	return NULL;
}
