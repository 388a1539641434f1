/* Which images of modules a snapshot file has, and in which of its frames their bytes are. */
#ifndef PYSPY_FORMATS_SNAPSHOT_IMAGES_H
#define PYSPY_FORMATS_SNAPSHOT_IMAGES_H

#include "formats/module_image.h"

enum {
	SNAPSHOT_IMAGES_MAX = 4096,
	SNAPSHOT_IMAGE_PARTS_MAX = 1 << 20, /* of all */
};

/* The bytes of a chunk. */
struct snapshot_image_part {
	uint64_t offset; /* in the image */
	uint32_t size;
	uint32_t frame; /* of the catalog */
	uint32_t content_offset;
};

struct snapshot_image {
	struct build_id build_id;
	char *path;
	uint64_t size;
	uint64_t bytes; /* of all parts */
	struct snapshot_image_part *parts;
	size_t part_count;
	size_t part_capacity;
};

/* An all-zero struct is an empty list. */
struct snapshot_images {
	struct snapshot_image *items;
	size_t count;
	size_t part_count;
};

void snapshot_images_deinit(struct snapshot_images *images);

/* Note the images' parts in the checked content of a frame. What contradicts the format or the
 * bounds is left out: an image is no part of any sample. */
struct error *snapshot_images_add(struct snapshot_images *images, uint32_t frame,
				  const struct buffer *content);

/* Note an image, of `size` bytes now, whose parts are elsewhere. */
struct error *snapshot_images_note(struct snapshot_images *images, const struct build_id *build_id,
				   const char *path, uint64_t size);

/* By build-id; for modules without one, by path. NULL if there is none. */
const struct snapshot_image *snapshot_images_find(const struct snapshot_images *images,
						  const struct build_id *build_id,
						  const char *path);

#endif
