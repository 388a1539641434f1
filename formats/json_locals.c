#include "formats/json_locals.h"

static const char *const kind_names[] = {
	[MODEL_LOCAL_PLAIN] = "local",
	[MODEL_LOCAL_CELL] = "cell",
	[MODEL_LOCAL_FREE] = "free",
	[MODEL_LOCAL_NAMESPACE] = "namespace",
};

static void add_local(struct json_builder *builder, cJSON *object, const struct model_local *local)
{
	json_add_string(builder, object, "name", local->name);
	json_add_unsigned(builder, object, "addr", local->address);
	json_add_bool(builder, object, "arg", local->is_argument);
	json_add_string(builder, object, "repr", local->repr);
	json_add_string(builder, object, "kind", kind_names[local->kind]);
	json_add_string(builder, object, "type", local->type);
	json_add_string(builder, object, "gap", local->gap);
}

void json_add_locals(struct json_builder *builder, cJSON *object, const struct model_frame *frame)
{
	if (!frame->has_locals) {
		json_add_null(builder, object, "locals");
		return;
	}
	cJSON *locals = json_add_array(builder, object, "locals");
	for (size_t i = 0; i < frame->local_count && !builder->failed; i++)
		add_local(builder, json_append_object(builder, locals), &frame->locals[i]);
}
