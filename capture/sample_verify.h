/* Proofs that what was read is consistent, by reading again. */
#ifndef PYSPY_CAPTURE_SAMPLE_VERIFY_H
#define PYSPY_CAPTURE_SAMPLE_VERIFY_H

#include "capture/sample_pass.h"

enum verify_flags {
	/* Read in descending order of addresses, against the ascending one of the read before: a
	 * program that runs in a loop must not be able to show the same mixture twice. */
	VERIFY_DESCENDING = 1 << 0,
	/* The innermost frames' positions may have moved: a thread that runs moves them with each
	 * instruction, and either position is one that it was at in that frame. */
	VERIFY_IGNORE_POSITIONS = 1 << 1,
	/* Read ranges near each other as one, which is much faster, but in ascending order within:
	 * for who has another proof besides. */
	VERIFY_JOINED = 1 << 2,
};

/* Whether all that the pass recorded is still the same in `memory`. */
struct error *verify_image(const struct sample_pass *pass, struct memory *memory, unsigned flags,
			   bool *ret_same);

/*
 * Whether the list of threads is still as the pass read it. It can be changed by a thread that does
 * not hold the GIL (PyThreadState_New() from a foreign thread).
 */
struct error *verify_links(const struct sample_pass *pass, struct memory *memory, bool *ret_same);

#endif
