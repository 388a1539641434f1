/* A few decompressed bulk frames, least recently used first to go. */
#ifndef PYSPY_FORMATS_SNAPSHOT_BULK_CACHE_H
#define PYSPY_FORMATS_SNAPSHOT_BULK_CACHE_H

#include "formats/log_memory.h"
#include "formats/snapshot_catalog.h"

enum {
	BULK_CACHE_FRAMES = 64,
	BULK_CACHE_BYTES = 16 << 20, /* of them all, besides the one read last */
};

struct bulk_cache {
	struct bulk_source source;  /* first: what the memory asks */
	struct snapshot_scan *scan; /* borrowed */
	const struct snapshot_catalog *catalog;
	uint64_t clock;
	struct {
		bool used;
		uint32_t frame;
		uint64_t last_use;
		struct buffer content;
	} slots[BULK_CACHE_FRAMES];
};

void bulk_cache_init(struct bulk_cache *cache, struct snapshot_scan *scan,
		     const struct snapshot_catalog *catalog);
void bulk_cache_deinit(struct bulk_cache *cache);

#endif
