/* Parts of paths. */
#ifndef PYSPY_COMMON_PATH_NAME_H
#define PYSPY_COMMON_PATH_NAME_H

#include <string.h>

/* What follows the last slash; all of a path that ends with one. */
static inline const char *path_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

#endif
