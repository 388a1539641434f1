#include "analyze/python/decode_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "analyze/python/frame_module.h"
#include "analyze/python/frame_position.h"
#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "common/copy_text.h"

static struct error *set_gap(struct model_frame *ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static struct error *set_gap(struct model_frame *ret, const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	ret->kind = MODEL_FRAME_GAP;
	ret->gap = text;
	return NULL;
}

/* A frame whose code object is unreadable or none: a marked gap, and the stack goes on outside of
 * it. */
static struct error *decode_broken_frame(const struct walk_frame *walked, struct model_frame *ret)
{
	const struct raw_code *code = walked->code;
	CLEANUP_FREE char *name = NULL;
	CLEANUP_FREE char *filename = NULL;
	unsigned long long address = walked->code_address;
	if (code->status != MEMORY_OK)
		return set_gap(ret, "code object at 0x%llx could not be read (%s)", address,
			       memory_status_name(code->status));
	if (code->malformed)
		return set_gap(ret, "code object at 0x%llx is malformed", address);
	struct error *error = python_text(&code->name, &name);
	if (!error)
		error = python_text(&code->filename, &filename);
	if (error)
		return error;
	return set_gap(ret, "code object at 0x%llx, function %s in %s, could only be read in part",
		       address, name, filename);
}

static bool is_broken(const struct walk_frame *walked)
{
	return walked->code->malformed || !raw_code_is_complete(walked->code);
}

bool decode_frame_is_hidden(const struct walk_frame *walked)
{
	return !is_broken(walked) && frame_is_internal(walked);
}

struct error *decode_frame(const struct python_layout *layout, const struct walk_frame *walked,
			   struct model_frame *ret)
{
	const struct raw_code *code = walked->code;
	if (is_broken(walked))
		return decode_broken_frame(walked, ret);
	struct error *error = python_text(&code->name, &ret->name);
	if (!error)
		error = python_text(&code->filename, &ret->filename);
	if (!error && code->qualname.address)
		error = python_text(&code->qualname, &ret->qualified_name);
	if (!error)
		error = frame_module_decode(walked, ret);
	if (error)
		return error;
	frame_position_decode(layout, walked, ret);
	decode_frame_entry(walked, ret);
	return NULL;
}

void decode_frame_entry(const struct walk_frame *walked, struct model_frame *ret)
{
	if (ret->kind == MODEL_FRAME_GAP)
		return;
	ret->is_entry = walked->is_entry;
	ret->is_shim_entry = walked->is_shim_entry;
	ret->entry_address = walked->shim_address;
}

static const char *gap_reason(const struct walk_gap *gap)
{
	static const char *const reasons[] = {
		[WALK_GAP_CYCLE] = "comes back to itself",
		[WALK_GAP_BOUND] = "is beyond the bounds",
		[WALK_GAP_WILD] = "is not what it must be",
	};
	return gap->kind == WALK_GAP_MEMORY ? memory_status_name(gap->status) : reasons[gap->kind];
}

static const char *gap_verb(const struct walk_gap *gap)
{
	return gap->kind == WALK_GAP_MEMORY ? "could not be read: " : "";
}

struct error *decode_gap_frame(const struct walk_gap *gap, struct model_frame *ret)
{
	return set_gap(ret, "%s at 0x%llx %s%s", gap->what, (unsigned long long)gap->address,
		       gap_verb(gap), gap_reason(gap));
}

struct error *decode_gap_note(const struct walk_gap *gap, struct model_process *process)
{
	return model_process_add_note(process, "%s at 0x%llx %s%s; what is behind it is missing",
				      gap->what, (unsigned long long)gap->address, gap_verb(gap),
				      gap_reason(gap));
}

struct error *decode_process_facts(struct target *target, struct model_process *process)
{
	struct error *error = process_facts_copy(target_process(target), &process->facts);
	process->is_core = target_kind(target) == TARGET_CORE;
	return error;
}

struct error *decode_process_notes(struct target *target, struct model_process *process)
{
	struct error *error = NULL;
	const char *const *losses = target_losses(target);
	for (size_t i = 0; !error && losses[i]; i++)
		error = model_process_add_note(process, "%s", losses[i]);
	const struct sample_facts *sample = target_sample(target);
	struct snapshot *snapshot = target_snapshot(target);
	if (sample) {
		process->has_sample = true;
		process->sample = *sample;
	}
	if (snapshot) {
		process->sample_index = (size_t)snapshot_selected_number(snapshot);
		process->sample_count = (size_t)snapshot_selected_count(snapshot);
	}
	if (!error && process->has_sample && process->sample.partial)
		error = model_process_add_note(
			process, "something that belongs to this sample could not be captured");
	return error;
}

struct error *decode_location_notes(const struct python_location *location,
				    struct model_process *process)
{
	char version[PYTHON_VERSION_TEXT_SIZE];
	python_version_format(location->version, version);
	if (location->layout_assumed)
		return model_process_add_note(process,
					      "CPython %s is not known; shown with the layout of "
					      "%u.%u, which agrees with "
					      "all that was looked at",
					      version, location->layout.major,
					      location->layout.minor);
	if (location->layout_differs)
		return model_process_add_note(
			process,
			"the offsets that this CPython %s tells of itself are not those that are "
			"known for it; if they are damaged, what is shown is wrong",
			version);
	return NULL;
}

struct error *decode_location_facts(const struct python_location *location,
				    struct model_process *process)
{
	process->version = location->version;
	process->version_known = location->version.major != 0;
	process->version_unknown_layout =
		process->version_known && (!location->layout_known || location->layout_assumed);
	process->free_threaded = location->layout_known && location->layout.free_threaded;
	const char *executable =
		process->facts.executable ? process->facts.executable : location->module_path;
	struct error *error = executable ? copy_text(executable, &process->executable) : NULL;
	if (!error && location->module_path)
		error = copy_text(location->module_path, &process->interpreter_module);
	return error;
}

struct locate_options decode_locate_options(struct target *target, struct memory *memory,
					    bool exhaustive)
{
	return (struct locate_options){
		.machine = target_process(target)->machine,
		.memory = memory,
		.modules = target_modules(target),
		.mappings = target_mappings(target),
		.files = target_files(target),
		.hint = target_python_hint(target),
		.assume_layout = true,
		.exhaustive = exhaustive,
	};
}

struct os_threads_source decode_os_source(struct target *target, const struct python_layout *layout)
{
	return (struct os_threads_source){
		.list = target_threads(target),
		.modules = target_modules(target),
		.memory = target_memory(target),
		.machine = target_process(target)->machine,
		.layout = layout,
	};
}
