/* The file of a capture: opened once, under the name that was asked for or one made from the first
 * process. */
#ifndef PYSPY_CAPTURE_CAPTURE_OUTPUT_H
#define PYSPY_CAPTURE_CAPTURE_OUTPUT_H

#include "capture/subject.h"
#include "common/output_file.h"

struct capture_output {
	const char *wanted; /* borrowed; NULL: a name is made */
	char *name;	    /* NULL: not open yet */
	struct output_file *file;
};

void capture_output_deinit(struct capture_output *output);

/* Before the target is disturbed: what is wrong with the name is known then. Nothing is done if it
 * is open already. */
struct error *capture_output_open(struct capture_output *output, const struct subject *subject);

/* Where to spool: beside the output, if it is to be a file; "-" if it is none. */
const char *capture_output_spool_path(const struct capture_output *output);

#endif
