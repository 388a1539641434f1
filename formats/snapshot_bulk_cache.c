#include "formats/snapshot_bulk_cache.h"

/* The file may have changed since it was looked at: a frame is proven whenever it is read. */
static bool load(struct bulk_cache *cache, uint32_t number, struct buffer *content)
{
	struct frame_extent extent;
	const uint8_t *bytes;
	enum frame_status status = FRAME_SHORT;
	struct error *error = cache->frames->view(cache->frames, number, &bytes, &extent);
	if (!error && bytes)
		error = frame_decode(cache->decoder, bytes, &extent, content, &status);
	if (error) {
		error_destroy(error);
		return false;
	}
	return status == FRAME_OK;
}

/* Frames of others' files can be large: let go of the oldest ones. */
static void trim(struct bulk_cache *cache, size_t keep)
{
	for (;;) {
		size_t total = 0;
		size_t oldest = keep;
		for (size_t i = 0; i < BULK_CACHE_FRAMES; i++) {
			total += cache->slots[i].content.capacity;
			if (cache->slots[i].content.capacity &&
			    cache->slots[i].last_use < cache->slots[oldest].last_use)
				oldest = i;
		}
		if (total <= BULK_CACHE_BYTES || oldest == keep)
			return;
		buffer_deinit(&cache->slots[oldest].content);
		cache->slots[oldest].used = false;
		cache->slots[oldest].last_use = 0;
	}
}

static const struct buffer *bulk_content(struct bulk_source *source, uint32_t frame)
{
	struct bulk_cache *cache = (struct bulk_cache *)source;
	size_t oldest = 0;
	for (size_t i = 0; i < BULK_CACHE_FRAMES; i++) {
		if (cache->slots[i].used && cache->slots[i].frame == frame) {
			cache->slots[i].last_use = ++cache->clock;
			return &cache->slots[i].content;
		}
		if (cache->slots[i].last_use < cache->slots[oldest].last_use)
			oldest = i;
	}
	cache->slots[oldest].used = load(cache, frame, &cache->slots[oldest].content);
	if (!cache->slots[oldest].used)
		return NULL;
	cache->slots[oldest].frame = frame;
	cache->slots[oldest].last_use = ++cache->clock;
	trim(cache, oldest);
	return &cache->slots[oldest].content;
}

void bulk_cache_init(struct bulk_cache *cache, struct frame_source *frames,
		     struct frame_decoder *decoder)
{
	*cache = (struct bulk_cache){
		.source.content = bulk_content, .frames = frames, .decoder = decoder};
}

void bulk_cache_deinit(struct bulk_cache *cache)
{
	for (size_t i = 0; i < BULK_CACHE_FRAMES; i++)
		buffer_deinit(&cache->slots[i].content);
	*cache = (struct bulk_cache){0};
}
