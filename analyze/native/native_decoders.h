/* Decoders of the processes of one target, for its samples one after another. */
#ifndef PYSPY_ANALYZE_NATIVE_NATIVE_DECODERS_H
#define PYSPY_ANALYZE_NATIVE_NATIVE_DECODERS_H

#include "analyze/native/native_decode.h"

/* Each keeps files open: of more processes, those that were sampled last have one. */
enum { NATIVE_DECODERS_MAX = 16 };

struct native_decoders_item {
	int32_t pid;
	uint64_t used; /* when: counts samples */
	struct native_decoder *decoder;
};

/* An all-zero struct has none. */
struct native_decoders {
	struct native_decoders_item items[NATIVE_DECODERS_MAX];
	uint64_t samples;
};

void native_decoders_deinit(struct native_decoders *decoders);

/* As native_decode. The target and the options must be the same each time. */
struct error *native_decoders_run(struct native_decoders *decoders, struct target *target,
				  const struct native_options *options,
				  struct model_process *process);

#endif
