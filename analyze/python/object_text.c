#include "analyze/python/object_text.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/python/object_text_parts.h"

/* Where so little is left nothing is begun any more, but "..." is written. */
enum { LITTLE_ROOM = 5 };

void text_short_name(struct text_builder *text, const struct object_type *type)
{
	const char *dot = strrchr(type->name, '.');
	text_name(text, dot ? dot + 1 : type->name);
}

void text_full_name(struct text_builder *text, const struct object_type *type)
{
	if (type->module) {
		text_name(text, type->module);
		text_append(text, ".");
	}
	text_name(text, type->name);
}

void text_c_name(struct text_builder *text, const struct object_type *type)
{
	if (type->is_heap)
		text_short_name(text, type);
	else
		text_full_name(text, type);
}

/* The class' name; before 3.7 the repr() of some kinds has the name of the kind, `old_name`. */
static void append_called_name(struct text_builder *text, const struct object_node *node,
			       const char *old_name)
{
	bool is_old = text->tree->python_major < 3 || text->tree->python_minor < 7;
	if (old_name && is_old)
		text_append(text, old_name);
	else
		text_short_name(text, node->type);
}

/* Whether the object's type is a class that was made from its kind's own type. */
static bool is_subclass(const struct object_node *node)
{
	return node->type->is_heap;
}

/* How kinds that hold others are written. */
struct container {
	const char *open;
	const char *close;
	const char *between; /* the two of a pair; NULL: there are no pairs */
	enum {
		NEVER_CALLED,
		ALWAYS_CALLED,	 /* open and close are in "name(" and ")" */
		SUBCLASS_CALLED, /* the same, if it is a subclass */
	} called;
	bool is_qualified; /* called by its qualified name */
};

static const struct container containers[] = {
	[OBJECT_TUPLE] = {.open = "(", .close = ")"},
	[OBJECT_LIST] = {.open = "[", .close = "]"},
	[OBJECT_SET] = {.open = "{", .close = "}", .called = SUBCLASS_CALLED},
	[OBJECT_FROZENSET] = {.open = "{", .close = "}", .called = ALWAYS_CALLED},
	[OBJECT_DEQUE] = {.open = "[", .close = "]", .called = ALWAYS_CALLED},
	[OBJECT_DICT] = {.open = "{", .close = "}", .between = ": "},
	[OBJECT_DEFAULT_DICT] = {.open = "{",
				 .close = "}",
				 .between = ": ",
				 .called = ALWAYS_CALLED},
	[OBJECT_ORDERED_DICT] = {.open = "{",
				 .close = "}",
				 .between = ": ",
				 .called = ALWAYS_CALLED},
	[OBJECT_COUNTER] = {.open = "{", .close = "}", .between = ": ", .called = ALWAYS_CALLED},
	[OBJECT_MAPPING_PROXY] = {.open = "", .close = "", .called = ALWAYS_CALLED},
	[OBJECT_SLICE] = {.open = "", .close = "", .called = ALWAYS_CALLED},
	[OBJECT_EXCEPTION] = {.open = "", .close = "", .called = ALWAYS_CALLED},
	[OBJECT_NAMEDTUPLE] = {.open = "", .close = "", .between = "=", .called = ALWAYS_CALLED},
	[OBJECT_DATACLASS] = {.open = "",
			      .close = "",
			      .between = "=",
			      .called = ALWAYS_CALLED,
			      .is_qualified = true},
};

/* Before 3.12 as a list of pairs (odict_repr(), Objects/odictobject.c). */
static const struct container old_ordered_dict = {
	.open = "[", .close = "]", .between = ", ", .called = ALWAYS_CALLED};

/* 2.7: of a list. */
static const struct container old_set = {.open = "[", .close = "]", .called = ALWAYS_CALLED};

static const struct container *container_of_kind(const struct text_builder *text,
						 enum object_kind kind)
{
	if (kind == OBJECT_ORDERED_DICT &&
	    (text->tree->python_major < 3 || text->tree->python_minor < 12))
		return &old_ordered_dict;
	if ((kind == OBJECT_SET || kind == OBJECT_FROZENSET) && text->tree->python_major < 3)
		return &old_set;
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

static size_t less(size_t limit, size_t used)
{
	return limit == SIZE_MAX ? SIZE_MAX : limit > used ? limit - used : 0;
}

/* One item, or a pair; gives the node behind it. */
static const struct object_node *append_entry(struct text_builder *text,
					      const struct container *container,
					      const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	const struct object_node *next = object_tree_next(text->tree, node);
	bool is_tuple = container == &old_ordered_dict;
	text_append(text, is_tuple ? "(" : "");
	if (container->between && *container->between == '=' &&
	    (node->kind == OBJECT_STR || node->kind == OBJECT_BYTES))
		text_plain_string(text, node);
	else
		text_node(text, node, less(limit, 2 * (size_t)is_tuple));
	if (container->between && next) {
		text_append(text, container->between);
		text_node(text, next, less(room_left(text, start, limit), is_tuple));
		next = object_tree_next(text->tree, next);
	}
	text_append(text, is_tuple ? ")" : "");
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
		struct text_mark before = text_mark(text);
		size_t left = room_left(text, start, limit);
		text_append(text, comma);
		/* What comes behind needs room for ", ..." at least. */
		node = append_entry(text, container, node, less(left, strlen(comma) + LITTLE_ROOM));
		if (room_left(text, start, limit) < LITTLE_ROOM) {
			text_return(text, before);
			text_append(text, comma);
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

/* Kinds whose empty ones are written without brackets: set(), OrderedDict(). */
static bool is_empty_call(const struct text_builder *text, const struct object_node *node,
			  const struct object_node *first)
{
	return text->tree->python_major > 2 && !first && !node->cut && !node->missing &&
	       (node->kind == OBJECT_SET || node->kind == OBJECT_FROZENSET ||
		node->kind == OBJECT_ORDERED_DICT || node->kind == OBJECT_COUNTER);
}

/* What is behind the items. */
static void append_end(struct text_builder *text, const struct container *container,
		       const struct object_node *node)
{
	bool is_whole = !node->cut && !node->missing;
	if (node->kind == OBJECT_TUPLE && node->child_count == 1 && is_whole)
		text_append(text, ",");
	/* BaseException_repr() before 3.7. */
	if (node->kind == OBJECT_EXCEPTION && node->child_count == 1 && is_whole &&
	    (text->tree->python_major < 3 || text->tree->python_minor < 7))
		text_append(text, ",");
	text_append(text, container->close);
	if (node->kind == OBJECT_DEQUE && node->limit >= 0)
		text_format(text, ", maxlen=%" PRId64, node->limit);
}

static void write_container(struct text_builder *text, const struct object_node *node, size_t limit)
{
	const struct container *container = container_of_kind(text, node->kind);
	const struct object_node *first = object_tree_child(text->tree, node);
	struct text_mark start = text_mark(text);
	bool is_empty = is_empty_call(text, node, first);
	bool is_called = container->called == ALWAYS_CALLED || is_empty ||
			 (container->called == SUBCLASS_CALLED && is_subclass(node));
	if (is_called) {
		if (container->is_qualified)
			text_name(text, node->type->name);
		else
			append_called_name(text, node, node->kind == OBJECT_DEQUE ? "deque" : NULL);
		text_append(text, "(");
	}
	if (node->kind == OBJECT_DEFAULT_DICT && first) {
		text_node(text, first, room_left(text, start, limit));
		text_append(text, ", ");
		first = object_tree_next(text->tree, first);
	}
	if (!is_empty) {
		text_append(text, container->open);
		append_entries(
			text, container, node, first,
			less(room_left(text, start, limit), strlen(container->close) + is_called));
		append_end(text, container, node);
	}
	if (is_called)
		text_append(text, ")");
}

/* "<m.C object at 0x7f...>" as object_repr() writes it, with the attributes before the ">". */
static void write_instance(struct text_builder *text, const struct object_node *node, size_t limit)
{
	static const struct container attributes = {.between = "="};
	const struct object_node *first = object_tree_child(text->tree, node);
	struct text_mark start = text_mark(text);
	text_append(text, "<");
	if (node->type)
		text_full_name(text, node->type);
	text_format(text, " object at 0x%" PRIx64, node->address);
	size_t left = less(room_left(text, start, limit), 2);
	if (left > LITTLE_ROOM && (first || node->cut || node->missing)) {
		text_append(text, " ");
		append_entries(text, &attributes, node, first, left);
	}
	text_append(text, ">");
}

/* bytearray_repr(), Objects/bytearrayobject.c; subclasses are called by their own name. */
static void write_bytearray(struct text_builder *text, const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	append_called_name(text, node, "bytearray");
	text_append(text, "(");
	text_string(text, node, less(room_left(text, start, limit), 1));
	text_append(text, ")");
}

static void write_wild(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_format(text, "<invalid object at 0x%" PRIx64 ">", node->address);
}

/* Py_ReprEnter(): the brackets of what it is; objects without them are told by their head. */
static void write_cycle(struct text_builder *text, const struct object_node *node, size_t limit)
{
	enum object_kind kind = node->type ? node->type->kind : OBJECT_CYCLE;
	const struct container *container = container_of_kind(text, kind);
	if (kind == OBJECT_INSTANCE) {
		write_instance(text, node, limit);
		return;
	}
	bool has_brackets = kind == OBJECT_LIST || kind == OBJECT_TUPLE || kind == OBJECT_DICT ||
			    kind == OBJECT_DEQUE;
	if (has_brackets)
		text_append(text, container->open);
	if (kind == OBJECT_SET || kind == OBJECT_FROZENSET || kind == OBJECT_EXCEPTION) {
		text_short_name(text, node->type);
		text_append(text, "(");
	}
	text_append(text, "...");
	if (has_brackets)
		text_append(text, container->close);
	if (kind == OBJECT_SET || kind == OBJECT_FROZENSET || kind == OBJECT_EXCEPTION)
		text_append(text, ")");
}

static void write_bool(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_append(text, node->integer ? "True" : "False");
}

static void write_plain_int(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_format(text, "%" PRId64, node->integer);
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
	[OBJECT_PLAIN_INT] = {.write = write_plain_int, .is_wrapped = true},
	[OBJECT_FLOAT] = {.write = write_float, .is_wrapped = true},
	[OBJECT_COMPLEX] = {.write = write_complex, .is_wrapped = true},
	[OBJECT_STR] = {.write = text_string, .is_wrapped = true},
	[OBJECT_BYTES] = {.write = text_string, .is_wrapped = true},
	[OBJECT_BYTEARRAY] = {.write = write_bytearray},
	[OBJECT_TUPLE] = {.write = write_container, .is_wrapped = true},
	[OBJECT_LIST] = {.write = write_container, .is_wrapped = true},
	[OBJECT_DICT] = {.write = write_container, .is_wrapped = true},
	[OBJECT_INSTANCE] = {.write = write_instance},
	[OBJECT_MENTIONED] = {.write = write_instance},
	[OBJECT_NAME] = {.write = text_own_name},
	[OBJECT_NAMEDTUPLE] = {.write = write_container},
	[OBJECT_SET] = {.write = write_container, .is_wrapped = true},
	[OBJECT_FROZENSET] = {.write = write_container},
	[OBJECT_DEQUE] = {.write = write_container},
	[OBJECT_DEFAULT_DICT] = {.write = write_container},
	[OBJECT_ORDERED_DICT] = {.write = write_container},
	[OBJECT_COUNTER] = {.write = write_container},
	[OBJECT_MAPPING_PROXY] = {.write = write_container},
	[OBJECT_SLICE] = {.write = write_container},
	[OBJECT_EXCEPTION] = {.write = write_container},
	[OBJECT_DATACLASS] = {.write = write_container},
	[OBJECT_RANGE] = {.write = text_range},
	[OBJECT_TYPE] = {.write = text_type},
	[OBJECT_FUNCTION] = {.write = text_function},
	[OBJECT_METHOD] = {.write = text_method},
	[OBJECT_BUILTIN] = {.write = text_builtin},
	[OBJECT_MODULE] = {.write = text_module},
	[OBJECT_CODE] = {.write = text_code},
	[OBJECT_GENERATOR] = {.write = text_function},
	[OBJECT_COROUTINE] = {.write = text_function},
	[OBJECT_ASYNC_GENERATOR] = {.write = text_function},
	[OBJECT_CELL] = {.write = text_cell},
	[OBJECT_ENUM] = {.write = text_enum},
	[OBJECT_DATE] = {.write = text_date},
	[OBJECT_DATETIME] = {.write = text_date},
	[OBJECT_TIME] = {.write = text_date},
	[OBJECT_TIMEDELTA] = {.write = text_timedelta},
	[OBJECT_TIMEZONE] = {.write = text_timezone},
	[OBJECT_NUMPY_NUMBER] = {.write = text_numpy_number},
	[OBJECT_NUMPY_ARRAY] = {.write = text_numpy_array},
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

/* Try without a limit, so that nothing is cut that has room enough. */
static bool fits_whole(struct text_builder *text, const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	size_t stop_at = text->stop_at;
	if (stop_at > text->characters + limit)
		text->stop_at = text->characters + limit;
	text_node(text, node, SIZE_MAX);
	text->stop_at = stop_at;
	if (text->characters - start.characters <= limit)
		return true;
	text_return(text, start);
	return false;
}

void text_node(struct text_builder *text, const struct object_node *node, size_t limit)
{
	struct text_mark start = text_mark(text);
	bool is_wrapped = node->type && node->type->has_own_repr && writer_of(node)->is_wrapped;
	if (limit != SIZE_MAX && fits_whole(text, node, limit))
		return;
	if (limit <= LITTLE_ROOM) {
		text_append(text, "...");
		return;
	}
	if (!is_wrapped) {
		write_cut(text, node, limit);
		return;
	}
	text_short_name(text, node->type);
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
	struct text_builder text = {.tree = tree, .stop_at = SIZE_MAX};
	const struct object_node *root = object_tree_root(tree);
	if (root)
		text_node(&text, root, limit);
	if (!text.error)
		text.error = buffer_append_u8(&text.buffer, 0);
	if (text.error) {
		buffer_deinit(&text.buffer);
		return text.error;
	}
	*ret = (char *)text.buffer.data;
	return NULL;
}
