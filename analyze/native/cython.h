/*
 * Cython's functions as the author wrote them: names by Cython's mangling
 * (Cython/Compiler/Naming.py, Symtab.py), lines by the comments in the C code that it makes.
 */
#ifndef PYSPY_ANALYZE_NATIVE_CYTHON_H
#define PYSPY_ANALYZE_NATIVE_CYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it a function that Cython made of one of its author's? */
bool cython_is_function(const char *symbol);

/* Is it the function that only passes the arguments on to that one? */
bool cython_is_wrapper(const char *symbol);

/* "package.module.Class.method" for the symbol of one. NULL if it is none, or out of memory. */
char *cython_name(const char *symbol);

/* The place in the author's file of a line of generated C code. False if the code does not say;
 * `ret_file` is in `text`, not terminated. */
bool cython_place(const char *text, size_t size, int32_t line, const char **ret_file,
		  size_t *ret_file_size, int32_t *ret_line);

#endif
