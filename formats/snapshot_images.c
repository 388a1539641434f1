#include "formats/snapshot_images.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "formats/perf_map.h"
#include "formats/snapshot_block.h"
#include "formats/snapshot_format.h"

void snapshot_images_deinit(struct snapshot_images *images)
{
	for (size_t i = 0; i < images->count; i++) {
		free(images->items[i].path);
		free(images->items[i].parts);
	}
	free(images->items);
	*images = (struct snapshot_images){0};
}

static bool is_image(const struct snapshot_image *image, const struct build_id *build_id,
		     const char *path, size_t path_size)
{
	if (build_id->size || image->build_id.size)
		return build_id_equal(&image->build_id, build_id);
	return path && image->path && strlen(image->path) == path_size &&
	       memcmp(image->path, path, path_size) == 0;
}

static struct snapshot_image *find(const struct snapshot_images *images,
				   const struct build_id *build_id, const char *path,
				   size_t path_size)
{
	for (size_t i = 0; i < images->count; i++) {
		if (is_image(&images->items[i], build_id, path, path_size))
			return &images->items[i];
	}
	return NULL;
}

const struct snapshot_image *snapshot_images_find(const struct snapshot_images *images,
						  const struct build_id *build_id, const char *path)
{
	return find(images, build_id, path, strlen(path));
}

static struct error *add_image(struct snapshot_images *images, const struct module_image_part *part,
			       struct snapshot_image **ret)
{
	/* Doubled at each power of two. */
	if (!images->items || !(images->count & (images->count - 1))) {
		size_t capacity = images->count ? images->count * 2 : 1;
		struct snapshot_image *items =
			reallocarray(images->items, capacity, sizeof(*items));
		if (!items)
			return &error_out_of_memory;
		images->items = items;
	}
	struct snapshot_image image = {.build_id = part->build_id, .size = part->size};
	image.path = strndup(part->path ? part->path : "", part->path_size);
	if (!image.path)
		return &error_out_of_memory;
	*ret = &images->items[images->count];
	images->items[images->count++] = image;
	return NULL;
}

struct error *snapshot_images_note(struct snapshot_images *images, const struct build_id *build_id,
				   const char *path, uint64_t size)
{
	struct snapshot_image *image = find(images, build_id, path, strlen(path));
	const struct module_image_part whole = {
		.build_id = *build_id,
		.path = path,
		.path_size = strlen(path),
	};
	struct error *error = image ? NULL : add_image(images, &whole, &image);
	if (!error)
		image->size = size;
	return error;
}

/* A perf map grows while its process runs; what begins anew is another one. */
static void follow_perf_map(struct snapshot_images *images, struct snapshot_image *image,
			    const struct module_image_part *part)
{
	if (!part->offset) {
		images->part_count -= image->part_count;
		image->part_count = 0;
		image->bytes = 0;
		image->size = part->size;
	} else if (part->offset == image->bytes && part->size > image->size) {
		image->size = part->size;
	}
}

static struct error *add_part(struct snapshot_images *images, const struct module_image_part *part,
			      uint32_t frame, const struct buffer *content)
{
	struct snapshot_image *image = find(images, &part->build_id, part->path, part->path_size);
	struct error *error = NULL;
	if (images->part_count == SNAPSHOT_IMAGE_PARTS_MAX ||
	    (!image && images->count == SNAPSHOT_IMAGES_MAX))
		return NULL;
	if (!image)
		error = add_image(images, part, &image);
	if (error)
		return error;
	if (perf_map_is_image_name(image->path))
		follow_perf_map(images, image, part);
	if (image->size != part->size || part->byte_count > MODULE_IMAGE_MAX_BYTES - image->bytes)
		return NULL;
	struct error *no_room =
		ARRAY_GROW(image->parts, image->part_count, image->part_capacity, 8);
	if (no_room)
		return no_room;
	image->parts[image->part_count++] = (struct snapshot_image_part){
		.offset = part->offset,
		.size = (uint32_t)part->byte_count,
		.frame = frame,
		.content_offset = (uint32_t)(part->bytes - content->data),
	};
	image->bytes += part->byte_count;
	images->part_count++;
	return NULL;
}

struct error *snapshot_images_add(struct snapshot_images *images, uint32_t frame,
				  const struct buffer *content)
{
	struct block_cursor chunks = block_chunks(content->data, content->size);
	struct block_chunk chunk;
	while (block_next_chunk(&chunks, &chunk)) {
		struct module_image_part part;
		if (chunk.type != SNAPSHOT_CHUNK_MODULE_IMAGE ||
		    !module_image_part_decode(chunk.payload, &part) || !part.byte_count)
			continue;
		struct error *error = add_part(images, &part, frame, content);
		if (error)
			return error;
	}
	return NULL;
}
