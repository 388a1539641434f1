/*
 * A structure of the target, read as one range, with its fields taken by layout offset. The one
 * place where a layout offset becomes a field.
 */
#ifndef PYSPY_COMMON_STRUCT_VIEW_H
#define PYSPY_COMMON_STRUCT_VIEW_H

#include "common/memory.h"
#include "common/python_layout.h"

enum { STRUCT_VIEW_MAX_BYTES = 1024 };

/* The part of a structure that is wanted: from the first to the last field that the version has. */
struct struct_span {
	uint32_t first; /* offset of the first byte */
	uint32_t size;	/* bytes, at most STRUCT_VIEW_MAX_BYTES; 0: the version has none of the
			   fields */
};

struct struct_view {
	uint64_t address; /* of the structure, not of the span */
	struct struct_span span;
	uint8_t bytes[STRUCT_VIEW_MAX_BYTES];
};

/* Widen `span` by the field of `width` bytes at `offset`; an absent one changes nothing. */
void struct_span_add(struct struct_span *span, layout_offset offset, size_t width);

enum memory_status struct_view_read(struct memory *memory, uint64_t address,
				    struct struct_span span, struct struct_view *ret)
	__attribute__((warn_unused_result));

/* Little-endian field of 1, 2, 4 or 8 bytes; 0 if it is absent or outside of the span. */
uint64_t struct_view_field(const struct struct_view *view, layout_offset offset, size_t width);
uint64_t struct_view_pointer(const struct struct_view *view, layout_offset offset);
int32_t struct_view_i32(const struct struct_view *view, layout_offset offset);
bool struct_view_bit(const struct struct_view *view, struct layout_bit bit);

/* A single pointer-sized field; MEMORY_NOT_MAPPED if the version has none. */
enum memory_status struct_read_pointer(struct memory *memory, uint64_t address,
				       layout_offset offset, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
