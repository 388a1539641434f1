/*
 * What a native address is called: the functions that are there, the innermost inlined one first,
 * with source lines where debug information is at hand. Each address is looked up once.
 */
#ifndef PYSPY_ANALYZE_NATIVE_NATIVE_SYMBOL_H
#define PYSPY_ANALYZE_NATIVE_NATIVE_SYMBOL_H

#include "analyze/native/cython_source.h"
#include "analyze/native/native_module.h"
#include "analyze/native/unwind.h"
#include "common/address_map.h"
#include "formats/perf_map.h"

enum { SYMBOL_MAX_INLINED = 64 };

struct native_function {
	char *symbol;	 /* as the file has it; NULL if unknown */
	char *name;	 /* demangled, without parameters; NULL if unknown */
	char *filename;	 /* source file; NULL if unknown */
	int32_t line;	 /* 0 if unknown */
	bool is_cython;	 /* made by Cython of a function of its author's */
	bool is_wrapper; /* it only passes the arguments on to that one */
	bool inlined;	 /* into the function that follows */
	uint64_t offset; /* of the address in the function, bytes; 0 for inlined ones */
};

struct native_functions {
	size_t count; /* at least 1: the last one is no inlined one */
	struct native_function items[];
};

struct native_symbols {
	struct address_map found; /* of struct native_functions, owned: of code in modules */
	struct address_map made;  /* the same of code in none, by the perf map as it is here */
	/* Inlined functions and source lines of the C library, too. Nearly every stack has frames
	 * of it, its debug information is large, often compressed, and seldom what is asked for. */
	bool c_library;
	/* Of the process, for code in no module; sought when the first such of a sample is asked
	 * for. NULL: there is none. */
	struct target *target;
	struct perf_map perf_map;
	uint64_t perf_map_known; /* bytes of the text that `perf_map` was made of */
	uint64_t perf_map_size;	 /* bytes that it has by now */
	bool perf_map_size_is_new;
	struct cython_source cython_source;
};

/* What is found is kept by this: the same address can be where a thread was stopped, and behind a
 * call, which is looked up before it. Never 0. */
static inline uint64_t native_symbols_key(const struct native_frame *frame)
{
	uint64_t key = frame->pc << 1 | (frame->lookup != frame->pc);
	return key ? key : UINT64_MAX;
}

void native_symbols_deinit(struct native_symbols *symbols);

/* Call before addresses of another sample of the same process, with the same modules, are asked
 * for. */
void native_symbols_next_sample(struct native_symbols *symbols);

/* Borrowed until the next call. Only running out of memory is an error. */
struct error *native_symbols_find(struct native_symbols *symbols, const struct native_frame *frame,
				  const struct native_functions **ret);

/* A symbol as people read it: C++ and Rust demangled, others as they are. NULL if out of memory. */
char *native_demangle(const char *symbol);

#endif
