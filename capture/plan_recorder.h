/*
 * A memory over what a plan has read, and over another memory for the rest, which remembers what
 * was read of it. What memory_recorder_create() does, for a plan that has nearly all: then a read
 * is a copy and some marks, and the image of it is made once, in ascending order.
 */
#ifndef PYSPY_CAPTURE_PLAN_RECORDER_H
#define PYSPY_CAPTURE_PLAN_RECORDER_H

#include "capture/read_plan.h"
#include "common/memory_image.h"

struct plan_recorder;

/* All borrowed; `below` is asked for what the plan lacks. */
struct error *plan_recorder_create(const struct read_plan *plan, struct memory *below,
				   struct plan_recorder **ret);
void plan_recorder_destroy(struct plan_recorder *recorder);
void plan_recorder_destroyp(struct plan_recorder **recorder);

/* Read access; borrowed. */
struct memory *plan_recorder_memory(struct plan_recorder *recorder);

/* These bytes, if they are in the plan, are of a stack that may have been read early. */
void plan_recorder_allow_early(struct plan_recorder *recorder, uint64_t address, size_t size);
/* Whether nothing else that was read comes from what the plan read early. */
bool plan_recorder_early_is_allowed(const struct plan_recorder *recorder);

/* Whether all that was read, and no less than most of the plan's, is in the plan: it is as good for
 * the next time. */
bool plan_recorder_plan_holds(const struct plan_recorder *recorder);

/* Put all that was read into an empty image. */
struct error *plan_recorder_put(const struct plan_recorder *recorder, struct memory_image *image);

#endif
