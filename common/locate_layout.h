/* Which layout the interpreter at an address has: its own offsets, a generated row, or, for a
 * version that nobody knows, the newest one. */
#ifndef PYSPY_COMMON_LOCATE_LAYOUT_H
#define PYSPY_COMMON_LOCATE_LAYOUT_H

#include "common/locate.h"

/* A search over one target. */
struct locate_search {
	const struct locate_options *options;
	/* What was seen on the way, for the message of a search that fails. */
	bool seen_version;
	struct python_version version;
	bool seen_runtime;  /* recognised, but not initialised */
	bool trusted;	    /* the runtime was validated before, by capture */
	bool seen_mismatch; /* a module's file was refused */
	struct error *unsupported;
	unsigned false_cookies; /* cookies that led nowhere */
};

/*
 * Layouts that can be right for a runtime at `runtime`: the target's own offsets from 3.13 on, else
 * the generated rows. `version` is what a scan or a symbol told; its major is 0 if nothing did.
 * ERROR_NOT_FOUND if none validates.
 */
struct error *layout_for_runtime(struct locate_search *search, uint64_t runtime,
				 struct python_version version, struct python_location *location);

#endif
