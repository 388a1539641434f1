#include "analyze/native/merge.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/native/interpreter_symbol.h"
#include "common/copy_text.h"

struct merger {
	const struct merge_options *options;
	const struct native_stack *stack;
	struct native_symbols *symbols;
	struct model_thread *python; /* the frames to merge in: taken out one after another */
	size_t next;		     /* of them */
	struct model_thread *merged;
	size_t loops_to_skip; /* innermost ones, which have no Python frame */
};

static bool frames_left(const struct merger *merger)
{
	return merger->next < merger->python->frame_count;
}

static struct error *move_frame(struct merger *merger)
{
	struct model_frame *frame;
	struct error *error = model_thread_add_frame(merger->merged, &frame);
	if (error)
		return error;
	*frame = merger->python->frames[merger->next];
	merger->python->frames[merger->next++] = (struct model_frame){0};
	return NULL;
}

/* The last frame of a run of the evaluation loop: the one that it was entered for. */
static bool frame_ends_run(const struct model_frame *frame)
{
	return frame->is_entry || frame->is_shim_entry;
}

/* The Python frames of one run of the loop. */
static struct error *move_run(struct merger *merger)
{
	while (frames_left(merger)) {
		bool last = frame_ends_run(&merger->python->frames[merger->next]);
		struct error *error = move_frame(merger);
		if (error || last)
			return error;
	}
	return NULL;
}

/* The place on the native stack that belongs to the run whose frames come next; 0 if unknown. */
static uint64_t next_entry_address(const struct merger *merger)
{
	for (size_t i = merger->next; i < merger->python->frame_count; i++) {
		if (frame_ends_run(&merger->python->frames[i]))
			return merger->python->frames[i].entry_address;
	}
	return 0;
}

enum run_place {
	RUN_UNKNOWN,
	RUN_INSIDE, /* the run belongs to a native frame further in, which was not seen */
	RUN_HERE,
	RUN_OUTSIDE, /* to one further out */
};

/* Where the next run is, seen from a native frame: its entry is a local variable of the loop's. */
static enum run_place place_of_run(const struct merger *merger, const struct native_frame *frame)
{
	uint64_t entry = next_entry_address(merger);
	if (!entry || !frame->stack || !frame->frame_address)
		return RUN_UNKNOWN;
	if (entry < frame->stack)
		return RUN_INSIDE;
	return entry < frame->frame_address ? RUN_HERE : RUN_OUTSIDE;
}

static struct error *add_native(struct merger *merger, const struct native_frame *native,
				const struct native_function *function)
{
	struct model_frame *frame;
	const char *path = native->module ? native->module->module->path : NULL;
	struct error *error = model_thread_add_frame(merger->merged, &frame);
	if (error)
		return error;
	frame->kind = MODEL_FRAME_NATIVE;
	frame->address = native->pc;
	frame->offset = function->offset;
	frame->inlined = function->inlined;
	frame->line = function->line;
	frame->found_by = unwind_method_name(native->method);
	error = copy_text(function->name, &frame->name);
	if (!error)
		error = copy_text(path, &frame->module);
	if (!error)
		error = copy_text(function->filename, &frame->filename);
	return error;
}

static bool is_interpreter(const struct merger *merger, const struct native_frame *frame)
{
	const char *path = merger->options->interpreter_module;
	return frame->module && path && strcmp(frame->module->module->path, path) == 0;
}

/* The native frame inside of the one that comes; NULL if there is none with a name. */
static struct model_frame *last_native(const struct merger *merger)
{
	const struct model_thread *merged = merger->merged;
	struct model_frame *last =
		merged->frame_count ? &merged->frames[merged->frame_count - 1] : NULL;
	return last && last->kind == MODEL_FRAME_NATIVE && last->name ? last : NULL;
}

/* Is the frame inside of it of the same name? */
static bool is_just_shown(const struct merger *merger, const char *name)
{
	const struct model_frame *last = last_native(merger);
	return last && name && strcmp(last->name, name) == 0;
}

/*
 * The symbol of Cython's __pyx_pf_4demo_4load_data is that of the method `data` of a class `load`,
 * and of a function `load_data` that is the fourth of its module. The symbol of what wraps it,
 * which is the frame outside of it, can only be read in one way.
 */
static void settle_name(const struct merger *merger, const char *wrapper)
{
	const struct model_frame *last = last_native(merger);
	char *dot = last ? strrchr(last->name, '.') : NULL;
	if (!dot || !wrapper)
		return;
	*dot = '_';
	if (strcmp(last->name, wrapper) != 0)
		*dot = '.';
}

/* What says nothing to who reads a stack, unless he asks for it. */
static bool is_hidden(const struct merger *merger, const struct native_frame *frame,
		      const struct native_function *function)
{
	if (merger->options->internal || !function->symbol)
		return false;
	if (function->is_wrapper)
		return is_just_shown(merger, function->name);
	if (!frame->module)
		return symbol_is_trampoline(function->symbol);
	return is_interpreter(merger, frame) &&
	       (symbol_is_internal(function->symbol) || symbol_is_evaluation(function->symbol));
}

static struct error *add_functions(struct merger *merger, const struct native_frame *frame,
				   const struct native_functions *functions)
{
	struct error *error = NULL;
	if (merger->options->last && merger->next)
		return NULL;
	for (size_t i = 0; !error && i < functions->count; i++) {
		const struct native_function *function = &functions->items[i];
		if (function->is_wrapper)
			settle_name(merger, function->name);
		if (!is_hidden(merger, frame, function))
			error = add_native(merger, frame, function);
	}
	return error;
}

/* A native frame of the evaluation loop: its Python frames stand in for it. */
static struct error *merge_evaluation(struct merger *merger, const struct native_frame *frame,
				      const struct native_functions *functions)
{
	struct error *error = NULL;
	bool skipped = merger->loops_to_skip > 0;
	merger->loops_to_skip -= skipped;
	while (!error && frames_left(merger) && place_of_run(merger, frame) == RUN_INSIDE)
		error = move_run(merger);
	/* Otherwise it has no frame yet: it was just called. */
	if (!error && !skipped && frames_left(merger) && place_of_run(merger, frame) != RUN_OUTSIDE)
		error = move_run(merger);
	/* --native-internal shows the loop as well, outside of the frames that it runs. */
	if (!error && merger->options->internal)
		error = add_functions(merger, frame, functions);
	return error;
}

static struct error *merge_frame(struct merger *merger, const struct native_frame *frame)
{
	const struct native_functions *functions;
	struct error *error = native_symbols_find(merger->symbols, frame, &functions);
	if (error)
		return error;
	const char *symbol = functions->items[functions->count - 1].symbol;
	bool evaluation =
		(symbol && symbol_is_evaluation(symbol)) || place_of_run(merger, frame) == RUN_HERE;
	bool tail_call = symbol && symbol_is_tail_call(symbol);
	/* An instruction's own function runs on behalf of the loop that called it. */
	if (tail_call)
		return merger->options->internal ? add_functions(merger, frame, functions) : NULL;
	return evaluation ? merge_evaluation(merger, frame, functions)
			  : add_functions(merger, frame, functions);
}

/*
 * Without addresses, runs are matched by their number. A loop that was just called has no Python
 * frame yet: then the native stack has one run more, and the innermost one is skipped.
 */
static struct error *count_loops(struct merger *merger, size_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < merger->stack->count; i++) {
		const struct native_functions *functions;
		struct error *error =
			native_symbols_find(merger->symbols, &merger->stack->frames[i], &functions);
		if (error)
			return error;
		const char *symbol = functions->items[functions->count - 1].symbol;
		*ret += symbol && symbol_is_evaluation(symbol) && !symbol_is_tail_call(symbol);
	}
	return NULL;
}

static size_t count_runs(const struct model_thread *python)
{
	size_t count = 0;
	for (size_t i = 0; i < python->frame_count; i++)
		count += frame_ends_run(&python->frames[i]);
	return count;
}

static struct error *add_gap(struct merger *merger, const char *text)
{
	struct model_frame *frame;
	struct error *error = model_thread_add_frame(merger->merged, &frame);
	if (error)
		return error;
	frame->kind = MODEL_FRAME_GAP;
	return copy_text(text, &frame->gap);
}

static struct error *merge_all(struct merger *merger)
{
	size_t loops = 0;
	bool by_number = merger->python->frame_count && !next_entry_address(merger);
	struct error *error = by_number ? count_loops(merger, &loops) : NULL;
	if (by_number && merger->stack->end == UNWIND_END_OUTERMOST &&
	    loops == count_runs(merger->python) + 1)
		merger->loops_to_skip = 1;
	for (size_t i = 0; !error && i < merger->stack->count; i++)
		error = merge_frame(merger, &merger->stack->frames[i]);
	if (error)
		return error;
	if (merger->stack->end != UNWIND_END_OUTERMOST && !merger->options->last)
		error = add_gap(merger, merger->stack->end == UNWIND_END_BOUND
						? "native frames further out are beyond the bounds"
						: "native frames further out could not be found");
	while (!error && frames_left(merger))
		error = move_frame(merger);
	return error;
}

struct error *merge_native(const struct merge_options *options, const struct native_stack *stack,
			   struct native_symbols *symbols, struct model_thread *thread)
{
	struct model_thread merged = {0};
	struct merger merger = {
		.options = options,
		.stack = stack,
		.symbols = symbols,
		.python = thread,
		.merged = &merged,
	};
	struct error *error = merge_all(&merger);
	if (error) {
		model_thread_deinit(&merged);
		return error;
	}
	free(thread->frames); /* their contents have moved */
	thread->frames = merged.frames;
	thread->frame_count = merged.frame_count;
	thread->frame_capacity = merged.frame_capacity;
	return NULL;
}
