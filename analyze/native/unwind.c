#include "analyze/native/unwind.h"

#include <dwarf.h>
#include <stdlib.h>

#include "analyze/native/call_site.h"
#include "analyze/native/epilogue.h"
#include "analyze/native/expression.h"

const char *unwind_method_name(enum unwind_method method)
{
	static const char *const names[] = {
		[UNWIND_REGISTERS] = "registers", [UNWIND_CFI] = "cfi",
		[UNWIND_EPILOGUE] = "epilogue",	  [UNWIND_FRAME_POINTER] = "frame pointer",
		[UNWIND_SEARCH] = "search",
	};
	return names[method];
}

void native_stack_deinit(struct native_stack *stack)
{
	free(stack->frames);
	*stack = (struct native_stack){0};
}

static struct error *stack_append(struct native_stack *stack, const struct native_frame *frame)
{
	if (stack->count == stack->capacity) {
		size_t capacity = stack->capacity ? 2 * stack->capacity : 64;
		struct native_frame *frames =
			realloc(stack->frames, capacity * sizeof(*stack->frames));
		if (!frames)
			return &error_out_of_memory;
		stack->frames = frames;
		stack->capacity = capacity;
	}
	stack->frames[stack->count++] = *frame;
	return NULL;
}

/* One step outwards. */
struct step {
	const struct unwinder *unwinder;
	struct native_frame *frame;    /* which one the step leaves */
	const struct registers *inner; /* its registers */
	struct registers outer;	       /* of the frame outside of it */
	enum unwind_method method;
	bool is_outermost;
	bool is_lost; /* there is something outside, but not known where */
};

static bool is_executable(const struct unwinder *unwinder, uint64_t address)
{
	const struct mapping *mapping = mappings_find(unwinder->mappings, address);
	return mapping && mapping->flags & MAPPING_EXECUTE;
}

/* One register of the outer frame, by its rule. False if the rule is that it is undefined. */
static bool step_register(struct step *step, Dwarf_Frame *cfi,
			  const struct expression_context *context, unsigned number)
{
	Dwarf_Op room[3];
	Dwarf_Op *operations = NULL;
	size_t count = 0;
	uint64_t value;
	struct expression_result result;
	if (dwarf_frame_register(cfi, (int)number, room, &operations, &count) != 0)
		return true;
	if (!count) {
		/* No operations: undefined, or the same value (libdw.h). */
		if (!operations && registers_get(step->inner, number, &value))
			registers_put(&step->outer, number, value);
		return !operations;
	}
	if (!expression_evaluate(context, operations, count, &result))
		return true;
	value = result.value;
	if (!result.is_value && memory_read_u64(context->memory, result.value, &value) != MEMORY_OK)
		return true;
	registers_put(&step->outer, number, value);
	return true;
}

static bool step_by_frame(struct step *step, Dwarf_Frame *cfi, uint64_t bias)
{
	const struct register_machine *machine = step->inner->machine;
	struct expression_context context = {
		.memory = step->unwinder->memory,
		.registers = step->inner,
		.bias = bias,
	};
	struct expression_result address;
	Dwarf_Op *operations;
	size_t count;
	bool is_signal = false;
	bool returns = true;
	int return_register = dwarf_frame_info(cfi, NULL, NULL, &is_signal);
	if (return_register < 0 || return_register >= machine->count ||
	    dwarf_frame_cfa(cfi, &operations, &count) != 0 || !count ||
	    !expression_evaluate(&context, operations, count, &address))
		return false;
	context.has_frame_address = true;
	context.frame_address = address.value;
	step->frame->frame_address = address.value;
	step->frame->is_signal = is_signal;
	for (unsigned i = 0; i < machine->count; i++)
		returns &= step_register(step, cfi, &context, i) || i != (unsigned)return_register;
	if (!step->outer.known[machine->stack_pointer])
		registers_put(&step->outer, machine->stack_pointer, address.value);
	step->method = UNWIND_CFI;
	bool known = registers_get(&step->outer, (unsigned)return_register, &step->outer.pc);
	/* A return address that is undefined, or 0, is how start-up code says that nothing is
	 * outside of it (System V ABI, AMD64 supplement, 3.4.1 and 6.2.1). One that could not be
	 * read says nothing. */
	step->is_outermost = !returns || (known && !step->outer.pc);
	step->is_lost = returns && !known;
	step->outer.pc = register_code_address(machine, step->outer.pc);
	return true;
}

static bool step_by_table(struct step *step, Dwarf_CFI *table, uint64_t bias)
{
	Dwarf_Frame *cfi = NULL;
	if (!table || dwarf_cfi_addrframe(table, step->frame->lookup - bias, &cfi) != 0)
		return false;
	step->outer = (struct registers){.machine = step->inner->machine};
	bool found = step_by_frame(step, cfi, bias);
	free(cfi);
	return found;
}

static bool step_by_cfi(struct step *step)
{
	struct native_module *module = step->frame->module;
	if (!module || !module->dwfl_module)
		return false;
	return step_by_table(step, module->eh_cfi, module->eh_bias) ||
	       step_by_table(step, native_module_debug_cfi(module), module->debug_bias);
}

/* Only behind a call: elsewhere, code without call frame information can be anywhere in a function,
 * and an instruction that looks like the end of one can be data. */
static bool step_by_epilogue(struct step *step)
{
	struct registers outer;
	if (step->frame->lookup == step->frame->pc ||
	    !epilogue_step(step->unwinder->memory, step->inner, &outer))
		return false;
	outer.pc = register_code_address(outer.machine, outer.pc);
	if (!is_executable(step->unwinder, outer.pc) ||
	    call_site_before(step->unwinder->memory, outer.machine->machine, outer.pc) ==
		    CALL_SITE_NO)
		return false;
	step->outer = outer;
	step->method = UNWIND_EPILOGUE;
	return true;
}

/* A frame record as both ABIs have it where frame pointers are kept: the caller's frame pointer,
 * and the return address. */
static bool step_by_frame_pointer(struct step *step)
{
	const struct register_machine *machine = step->inner->machine;
	struct memory *memory = step->unwinder->memory;
	uint64_t record;
	uint64_t caller;
	uint64_t pc;
	if (!registers_get(step->inner, machine->frame_pointer, &record) ||
	    record < step->frame->stack || record % sizeof(uint64_t) ||
	    memory_read_u64(memory, record, &caller) != MEMORY_OK ||
	    memory_read_u64(memory, record + sizeof(uint64_t), &pc) != MEMORY_OK)
		return false;
	pc = register_code_address(machine, pc);
	if (!is_executable(step->unwinder, pc) || (caller && caller <= record) ||
	    call_site_before(memory, machine->machine, pc) != CALL_SITE_YES)
		return false;
	step->outer = (struct registers){.machine = machine, .pc = pc};
	registers_put(&step->outer, machine->frame_pointer, caller);
	registers_put(&step->outer, machine->stack_pointer, record + 2 * sizeof(uint64_t));
	step->method = UNWIND_FRAME_POINTER;
	return true;
}

/* The first word of the stack that is an address behind a call instruction. */
static bool step_by_search(struct step *step)
{
	const struct register_machine *machine = step->inner->machine;
	struct memory *memory = step->unwinder->memory;
	uint64_t value;
	uint64_t start = (step->frame->stack + 7) & ~(uint64_t)7;
	for (uint64_t at = start; at < start + UNWIND_SEARCH_BYTES; at += sizeof(uint64_t)) {
		if (memory_read_u64(memory, at, &value) != MEMORY_OK)
			return false;
		value = register_code_address(machine, value);
		if (!is_executable(step->unwinder, value) ||
		    call_site_before(memory, machine->machine, value) != CALL_SITE_YES)
			continue;
		step->outer = (struct registers){.machine = machine, .pc = value};
		registers_put(&step->outer, machine->stack_pointer, at + sizeof(uint64_t));
		/* A frame pointer that was not touched since is still its caller's. */
		if (registers_get(step->inner, machine->frame_pointer, &value) && value > at)
			registers_put(&step->outer, machine->frame_pointer, value);
		step->method = UNWIND_SEARCH;
		return true;
	}
	return false;
}

/* A jump to nowhere: the address that a call instruction has just pushed, or put into the link
 * register, is where it came from. */
static bool step_from_nowhere(struct step *step)
{
	const struct register_machine *machine = step->inner->machine;
	uint64_t pc;
	if (step->frame->method != UNWIND_REGISTERS ||
	    is_executable(step->unwinder, step->frame->pc))
		return false;
	step->outer = *step->inner;
	if (machine->return_address_in_register) {
		if (!registers_get(step->inner, machine->return_address, &pc))
			return false;
	} else {
		if (memory_read_u64(step->unwinder->memory, step->frame->stack, &pc) != MEMORY_OK)
			return false;
		registers_put(&step->outer, machine->stack_pointer,
			      step->frame->stack + sizeof(uint64_t));
	}
	pc = register_code_address(machine, pc);
	if (!is_executable(step->unwinder, pc))
		return false;
	step->outer.pc = pc;
	step->method = UNWIND_SEARCH;
	return true;
}

static bool step_outwards(struct step *step)
{
	if (step_by_cfi(step))
		return true;
	if (!step_by_epilogue(step) && !step_from_nowhere(step) && !step_by_frame_pointer(step) &&
	    !step_by_search(step))
		return false;
	(void)!registers_get(&step->outer, step->outer.machine->stack_pointer,
			     &step->frame->frame_address);
	return true;
}

/* Each frame lies above the one inside of it, but for signal handlers, which can have a stack of
 * their own (sigaltstack(2)). */
static bool is_progress(const struct step *step)
{
	uint64_t stack = 0;
	const struct register_machine *machine = step->outer.machine;
	if (!registers_get(&step->outer, machine->stack_pointer, &stack))
		return false;
	if (step->frame->is_signal)
		return stack != step->frame->stack;
	/* A leaf of AArch64 has nothing on the stack. */
	bool may_be_equal =
		machine->return_address_in_register && step->frame->method == UNWIND_REGISTERS;
	return stack > step->frame->stack || (may_be_equal && stack == step->frame->stack);
}

static struct error *push_frame(const struct unwinder *unwinder, const struct registers *registers,
				enum unwind_method method, bool is_return,
				struct native_stack *stack)
{
	struct native_frame frame = {.pc = registers->pc, .method = method};
	(void)!registers_get(registers, registers->machine->stack_pointer, &frame.stack);
	/* A call that does not return can be the last instruction of its function. */
	frame.lookup = frame.pc - (is_return && frame.pc ? 1 : 0);
	struct error *error = native_modules_find(unwinder->modules, frame.lookup, &frame.module);
	return error ? error : stack_append(stack, &frame);
}

struct error *unwind(const struct unwinder *unwinder, const struct registers *registers,
		     struct native_stack *ret)
{
	struct registers inner = *registers;
	enum unwind_method method = UNWIND_REGISTERS;
	bool is_return = false;
	unsigned guesses = 0;
	*ret = (struct native_stack){.end = UNWIND_END_BOUND};
	while (ret->count < UNWIND_MAX_FRAMES && ret->count < unwinder->frames_left) {
		struct error *error = push_frame(unwinder, &inner, method, is_return, ret);
		if (error)
			return error;
		struct step step = {
			.unwinder = unwinder,
			.frame = &ret->frames[ret->count - 1],
			.inner = &inner,
		};
		bool found = step_outwards(&step);
		guesses = found && step.method > UNWIND_EPILOGUE ? guesses + 1 : 0;
		if (found && step.is_outermost)
			ret->end = UNWIND_END_OUTERMOST;
		else if (!found || step.is_lost || !is_progress(&step))
			ret->end = UNWIND_END_LOST;
		else if (guesses <= UNWIND_MAX_GUESSES) {
			is_return = !step.frame->is_signal;
			method = step.method;
			inner = step.outer;
			continue;
		}
		return NULL;
	}
	return NULL;
}
