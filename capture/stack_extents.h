/*
 * Which memory is one thread's stack: its thread state, C frames and frames. Nobody changes it but
 * that thread while it holds the GIL, so it may be read before the target is held, where the GIL is
 * proven not to have changed hands until it is (sample_ways.c).
 */
#ifndef PYSPY_CAPTURE_STACK_EXTENTS_H
#define PYSPY_CAPTURE_STACK_EXTENTS_H

#include "common/buffer.h"
#include "common/struct_view.h"

struct stack_extent {
	uint64_t begin;
	uint64_t end;
	uint64_t owner; /* the thread's id, as the program knows it; not 0 */
};

/* Extents near each other are joined: `extents` holds any number of struct stack_extent. What is
 * wild is left out. */
struct error *stack_extents_add(struct buffer *extents, uint64_t address, struct struct_span span,
				uint64_t owner);

/* Before the two below, after the last addition. */
void stack_extents_sort(struct buffer *extents);

/* Whose stack all of [address, address + size) is; 0: nobody's. */
uint64_t stack_extents_owner(const struct buffer *extents, uint64_t address, size_t size);

#endif
