/* Objects that repr() tells by what they are and where, not by their value. */
#include <inttypes.h>
#include <string.h>

#include "analyze/python/object_text_parts.h"

static const struct object_node *nth_child(const struct text_builder *text,
					   const struct object_node *node, unsigned n)
{
	const struct object_node *child = object_tree_child(text->tree, node);
	while (child && n--)
		child = object_tree_next(text->tree, child);
	return child;
}

static void append_child(struct text_builder *text, const struct object_node *node, unsigned n)
{
	const struct object_node *child = nth_child(text, node, n);
	if (child)
		text_node(text, child, SIZE_MAX);
	else
		text_append(text, node->missing ? "<unreadable>" : "...");
}

/* A str without quotes; anything else as it is. */
static void append_plain(struct text_builder *text, const struct object_node *node, unsigned n)
{
	const struct object_node *child = nth_child(text, node, n);
	if (child && (child->kind == OBJECT_STR || child->kind == OBJECT_BYTES))
		text_plain_string(text, child);
	else
		append_child(text, node, n);
}

static bool is_one(const struct text_builder *text, const struct object_node *node)
{
	const uint8_t *digits = object_node_bytes(text->tree, node);
	return node->kind == OBJECT_INT && !node->negative && node->length == 1 &&
	       node->bytes.size == sizeof(uint32_t) && digits[0] == 1 && !digits[1] && !digits[2] &&
	       !digits[3];
}

/* range_repr(), Objects/rangeobject.c. */
void text_range(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *step = nth_child(text, node, 2);
	(void)limit;
	text_append(text, "range(");
	append_child(text, node, 0);
	text_append(text, ", ");
	append_child(text, node, 1);
	if (!step || !is_one(text, step)) {
		text_append(text, ", ");
		append_child(text, node, 2);
	}
	text_append(text, ")");
}

/* type_repr(), Objects/typeobject.c. */
void text_type(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	bool is_old = text->tree->python_major < 3 && !node->named->is_heap;
	text_append(text, is_old ? "<type '" : "<class '");
	text_full_name(text, node->named);
	text_append(text, "'>");
}

/* func_repr(), gen_repr(), coro_repr(). */
void text_function(struct text_builder *text, const struct object_node *node, size_t limit)
{
	text_append(text, "<");
	text_name(text, node->type->name);
	text_append(text, node->kind == OBJECT_FUNCTION ? " " : " object ");
	text_own_name(text, node, limit);
	text_format(text, " at 0x%" PRIx64 ">", node->address);
}

/* method_repr(), Objects/classobject.c. */
void text_method(struct text_builder *text, const struct object_node *node, size_t limit)
{
	text_append(text, "<bound method ");
	if (node->bytes.size)
		text_own_name(text, node, limit);
	else
		text_append(text, "?");
	text_append(text, " of ");
	append_child(text, node, 0);
	text_append(text, ">");
}

/* meth_repr(), Objects/methodobject.c. */
void text_builtin(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *self = nth_child(text, node, 0);
	bool is_method = self && self->type && self->type->kind != OBJECT_MODULE;
	text_append(text, is_method ? "<built-in method " : "<built-in function ");
	text_own_name(text, node, limit);
	if (is_method) {
		text_append(text, " of ");
		text_c_name(text, self->type);
		text_format(text, " object at 0x%" PRIx64, self->address);
	}
	text_append(text, ">");
}

/* _module_repr_from_spec(), Lib/importlib/_bootstrap.py. */
void text_module(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *origin = nth_child(text, node, 1);
	(void)limit;
	text_append(text, "<module ");
	append_child(text, node, 0);
	bool is_old = text->tree->python_major < 3;
	if (origin && (origin->kind == OBJECT_STR || is_old) && node->integer) {
		text_append(text, " from ");
		text_node(text, origin, SIZE_MAX);
	} else if (origin && origin->kind == OBJECT_STR) {
		text_append(text, " (");
		text_plain_string(text, origin);
		text_append(text, ")");
	} else if (is_old) {
		text_append(text, " (built-in)");
	}
	text_append(text, ">");
}

/* code_repr(), Objects/codeobject.c. */
void text_code(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_append(text, "<code object ");
	append_plain(text, node, 0);
	text_format(text, " at 0x%" PRIx64 ", file \"", node->address);
	append_plain(text, node, 1);
	text_format(text, "\", line %" PRId64 ">", node->integer ? node->integer : -1);
}

/* cell_repr(), Objects/cellobject.c. */
void text_cell(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *contents = nth_child(text, node, 0);
	(void)limit;
	text_format(text, "<cell at 0x%" PRIx64 ": ", node->address);
	if (contents && contents->type) {
		text_c_name(text, contents->type);
		text_format(text, " object at 0x%" PRIx64, contents->address);
	} else if (contents) {
		text_node(text, contents, SIZE_MAX);
	} else {
		text_append(text, "empty");
	}
	text_append(text, ">");
}

/* Enum.__repr__(), Lib/enum.py. */
void text_enum(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct object_node *name = nth_child(text, node, 0);
	(void)limit;
	text_append(text, "<");
	text_short_name(text, node->type);
	/* Flags without a name of their own have None. */
	if (name && name->kind != OBJECT_NONE) {
		text_append(text, ".");
		append_plain(text, node, 0);
	}
	text_append(text, ": ");
	append_child(text, node, 1);
	text_append(text, ">");
}

void text_numpy_number(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_append(text, "np.");
	if (node->width == 'b') {
		text_append(text, node->integer ? "True" : "False");
		return;
	}
	text_short_name(text, node->type);
	text_append(text, "(");
	if (node->width == 'f')
		text_real(text, node->real[0]);
	else if (node->width == 'u')
		text_format(text, "%" PRIu64, (uint64_t)node->integer);
	else
		text_format(text, "%" PRId64, node->integer);
	text_append(text, ")");
}

/* Not what repr() gives, which is all of the values. */
void text_numpy_array(struct text_builder *text, const struct object_node *node, size_t limit)
{
	text_append(text, "<numpy.ndarray shape=(");
	for (uint64_t i = 0; i < node->length && i < OBJECT_FIELDS; i++)
		text_format(text, "%s%" PRIi64, i ? ", " : "", node->fields[i]);
	text_append(text, node->cut ? ", ...)" : node->length == 1 ? ",)" : ")");
	if (node->bytes.size) {
		text_append(text, " dtype=");
		text_own_name(text, node, limit);
	}
	text_format(text, " at 0x%" PRIx64 ">", node->address);
}
