/*
 * What way a reads while the target runs: the stacks of all threads but the one that holds the GIL.
 * They are as they are read for as long as the GIL does not change hands, which its owner and its
 * count of switches prove once the owner is stopped; what is left to read then is little. That
 * nothing else was taken from what was read early is proven by the walk (plan_recorder.h).
 */
#ifndef PYSPY_CAPTURE_EARLY_READ_H
#define PYSPY_CAPTURE_EARLY_READ_H

#include "capture/holder.h"
#include "capture/sample_ways.h"

/* Where it is worth it. `gils` is what the attempt goes by, and brought up to date where they
 * changed meanwhile: then nothing was read early. */
struct error *early_read(struct sampler *sampler, struct gil_set *gils, struct attempt *attempt);

/* The attempt ended with `error`, or NULL: in vain, and reading early is left alone for a while, or
 * not. */
void early_read_done(struct sampler *sampler, struct attempt *attempt, const struct error *error);

#endif
