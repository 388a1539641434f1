/*
 * For clang-tidy only (scripts/lint includes it before each source): the analyzer does not use
 * returns_nonnull, takes a new error for a possible NULL, that is success, and then complains about
 * out-parameters that were not set. It takes errno after a failure for a possible 0 as well.
 */
#ifndef PYSPY_SCRIPTS_ANALYZER_ERRORS_H
#define PYSPY_SCRIPTS_ANALYZER_ERRORS_H

#include <errno.h>

#include "common/error.h"
#include "common/memory.h"

#define error_create(...) (error_create(__VA_ARGS__) ?: &error_not_found)
#define error_errno(...)  (error_errno(__VA_ARGS__) ?: &error_not_found)
#define error_at(...)	  (error_at(__VA_ARGS__) ?: &error_not_found)
#define memory_error(status, address, what)                                                        \
	((status) == MEMORY_OK ? NULL : memory_error(status, address, what) ?: &error_not_found)

static inline int *analyzer_errno(void)
{
	int *location = __errno_location();
	if (*location <= 0)
		__builtin_unreachable();
	return location;
}

#undef errno
#define errno (*analyzer_errno())

#endif
