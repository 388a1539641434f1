#include "formats/module_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_record.h"

/* pyspy-snapshot(5), MODULE_IMAGE. */
enum {
	KEY_BUILD_ID = 1,
	KEY_PATH = 2,
	KEY_SIZE = 3,
	KEY_OFFSET = 4,
	KEY_BYTES = 5,
};

struct error *module_image_init(struct module_image *image)
{
	*image = (struct module_image){0};
	return memory_image_create(&image->contents);
}

void module_image_deinit(struct module_image *image)
{
	free(image->path);
	memory_image_destroy(image->contents);
	*image = (struct module_image){0};
}

struct error *module_image_part_encode(struct buffer *buffer, const struct module_image *image,
				       uint64_t offset, const void *bytes, size_t size)
{
	struct error *error = NULL;
	if (image->build_id.size)
		error = record_append(buffer, KEY_BUILD_ID, image->build_id.bytes,
				      image->build_id.size);
	if (!error && image->path)
		error = record_append(buffer, KEY_PATH, image->path,
				      strnlen(image->path, SNAPSHOT_TEXT_MAX));
	if (!error)
		error = record_append_number(buffer, KEY_SIZE, image->size);
	if (!error)
		error = record_append_number(buffer, KEY_OFFSET, offset);
	return error ? error : record_append(buffer, KEY_BYTES, bytes, size);
}

static void decode_field(uint64_t key, struct cursor *value, struct module_image_part *part)
{
	size_t size = cursor_left(value);
	switch (key) {
	case KEY_BUILD_ID:
		value->failed |= size > BUILD_ID_MAX;
		part->build_id.size = value->failed ? 0 : size;
		cursor_copy(value, part->build_id.bytes, part->build_id.size);
		break;
	case KEY_PATH:
		part->path = cursor_bytes(value, size);
		part->path_size = part->path ? size : 0;
		break;
	case KEY_SIZE:
		part->size = record_number(value);
		break;
	case KEY_OFFSET:
		part->offset = record_number(value);
		break;
	case KEY_BYTES:
		part->bytes = cursor_bytes(value, size);
		part->byte_count = part->bytes ? size : 0;
		break;
	default:
		break;
	}
}

bool module_image_part_decode(struct cursor payload, struct module_image_part *ret)
{
	struct module_image_part part = {0};
	uint64_t key;
	struct cursor value;
	while (record_next(&payload, &key, &value)) {
		decode_field(key, &value, &part);
		if (!cursor_ok(&value))
			return false;
	}
	if (!cursor_ok(&payload) || part.size > MODULE_IMAGE_MAX_SIZE || part.offset > part.size ||
	    part.byte_count > part.size - part.offset)
		return false;
	*ret = part;
	return true;
}

struct error *module_image_file(const struct module_image *image, int *ret_fd)
{
	CLEANUP_CLOSE int fd = memfd_create("module", MFD_CLOEXEC);
	struct memory_range range;
	if (fd < 0 || ftruncate(fd, (off_t)image->size) < 0)
		return error_errno(ERROR_IO, errno, "cannot keep a module's image");
	for (uint64_t at = 0; memory_image_next(image->contents, at, &range);
	     at = range.address + range.size) {
		if (pwrite(fd, range.bytes, range.size, (off_t)range.address) !=
		    (ssize_t)range.size)
			return error_errno(ERROR_IO, errno, "cannot keep a module's image");
	}
	*ret_fd = take_fd(&fd);
	return NULL;
}
