/*
 * DWARF expressions of call frame information: where a register of the calling frame was saved, and
 * the frame's address (DWARF 5, 2.5 and 6.4). Expressions come from files of the target: the stack,
 * the number of steps and every operand are bounded.
 */
#ifndef PYSPY_ANALYZE_NATIVE_EXPRESSION_H
#define PYSPY_ANALYZE_NATIVE_EXPRESSION_H

#include <elfutils/libdw.h>

#include "common/memory.h"
#include "common/registers.h"

struct expression_context {
	struct memory *memory;
	const struct registers *registers; /* of the frame that is being unwound */
	uint64_t bias;			   /* of the module: for DW_OP_addr */
	bool has_frame_address;		   /* DW_OP_call_frame_cfa means something */
	uint64_t frame_address;
};

struct expression_result {
	uint64_t value;
	bool is_value; /* the value itself (DW_OP_stack_value, a register), not its address */
};

/* False if it cannot be evaluated: something unknown, unreadable or malformed. */
bool expression_evaluate(const struct expression_context *context, const Dwarf_Op *operations,
			 size_t count, struct expression_result *ret)
	__attribute__((warn_unused_result));

#endif
