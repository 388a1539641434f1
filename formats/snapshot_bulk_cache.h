/* A few decompressed bulk frames, least recently used first to go. */
#ifndef PYSPY_FORMATS_SNAPSHOT_BULK_CACHE_H
#define PYSPY_FORMATS_SNAPSHOT_BULK_CACHE_H

#include "formats/log_memory.h"
#include "formats/snapshot_frame.h"

enum {
	BULK_CACHE_FRAMES = 64,
	BULK_CACHE_BYTES = 16 << 20, /* of them all, besides the one read last */
};

/* Where whole frames are that are read when asked for. */
struct frame_source {
	/* The bytes of a frame, borrowed until the next call; no bytes if it is not there any more.
	 */
	struct error *(*view)(struct frame_source *source, uint32_t number, const uint8_t **ret,
			      struct frame_extent *ret_extent);
};

struct bulk_cache {
	struct bulk_source source;     /* first: what the memory asks */
	struct frame_source *frames;   /* borrowed */
	struct frame_decoder *decoder; /* borrowed */
	uint64_t clock;
	struct {
		bool used;
		uint32_t frame;
		uint64_t last_use;
		struct buffer content;
	} slots[BULK_CACHE_FRAMES];
};

void bulk_cache_init(struct bulk_cache *cache, struct frame_source *frames,
		     struct frame_decoder *decoder);
void bulk_cache_deinit(struct bulk_cache *cache);

#endif
