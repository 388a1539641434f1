/*
 * Frames that were decoded, each once for a code object, a module and an instruction: numbers stand
 * for them.
 */
#ifndef PYSPY_ANALYZE_PYTHON_FRAME_TABLE_H
#define PYSPY_ANALYZE_PYTHON_FRAME_TABLE_H

#include "common/hash_index.h"
#include "common/model.h"
#include "common/walk.h"

/* A table with more is to be given up: frames of code that is long gone are in it. */
enum { FRAME_TABLE_FULL = 1 << 16 };

#define FRAME_NUMBER_NONE UINT32_MAX

/* All zero is an empty one. */
struct frame_table {
	struct frame_table_entry *entries;
	size_t count;
	size_t capacity;
	struct hash_index index;
};

void frame_table_deinit(struct frame_table *table);

/*
 * The number of a frame; the code object and the module are the same as long as their serial
 * numbers are. FRAME_NUMBER_NONE for one that is not shown.
 */
struct error *frame_table_put(struct frame_table *table, const struct python_layout *layout,
			      const struct walk_frame *walked, uint64_t code_serial,
			      uint64_t module_serial, uint32_t *ret);

/* Its strings are the table's. How it was entered is not set. Borrowed until the next one is put
 * in. */
const struct model_frame *frame_table_frame(const struct frame_table *table, uint32_t number);

#endif
