#include "capture/locals_pass.h"

#include <stdlib.h>

#include "common/address_map.h"
#include "common/buffer.h"
#include "common/locals_reader.h"

struct locals_pass {
	struct python_reader reader;
	struct locals_reader *locals;
	const struct memory_image *image;
	struct address_map values; /* those that were read */
	int64_t max_ranges;
	int64_t ranges;	    /* that the image has grown by */
	int64_t size_bytes; /* the same */
	struct buffer cut;  /* uint64_t: addresses of those that there is more of */
};

struct error *locals_pass_create(struct memory *memory, struct memory *recorder,
				 const struct memory_image *image,
				 const struct python_layout *layout, size_t max_ranges,
				 struct locals_pass **ret)
{
	struct locals_pass *pass = calloc(1, sizeof(*pass));
	if (!pass)
		return &error_out_of_memory;
	pass->reader = (struct python_reader){.memory = memory, .keep = recorder, .layout = layout};
	pass->image = image;
	pass->max_ranges = (int64_t)max_ranges;
	struct error *error = locals_reader_create(&pass->reader, &pass->locals);
	if (error) {
		free(pass);
		return error;
	}
	*ret = pass;
	return NULL;
}

void locals_pass_destroyp(struct locals_pass **pointer)
{
	struct locals_pass *pass = *pointer;
	if (!pass)
		return;
	locals_reader_destroy(pass->locals);
	address_map_deinit(&pass->values);
	buffer_deinit(&pass->cut);
	free(pass);
}

/* Whether there is room for more, where `parts` of two may be used. */
static bool has_room(const struct locals_pass *pass, unsigned parts)
{
	return pass->ranges < pass->max_ranges / 2 * (int64_t)parts &&
	       pass->size_bytes < LOCALS_MAX_BYTES / 2 * (int64_t)parts;
}

/* Read a value, and count what the sample has grown by. */
static struct error *read_value(struct locals_pass *pass, uint64_t address, unsigned times,
				const struct object_tree **ret)
{
	/* Ranges that grow together become fewer. */
	int64_t ranges = (int64_t)memory_image_range_count(pass->image);
	int64_t size_bytes = (int64_t)memory_image_size_bytes(pass->image);
	struct error *error = locals_reader_value(pass->locals, address, times, ret);
	pass->ranges += (int64_t)memory_image_range_count(pass->image) - ranges;
	pass->size_bytes += (int64_t)memory_image_size_bytes(pass->image) - size_bytes;
	return error;
}

static bool is_cut(const struct object_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->nodes[i].cut)
			return true;
	}
	return false;
}

static struct error *visit_value(struct locals_pass *pass, uint64_t address)
{
	bool is_new = false;
	const struct object_tree *tree;
	if (pass->values.count >= LOCALS_MAX_VALUES || !has_room(pass, 1))
		return NULL;
	struct error *error = address_map_visit(&pass->values, address, &is_new);
	if (error || !is_new)
		return error;
	error = read_value(pass, address, 1, &tree);
	if (error || !is_cut(tree))
		return error;
	return buffer_append(&pass->cut, &address, sizeof(address));
}

struct error *locals_pass_frame(struct locals_pass *pass, const struct walk_frame *frame)
{
	struct frame_local_list list;
	struct error *error = locals_reader_frame(pass->locals, frame, &list);
	for (size_t i = 0; !error && i < list.count; i++) {
		if (list.items[i].address)
			error = visit_value(pass, list.items[i].address);
	}
	return error;
}

struct error *locals_pass_deepen(struct locals_pass *pass)
{
	const uint64_t *cut = (const uint64_t *)(const void *)pass->cut.data;
	size_t count = pass->cut.size / sizeof(*cut);
	const struct object_tree *tree;
	/* All of them once more, before any of them twice more. */
	for (unsigned times = 2; times <= LOCALS_CAPTURED_TIMES; times++) {
		for (size_t i = 0; i < count && has_room(pass, 2); i++) {
			struct error *error = read_value(pass, cut[i], times, &tree);
			if (error)
				return error;
		}
	}
	return NULL;
}
