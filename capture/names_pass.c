#include "capture/names_pass.h"

#include "common/cleanup.h"

/* A copy of what was read is asked before the target: types and keys are shared by many threads. */
static struct error *read_names(struct memory *memory, const struct python_location *location,
				struct thread_names_request *request, struct thread_name_list *ret)
{
	CLEANUP(memory_image_destroyp) struct memory_image *copy = NULL;
	CLEANUP(memory_destroyp) struct memory *search = NULL;
	struct error *error = memory_image_create(&copy);
	if (!error)
		error = memory_recorder_create(memory, copy, &search);
	if (error)
		return error;
	request->reader.memory = search;
	request->reader.layout = &location->layout;
	request->runtime_address = location->runtime_address;
	return thread_names_read(request, ret);
}

struct error *names_pass_before(struct memory *memory, const struct python_location *location,
				struct thread_name_list *ret)
{
	struct thread_names_request request = {0};
	return read_names(memory, location, &request, ret);
}

/* Put all of `from` over what is in `into`. */
static struct error *put_all(struct memory_image *into, const struct memory_image *from)
{
	struct memory_range range;
	struct error *error = NULL;
	for (uint64_t at = 0; !error && memory_image_next(from, at, &range);
	     at = range.address + range.size)
		error = memory_image_put(into, range.address, range.bytes, range.size);
	return error;
}

struct error *names_pass_after(struct memory *memory, const struct python_location *location,
			       const struct thread_name_list *before, struct memory_image **image)
{
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	CLEANUP(memory_image_destroyp) struct memory_image *kept = NULL;
	CLEANUP(memory_destroyp) struct memory *overlay = NULL;
	CLEANUP(memory_destroyp) struct memory *keep = NULL;
	struct thread_names_request request = {.known = before};
	if (!before->count)
		return NULL;
	struct error *error = memory_image_create(&kept);
	/* What the sample holds is what analysis will read. */
	if (!error)
		error = memory_overlay_create(memory_image_memory(*image), memory, &overlay);
	if (!error)
		error = memory_recorder_create(overlay, kept, &keep);
	request.reader.keep = keep;
	if (!error)
		error = read_names(overlay, location, &request, &names);
	if (error || !names.count)
		return error;
	error = put_all(kept, *image);
	if (error)
		return error;
	memory_image_destroy(*image);
	*image = TAKE_POINTER(kept);
	return NULL;
}
