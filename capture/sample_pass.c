#include "capture/sample_pass.h"

#include "capture/locals_pass.h"
#include "capture/plan_recorder.h"
#include "capture/read_counter.h"
#include "capture/stack_extents.h"
#include "common/cleanup.h"
#include "common/walk.h"
#include "common/walk_fields.h"

struct error *sample_pass_init(struct sample_pass *pass)
{
	*pass = (struct sample_pass){0};
	pass->value_ranges = LOCALS_MAX_RANGES;
	return memory_image_create(&pass->image);
}

void sample_pass_deinit(struct sample_pass *pass)
{
	memory_image_destroy(pass->image);
	buffer_deinit(&pass->interpreters);
	buffer_deinit(&pass->links);
	buffer_deinit(&pass->positions);
	buffer_deinit(&pass->roots);
	buffer_deinit(&pass->extents);
	buffer_deinit(&pass->missed);
}

struct error *sample_pass_take_image(struct sample_pass *pass, struct memory_image **ret)
{
	struct memory_image *empty;
	struct error *error = memory_image_create(&empty);
	if (error)
		return error;
	*ret = pass->image;
	pass->image = empty;
	return NULL;
}

/* The context of the visitor. */
struct pass_visit {
	struct sample_pass *pass;
	const struct python_layout *layout;
	bool at_innermost;	    /* the next frame is the innermost of its thread */
	uint64_t thread;	    /* whose frames come */
	struct locals_pass *locals; /* NULL but for level locals */
	uint64_t owner;		    /* of the stack that comes; 0: not one that can be told */
	struct struct_span frame_span;
	struct plan_recorder *recorder; /* NULL but over a plan */
	uint64_t held_back;		/* of the plan */
};

static struct error *append_address(struct buffer *addresses, uint64_t address)
{
	return buffer_append(addresses, &address, sizeof(address));
}

static struct error *visit_interpreter(void *context, const struct walk_interpreter *interpreter)
{
	struct pass_visit *visit = context;
	struct error *error = append_address(&visit->pass->interpreters, interpreter->address);
	if (error)
		return error;
	return append_address(&visit->pass->links,
			      interpreter->address + visit->layout->interpreter.threads_head);
}

/* What was read at `address` is the thread's own, and nobody else's. */
static struct error *visit_own(struct pass_visit *visit, uint64_t address, struct struct_span span)
{
	if (!visit->owner || !address)
		return NULL;
	if (visit->recorder && visit->owner != visit->held_back)
		plan_recorder_allow_early(visit->recorder, address + span.first, span.size);
	return stack_extents_add(&visit->pass->extents, address, span, visit->owner);
}

static struct error *visit_thread_own(struct pass_visit *visit, const struct walk_thread *thread)
{
	const struct python_layout *layout = visit->layout;
	struct struct_span cframe = walk_cframe_span(layout);
	visit->owner = layout->frame_kind == FRAME_KIND_INTERPRETER ? thread->thread_id : 0;
	visit->frame_span = walk_frame_span(layout);
	struct error *error = visit_own(visit, thread->address, walk_thread_span(layout));
	if (!error)
		error = visit_own(visit, thread->cframe, cframe);
	return error ? error : visit_own(visit, thread->previous_cframe, cframe);
}

static struct error *visit_thread(void *context, const struct walk_thread *thread)
{
	struct pass_visit *visit = context;
	const layout_offset offsets[] = {
		visit->layout->thread.next,
		visit->layout->thread.thread_id,
		visit->layout->thread.native_thread_id,
	};
	visit->pass->thread_count++;
	visit->at_innermost = true;
	visit->thread = thread->address;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		if (offsets[i] == LAYOUT_ABSENT)
			continue;
		struct error *error =
			append_address(&visit->pass->links, thread->address + offsets[i]);
		if (error)
			return error;
	}
	return visit_thread_own(visit, thread);
}

/* Put the frame in the place of the one before it as the outermost of its thread. */
static struct error *visit_root(struct pass_visit *visit, uint64_t frame)
{
	struct buffer *roots = &visit->pass->roots;
	if (!visit->at_innermost)
		roots->size -= sizeof(frame);
	else {
		struct error *error = append_address(roots, visit->thread);
		if (error)
			return error;
	}
	return append_address(roots, frame);
}

static struct error *visit_frame(void *context, const struct walk_frame *frame)
{
	struct pass_visit *visit = context;
	visit->pass->gap_count += !raw_code_is_complete(frame->code) ||
				  frame->instruction_offset == WALK_POSITION_UNKNOWN;
	struct error *error = visit_root(visit, frame->address);
	if (!error)
		error = visit_own(visit, frame->address, visit->frame_span);
	if (!error && frame->shim_address)
		error = visit_own(visit, frame->shim_address, visit->frame_span);
	if (!error && visit->locals)
		error = locals_pass_frame(visit->locals, frame);
	if (error || !visit->at_innermost)
		return error;
	visit->at_innermost = false;
	return append_address(&visit->pass->positions,
			      frame->address + visit->layout->frame.position);
}

static struct error *visit_gap(void *context, const struct walk_gap *gap)
{
	struct pass_visit *visit = context;
	(void)gap;
	visit->pass->gap_count++;
	return NULL;
}

static void forget(struct sample_pass *pass)
{
	memory_image_clear(pass->image);
	buffer_clear(&pass->interpreters);
	buffer_clear(&pass->links);
	buffer_clear(&pass->positions);
	buffer_clear(&pass->roots);
	buffer_clear(&pass->extents);
	buffer_clear(&pass->missed);
	pass->thread_count = 0;
	pass->gap_count = 0;
	pass->misplaced = false;
	pass->plan_holds = false;
}

/* Through `recorder`, which reads from `memory`, or is `planned`'s. */
static struct error *walk(struct sample_pass *pass, struct memory *memory, struct memory *recorder,
			  struct plan_recorder *planned, uint64_t held_back,
			  const struct python_location *hint, enum capture_level level)
{
	static const struct modules no_modules;
	CLEANUP(locals_pass_destroyp) struct locals_pass *locals = NULL;
	CLEANUP(python_location_deinit) struct python_location location = {0};
	struct pass_visit visit = {
		.pass = pass,
		.layout = &location.layout,
		.recorder = planned,
		.held_back = held_back,
	};
	const struct walk_visitor visitor = {
		.context = &visit,
		.interpreter = visit_interpreter,
		.thread = visit_thread,
		.frame = visit_frame,
		.gap = visit_gap,
	};
	const struct locate_options options = {
		.memory = recorder,
		.modules = &no_modules,
		.machine = MACHINE_NATIVE,
		.hint = hint,
	};
	struct error *error = locate_python(&options, &location);
	if (error && error->code != ERROR_OUT_OF_MEMORY) {
		error_destroy(error);
		return error_create(ERROR_BUSY,
				    "the interpreter's state is not where it was found "
				    "(it is ending, or the process runs another program)");
	}
	if (!error && level >= LEVEL_LOCALS)
		error = locals_pass_create(memory, recorder, pass->image, &location.layout,
					   pass->value_ranges, &locals);
	visit.locals = locals;
	if (!error)
		error = walk_python(recorder, &location, &visitor);
	if (!error && locals)
		error = locals_pass_deepen(locals);
	return error;
}

/* What the pass found, beside the memory. */
static struct error *finish(struct sample_pass *pass, const struct read_counter *counter)
{
	size_t places = counter->failed_count < READ_COUNTER_PLACES ? counter->failed_count
								    : READ_COUNTER_PLACES;
	struct error *error =
		buffer_append(&pass->missed, counter->places, places * sizeof(counter->places[0]));
	pass->failed_reads = counter->failed_count;
	buffer_sort_u64(&pass->positions);
	return error;
}

static struct error *keep_first(struct error *first, struct error *second)
{
	if (!first)
		return second;
	error_destroy(second);
	return first;
}

struct error *sample_pass_run(struct sample_pass *pass, struct memory *memory,
			      const struct python_location *hint, enum capture_level level)
{
	struct read_counter counter;
	CLEANUP(memory_destroyp) struct memory *recorder = NULL;
	forget(pass);
	read_counter_init(&counter, memory);
	struct error *error = memory_recorder_create(&counter.memory, pass->image, &recorder);
	if (error)
		return error;
	error = walk(pass, memory, recorder, NULL, 0, hint, level);
	struct error *failure = finish(pass, &counter);
	return keep_first(error, failure);
}

static enum memory_status nothing_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	(void)memory;
	(void)address;
	(void)buffer;
	(void)size;
	return MEMORY_NOT_CAPTURED;
}

static void nothing_destroy(struct memory *memory)
{
	(void)memory;
}

struct error *sample_pass_run_stacks(struct sample_pass *pass, const struct read_plan *plan,
				     struct memory *memory, const struct python_location *hint)
{
	static const struct memory_operations nothing_operations = {
		.read = nothing_read,
		.destroy = nothing_destroy,
	};
	struct memory nothing = {.operations = &nothing_operations};
	struct read_counter counter;
	CLEANUP(plan_recorder_destroyp) struct plan_recorder *recorder = NULL;
	forget(pass);
	read_counter_init(&counter, memory ? memory : &nothing);
	struct error *error = plan_recorder_create(plan, &counter.memory, &recorder);
	if (error)
		return error;
	error = walk(pass, NULL, plan_recorder_memory(recorder), recorder, plan->held_back, hint,
		     LEVEL_STACKS);
	pass->plan_holds = plan_recorder_plan_holds(recorder);
	pass->misplaced = !error && !plan_recorder_early_is_allowed(recorder);
	if (pass->misplaced)
		error = error_create(ERROR_BUSY, "a stack moved while it was read");
	struct error *failure = plan_recorder_put(recorder, pass->image);
	if (!failure)
		failure = finish(pass, &counter);
	return keep_first(error, failure);
}

bool sample_pass_same_roots(const struct sample_pass *a, const struct sample_pass *b)
{
	const uint64_t *left = (const uint64_t *)(const void *)a->roots.data;
	const uint64_t *right = (const uint64_t *)(const void *)b->roots.data;
	size_t left_count = a->roots.size / sizeof(*left);
	size_t right_count = b->roots.size / sizeof(*right);
	size_t j = 0;
	/* New threads come first and ended ones are left out, the order stays: one merge finds all.
	 */
	for (size_t i = 0; i < left_count; i += 2) {
		size_t k = j;
		while (k < right_count && right[k] != left[i])
			k += 2;
		if (k == right_count)
			continue;
		if (left[i + 1] != right[k + 1])
			return false;
		j = k + 2;
	}
	return true;
}
