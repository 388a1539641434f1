/*
 * Native stacks: from the registers of a thread outwards, by call frame information, else by the
 * frame pointer, else by a search of the stack for a plausible return address. Every frame says how
 * it was found. Nothing in the target is trusted: steps, addresses and searches are bounded.
 */
#ifndef PYSPY_ANALYZE_NATIVE_UNWIND_H
#define PYSPY_ANALYZE_NATIVE_UNWIND_H

#include "analyze/native/native_module.h"
#include "common/mappings.h"
#include "common/registers.h"

enum {
	UNWIND_MAX_FRAMES = 1 << 18,
	UNWIND_MAX_TOTAL_FRAMES = 1 << 19, /* of one process */
	UNWIND_MAX_GUESSES = 64,	   /* frames in a row by pointer or search */
	UNWIND_SEARCH_BYTES = 4096,	   /* of the stack, for one frame */
};

/* How a frame was found. */
enum unwind_method {
	UNWIND_REGISTERS = 1, /* the innermost frame: the thread's own registers */
	UNWIND_CFI,
	UNWIND_EPILOGUE, /* the code of the frame inside of it returns at once */
	UNWIND_FRAME_POINTER,
	UNWIND_SEARCH,
};

const char *unwind_method_name(enum unwind_method method);

struct native_frame {
	uint64_t pc;
	uint64_t lookup; /* what symbols are looked up by: inside of the call instruction */
	uint64_t stack;	 /* stack pointer in this frame */
	uint64_t
		frame_address; /* of the canonical frame: where the caller's begins; 0 if unknown */
	enum unwind_method method;
	bool is_signal; /* the kernel's return trampoline: the frame outside of it was interrupted
			 */
	struct native_module *module; /* NULL: none */
};

/* Why a stack ends where it does. */
enum unwind_end {
	UNWIND_END_OUTERMOST = 1, /* there is nothing outside */
	UNWIND_END_LOST,	  /* the next frame could not be found */
	UNWIND_END_BOUND,
};

struct native_stack {
	struct native_frame *frames; /* innermost first */
	size_t count;
	size_t capacity;
	enum unwind_end end;
};

void native_stack_deinit(struct native_stack *stack);

struct unwinder {
	struct native_modules *modules;
	const struct mappings *mappings;
	struct memory *memory;
	size_t frames_left; /* of its bounds; what is used up is for the caller to take off */
};

/* Unwind from `registers`. Only running out of memory is an error. */
struct error *unwind(const struct unwinder *unwinder, const struct registers *registers,
		     struct native_stack *ret);

#endif
