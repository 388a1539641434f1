#include "analyze/python/decode_locals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/object_text.h"
#include "analyze/python/text.h"
#include "common/address_map.h"
#include "common/cleanup.h"
#include "common/copy_text.h"

enum {
	/* Text of all values together; what is behind it is marked. */
	TEXT_MAX_BYTES = 1 << 28,
	VARIABLES_MAX = 1 << 21,
};

/* What is known of a value, whatever variables have it. */
struct decoded_value {
	char *type; /* NULL if unknown */
	char *repr; /* NULL if there is a gap */
	char *gap;
};

struct locals_decoder {
	struct python_reader reader;
	struct locals_reader *locals;
	struct address_map values; /* struct decoded_value, owned */
	size_t text_bytes;
	size_t variable_count;
	unsigned times;
};

struct error *locals_decoder_create(struct memory *memory, const struct python_layout *layout,
				    unsigned times, struct locals_decoder **ret)
{
	struct locals_decoder *decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return &error_out_of_memory;
	decoder->reader = (struct python_reader){.memory = memory, .layout = layout};
	decoder->times = times;
	struct error *error = locals_reader_create(&decoder->reader, &decoder->locals);
	if (error) {
		free(decoder);
		return error;
	}
	*ret = decoder;
	return NULL;
}

static void value_destroy(struct decoded_value *value)
{
	if (!value)
		return;
	free(value->type);
	free(value->repr);
	free(value->gap);
	free(value);
}

void locals_decoder_destroy(struct locals_decoder *decoder)
{
	if (!decoder)
		return;
	for (size_t i = 0; i < decoder->values.capacity; i++)
		value_destroy(decoder->values.entries[i].value);
	address_map_deinit(&decoder->values);
	locals_reader_destroy(decoder->locals);
	free(decoder);
}

static struct error *unreadable(enum memory_status status, char **ret)
{
	if (asprintf(ret, "could not be read (%s)", memory_status_name(status)) >= 0)
		return NULL;
	*ret = NULL;
	return &error_out_of_memory;
}

/* "int", "module.Class". */
static struct error *type_text(const struct object_type *type, char **ret)
{
	if (!type)
		return NULL;
	if (!type->module)
		return copy_text(type->name, ret);
	if (asprintf(ret, "%s.%s", type->module, type->name) >= 0)
		return NULL;
	*ret = NULL;
	return &error_out_of_memory;
}

/* Render a tree, or say why there is nothing to render. */
static struct error *value_decode(const struct locals_decoder *decoder,
				  const struct object_tree *tree, struct decoded_value *value)
{
	const struct object_node *root = object_tree_root(tree);
	const struct object_text_options options = {
		.max_characters = (size_t)LOCALS_TEXT_CHARACTERS * decoder->times,
	};
	if (!root)
		return copy_text("is beyond the bounds", &value->gap);
	if (root->kind == OBJECT_UNREADABLE)
		return unreadable(root->status, &value->gap);
	if (root->kind == OBJECT_WILD)
		return copy_text("is no object", &value->gap);
	struct error *error = type_text(root->type, &value->type);
	return error ? error : object_text(tree, &options, &value->repr);
}

/* The value at an address; `ret` is borrowed from the decoder, NULL if there is room for no more.
 */
static struct error *value_get(struct locals_decoder *decoder, uint64_t address,
			       const struct decoded_value **ret)
{
	const struct object_tree *tree;
	struct decoded_value *value = address_map_get(&decoder->values, address);
	*ret = value;
	if (value || decoder->values.count >= LOCALS_MAX_VALUES ||
	    decoder->text_bytes >= TEXT_MAX_BYTES)
		return NULL;
	struct error *error = locals_reader_value(decoder->locals, address, decoder->times, &tree);
	if (error)
		return error;
	value = calloc(1, sizeof(*value));
	if (!value)
		return &error_out_of_memory;
	error = value_decode(decoder, tree, value);
	if (!error)
		error = address_map_put(&decoder->values, address, value);
	if (error) {
		value_destroy(value);
		return error;
	}
	*ret = value;
	return NULL;
}

static struct error *fill_value(struct locals_decoder *decoder, const struct frame_local *read,
				struct model_local *local)
{
	const struct decoded_value *value;
	if (read->status != MEMORY_OK)
		return unreadable(read->status, &local->gap);
	local->address = read->address;
	struct error *error = value_get(decoder, read->address, &value);
	if (error)
		return error;
	if (!value || decoder->text_bytes >= TEXT_MAX_BYTES)
		return copy_text("is beyond the bounds", &local->gap);
	error = copy_text(value->type, &local->type);
	if (!error)
		error = copy_text(value->repr, &local->repr);
	if (!error)
		error = copy_text(value->gap, &local->gap);
	if (local->repr)
		decoder->text_bytes += strlen(local->repr);
	return error;
}

static struct error *fill_local(struct locals_decoder *decoder, const struct frame_local *read,
				struct model_local *local)
{
	static const enum model_local_kind kinds[] = {
		[VARIABLE_LOCAL] = MODEL_LOCAL_PLAIN,
		[VARIABLE_CELL] = MODEL_LOCAL_CELL,
		[VARIABLE_FREE] = MODEL_LOCAL_FREE,
		[VARIABLE_NAMESPACE] = MODEL_LOCAL_NAMESPACE,
	};
	local->kind = kinds[read->kind];
	local->is_argument = read->is_argument;
	struct error *error = python_text(read->name, &local->name);
	return error ? error : fill_value(decoder, read, local);
}

/* What to say of variables that are missing altogether. */
static struct error *fill_gap(const struct frame_local_list *list, struct model_frame *frame)
{
	if (list->malformed)
		return copy_text("the names of the local variables are malformed",
				 &frame->locals_gap);
	if (list->status != MEMORY_OK) {
		if (asprintf(&frame->locals_gap, "local variables could not be read (%s)",
			     memory_status_name(list->status)) >= 0)
			return NULL;
		frame->locals_gap = NULL;
		return &error_out_of_memory;
	}
	return list->cut
		       ? copy_text("more local variables are beyond the bounds", &frame->locals_gap)
		       : NULL;
}

struct error *locals_decoder_frame(struct locals_decoder *decoder, const struct walk_frame *walked,
				   struct model_frame *frame)
{
	struct frame_local_list list;
	struct error *error = locals_reader_frame(decoder->locals, walked, &list);
	frame->has_locals = true;
	for (size_t i = 0; !error && i < list.count; i++) {
		struct model_local *local;
		if (decoder->variable_count == VARIABLES_MAX) {
			list.cut = true;
			break;
		}
		error = model_frame_add_local(frame, &local);
		if (!error)
			error = fill_local(decoder, &list.items[i], local);
		decoder->variable_count++;
	}
	return error ? error : fill_gap(&list, frame);
}
