/*
 * The text of an object tree: what repr() gives for builtin types, and for classes whose repr() is
 * Python code the nearest to it that needs no code to be run. README, "The text of objects", tells
 * the rules.
 */
#ifndef PYSPY_ANALYZE_PYTHON_OBJECT_TEXT_H
#define PYSPY_ANALYZE_PYTHON_OBJECT_TEXT_H

#include "common/object_tree.h"

struct object_text_options {
	/* No text is longer, counted in characters; what is left out is marked with "...". At least
	 * OBJECT_TEXT_MIN_CHARACTERS are given. */
	size_t max_characters;
};

enum { OBJECT_TEXT_MIN_CHARACTERS = 16 };

/* `ret` is UTF-8 without control characters, owned by the caller. */
struct error *object_text(const struct object_tree *tree, const struct object_text_options *options,
			  char **ret);

#endif
