#include "analyze/profile/frame_filter.h"

#include <regex.h>
#include <stdlib.h>

#include "common/buffer.h"
#include "common/cleanup.h"

enum { FRAME_INCLUDED = 1, FRAME_EXCLUDED = 2, FRAME_KNOWN = 4 };

struct expressions {
	regex_t *items;
	size_t count;
};

struct frame_filter {
	struct expressions include;
	struct expressions exclude;
	struct buffer known; /* by number of the frame: FRAME_… */
	struct buffer label;
};

static struct error *compile(const struct string_list *texts, const char *option,
			     struct expressions *ret)
{
	ret->items = calloc(texts->count + 1, sizeof(*ret->items));
	if (!ret->items)
		return &error_out_of_memory;
	for (size_t i = 0; i < texts->count; i++) {
		char reason[128];
		int result = regcomp(&ret->items[i], texts->items[i], REG_EXTENDED | REG_NOSUB);
		if (result) {
			regerror(result, &ret->items[i], reason, sizeof(reason));
			return error_create(ERROR_USAGE, "%s: '%s' is no regular expression: %s",
					    option, texts->items[i], reason);
		}
		ret->count++;
	}
	return NULL;
}

static void release(struct expressions *expressions)
{
	for (size_t i = 0; i < expressions->count; i++)
		regfree(&expressions->items[i]);
	free(expressions->items);
}

struct error *frame_filter_create(const struct string_list *include,
				  const struct string_list *exclude, struct frame_filter **ret)
{
	*ret = NULL;
	if (!include->count && !exclude->count)
		return NULL;
	CLEANUP(frame_filter_destroyp) struct frame_filter *filter = calloc(1, sizeof(*filter));
	if (!filter)
		return &error_out_of_memory;
	struct error *error = compile(include, "--include", &filter->include);
	if (!error)
		error = compile(exclude, "--exclude", &filter->exclude);
	if (!error)
		*ret = TAKE_POINTER(filter);
	return error;
}

void frame_filter_destroy(struct frame_filter *filter)
{
	if (!filter)
		return;
	release(&filter->include);
	release(&filter->exclude);
	buffer_deinit(&filter->known);
	buffer_deinit(&filter->label);
	free(filter);
}

void frame_filter_destroyp(struct frame_filter **filter)
{
	frame_filter_destroy(*filter);
}

static bool matches(const struct expressions *expressions, const char *label)
{
	for (size_t i = 0; i < expressions->count; i++) {
		if (regexec(&expressions->items[i], label, 0, NULL, 0) == 0)
			return true;
	}
	return false;
}

/* Each frame is matched once. */
static struct error *look_up(struct frame_filter *filter, const struct profile *profile,
			     uint32_t frame, uint8_t *ret)
{
	while (filter->known.size <= frame) {
		struct error *error = buffer_append_u8(&filter->known, 0);
		if (error)
			return error;
	}
	uint8_t *known = &filter->known.data[frame];
	if (!*known) {
		buffer_clear(&filter->label);
		struct error *error = profile_label(profile, frame, &filter->label);
		if (!error)
			error = buffer_append_u8(&filter->label, 0);
		if (error)
			return error;
		const char *label = (const char *)filter->label.data;
		*known = FRAME_KNOWN;
		if (matches(&filter->include, label))
			*known |= FRAME_INCLUDED;
		if (matches(&filter->exclude, label))
			*known |= FRAME_EXCLUDED;
	}
	*ret = *known;
	return NULL;
}

struct error *frame_filter_wants(struct frame_filter *filter, const struct profile *profile,
				 const uint32_t *frames, size_t count, bool *ret)
{
	bool included = !filter->include.count;
	bool excluded = false;
	for (size_t i = 0; i < count && !excluded; i++) {
		uint8_t known;
		struct error *error = look_up(filter, profile, frames[i], &known);
		if (error)
			return error;
		included |= (known & FRAME_INCLUDED) != 0;
		excluded |= (known & FRAME_EXCLUDED) != 0;
	}
	*ret = included && !excluded;
	return NULL;
}
