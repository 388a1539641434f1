#include "common/locate_trial.h"

#include "common/struct_view.h"
#include "common/walk.h"

struct trial {
	uint64_t code_type;
	uint64_t string_type;
	size_t frames;
	const char *reason; /* the first thing that does not agree */
};

static void trial_fail(struct trial *trial, const char *reason)
{
	if (!trial->reason)
		trial->reason = reason;
}

/* All objects of a kind have one type; the first tells which. */
static void trial_type(struct trial *trial, uint64_t *known, uint64_t type, const char *reason)
{
	if (!*known)
		*known = type;
	if (!type || type != *known)
		trial_fail(trial, reason);
}

static void trial_string(struct trial *trial, const struct raw_string *string)
{
	if (string->status != MEMORY_OK || string->malformed || !string->length)
		trial_fail(trial, "the name or the file of a code object is no string");
	else
		trial_type(trial, &trial->string_type, string->type,
			   "names and files of code objects are of several types");
}

static struct error *on_frame(void *context, const struct walk_frame *frame)
{
	struct trial *trial = context;
	const struct raw_code *code = frame->code;
	trial->frames++;
	if (code->status != MEMORY_OK || code->malformed) {
		trial_fail(trial, "a frame has no code object");
		return NULL;
	}
	trial_type(trial, &trial->code_type, code->type, "code objects are of several types");
	trial_string(trial, &code->name);
	trial_string(trial, &code->filename);
	if (code->qualname.address)
		trial_string(trial, &code->qualname);
	if (code->line_table_status != MEMORY_OK)
		trial_fail(trial, "a line table is not where it should be");
	return NULL;
}

static struct error *on_gap(void *context, const struct walk_gap *gap)
{
	(void)gap;
	trial_fail(context, "a list of interpreters, threads or frames does not end well");
	return NULL;
}

/* The type of both types is `type`, whose type is itself. */
static bool has_metatype(struct memory *memory, const struct python_layout *layout,
			 const struct trial *trial)
{
	uint64_t of_code;
	uint64_t of_string;
	uint64_t of_itself;
	return struct_read_pointer(memory, trial->code_type, layout->object.type, &of_code) ==
		       MEMORY_OK &&
	       struct_read_pointer(memory, trial->string_type, layout->object.type, &of_string) ==
		       MEMORY_OK &&
	       of_code == of_string && trial->code_type != trial->string_type &&
	       struct_read_pointer(memory, of_code, layout->object.type, &of_itself) == MEMORY_OK &&
	       of_itself == of_code;
}

struct error *locate_trial(struct memory *memory, const struct python_location *location,
			   const char **ret_reason)
{
	struct trial trial = {0};
	const struct walk_visitor visitor = {
		.context = &trial,
		.frame = on_frame,
		.gap = on_gap,
	};
	struct error *error = walk_python(memory, location, &visitor);
	if (error)
		return error;
	if (!trial.frames)
		trial_fail(&trial, "no frame was found");
	else if (!trial.reason && !has_metatype(memory, &location->layout, &trial))
		trial_fail(&trial, "the types of code objects and strings are no types");
	*ret_reason = trial.reason;
	return NULL;
}
