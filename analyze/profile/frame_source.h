/* The source lines of a profile's frames, where their files are at hand. */
#ifndef PYSPY_ANALYZE_PROFILE_FRAME_SOURCE_H
#define PYSPY_ANALYZE_PROFILE_FRAME_SOURCE_H

#include "analyze/source_file.h"
#include "common/profile.h"

struct known_source {
	struct source_file file;
	bool sought;
	bool found;
};

struct frame_source {
	const struct profile *profile; /* not added to any more once lines are read */
	const char *root;	       /* --sysroot, or NULL */
	struct known_source *files;    /* by text of the profile; NULL before the first */
	size_t size_bytes;
};

void frame_source_deinit(struct frame_source *source);

/* `context` is a frame_source. `ret` is NULL if the line is not known, else the caller's. */
struct error *frame_source_read(void *context, uint32_t frame, char **ret);

#endif
