/* Whether an address can be where a call returns to. */
#ifndef PYSPY_ANALYZE_NATIVE_CALL_SITE_H
#define PYSPY_ANALYZE_NATIVE_CALL_SITE_H

#include "common/memory.h"

enum call_site {
	CALL_SITE_NO = 0,
	CALL_SITE_YES,
	CALL_SITE_UNKNOWN, /* the instructions cannot be read */
};

/* By the instruction before it. `machine` is EM_…. */
enum call_site call_site_before(struct memory *memory, int32_t machine, uint64_t address);

#endif
