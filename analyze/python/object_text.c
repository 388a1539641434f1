#include "analyze/python/object_text.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/python/object_text_parts.h"

/* Where so little is left nothing is begun any more, but "..." is written. */
enum { LITTLE_ROOM = 5 };

/* The last part of a qualified name: __name__. */
static const char *short_name(const struct object_type *type)
{
	const char *dot = strrchr(type->name, '.');
	return dot ? dot + 1 : type->name;
}

static void append_type_name(struct text_builder *text, const struct object_type *type)
{
	if (type->module) {
		text_append(text, type->module);
		text_append(text, ".");
	}
	text_append(text, type->name);
}

/* How kinds that hold others are written. */
struct container {
	const char *open;
	const char *close;
	const char *empty;    /* NULL: as open and close */
	const char *between;  /* the two of a pair; NULL: there are no pairs */
	bool is_called;	      /* open and close are in "name(" and ")" */
	bool names_are_plain; /* the first of a pair is a name, not a value */
};

static const struct container containers[] = {
	[OBJECT_TUPLE] = {.open = "(", .close = ")"},
	[OBJECT_LIST] = {.open = "[", .close = "]"},
	[OBJECT_DICT] = {.open = "{", .close = "}", .between = ": "},
};

static const struct container *container_of_kind(enum object_kind kind)
{
	if (kind >= sizeof(containers) / sizeof(*containers) || !containers[kind].open)
		return NULL;
	return &containers[kind];
}

/* What is left of `limit` after what was appended since `mark`. */
static size_t room_left(const struct text_builder *text, struct text_mark mark, size_t limit)
{
	size_t used = text->characters - mark.characters;
	return limit == SIZE_MAX ? SIZE_MAX : limit > used ? limit - used : 0;
}

/* One item, or a pair; gives the node behind it. Where it does not fit it is not there in the end:
 * `ret_fits`. */
static const struct object_node *append_entry(struct text_builder *text,
					      const struct container *container,
					      const struct object_node *node, size_t limit,
					      bool *ret_fits)
{
	struct text_mark start = text_mark(text);
	const struct object_node *next = object_tree_next(text->tree, node);
	if (container->names_are_plain && node->kind == OBJECT_STR)
		text_plain_string(text, node);
	else
		text_node(text, node, limit);
	if (container->between && next) {
		text_append(text, container->between);
		if (room_left(text, start, limit) > LITTLE_ROOM)
			text_node(text, next, room_left(text, start, limit));
		next = object_tree_next(text->tree, next);
	}
	/* ", ..." of those behind it. */
	*ret_fits = room_left(text, start, limit) >= LITTLE_ROOM;
	if (!*ret_fits)
		text_return(text, start);
	return next;
}

/* The items from `node` on, separated by commas. */
static void append_entries(struct text_builder *text, const struct container *container,
			   const struct object_node *over, const struct object_node *node,
			   size_t limit)
{
	struct text_mark start = text_mark(text);
	const char *comma = "";
	while (node && !text_is_over(text)) {
		bool fits;
		text_append(text, comma);
		node = append_entry(text, container, node, room_left(text, start, limit), &fits);
		if (!fits) {
			text_append(text, "...");
			return;
		}
		comma = ", ";
	}
	if (over->missing || over->cut) {
		text_append(text, comma);
		text_append(text, over->missing ? "<unreadable>" : "...");
	}
}

static size_t less(size_t limit, size_t used)
{
	return limit == SIZE_MAX ? SIZE_MAX : limit > used ? limit - used : 0;
}

static void write_container(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct container *container = container_of_kind(node->kind);
	const struct object_node *first = object_tree_child(text->tree, node);
	struct text_mark start = text_mark(text);
	size_t closing = strlen(container->close) + container->is_called;
	if (!first && !node->cut && !node->missing && container->empty) {
		text_append(text, container->empty);
		return;
	}
	if (container->is_called) {
		text_append(text, short_name(node->type));
		text_append(text, "(");
	}
	text_append(text, container->open);
	append_entries(text, container, node, first, less(room_left(text, start, limit), closing));
	if (node->kind == OBJECT_TUPLE && node->child_count == 1 && !node->cut && !node->missing)
		text_append(text, ",");
	text_append(text, container->close);
	if (container->is_called)
		text_append(text, ")");
}

static void write_instance(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_append(text, "<");
	append_type_name(text, node->type);
	text_format(text, " object at 0x%" PRIx64 ">", node->address);
}

/* bytearray_repr(), Objects/bytearrayobject.c; subclasses are called by their own name. */
static void write_bytearray(struct text_builder *text, const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	text_append(text, short_name(node->type));
	text_append(text, "(");
	text_string(text, node, less(room_left(text, start, limit), 1));
	text_append(text, ")");
}

static void write_wild(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_format(text, "<invalid object at 0x%" PRIx64 ">", node->address);
}

static void write_cycle(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct container *container = node->type ? container_of_kind(node->type->kind) : NULL;
	(void)limit;
	if (container)
		text_append(text, container->open);
	text_append(text, "...");
	if (container)
		text_append(text, container->close);
}

static void write_bool(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_append(text, node->integer ? "True" : "False");
}

static void write_float(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_real(text, node->real[0]);
}

static void write_complex(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_complex(text, node->real[0], node->real[1]);
}

static const struct writer {
	const char *constant;
	void (*write)(struct text_builder *text, const struct object_node *node, size_t limit);
	/* Of a class with a repr() of its own that is made from this kind: put into "name(...)". */
	bool is_wrapped;
} writers[] = {
	[OBJECT_UNREAD] = {.constant = "..."},
	[OBJECT_UNREADABLE] = {.constant = "<unreadable>"},
	[OBJECT_WILD] = {.write = write_wild},
	[OBJECT_NULL] = {.constant = "<NULL>"},
	[OBJECT_CYCLE] = {.write = write_cycle},
	[OBJECT_NONE] = {.constant = "None"},
	[OBJECT_ELLIPSIS] = {.constant = "Ellipsis"},
	[OBJECT_NOT_IMPLEMENTED] = {.constant = "NotImplemented"},
	[OBJECT_BOOL] = {.write = write_bool},
	[OBJECT_INT] = {.write = text_int, .is_wrapped = true},
	[OBJECT_FLOAT] = {.write = write_float, .is_wrapped = true},
	[OBJECT_COMPLEX] = {.write = write_complex, .is_wrapped = true},
	[OBJECT_STR] = {.write = text_string, .is_wrapped = true},
	[OBJECT_BYTES] = {.write = text_string, .is_wrapped = true},
	[OBJECT_BYTEARRAY] = {.write = write_bytearray},
	[OBJECT_TUPLE] = {.write = write_container, .is_wrapped = true},
	[OBJECT_LIST] = {.write = write_container, .is_wrapped = true},
	[OBJECT_DICT] = {.write = write_container, .is_wrapped = true},
	[OBJECT_INSTANCE] = {.write = write_instance},
};

static const struct writer *writer_of(const struct object_node *node)
{
	static const struct writer other = {.write = write_instance};
	const struct writer *writer = &other;
	if (node->kind < sizeof(writers) / sizeof(*writers))
		writer = &writers[node->kind];
	return writer->constant || writer->write ? writer : &other;
}

/* What cannot be cut by itself is cut when it is written. */
static void write_cut(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct writer *writer = writer_of(node);
	struct text_mark start = text_mark(text);
	if (writer->constant)
		text_append(text, writer->constant);
	else
		writer->write(text, node, limit);
	if (limit == SIZE_MAX || text->buffer.size == start.size)
		return;
	text_cut(text, start, limit, text->buffer.data[start.size] == '<' ? ">" : "");
}

void text_node(struct text_builder *text, const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	bool is_wrapped = node->type && node->type->has_own_repr && writer_of(node)->is_wrapped;
	if (limit <= LITTLE_ROOM) {
		text_append(text, "...");
		return;
	}
	if (!is_wrapped) {
		write_cut(text, node, limit);
		return;
	}
	text_append(text, short_name(node->type));
	text_append(text, "(");
	write_cut(text, node, less(room_left(text, start, limit), 1));
	text_append(text, ")");
	if (limit != SIZE_MAX)
		text_cut(text, start, limit, ")");
}

struct error *object_text(const struct object_tree *tree, const struct object_text_options *options,
			  char **ret)
{
	size_t limit = options->max_characters < OBJECT_TEXT_MIN_CHARACTERS
			       ? OBJECT_TEXT_MIN_CHARACTERS
			       : options->max_characters;
	struct text_builder text = {.tree = tree, .stop_at = limit};
	const struct object_node *root = object_tree_root(tree);
	if (root)
		text_node(&text, root, SIZE_MAX);
	/* Cut only what does not fit as a whole. */
	if (text.characters > limit) {
		text_return(&text, (struct text_mark){0});
		text.stop_at = SIZE_MAX;
		text_node(&text, root, limit);
	}
	if (!text.error)
		text.error = buffer_append_u8(&text.buffer, 0);
	if (text.error) {
		buffer_deinit(&text.buffer);
		return text.error;
	}
	*ret = (char *)text.buffer.data;
	return NULL;
}
