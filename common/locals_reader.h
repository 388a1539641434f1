/*
 * The values of frames' locals, as capture and analysis both read them: what was captured is what
 * is shown. One for each walk; it remembers types and the names of variables.
 */
#ifndef PYSPY_COMMON_LOCALS_READER_H
#define PYSPY_COMMON_LOCALS_READER_H

#include "common/frame_locals.h"
#include "common/object_tree.h"

enum {
	/* --locals, given once, shows that many characters of a value; each time more as many
	 * again, as py-spy does. */
	LOCALS_TEXT_CHARACTERS = 128,
	/* That many times is what a capture of level locals has everything for. */
	LOCALS_CAPTURED_TIMES = 4,
	/* Values of one process that are looked at; those behind it are marked. */
	LOCALS_MAX_VALUES = 1 << 20,
};

struct locals_reader;
/* What `reader` points to is borrowed, and must live as long. */
struct error *locals_reader_create(const struct python_reader *reader, struct locals_reader **ret);
void locals_reader_destroy(struct locals_reader *locals);
void locals_reader_destroyp(struct locals_reader **locals);

/* The variables of a frame, as frame_locals_read(): none of one whose code object is broken. */
struct error *locals_reader_frame(struct locals_reader *locals, const struct walk_frame *frame,
				  struct frame_local_list *ret);

/*
 * What a value is, as much of it as --locals given `times` times shows. `ret` is borrowed until the
 * next call.
 */
struct error *locals_reader_value(struct locals_reader *locals, uint64_t address, unsigned times,
				  const struct object_tree **ret);

#endif
