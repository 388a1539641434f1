/* The variables of code objects: names, kinds, and where a frame has them. */
#ifndef PYSPY_COMMON_CODE_VARIABLES_H
#define PYSPY_COMMON_CODE_VARIABLES_H

#include "common/code_object.h"

enum {
	CODE_VARIABLES_MAX = 1000,	    /* of one code object; the rest is left out */
	CODE_VARIABLES_MAX_SLOTS = 4000,    /* variables in slots behind are left out */
	CODE_VARIABLES_MAX_BYTES = 1 << 26, /* all that is kept; code objects beyond it have none */
};

enum variable_kind {
	VARIABLE_LOCAL = 0, /* in a slot of the frame */
	VARIABLE_CELL,	    /* in a cell, shared with functions inside of it */
	VARIABLE_FREE,	    /* in a cell that belongs to a function outside of it */
	VARIABLE_NAMESPACE, /* in the dict of a class body */
};

struct code_variable {
	struct raw_string name; /* owned by the cache */
	enum variable_kind kind;
	bool is_argument;
	uint32_t slot;
	/*
	 * Of a cell: the slot holds it while the frame is behind this offset of an instruction.
	 * From 3.11 on a cell is made by an instruction (MAKE_CELL), and before that its slot holds
	 * what the function was called with.
	 */
	int64_t made_at;
};

struct code_variables {
	struct code_variable *items; /* arguments first */
	size_t count;
	uint32_t slot_count; /* how many slots they are in: all are below it */
	/* What is missing: nothing, if none of the three says so. */
	enum memory_status status;
	bool malformed; /* the tables are not what they must be */
	bool cut;
};

struct code_variables_cache;
/* `memory` and `layout` are borrowed. */
struct error *code_variables_cache_create(struct memory *memory, const struct python_layout *layout,
					  struct code_variables_cache **ret);
void code_variables_cache_destroy(struct code_variables_cache *cache);

/* Of a code object that is complete; `ret` is borrowed from the cache. Only running out of memory
 * is an error. */
struct error *code_variables_get(struct code_variables_cache *cache, const struct raw_code *code,
				 const struct code_variables **ret);

#endif
