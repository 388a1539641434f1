/*
 * The catalog of a snapshot file: which whole frames it has, and which samples and which pieces of
 * bulk memory are in them. Made by one pass over the file that proves every frame.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_CATALOG_H
#define PYSPY_FORMATS_SNAPSHOT_CATALOG_H

#include "formats/snapshot_follow.h"
#include "formats/snapshot_images.h"

struct catalog_frame {
	uint64_t offset;
	uint64_t first_sample; /* samples that are in the frames before */
	uint64_t first_extent;
	uint32_t size;
	uint32_t content_size;
	uint32_t epoch; /* counted from 0 through the file */
	uint32_t samples;
	uint32_t extents; /* not 0 for bulk frames alone */
	bool bulk;
};

/* Memory in a bulk frame. */
struct catalog_extent {
	uint64_t address;
	uint32_t size;
	uint32_t content_offset;
	int32_t pid;
};

struct snapshot_catalog {
	struct catalog_frame *frames;
	size_t frame_count;
	size_t frame_capacity;
	struct catalog_extent *extents;
	size_t extent_count;
	size_t extent_capacity;
	struct snapshot_roster roster;
	struct snapshot_images images;
};

/* An all-zero struct is an empty catalog. `follow` is at the beginning, and comes to the end: it
 * tells how many samples there are, and what was lost. */
struct error *snapshot_catalog_read(struct snapshot_catalog *catalog,
				    struct snapshot_follow *follow);
void snapshot_catalog_deinit(struct snapshot_catalog *catalog);

/* The frame that holds a sample, which must be in the file. */
size_t snapshot_catalog_find(const struct snapshot_catalog *catalog, uint64_t sample);

/* The first frame of the epoch that a frame is in. */
size_t snapshot_catalog_epoch_start(const struct snapshot_catalog *catalog, size_t frame);

#endif
