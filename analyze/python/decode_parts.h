/* The parts of decoding a sample that do not depend on whether something is known of it already. */
#ifndef PYSPY_ANALYZE_PYTHON_DECODE_PARTS_H
#define PYSPY_ANALYZE_PYTHON_DECODE_PARTS_H

#include "analyze/python/os_threads.h"
#include "analyze/target.h"
#include "common/model.h"
#include "common/walk.h"

/* Facts of the process, which are all zero before. */
struct error *decode_process_facts(struct target *target, struct model_process *process);
/* Which sample it is, and what is to be said of that and of the file. */
struct error *decode_process_notes(struct target *target, struct model_process *process);
/* What runs Python. */
struct error *decode_location_facts(const struct python_location *location,
				    struct model_process *process);
/* What is to be said of a layout that is not simply the one of the version. */
struct error *decode_location_notes(const struct python_location *location,
				    struct model_process *process);

/* Whether the frame is none that is shown. */
bool decode_frame_is_hidden(const struct walk_frame *walked);
/* A frame that is shown; all zero before. What cannot be read makes it a gap. */
struct error *decode_frame(const struct python_layout *layout, const struct walk_frame *walked,
			   struct model_frame *ret);
/* How it was entered, which two frames at one place need not have in common. */
void decode_frame_entry(const struct walk_frame *walked, struct model_frame *ret);

/* What is missing of a stack; of the process. */
struct error *decode_gap_frame(const struct walk_gap *gap, struct model_frame *ret);
struct error *decode_gap_note(const struct walk_gap *gap, struct model_process *process);

struct locate_options decode_locate_options(struct target *target, struct memory *memory,
					    bool exhaustive);
struct os_threads_source decode_os_source(struct target *target,
					  const struct python_layout *layout);

#endif
