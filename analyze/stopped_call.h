/*
 * The system call in which a thread's registers stand: what the kernel left in them when it
 * interrupted the call to dump the core.
 */
#ifndef PYSPY_ANALYZE_STOPPED_CALL_H
#define PYSPY_ANALYZE_STOPPED_CALL_H

#include "common/facts.h"
#include "common/memory.h"

enum stopped_call_kind {
	STOPPED_UNKNOWN = 0, /* no registers, another machine, code that cannot be read */
	STOPPED_RUNNING,     /* in no system call, or in one that does not wait */
	STOPPED_WAITING,     /* in a system call that was interrupted while it waited */
};

struct stopped_call {
	enum stopped_call_kind kind;
	int64_t number; /* -1 unless it waits */
	bool has_argument;
	uint64_t argument; /* the first one */
};

/* `machine` is an enum machine, `registers` its NT_PRSTATUS set, NULL for none. */
struct stopped_call stopped_call_read(int32_t machine, const void *registers, size_t size,
				      struct memory *memory);

#endif
