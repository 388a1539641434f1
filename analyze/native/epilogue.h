/*
 * The end of a function, where it follows a call at once: what it does to the stack pointer and the
 * frame pointer is the step outwards, without any call frame information. Code that only passes a
 * call on is made so, as CPython's perf trampoline is (Python/asm_trampoline.S), which lies in
 * anonymous memory and has no call frame information.
 */
#ifndef PYSPY_ANALYZE_NATIVE_EPILOGUE_H
#define PYSPY_ANALYZE_NATIVE_EPILOGUE_H

#include "common/memory.h"
#include "common/registers.h"

/* Carry out the instructions at `registers->pc` up to the return, if they are nothing but an
 * epilogue. False if they are not, or the stack cannot be read. */
bool epilogue_step(struct memory *memory, const struct registers *registers, struct registers *ret)
	__attribute__((warn_unused_result));

#endif
