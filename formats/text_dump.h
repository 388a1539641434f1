/* The text of `dump`, in the form of py-spy 0.4.3; lines that it does not have are added only where
 * they inform. */
#ifndef PYSPY_FORMATS_TEXT_DUMP_H
#define PYSPY_FORMATS_TEXT_DUMP_H

#include <stdio.h>

#include "common/model.h"

struct text_dump_options {
	bool color;
	bool full_filenames;
	bool only_gil; /* threads that do not hold the GIL were left out */
	bool show_ids; /* every thread's ids: pthread_t, in its container, interpreter */
	bool parents;  /* of a process those up to the nearest that is shown, too */
	bool verbose;  /* all parents; when, where and how it was captured */
};

/* The line between a process and its children, as in py-spy. */
void text_dump_separator(FILE *stream, const struct text_dump_options *options);

struct error *text_dump(FILE *stream, const struct model_process *process,
			const struct text_dump_options *options);

#endif
