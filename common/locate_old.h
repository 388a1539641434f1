/*
 * Finding interpreters before 3.7: there is no _PyRuntime, but a variable `interp_head`, which is
 * static and has a symbol only where the symbol table was not stripped, and
 * `_PyThreadState_Current`, which is exported (Python/pystate.c, 2.3-3.6). Both are in the same
 * object file, mostly a few words from each other.
 */
#ifndef PYSPY_COMMON_LOCATE_OLD_H
#define PYSPY_COMMON_LOCATE_OLD_H

#include "common/locate_scan.h"

/* Versions that are found this way. */
bool is_old_python(struct python_version version);

/*
 * Whether interp_head can be at `head`: it leads to an interpreter whose modules and sys.__dict__
 * are objects of one type, which has a type of its own, and whose first thread points back.
 * `ret_started` is false if there is no interpreter yet.
 */
bool validate_interpreters(struct memory *memory, uint64_t head, const struct python_layout *layout,
			   bool *ret_started) __attribute__((warn_unused_result));

/*
 * The address of interp_head in the range. Others point to interpreters, too (autoInterpreterState,
 * always to the oldest): the one that leads to most is taken, then the one that is nearest to
 * `near`, the address of _PyThreadState_Current if it is not 0, then the first one.
 */
bool scan_interpreters(struct memory *memory, struct scan_range range, uint64_t near,
		       const struct python_layout *layout, uint64_t *ret_head)
	__attribute__((warn_unused_result));

/*
 * _PyThreadState_Current by its value, without a symbol: a word near interp_head that points to a
 * thread. 0 if there is none (nobody holds the GIL) or the version has other variables that do.
 */
uint64_t scan_current_thread(struct memory *memory, uint64_t head,
			     const struct python_layout *layout);

#endif
