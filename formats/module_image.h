/*
 * The part of an ELF file that unwinding and symbols need: headers, call frame information, symbol
 * tables. The bytes are where they are in the file, what is between them is left out. And how it is
 * stored in MODULE_IMAGE chunks of a snapshot.
 */
#ifndef PYSPY_FORMATS_MODULE_IMAGE_H
#define PYSPY_FORMATS_MODULE_IMAGE_H

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/elf_file.h"
#include "common/memory_image.h"

enum {
	MODULE_IMAGE_MAX_BYTES = 64 << 20, /* kept of one file */
	MODULE_IMAGE_PART_BYTES = 64 << 10,
};

/* The largest file that an image can be of. */
#define MODULE_IMAGE_MAX_SIZE (UINT64_C(1) << 32)

struct module_image {
	struct build_id build_id;      /* what it is found by */
	char *path;		       /* for files without a build-id */
	uint64_t size;		       /* of the whole file */
	struct memory_image *contents; /* addresses are offsets in the file */
};

struct error *module_image_init(struct module_image *image);
void module_image_deinit(struct module_image *image);

/* Some bytes of an image, as a chunk carries them. */
struct module_image_part {
	struct build_id build_id;
	const char *path; /* not terminated */
	size_t path_size;
	uint64_t size; /* of the whole file */
	uint64_t offset;
	const uint8_t *bytes;
	size_t byte_count;
};

/* Append the payload of a chunk. */
struct error *module_image_part_encode(struct buffer *buffer, const struct module_image *image,
				       uint64_t offset, const void *bytes, size_t size);

/* Read one; what it points to is the payload's. False if it contradicts the format. */
bool module_image_part_decode(struct cursor payload, struct module_image_part *ret)
	__attribute__((warn_unused_result));

/* A file with the contents, to be opened with libelf; what was left out is zero. An error of the
 * system alone. */
struct error *module_image_file(const struct module_image *image, int *ret_fd);

#endif
