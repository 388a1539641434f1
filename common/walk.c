#include "common/walk.h"

#include "common/address_map.h"
#include "common/gil.h"
#include "common/interpreter_id.h"
#include "common/struct_view.h"
#include "common/walk_fields.h"

/* One walk over one process. */
struct walk {
	struct memory *memory;
	const struct python_location *location;
	const struct python_layout *layout;
	const struct walk_visitor *visitor;
	const struct walk_memo *memo; /* NULL: nothing is known */
	struct gil_mark gil_mark;
	struct code_cache *codes; /* these two without a memo alone */
	struct module_cache modules;
	struct address_map visited_interpreters;
	struct address_map visited_threads;
	struct address_map visited_frames; /* of the current thread */
	struct struct_span thread_span;
	struct struct_span frame_span;
	size_t thread_count;
	size_t total_frames;
	/* A frame is reported when the one outside of it is known: that one can be the shim of its
	 * entry. */
	struct walk_frame pending;
	bool has_pending;
	bool at_entry; /* the stack may end here: what was walked last was entered from C */
};

static void walk_deinit(struct walk *walk)
{
	code_cache_destroy(walk->codes);
	module_cache_deinit(&walk->modules);
	address_map_deinit(&walk->visited_interpreters);
	address_map_deinit(&walk->visited_threads);
	address_map_deinit(&walk->visited_frames);
}

static struct error *walk_gap(struct walk *walk, const struct walk_gap *gap)
{
	if (!walk->visitor->gap)
		return NULL;
	return walk->visitor->gap(walk->visitor->context, gap);
}

/*
 * Whether the list may go on to `address`: not one it has been at, and not more than `maximum`.
 * Reports the gap if not.
 */
static struct error *walk_enter(struct walk *walk, struct address_map *visited, size_t maximum,
				const struct walk_gap *place, bool *ret_enter)
{
	bool is_new = false;
	struct walk_gap gap = *place;
	*ret_enter = false;
	if (visited->count >= maximum) {
		gap.kind = WALK_GAP_BOUND;
		return walk_gap(walk, &gap);
	}
	struct error *error = address_map_visit(visited, place->address, &is_new);
	if (error)
		return error;
	if (!is_new) {
		gap.kind = WALK_GAP_CYCLE;
		return walk_gap(walk, &gap);
	}
	*ret_enter = true;
	return NULL;
}

static struct error *walk_flush_frame(struct walk *walk)
{
	if (!walk->has_pending)
		return NULL;
	walk->has_pending = false;
	if (!walk->visitor->frame)
		return NULL;
	return walk->visitor->frame(walk->visitor->context, &walk->pending);
}

/* Frames that stand for an entry of the evaluation loop from C and run no code of their own. */
static bool frame_is_shim(const struct python_layout *layout, uint8_t owner)
{
	if (layout->frame.owner == LAYOUT_ABSENT)
		return false;
	return owner == layout->frame.owner_cstack || owner == layout->frame.owner_interpreter;
}

/* Bytes from the start of the code to the instruction that the frame is at; see enum position_kind.
 */
static int64_t frame_instruction_offset(const struct walk *walk, const struct struct_view *view,
					const struct raw_code *code)
{
	enum { CODE_UNIT_BYTES = 2 };
	const struct python_layout *layout = walk->layout;
	uint64_t instructions;
	int64_t lasti;
	switch (layout->position_kind) {
	case POSITION_LASTI_BYTES:
		return struct_view_i32(view, layout->frame.position);
	case POSITION_LASTI_UNITS:
		lasti = struct_view_i32(view, layout->frame.position);
		return lasti * CODE_UNIT_BYTES;
	case POSITION_PREV_INSTR:
	case POSITION_INSTR_PTR:
		break;
	}
	if (raw_code_instructions(walk->memory, code,
				  struct_view_i32(view, layout->frame.tlbc_index),
				  &instructions) != MEMORY_OK)
		return WALK_POSITION_UNKNOWN;
	return (int64_t)(struct_view_pointer(view, layout->frame.position) - instructions);
}

/* A line that tracing has stored in the frame: PyFrame_GetLineNumber(),
 * Objects/frameobject.c, 3.8-3.10. */
static int32_t frame_traced_line(const struct python_layout *layout, const struct struct_view *view)
{
	if (layout->frame.lineno == LAYOUT_ABSENT)
		return 0;
	/* Up to 3.9 f_lineno is stale unless the frame is traced; 3.10 keeps it 0. */
	if (layout->frame.trace != LAYOUT_ABSENT && layout->position_kind == POSITION_LASTI_BYTES &&
	    !struct_view_pointer(view, layout->frame.trace))
		return 0;
	return struct_view_i32(view, layout->frame.lineno);
}

/*
 * Whether a stack can end outside of this frame, where the version can tell: up to 3.10 it cannot,
 * in 3.11 the outermost frame is marked as an entry, and from 3.12 on the outermost is always a
 * shim. A stack that ends elsewhere was caught while a generator's frame was being unlinked:
 * YIELD_VALUE clears `previous` right after it made that the current frame, in whatever order the
 * compiler stores the two (Python/bytecodes.c, 3.12-3.15).
 */
static bool frame_can_be_outermost(const struct python_layout *layout,
				   const struct walk_frame *frame)
{
	const uint8_t none = UINT8_MAX;
	if (layout->frame_kind == FRAME_KIND_OBJECT || layout->frame.is_entry != LAYOUT_ABSENT)
		return frame->is_entry;
	return layout->frame.owner_cstack == none && layout->frame.owner_interpreter == none;
}

/* The module of the frame's globals. In 3.11 alone they lie outside of what is read at once. */
static struct error *walk_frame_module(struct walk *walk, const struct struct_view *view,
				       const struct raw_module **ret)
{
	layout_offset offset = walk->layout->frame.globals;
	uint64_t globals = struct_view_pointer(view, offset);
	*ret = NULL;
	if (!globals &&
	    struct_read_pointer(walk->memory, view->address, offset, &globals) != MEMORY_OK)
		return NULL;
	if (walk->memo)
		return walk->memo->module(walk->memo->context, globals, ret);
	return module_cache_get(&walk->modules, walk->memory, walk->layout, globals, ret);
}

/* Fill `frame` from what was read at its address. */
static struct error *walk_decode_frame(struct walk *walk, const struct struct_view *view,
				       struct walk_frame *frame)
{
	const struct python_layout *layout = walk->layout;
	uint64_t tags = layout->frame.reference_tag_mask;
	frame->code_address = struct_view_pointer(view, layout->frame.code) & ~tags;
	struct error *error =
		walk->memo
			? walk->memo->code(walk->memo->context, frame->code_address, &frame->code)
			: code_cache_get(walk->codes, frame->code_address, &frame->code);
	if (!error)
		error = walk_frame_module(walk, view, &frame->module);
	if (error)
		return error;
	frame->instruction_offset = frame_instruction_offset(walk, view, frame->code);
	frame->traced_line = frame_traced_line(layout, view);
	if (layout->frame.is_entry != LAYOUT_ABSENT)
		frame->is_entry = struct_view_field(view, layout->frame.is_entry, 1);
	else
		frame->is_entry = layout->frame_kind == FRAME_KIND_OBJECT;
	return NULL;
}

/* One frame; `ret_next` is the frame outside of it. */
static struct error *walk_frame_at(struct walk *walk, uint64_t address, uint64_t *ret_next)
{
	const struct python_layout *layout = walk->layout;
	struct struct_view view;
	enum memory_status status =
		struct_view_read(walk->memory, address, walk->frame_span, &view);
	*ret_next = 0;
	if (status != MEMORY_OK) {
		struct error *error = walk_flush_frame(walk);
		walk->at_entry = true; /* one gap tells it */
		if (error)
			return error;
		return walk_gap(walk, &(struct walk_gap){.kind = WALK_GAP_MEMORY,
							 .scope = WALK_SCOPE_FRAMES,
							 .address = address,
							 .status = status,
							 .what = "frame"});
	}
	*ret_next = struct_view_pointer(&view, layout->frame.previous);
	if (frame_is_shim(layout, (uint8_t)struct_view_field(&view, layout->frame.owner, 1))) {
		walk->pending.is_shim_entry = true;
		walk->pending.shim_address = address;
		walk->at_entry = true;
		return walk_flush_frame(walk);
	}
	struct walk_frame frame = {.address = address};
	struct error *error = walk_decode_frame(walk, &view, &frame);
	if (!error)
		error = walk_flush_frame(walk);
	walk->pending = frame;
	walk->has_pending = !error;
	walk->at_entry = frame_can_be_outermost(layout, &frame);
	walk->total_frames++;
	return error;
}

/* The walk came to the end of a stack; `last` is the address of what it walked last, 0 if nothing.
 */
static struct error *walk_frames_end(struct walk *walk, uint64_t last)
{
	if (!last || walk->at_entry) {
		/* The outermost frame was entered from C, whether or not there is a frame for that.
		 */
		walk->pending.is_shim_entry = true;
		return walk_flush_frame(walk);
	}
	struct error *error = walk_flush_frame(walk);
	if (error)
		return error;
	return walk_gap(walk, &(struct walk_gap){.kind = WALK_GAP_WILD,
						 .scope = WALK_SCOPE_FRAMES,
						 .address = last,
						 .what = "end of the stack"});
}

/* The rest of the stack is known: what was walked last is in front of it. */
static struct error *walk_known_frames(struct walk *walk, uint64_t address, bool is_shim)
{
	if (is_shim) {
		walk->pending.is_shim_entry = true;
		walk->pending.shim_address = address;
	}
	return walk_flush_frame(walk);
}

static struct error *walk_frames(struct walk *walk, uint64_t address)
{
	uint64_t last = 0;
	address_map_clear(&walk->visited_frames);
	while (address) {
		bool enter;
		bool known = false;
		bool is_shim = false;
		struct walk_gap place = {
			.scope = WALK_SCOPE_FRAMES,
			.address = address,
			.what = "frame",
		};
		size_t maximum = walk->total_frames < WALK_MAX_TOTAL_FRAMES ? WALK_MAX_FRAMES : 0;
		struct error *error = NULL;
		/* A cycle or bound is reported behind the frame that leads to it. */
		if (address_map_get(&walk->visited_frames, address) ||
		    walk->visited_frames.count >= maximum)
			error = walk_flush_frame(walk);
		if (!error)
			error = walk_enter(walk, &walk->visited_frames, maximum, &place, &enter);
		if (error || !enter)
			return error;
		if (walk->memo)
			error = walk->memo->frame(walk->memo->context, address, &known, &is_shim);
		if (error)
			return error;
		if (known)
			return walk_known_frames(walk, address, is_shim);
		last = address;
		error = walk_frame_at(walk, address, &address);
		if (error)
			return error;
	}
	return walk_frames_end(walk, last);
}

/*
 * Whether the stack that begins at `frame` comes to `base`: the frame that was the newest one when
 * the evaluation loop was entered (0: there was none).
 */
static bool walk_reaches(struct walk *walk, uint64_t frame, uint64_t base)
{
	for (size_t i = 0; frame && i < WALK_MAX_FRAMES; i++) {
		if (frame == base)
			return true;
		if (struct_read_pointer(walk->memory, frame, walk->layout->frame.previous,
					&frame) != MEMORY_OK)
			return false;
	}
	return frame == base;
}

/*
 * The newest frame by the C frame of 3.11 and 3.12 (_PyCFrame, Include/cpython/pystate.h). On entry
 * _PyEval_EvalFrameDefault() (Python/ceval.c) first makes its own C frame the current one, and sets
 * its current_frame some steps later: between the two that is whatever lay on the C stack, and the
 * newest frame is still that of the C frame before. Afterwards its frames always lead to that one,
 * but for the moment in which a generator's frame is unlinked: so the newest frames are not certain
 * then.
 */
static enum memory_status walk_frame_of_cframe(struct walk *walk, struct walk_thread *thread,
					       bool *ret_certain)
{
	const struct python_layout *layout = walk->layout;
	uint64_t frame;
	uint64_t base = 0;
	enum memory_status status = struct_read_pointer(walk->memory, thread->cframe,
							layout->cframe.current_frame, &frame);
	if (status != MEMORY_OK)
		return status;
	bool has_base = struct_read_pointer(walk->memory, thread->cframe, layout->cframe.previous,
					    &thread->previous_cframe) == MEMORY_OK &&
			thread->previous_cframe &&
			struct_read_pointer(walk->memory, thread->previous_cframe,
					    layout->cframe.current_frame, &base) == MEMORY_OK;
	*ret_certain = !has_base || walk_reaches(walk, frame, base);
	thread->first_frame = *ret_certain ? frame : base;
	return MEMORY_OK;
}

/* The newest frame of a thread: in the thread state itself, or behind the C frame that it points
 * to. */
static enum memory_status walk_first_frame(struct walk *walk, const struct struct_view *view,
					   struct walk_thread *thread, bool *ret_certain)
{
	const struct python_layout *layout = walk->layout;
	*ret_certain = true;
	if (layout->cframe.current_frame == LAYOUT_ABSENT) {
		thread->first_frame = struct_view_pointer(view, layout->thread.frame);
		return MEMORY_OK;
	}
	thread->cframe = struct_view_pointer(view, layout->thread.cframe);
	return walk_frame_of_cframe(walk, thread, ret_certain);
}

/* By a mark in the thread state itself, or by one that was read for all of them. */
static void walk_gil_owner(struct walk *walk, struct walk_thread *thread)
{
	thread->owns_gil_known = gil_has_owner_mark(walk->location);
	if (thread->owns_gil_known &&
	    gil_mark_is_owner(walk->memory, walk->location, &walk->gil_mark, thread->address,
			      &thread->owns_gil) != MEMORY_OK)
		thread->owns_gil_known = false;
}

static struct error *walk_thread_at(struct walk *walk, const struct walk_interpreter *interpreter,
				    uint64_t address, uint64_t *ret_next)
{
	const struct python_layout *layout = walk->layout;
	struct struct_view view;
	struct walk_thread thread = {.address = address, .interpreter = interpreter};
	struct walk_gap gap = {.kind = WALK_GAP_MEMORY, .address = address, .what = "thread state"};
	*ret_next = 0;
	gap.scope = WALK_SCOPE_THREADS;
	gap.status = struct_view_read(walk->memory, address, walk->thread_span, &view);
	if (gap.status != MEMORY_OK)
		return walk_gap(walk, &gap);
	if (struct_view_pointer(&view, layout->thread.interp) != interpreter->address) {
		gap.kind = WALK_GAP_WILD;
		return walk_gap(walk, &gap);
	}
	*ret_next = struct_view_pointer(&view, layout->thread.next);
	thread.thread_id = struct_view_pointer(&view, layout->thread.thread_id);
	thread_id_read(walk->memory, struct_view_pointer(&view, layout->thread.native_thread_id),
		       thread.thread_id, &thread.os_ids);
	walk_gil_owner(walk, &thread);
	bool certain = true;
	enum memory_status frame_status = walk_first_frame(walk, &view, &thread, &certain);
	struct error *error = NULL;
	if (walk->visitor->thread)
		error = walk->visitor->thread(walk->visitor->context, &thread);
	if (error)
		return error;
	if (frame_status != MEMORY_OK || !certain) {
		gap.scope = WALK_SCOPE_FRAMES;
		gap.kind = certain ? WALK_GAP_MEMORY : WALK_GAP_WILD;
		gap.status = frame_status;
		gap.what = "newest frame's pointer";
		error = walk_gap(walk, &gap);
	}
	return error || frame_status != MEMORY_OK ? error : walk_frames(walk, thread.first_frame);
}

/* A thread of which something can be known already. The memo tells where the list comes back to
 * itself. */
static struct error *walk_thread_again(struct walk *walk, const struct walk_gap *place,
				       const struct walk_interpreter *interpreter,
				       uint64_t *ret_next)
{
	const struct walk_memo *memo = walk->memo;
	struct walk_thread thread = {.address = place->address, .interpreter = interpreter};
	struct walk_gap gap = *place;
	enum walk_known known = WALK_UNKNOWN;
	*ret_next = 0;
	if (walk->thread_count++ == WALK_MAX_THREADS) {
		gap.kind = WALK_GAP_BOUND;
		return walk_gap(walk, &gap);
	}
	if (walk->gil_mark.is_shared)
		walk_gil_owner(walk, &thread);
	struct error *error = memo->thread(memo->context, &thread, &known, ret_next);
	if (error || known == WALK_KNOWN)
		return error;
	if (known == WALK_MET) {
		gap.kind = WALK_GAP_CYCLE;
		return walk_gap(walk, &gap);
	}
	error = walk_thread_at(walk, interpreter, thread.address, ret_next);
	return error ? error : memo->thread_end(memo->context, *ret_next);
}

static struct error *walk_thread_once(struct walk *walk, const struct walk_gap *place,
				      const struct walk_interpreter *interpreter,
				      uint64_t *ret_next)
{
	bool enter;
	struct error *error =
		walk_enter(walk, &walk->visited_threads, WALK_MAX_THREADS, place, &enter);
	*ret_next = 0;
	if (error || !enter)
		return error;
	return walk_thread_at(walk, interpreter, place->address, ret_next);
}

static struct error *walk_threads(struct walk *walk, const struct walk_interpreter *interpreter)
{
	struct walk_gap place = {.scope = WALK_SCOPE_THREADS, .what = "thread state"};
	uint64_t address;
	enum memory_status status =
		struct_read_pointer(walk->memory, interpreter->address,
				    walk->layout->interpreter.threads_head, &address);
	if (status != MEMORY_OK) {
		place.kind = WALK_GAP_MEMORY;
		place.address = interpreter->address;
		place.status = status;
		place.what = "list of threads";
		return walk_gap(walk, &place);
	}
	while (address) {
		place.address = address;
		struct error *error =
			walk->memo ? walk_thread_again(walk, &place, interpreter, &address)
				   : walk_thread_once(walk, &place, interpreter, &address);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *walk_interpreter_at(struct walk *walk, uint64_t address, uint64_t *ret_next)
{
	const struct python_layout *layout = walk->layout;
	struct walk_interpreter interpreter = {.address = address, .gil_locked = -1};
	struct gil gil;
	enum memory_status status =
		interpreter_id_read(walk->memory, layout, address, &interpreter.id);
	if (status == MEMORY_OK)
		status = struct_read_pointer(walk->memory, address, layout->interpreter.next,
					     ret_next);
	if (status != MEMORY_OK) {
		*ret_next = 0;
		return walk_gap(walk, &(struct walk_gap){.kind = WALK_GAP_MEMORY,
							 .scope = WALK_SCOPE_INTERPRETERS,
							 .address = address,
							 .status = status,
							 .what = "interpreter state"});
	}
	if (gil_read(walk->memory, walk->location, address, &gil) == MEMORY_OK) {
		interpreter.gil_address = gil.address;
		interpreter.gil_locked = gil.locked;
		interpreter.gil_last_holder = gil.last_holder;
	}
	/* What is asked of a sample, but not needed for a stack: unreadable is no gap. */
	interpreter.gc_state = gc_state_read(walk->memory, walk->location, address);
	if (walk->visitor->interpreter) {
		struct error *error =
			walk->visitor->interpreter(walk->visitor->context, &interpreter);
		if (error)
			return error;
	}
	return walk_threads(walk, &interpreter);
}

static struct error *walk_interpreters(struct walk *walk)
{
	struct walk_gap place = {.scope = WALK_SCOPE_INTERPRETERS, .what = "interpreter state"};
	uint64_t address;
	enum memory_status status =
		struct_read_pointer(walk->memory, walk->location->runtime_address,
				    walk->layout->runtime.interpreters_head, &address);
	if (status != MEMORY_OK) {
		place.kind = WALK_GAP_MEMORY;
		place.address = walk->location->runtime_address;
		place.status = status;
		place.what = "list of interpreters";
		return walk_gap(walk, &place);
	}
	while (address) {
		bool enter;
		place.address = address;
		struct error *error = walk_enter(walk, &walk->visited_interpreters,
						 WALK_MAX_INTERPRETERS, &place, &enter);
		if (error || !enter)
			return error;
		error = walk_interpreter_at(walk, address, &address);
		if (error)
			return error;
	}
	return NULL;
}

struct error *walk_python_again(struct memory *memory, const struct python_location *location,
				const struct walk_visitor *visitor, const struct walk_memo *memo)
{
	struct walk walk = {
		.memory = memory,
		.location = location,
		.layout = &location->layout,
		.visitor = visitor,
		.memo = memo,
		.thread_span = walk_thread_fields(&location->layout),
		.frame_span = walk_frame_fields(&location->layout),
	};
	gil_mark_read(memory, location, &walk.gil_mark);
	struct error *error = memo ? NULL : code_cache_create(memory, walk.layout, &walk.codes);
	if (!error)
		error = walk_interpreters(&walk);
	walk_deinit(&walk);
	return error;
}

struct error *walk_python(struct memory *memory, const struct python_location *location,
			  const struct walk_visitor *visitor)
{
	return walk_python_again(memory, location, visitor, NULL);
}
