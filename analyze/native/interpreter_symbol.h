/* Which native functions are the interpreter's own machinery: what runs Python's frames, and what
 * stands between them and says nothing to who reads a stack. */
#ifndef PYSPY_ANALYZE_NATIVE_INTERPRETER_SYMBOL_H
#define PYSPY_ANALYZE_NATIVE_INTERPRETER_SYMBOL_H

#include <stdbool.h>

/* The evaluation loop, in whichever parts a compiler has cut it. */
bool symbol_is_evaluation(const char *symbol);

/* The function of one instruction in a tail-calling build: called by the loop, which runs it. */
bool symbol_is_tail_call(const char *symbol);

/* What CPython's perf support calls the piece of code that it makes for a Python function, through
 * which the loop is entered: the frame inside of it is that function's. */
bool symbol_is_trampoline(const char *symbol);

/* A function of the interpreter that only passes calls on. */
bool symbol_is_internal(const char *symbol);

#endif
