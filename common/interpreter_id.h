/*
 * The number of an interpreter. From 3.7 on it is a field; before, interpreters have none, and are
 * numbered by their age among those that are: the list begins with the youngest, the main
 * interpreter is its end and has 0.
 */
#ifndef PYSPY_COMMON_INTERPRETER_ID_H
#define PYSPY_COMMON_INTERPRETER_ID_H

#include "common/memory.h"
#include "common/python_layout.h"

enum memory_status interpreter_id_read(struct memory *memory, const struct python_layout *layout,
				       uint64_t interpreter, int64_t *ret)
	__attribute__((warn_unused_result));

#endif
