/* One sample of a sampler: traces, and what failed. */
#ifndef PYSPY_LIB_SAMPLE_ITEM_H
#define PYSPY_LIB_SAMPLE_ITEM_H

#include "common/error.h"
#include "include/pyspy.h"

struct error *sample_item_create(struct pyspy_sample **ret);
void sample_item_destroyp(struct pyspy_sample **sample);
/* Takes over `traces` on success. */
struct error *sample_item_add(struct pyspy_sample *sample, struct pyspy_traces *traces);
/* Consumes `failure`. */
struct error *sample_item_fail(struct pyspy_sample *sample, int32_t pid, struct error *failure);

#endif
