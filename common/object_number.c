/* Numbers: bool, int, float, complex. */
#include <string.h>

#include "common/object_walk.h"

/* The length of an int in digits, and its sign: ob_size, negative if the int is (<= 3.11), or
 * lv_tag (Include/cpython/longintrepr.h). */
static bool read_length(struct object_walk *walk, uint32_t node, uint64_t *ret)
{
	const struct python_layout *layout = walk->layout;
	struct object_node *self = object_node_at(walk, node);
	uint64_t word;
	if (!object_walk_pointer(walk, node, layout->integer.length, &word))
		return false;
	if (layout->integer.length_shift) {
		/* 0 positive, 1 zero, 2 negative. */
		self->negative = (word & 3) == 2;
		*ret = (word & 3) == 1 ? 0 : word >> layout->integer.length_shift;
	} else {
		self->negative = (int64_t)word < 0;
		*ret = self->negative ? -word : word;
	}
	return true;
}

/* int and bool of 2.x: a C long. */
static bool is_plain(const struct object_walk *walk, uint32_t node)
{
	enum { FLAG_INT_SUBCLASS = 23 };
	return walk->layout->integer.plain != LAYOUT_ABSENT &&
	       walk->tree->nodes[node].type->flags >> FLAG_INT_SUBCLASS & 1;
}

static bool read_plain(struct object_walk *walk, uint32_t node, int64_t *ret)
{
	uint64_t value;
	if (!object_walk_pointer(walk, node, walk->layout->integer.plain, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

struct error *object_read_int(struct object_walk *walk, uint32_t node)
{
	int64_t plain;
	if (is_plain(walk, node)) {
		if (read_plain(walk, node, &plain)) {
			object_node_at(walk, node)->kind = OBJECT_PLAIN_INT;
			object_node_at(walk, node)->integer = plain;
		}
		return NULL;
	}
	const struct python_layout *layout = walk->layout;
	uint64_t address = object_node_at(walk, node)->address + layout->integer.digits;
	uint64_t length;
	if (!read_length(walk, node, &length))
		return NULL;
	object_node_at(walk, node)->width = (uint8_t)layout->integer.digit_bits;
	/* Of one that is too long only the highest digit is kept: it tells how many bits. */
	uint64_t wanted = object_walk_limit(walk, node, length, walk->bounds->max_digits);
	if (length > INT32_MAX) {
		object_walk_wild(walk, node);
		return NULL;
	}
	if (wanted < length) {
		wanted = 1;
		address += (length - 1) * sizeof(uint32_t);
	}
	return object_walk_bytes(walk, node, address, wanted * sizeof(uint32_t));
}

struct error *object_read_bool(struct object_walk *walk, uint32_t node)
{
	uint64_t length;
	int64_t plain;
	if (is_plain(walk, node)) {
		if (read_plain(walk, node, &plain))
			object_node_at(walk, node)->integer = plain != 0;
		return NULL;
	}
	if (read_length(walk, node, &length))
		object_node_at(walk, node)->integer = length != 0;
	return NULL;
}

/* Doubles next to each other. */
static struct error *read_reals(struct object_walk *walk, uint32_t node, layout_offset offset,
				size_t count)
{
	double reals[2] = {0};
	enum memory_status status =
		offset == LAYOUT_ABSENT
			? MEMORY_NOT_MAPPED
			: memory_read(walk->memory, object_node_at(walk, node)->address + offset,
				      reals, count * sizeof(double));
	if (status != MEMORY_OK)
		object_walk_fail(walk, node, status);
	else
		memcpy(object_node_at(walk, node)->real, reals, sizeof(reals));
	return NULL;
}

struct error *object_read_float(struct object_walk *walk, uint32_t node)
{
	return read_reals(walk, node, walk->layout->object_parts.real, 1);
}

struct error *object_read_complex(struct object_walk *walk, uint32_t node)
{
	return read_reals(walk, node, walk->layout->object_parts.complex, 2);
}
