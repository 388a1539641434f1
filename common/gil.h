/*
 * Who holds the Global Interpreter Lock, by the owner's own mark. `last_holder` alone does not
 * tell: take_gil() sets `locked` before `last_holder`, so it can name the holder before
 * (Python/ceval_gil.c, take_gil(), 3.8-3.15).
 */
#ifndef PYSPY_COMMON_GIL_H
#define PYSPY_COMMON_GIL_H

#include "common/locate.h"
#include "common/memory.h"

struct gil {
	uint64_t address;	/* of struct _gil_runtime_state; before 3.7 of
				   _PyThreadState_Current; 0: this interpreter has none */
	int32_t locked;		/* 1 locked, 0 free, -1 not initialised or unknown */
	uint64_t last_holder;	/* thread state; the owner only if its mark says so; before 3.7 the
				   owner, 0 if there is none */
	uint64_t switch_number; /* counts changes of the holder; before 3.7 always 0 */
};

/* The GIL that an interpreter's threads use. */
enum memory_status gil_read(struct memory *memory, const struct python_location *location,
			    uint64_t interpreter, struct gil *ret)
	__attribute__((warn_unused_result));

/* Whether this version marks the owner, so that gil_is_owner can tell. */
bool gil_has_owner_mark(const struct python_location *location);

/* The owner's mark where it is one for the whole process (<= 3.11), and not in each thread state.
 */
struct gil_mark {
	bool is_shared;
	enum memory_status status;
	/* Thread states; at more than one place it can be. */
	uint64_t owners[2];
	size_t count;
};

bool gil_mark_is_shared(const struct python_location *location);
/* Nothing is read where there is no such mark. */
void gil_mark_read(struct memory *memory, const struct python_location *location,
		   struct gil_mark *ret);

/* As gil_is_owner, by a mark that was read before. */
enum memory_status gil_mark_is_owner(struct memory *memory, const struct python_location *location,
				     const struct gil_mark *mark, uint64_t thread_state, bool *ret)
	__attribute__((warn_unused_result));

/*
 * Whether a thread state carries the mark of holding its GIL: <= 3.6 _PyThreadState_Current, which
 * is NULL while nobody holds it (PyEval_SaveThread(), Python/ceval.c), 3.7-3.11
 * _PyRuntime.gilstate. tstate_current, 3.12 _status.active, 3.13+ _status.holds_gil.
 */
enum memory_status gil_is_owner(struct memory *memory, const struct python_location *location,
				uint64_t thread_state, bool *ret)
	__attribute__((warn_unused_result));

#endif
