/* The text of `dump`, in py-spy's form. */
#ifndef PYSPY_FORMATS_TEXT_DUMP_H
#define PYSPY_FORMATS_TEXT_DUMP_H

#include <stdio.h>

#include "common/model.h"

struct text_dump_options {
	bool color;
	bool full_filenames;
};

struct error *text_dump(FILE *stream, const struct model_process *process,
			const struct text_dump_options *options);

#endif
