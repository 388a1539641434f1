/* Arrays that grow: room for what is appended, twice as much each time. */
#ifndef PYSPY_COMMON_ARRAY_H
#define PYSPY_COMMON_ARRAY_H

#include <stddef.h>

#include "common/error.h"

/* Make it twice as large, `first` items at first. Untouched on failure. */
struct error *array_enlarge(void **items, size_t *capacity, size_t first, size_t item_size);

/* Room for one more behind `count` items: an error, or NULL. */
#define ARRAY_GROW(items, count, capacity, first)                                                  \
	((count) < (capacity) ? NULL : ({                                                          \
		void *array_items_ = (items);                                                      \
		struct error *array_error_ =                                                       \
			array_enlarge(&array_items_, &(capacity), (first), sizeof(*(items)));      \
		(items) = array_items_;                                                            \
		array_error_;                                                                      \
	}))

#endif
