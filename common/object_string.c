/* Strings: str, bytes, bytearray; and names, which are str objects that become UTF-8 at once. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/object_walk.h"
#include "common/utf8.h"

/* Where a str's characters are (Include/cpython/unicodeobject.h). */
struct characters {
	uint64_t address;
	uint64_t length; /* characters */
	uint8_t width;	 /* bytes of each */
	bool valid;
};

/* A str of 2.x, which is what names are there. */
static enum memory_status find_bytes(struct memory *memory, const struct python_layout *layout,
				     uint64_t address, struct characters *ret)
{
	struct characters characters = {.address = address + layout->bytes.contents, .width = 1};
	enum memory_status status =
		struct_read_pointer(memory, address, layout->bytes.length, &characters.length);
	characters.valid = characters.length < INT64_MAX;
	if (status == MEMORY_OK)
		*ret = characters;
	return status;
}

/* unicode of 2.x: a pointer to Py_UNICODE, of four bytes, or of two where the build is so; see
 * narrow_unicode(). */
static enum memory_status find_old_unicode(struct memory *memory,
					   const struct python_layout *layout, uint64_t address,
					   struct characters *ret)
{
	struct characters characters = {.width = sizeof(uint32_t)};
	enum memory_status status =
		struct_read_pointer(memory, address, layout->unicode.length, &characters.length);
	if (status == MEMORY_OK)
		status = struct_read_pointer(memory, address, layout->unicode.any_data,
					     &characters.address);
	characters.valid = characters.length < INT64_MAX;
	if (status == MEMORY_OK)
		*ret = characters;
	return status;
}

static enum memory_status find_characters(struct memory *memory, const struct python_layout *layout,
					  uint64_t address, struct characters *ret)
{
	struct struct_span span = {0};
	struct struct_view view;
	enum memory_status status;
	if (layout->unicode.state == LAYOUT_ABSENT)
		return find_old_unicode(memory, layout, address, ret);
	struct_span_add(&span, layout->unicode.length, OBJECT_WORD);
	struct_span_add(&span, layout->unicode.state, sizeof(uint32_t));
	status = struct_view_read(memory, address, span, &view);
	if (status != MEMORY_OK)
		return status;
	uint32_t state = (uint32_t)struct_view_field(&view, layout->unicode.state, sizeof(state));
	uint32_t kind = state >> layout->unicode.kind_shift & layout->unicode.kind_mask;
	struct characters characters = {
		.address = address + (state & layout->unicode.ascii_mask
					      ? layout->unicode.ascii_data
					      : layout->unicode.compact_data),
		.length = struct_view_pointer(&view, layout->unicode.length),
		.width = (uint8_t)kind,
	};
	characters.valid = (kind == 1 || kind == 2 || kind == 4) && characters.length < INT64_MAX;
	/* Those of subclasses are not behind the header, but behind a pointer. */
	if (characters.valid && !(state & layout->unicode.compact_mask))
		status = struct_read_pointer(memory, address, layout->unicode.any_data,
					     &characters.address);
	if (status == MEMORY_OK)
		*ret = characters;
	return status;
}

/* Characters that were read as four bytes each, but cannot be, are of two. */
static struct error *narrow_unicode(struct object_walk *walk, uint32_t node, uint64_t address,
				    uint64_t length)
{
	struct object_node *self = object_node_at(walk, node);
	bool is_wide = self->kind == OBJECT_STR;
	for (uint64_t i = 0; i < length && is_wide; i++) {
		uint64_t point = 0;
		bytes_field(object_node_bytes(walk->tree, self), self->bytes.size,
			    i * sizeof(uint32_t), sizeof(uint32_t), &point);
		is_wide = point <= 0x10ffff;
	}
	if (is_wide)
		return NULL;
	self->kind = OBJECT_STR;
	self->width = sizeof(uint16_t);
	return object_walk_bytes(walk, node, address, length * sizeof(uint16_t));
}

struct error *object_read_str(struct object_walk *walk, uint32_t node)
{
	struct characters characters;
	enum memory_status status = find_characters(
		walk->memory, walk->layout, object_node_at(walk, node)->address, &characters);
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	if (!characters.valid) {
		object_walk_wild(walk, node);
		return NULL;
	}
	object_node_at(walk, node)->width = characters.width;
	uint64_t wanted =
		object_walk_limit(walk, node, characters.length, walk->bounds->max_characters);
	struct error *error =
		object_walk_bytes(walk, node, characters.address, wanted * characters.width);
	if (error || walk->layout->unicode.state != LAYOUT_ABSENT)
		return error;
	return narrow_unicode(walk, node, characters.address, wanted);
}

static struct error *read_bytes(struct object_walk *walk, uint32_t node, uint64_t address,
				uint64_t length)
{
	if (length > INT64_MAX) {
		object_walk_wild(walk, node);
		return NULL;
	}
	uint64_t wanted = object_walk_limit(walk, node, length, walk->bounds->max_characters);
	return object_walk_bytes(walk, node, address, wanted);
}

struct error *object_read_bytes(struct object_walk *walk, uint32_t node)
{
	uint64_t length;
	if (!object_walk_pointer(walk, node, walk->layout->bytes.length, &length))
		return NULL;
	return read_bytes(walk, node,
			  object_node_at(walk, node)->address + walk->layout->bytes.contents,
			  length);
}

struct error *object_read_bytearray(struct object_walk *walk, uint32_t node)
{
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, walk->layout->bytes.length, OBJECT_WORD);
	struct_span_add(&span, walk->layout->object_parts.bytearray_data, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	return read_bytes(walk, node,
			  struct_view_pointer(&view, walk->layout->object_parts.bytearray_data),
			  struct_view_pointer(&view, walk->layout->bytes.length));
}

/* What has no UTF-8, a lone surrogate, becomes the replacement character. */
static struct error *append_utf8(struct buffer *text, const uint8_t *bytes, uint64_t length,
				 uint8_t width)
{
	struct error *error = NULL;
	for (uint64_t i = 0; i < length && !error; i++) {
		uint64_t point = 0;
		char utf8[UTF8_MAX_BYTES];
		bytes_field(bytes, length * width, i * width, width, &point);
		size_t size = utf8_encode((uint32_t)point, utf8);
		if (!size)
			size = utf8_encode(0xfffd, utf8);
		error = buffer_append(text, utf8, size);
	}
	return error ? error : buffer_append_u8(text, 0);
}

struct error *object_name_read(const struct python_reader *reader, uint64_t address, char **ret)
{
	struct memory *memory = python_reader_memory(reader);
	uint8_t bytes[4 * OBJECT_NAME_CHARACTERS];
	struct characters characters = {.width = 1};
	struct buffer text = {0};
	uint64_t length = 0;
	enum memory_status status =
		reader->layout->name_kind == NAME_KIND_BYTES
			? find_bytes(memory, reader->layout, address, &characters)
			: find_characters(memory, reader->layout, address, &characters);
	if (status == MEMORY_OK && characters.valid) {
		length = characters.length < OBJECT_NAME_CHARACTERS ? characters.length
								    : OBJECT_NAME_CHARACTERS;
		if (memory_read(memory, characters.address, bytes, length * characters.width) !=
		    MEMORY_OK)
			length = 0;
	}
	struct error *error = append_utf8(&text, bytes, length, characters.width);
	if (error) {
		buffer_deinit(&text);
		return error;
	}
	*ret = (char *)text.data;
	return NULL;
}
