/* The local variables of a frame, as JSON. */
#ifndef PYSPY_FORMATS_JSON_LOCALS_H
#define PYSPY_FORMATS_JSON_LOCALS_H

#include "common/model.h"
#include "formats/json_text.h"

/* Add "locals": null if they were not asked for, else an array with py-spy's keys and ours. */
void json_add_locals(struct json_builder *builder, cJSON *object, const struct model_frame *frame);

#endif
