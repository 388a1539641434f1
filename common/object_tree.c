#include "common/object_tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/object_walk.h"

struct object_bounds object_bounds_for_text(size_t max_characters)
{
	/* Characters of a target are worth little beyond some pages. */
	uint32_t characters = max_characters < 1 << 20 ? (uint32_t)max_characters : 1 << 20;
	return (struct object_bounds){
		.max_depth = 8,
		/* "0, " is the shortest item. */
		.max_items = characters / 3 + 1,
		.max_characters = characters,
		/* 4300 decimal digits, beyond which Python converts no int (sys.int_max_str_digits,
		 * 3.11), are 14285 bits. */
		.max_digits = 1024,
		/* A pair of an attribute and its value is two. */
		.max_nodes = characters + 16,
		.max_bytes = 8 * characters + 8192,
	};
}

/* Number of a new node; the caller has looked for room. */
static struct error *add_node(struct object_walk *walk, uint64_t address, uint32_t *ret)
{
	struct object_tree *tree = walk->tree;
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 16;
		struct object_node *nodes = reallocarray(tree->nodes, capacity, sizeof(*nodes));
		if (!nodes)
			return &error_out_of_memory;
		tree->nodes = nodes;
		tree->capacity = capacity;
	}
	*ret = (uint32_t)tree->count++;
	tree->nodes[*ret] = (struct object_node){.address = address};
	return NULL;
}

void object_walk_fail(struct object_walk *walk, uint32_t node, enum memory_status status)
{
	object_node_at(walk, node)->kind = OBJECT_UNREADABLE;
	object_node_at(walk, node)->status = status;
}

void object_walk_wild(struct object_walk *walk, uint32_t node)
{
	object_node_at(walk, node)->kind = OBJECT_WILD;
}

/* Whether the node is one of those that it is in; it then is told as what that is. */
static bool is_cycle(struct object_walk *walk, uint32_t node)
{
	struct object_node *self = object_node_at(walk, node);
	for (uint32_t i = 0; i < walk->depth; i++) {
		const struct object_node *ancestor = object_node_at(walk, walk->ancestors[i]);
		if (ancestor->address != self->address)
			continue;
		self->kind = OBJECT_CYCLE;
		self->type = ancestor->type;
		return true;
	}
	return false;
}

/* The least that the node's own text has; when all that is allowed is reached, more is not read. */
static uint64_t least_characters(const struct object_node *node)
{
	switch (node->kind) {
	case OBJECT_STR:
		return strlen("'', ") + node->bytes.size / (node->width ? node->width : 1);
	case OBJECT_BYTES:
		return strlen("'', ") + node->bytes.size;
	case OBJECT_INSTANCE:
		return strlen("< object at 0x0>, ") + strlen(node->type->name);
	default:
		return strlen("0, ");
	}
}

static struct error *read_value(struct object_walk *walk, uint32_t node)
{
	object_read_function *read = object_kind_reader(object_node_at(walk, node)->kind);
	struct error *error = NULL;
	if (read) {
		walk->ancestors[walk->depth++] = node;
		error = read(walk, node);
		walk->depth--;
	}
	walk->characters += least_characters(object_node_at(walk, node));
	return error;
}

/* What the object is; false if that is all that can be told of it. */
static struct error *read_kind(struct object_walk *walk, uint32_t node, bool *ret)
{
	uint64_t address = object_node_at(walk, node)->address;
	const struct object_type *type;
	uint64_t type_address;
	*ret = false;
	if (!address) {
		object_node_at(walk, node)->kind = OBJECT_NULL;
		return NULL;
	}
	if (is_cycle(walk, node))
		return NULL;
	enum memory_status status = struct_read_pointer(walk->memory, address,
							walk->layout->object.type, &type_address);
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	struct error *error = object_type_get(walk->objects, type_address, &type);
	if (error)
		return error;
	if (type->status != MEMORY_OK) {
		object_walk_fail(walk, node, type->status);
		return NULL;
	}
	if (!type->valid) {
		object_walk_wild(walk, node);
		return NULL;
	}
	object_node_at(walk, node)->type = type;
	object_node_at(walk, node)->kind = type->kind;
	*ret = true;
	return NULL;
}

static struct error *read_node(struct object_walk *walk, uint32_t node)
{
	bool has_value;
	struct error *error = read_kind(walk, node, &has_value);
	return error || !has_value ? error : read_value(walk, node);
}

static struct error *add_child(struct object_walk *walk, uint32_t parent, uint64_t address,
			       uint32_t *ret)
{
	struct error *error = add_node(walk, address, ret);
	if (error)
		return error;
	struct object_node *over = object_node_at(walk, parent);
	if (over->last_child)
		object_node_at(walk, over->last_child)->next = *ret;
	else
		over->first_child = *ret;
	over->last_child = *ret;
	over->child_count++;
	return NULL;
}

struct error *object_walk_child(struct object_walk *walk, uint32_t parent, uint64_t address)
{
	uint32_t node;
	if (!object_walk_has_room(walk, 1)) {
		object_node_at(walk, parent)->cut = true;
		return NULL;
	}
	struct error *error = add_child(walk, parent, address, &node);
	return error ? error : read_node(walk, node);
}

struct error *object_walk_mention(struct object_walk *walk, uint32_t parent, uint64_t address)
{
	bool has_value;
	uint32_t node;
	struct error *error = add_child(walk, parent, address, &node);
	if (!error)
		error = read_kind(walk, node, &has_value);
	if (!error && object_node_at(walk, node)->type)
		object_node_at(walk, node)->kind = OBJECT_MENTIONED;
	return error;
}

struct error *object_walk_name(struct object_walk *walk, uint32_t parent, const char *utf8)
{
	uint32_t node;
	struct error *error = add_child(walk, parent, 0, &node);
	if (error)
		return error;
	object_node_at(walk, node)->kind = OBJECT_NAME;
	return object_walk_keep(walk, node, utf8, strlen(utf8));
}

struct error *object_walk_keep_name(struct object_walk *walk, uint32_t node, uint64_t address)
{
	CLEANUP_FREE char *name = NULL;
	struct error *error = object_name_read(&walk->objects->reader, address, &name);
	return error ? error : object_walk_keep(walk, node, name, strlen(name));
}

struct error *object_walk_unread(struct object_walk *walk, uint32_t parent)
{
	uint32_t node;
	return add_child(walk, parent, 0, &node);
}

uint64_t object_walk_limit(struct object_walk *walk, uint32_t node, uint64_t length, uint64_t max)
{
	object_node_at(walk, node)->length = length;
	object_node_at(walk, node)->cut = length > max;
	return length < max ? length : max;
}

struct error *object_walk_array(struct object_walk *walk, uint32_t parent, uint64_t array,
				uint64_t count)
{
	for (uint64_t first = 0; first < count; first += OBJECT_BATCH) {
		uint64_t items[OBJECT_BATCH];
		uint64_t batch = count - first < OBJECT_BATCH ? count - first : OBJECT_BATCH;
		if (!object_walk_has_room(walk, 1)) {
			object_node_at(walk, parent)->cut = true;
			return NULL;
		}
		if (memory_read(walk->memory, array + first * OBJECT_WORD, items,
				batch * OBJECT_WORD) != MEMORY_OK) {
			object_node_at(walk, parent)->missing = true;
			return NULL;
		}
		for (uint64_t i = 0; i < batch; i++) {
			uint64_t item = 0;
			bytes_field(items, sizeof(items), i * OBJECT_WORD, OBJECT_WORD, &item);
			struct error *error = object_walk_child(walk, parent, item);
			if (error)
				return error;
		}
	}
	return NULL;
}

struct error *object_walk_items(struct object_walk *walk, uint32_t parent, uint64_t array,
				uint64_t count)
{
	uint64_t wanted = object_walk_limit(walk, parent, count, walk->bounds->max_items);
	return object_walk_array(walk, parent, array, wanted);
}

struct error *object_walk_keep(struct object_walk *walk, uint32_t node, const void *bytes,
			       size_t size)
{
	struct buffer *buffer = &walk->tree->bytes;
	object_node_at(walk, node)->bytes =
		(struct object_bytes){.offset = (uint32_t)buffer->size, .size = (uint32_t)size};
	return buffer_append(buffer, bytes, size);
}

struct error *object_walk_bytes(struct object_walk *walk, uint32_t node, uint64_t address,
				uint64_t size)
{
	struct buffer *buffer = &walk->tree->bytes;
	uint64_t room = walk->bounds->max_bytes;
	room -= buffer->size < room ? buffer->size : room;
	if (size > room) {
		object_node_at(walk, node)->kind = OBJECT_UNREAD;
		return NULL;
	}
	struct error *error = buffer_reserve(buffer, size + 1);
	if (error)
		return error;
	enum memory_status status =
		size ? memory_read(walk->memory, address, buffer->data + buffer->size, size)
		     : MEMORY_OK;
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	object_node_at(walk, node)->bytes =
		(struct object_bytes){.offset = (uint32_t)buffer->size, .size = (uint32_t)size};
	buffer->size += size;
	return NULL;
}

bool object_walk_view(struct object_walk *walk, uint32_t node, struct struct_span span,
		      struct struct_view *ret)
{
	enum memory_status status =
		span.size ? struct_view_read(walk->memory, object_node_at(walk, node)->address,
					     span, ret)
			  : MEMORY_NOT_MAPPED;
	if (status == MEMORY_OK)
		return true;
	object_walk_fail(walk, node, status);
	return false;
}

bool object_walk_pointer(struct object_walk *walk, uint32_t node, layout_offset offset,
			 uint64_t *ret)
{
	enum memory_status status =
		struct_read_pointer(walk->memory, object_node_at(walk, node)->address, offset, ret);
	if (status == MEMORY_OK)
		return true;
	object_walk_fail(walk, node, status);
	return false;
}

struct error *object_tree_read(struct object_reader *objects, uint64_t address,
			       const struct object_bounds *bounds, struct object_tree *tree)
{
	struct object_bounds checked = *bounds;
	struct object_walk walk = {
		.objects = objects,
		.layout = objects->reader.layout,
		.memory = python_reader_memory(&objects->reader),
		.bounds = &checked,
		.tree = tree,
	};
	uint32_t root;
	if (checked.max_depth > OBJECT_MAX_DEPTH)
		checked.max_depth = OBJECT_MAX_DEPTH;
	tree->count = 0;
	tree->python_major = walk.layout->major;
	tree->python_minor = walk.layout->minor;
	buffer_clear(&tree->bytes);
	struct error *error = add_node(&walk, address, &root);
	return error ? error : read_node(&walk, root);
}

void object_tree_deinit(struct object_tree *tree)
{
	free(tree->nodes);
	buffer_deinit(&tree->bytes);
	*tree = (struct object_tree){0};
}
