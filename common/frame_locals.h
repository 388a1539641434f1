/*
 * The local variables of a frame: their names, and the addresses of their values. What the values
 * are is read by others. Whatever the memory holds, only running out of memory is an error.
 */
#ifndef PYSPY_COMMON_FRAME_LOCALS_H
#define PYSPY_COMMON_FRAME_LOCALS_H

#include "common/code_variables.h"
#include "common/walk.h"

struct frame_local {
	const struct raw_string *name; /* borrowed until the next frame is read */
	enum variable_kind kind;
	bool is_argument;
	uint64_t address;	   /* of the value; 0 if `status` is not MEMORY_OK */
	enum memory_status status; /* of the pointer to the value */
};

struct frame_local_list {
	const struct frame_local *items; /* arguments first; unbound ones are left out */
	size_t count;
	/* What is missing: nothing, if none of the three says so. */
	enum memory_status status; /* of the names, slots or class body's dict */
	bool malformed;		   /* the tables of names are not what they must be */
	bool cut;		   /* there are more than CODE_VARIABLES_MAX */
};

/* Reads frames of one process; keeps the names of code objects. */
struct frame_locals;

/* `memory` and `layout` are borrowed. */
struct error *frame_locals_create(struct memory *memory, const struct python_layout *layout,
				  struct frame_locals **ret);
void frame_locals_destroy(struct frame_locals *locals);

/*
 * The variables of a frame whose code object is complete. What `ret` holds is borrowed until the
 * next call.
 */
struct error *frame_locals_read(struct frame_locals *locals, const struct walk_frame *frame,
				struct frame_local_list *ret);

#endif
