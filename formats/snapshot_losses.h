/* What was lost of a file: sentences for the user, bounded in number. */
#ifndef PYSPY_FORMATS_SNAPSHOT_LOSSES_H
#define PYSPY_FORMATS_SNAPSHOT_LOSSES_H

#include <stddef.h>

#include "common/error.h"

enum { SNAPSHOT_LOSSES_MAX = 32 };

/* An all-zero struct has no losses. */
struct snapshot_losses {
	char *messages[SNAPSHOT_LOSSES_MAX + 2]; /* the last are "and more" and NULL */
	size_t count;
	size_t left_out;
};

void snapshot_losses_deinit(struct snapshot_losses *losses);
struct error *snapshot_losses_add(struct snapshot_losses *losses, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Add the sentence that says how many were left out, if any. */
struct error *snapshot_losses_finish(struct snapshot_losses *losses);

#endif
