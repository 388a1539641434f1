#include "analyze/profile/frame_source.h"

#include <stdlib.h>

enum { MAX_BYTES = 1 << 28 /* of all files */ };

void frame_source_deinit(struct frame_source *source)
{
	for (size_t i = 0; source->files && i < source->profile->text_count; i++)
		source_file_deinit(&source->files[i].file);
	free(source->files);
	source->files = NULL;
}

struct error *frame_source_read(void *context, uint32_t number, char **ret)
{
	struct frame_source *source = context;
	const struct profile_frame *frame = &source->profile->frames[number];
	struct error *error = NULL;
	bool escaped;
	const char *path = profile_text_of(source->profile, frame->path);
	*ret = NULL;
	/* A path that does not begin at the root is of a folder that is not known here. */
	if (frame->kind != PROFILE_FRAME_PYTHON || frame->line <= 0 || path[0] != '/')
		return NULL;
	if (!source->files)
		source->files = calloc(source->profile->text_count, sizeof(*source->files));
	if (!source->files)
		return &error_out_of_memory;
	struct known_source *known = &source->files[frame->path];
	if (!known->sought && source->size_bytes < MAX_BYTES) {
		known->sought = true;
		error = source_file_read(source->root, path, &known->file, &known->found);
		if (!error && known->found)
			source->size_bytes += known->file.size;
	}
	if (!error && known->found)
		error = source_file_line(&known->file, frame->line, ret, &escaped);
	return error;
}
