/* What the files of object_text.h share. For those only. */
#ifndef PYSPY_ANALYZE_PYTHON_OBJECT_TEXT_PARTS_H
#define PYSPY_ANALYZE_PYTHON_OBJECT_TEXT_PARTS_H

#include "analyze/python/object_text.h"

/* A text in the making. After an error nothing is appended any more. */
struct text_builder {
	const struct object_tree *tree;
	struct buffer buffer;
	size_t characters; /* so far */
	size_t stop_at;	   /* more characters than these are not wanted: loops may end early */
	struct error *error;
};

/* A place to come back to. */
struct text_mark {
	size_t size;
	size_t characters;
};

static inline struct text_mark text_mark(const struct text_builder *text)
{
	return (struct text_mark){text->buffer.size, text->characters};
}

void text_return(struct text_builder *text, struct text_mark mark);

/* Whether going on is of no use. */
static inline bool text_is_over(const struct text_builder *text)
{
	return text->error || text->characters > text->stop_at;
}

/* Well-formed UTF-8, as it is. */
void text_append(struct text_builder *text, const char *utf8);
void text_format(struct text_builder *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void text_append_point(struct text_builder *text, uint32_t point);

/* Cut what was appended since `mark` to `limit` characters, "..." and `close` included. */
void text_cut(struct text_builder *text, struct text_mark mark, size_t limit, const char *close);

/* A node's text in at most `limit` characters; SIZE_MAX: as many as it has. */
void text_node(struct text_builder *text, const struct object_node *node, size_t limit);

/* Numbers (object_text_number.c). */
void text_int(struct text_builder *text, const struct object_node *node, size_t limit);
void text_real(struct text_builder *text, double value);
void text_complex(struct text_builder *text, double real, double imaginary);

/* Strings (object_text_string.c). */
void text_string(struct text_builder *text, const struct object_node *node, size_t limit);
/* The characters of a str node without quotes. */
void text_plain_string(struct text_builder *text, const struct object_node *node);
/* A name that came from the target: what is not printable is escaped. */
void text_name(struct text_builder *text, const char *utf8);
void text_name_bytes(struct text_builder *text, const char *utf8, size_t size);

/* What a type is called: by __name__, by module and __qualname__, and as tp_name has it. */
void text_short_name(struct text_builder *text, const struct object_type *type);
void text_full_name(struct text_builder *text, const struct object_type *type);
void text_c_name(struct text_builder *text, const struct object_type *type);

/* What the bytes of the node tell. */
void text_own_name(struct text_builder *text, const struct object_node *node, size_t limit);

/* Other kinds (object_text_kinds.c, object_text_datetime.c). */
void text_range(struct text_builder *text, const struct object_node *node, size_t limit);
void text_type(struct text_builder *text, const struct object_node *node, size_t limit);
void text_function(struct text_builder *text, const struct object_node *node, size_t limit);
void text_method(struct text_builder *text, const struct object_node *node, size_t limit);
void text_builtin(struct text_builder *text, const struct object_node *node, size_t limit);
void text_module(struct text_builder *text, const struct object_node *node, size_t limit);
void text_code(struct text_builder *text, const struct object_node *node, size_t limit);
void text_cell(struct text_builder *text, const struct object_node *node, size_t limit);
void text_enum(struct text_builder *text, const struct object_node *node, size_t limit);
void text_numpy_number(struct text_builder *text, const struct object_node *node, size_t limit);
void text_numpy_array(struct text_builder *text, const struct object_node *node, size_t limit);
void text_date(struct text_builder *text, const struct object_node *node, size_t limit);
void text_timedelta(struct text_builder *text, const struct object_node *node, size_t limit);
void text_timezone(struct text_builder *text, const struct object_node *node, size_t limit);

#endif
