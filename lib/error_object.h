/* Errors as the library's users see them: the same objects under another name. */
#ifndef PYSPY_LIB_ERROR_OBJECT_H
#define PYSPY_LIB_ERROR_OBJECT_H

#include "common/error.h"
#include "include/pyspy.h"

/* NULL stays NULL; ownership goes with it. */
static inline struct pyspy_error *error_public(struct error *error)
{
	return (struct pyspy_error *)error;
}

enum pyspy_code error_public_code(enum error_code code);

#endif
