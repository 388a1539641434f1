/* Parts of paths. */
#ifndef PYSPY_COMMON_PATH_NAME_H
#define PYSPY_COMMON_PATH_NAME_H

#include <stdbool.h>
#include <string.h>

/* What follows the last slash; all of a path that ends with one. */
static inline const char *path_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static inline bool path_is_plain(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || (character && strchr("._+", character));
}

/* A name that comes from a target, as the beginning of a file's: nothing of it may be a path, an
 * option, hidden, or drive a terminal. */
static inline void path_make_plain(char *name)
{
	for (char *c = name; *c; c++)
		if (!path_is_plain(*c) && !(*c == '-' && c != name))
			*c = '_';
	if (*name == '.')
		*name = '_';
}

#endif
