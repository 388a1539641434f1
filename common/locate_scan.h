/* Scans of a target's writable data for what marks an interpreter, where no symbol tells. */
#ifndef PYSPY_COMMON_LOCATE_SCAN_H
#define PYSPY_COMMON_LOCATE_SCAN_H

#include "common/python_layout.h"
#include "common/scan_pieces.h"

/* Whether a word can be the address of an object: in user space, aligned, not in the first page. */
bool is_plausible_pointer(uint64_t value);

/*
 * The text that Py_GetVersion() made, "3.11.7 (main, …) [GCC …]": a static buffer, so in the
 * writable data of the module that holds the interpreter, and in every core. False if there is
 * none.
 */
bool scan_version_text(struct memory *memory, struct scan_range range,
		       struct python_version *ret_version, uint64_t *ret_address);

/* A scan of a range for one kind of candidates. */
struct data_scan {
	struct scan_pieces pieces;
	uint64_t position; /* nothing below it is a candidate any more */
	size_t candidates_left;
};

void data_scan_init(struct data_scan *scan, struct memory *memory, struct scan_range range);
void data_scan_deinit(struct data_scan *scan);

/*
 * The next candidate for the address of _PyRuntime, in ascending order. False when there are no
 * more. Every candidate is to be validated.
 */
bool scan_cookie(struct data_scan *scan, uint64_t *ret_runtime);

/*
 * The same for versions without the cookie: two neighbouring pointers that can be
 * _PyRuntime.interpreters.head and .main. With `many_interpreters` they may differ.
 */
bool scan_interpreter_pointers(struct data_scan *scan, const struct python_layout *layout,
			       bool many_interpreters, uint64_t *ret_runtime);

/*
 * Whether `runtime` leads to numbered interpreters, the newest of which has a first thread that
 * points back to it, by this layout. True and `ret_started` false: it is there and not initialised
 * yet.
 */
bool validate_runtime(struct memory *memory, uint64_t runtime, const struct python_layout *layout,
		      bool *ret_started);

/*
 * The part of that which needs nothing but what the walk reads anyway, so that a snapshot holds it:
 * for a runtime that was validated when it was captured.
 */
bool runtime_is_started(struct memory *memory, uint64_t runtime,
			const struct python_layout *layout);

#endif
