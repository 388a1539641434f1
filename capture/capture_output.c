#include "capture/capture_output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void capture_output_deinit(struct capture_output *output)
{
	output_file_destroy(output->file);
	free(output->name);
	*output = (struct capture_output){0};
}

struct error *capture_output_open(struct capture_output *output, const struct subject *subject)
{
	if (output->name)
		return NULL;
	char *name = output->wanted ? strdup(output->wanted) : subject_file_name(subject);
	if (!name)
		return &error_out_of_memory;
	struct error *error = output_file_create(name, &output->file);
	if (error) {
		free(name);
		return error;
	}
	output->name = name;
	return NULL;
}

/* What is there already is a device or a FIFO, in a folder that is not for files (/dev/full,
 * /dev/fd/63). */
const char *capture_output_spool_path(const struct capture_output *output)
{
	return access(output->name, F_OK) == 0 ? "-" : output->name;
}
