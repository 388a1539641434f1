#include "analyze/native/expression.h"

#include <dwarf.h>

enum { STACK_MAX = 64, STEPS_MAX = 1024 };

struct machine {
	const struct expression_context *context;
	const Dwarf_Op *operations;
	size_t count;
	size_t at; /* the operation that is next */
	uint64_t stack[STACK_MAX];
	size_t depth;
	bool is_value;
	bool failed;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == STACK_MAX) {
		machine->failed = true;
		return;
	}
	machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (!machine->depth) {
		machine->failed = true;
		return 0;
	}
	return machine->stack[--machine->depth];
}

static uint64_t pick(struct machine *machine, uint64_t index)
{
	if (index >= machine->depth) {
		machine->failed = true;
		return 0;
	}
	return machine->stack[machine->depth - 1 - index];
}

static uint64_t register_value(struct machine *machine, uint64_t number)
{
	uint64_t value = 0;
	if (number >= REGISTERS_MAX ||
	    !registers_get(machine->context->registers, (unsigned)number, &value))
		machine->failed = true;
	return value;
}

static uint64_t memory_value(struct machine *machine, uint64_t address, uint64_t width)
{
	uint64_t value = 0;
	bool power = width == 1 || width == 2 || width == 4 || width == 8;
	if (!power ||
	    memory_read_integer(machine->context->memory, address, width, &value) != MEMORY_OK)
		machine->failed = true;
	return value;
}

/* Operations that take two values and give one. False if it is none of them. */
static bool binary(struct machine *machine, uint8_t atom)
{
	if (!((atom >= DW_OP_and && atom <= DW_OP_mul) ||
	      (atom >= DW_OP_or && atom <= DW_OP_plus) ||
	      (atom >= DW_OP_shl && atom <= DW_OP_xor) || (atom >= DW_OP_eq && atom <= DW_OP_ne)) ||
	    atom == DW_OP_neg || atom == DW_OP_not)
		return false;
	uint64_t b = pop(machine);
	uint64_t a = pop(machine);
	int64_t left = (int64_t)a;
	int64_t right = (int64_t)b;
	uint64_t result = 0;
	/* clang-format off */
	switch (atom) {
	case DW_OP_and: result = a & b; break;
	case DW_OP_or: result = a | b; break;
	case DW_OP_xor: result = a ^ b; break;
	case DW_OP_plus: result = a + b; break;
	case DW_OP_minus: result = a - b; break;
	case DW_OP_mul: result = a * b; break;
	case DW_OP_shl: result = b < 64 ? a << b : 0; break;
	case DW_OP_shr: result = b < 64 ? a >> b : 0; break;
	case DW_OP_shra: result = (uint64_t)(left >> (b < 64 ? b : 63)); break;
	case DW_OP_eq: result = left == right; break;
	case DW_OP_ge: result = left >= right; break;
	case DW_OP_gt: result = left > right; break;
	case DW_OP_le: result = left <= right; break;
	case DW_OP_lt: result = left < right; break;
	case DW_OP_ne: result = left != right; break;
	/* The smallest number divided by -1 does not fit, and is a trap on x86. */
	case DW_OP_div:
		machine->failed |= !right || right == -1;
		result = machine->failed ? 0 : (uint64_t)(left / right);
		break;
	case DW_OP_mod:
		machine->failed |= !b;
		result = b ? a % b : 0;
		break;
	default: machine->failed = true;
	}
	/* clang-format on */
	push(machine, result);
	return true;
}

/* Operations on the stack itself, and those on one value. False if it is none of them. */
static bool unary(struct machine *machine, const Dwarf_Op *operation)
{
	uint64_t first;
	uint64_t second;
	uint64_t third;
	switch (operation->atom) {
	case DW_OP_dup:
		push(machine, pick(machine, 0));
		return true;
	case DW_OP_drop:
		pop(machine);
		return true;
	case DW_OP_over:
		push(machine, pick(machine, 1));
		return true;
	case DW_OP_pick:
		push(machine, pick(machine, operation->number));
		return true;
	case DW_OP_swap:
		first = pop(machine);
		second = pop(machine);
		push(machine, first);
		push(machine, second);
		return true;
	case DW_OP_rot:
		first = pop(machine);
		second = pop(machine);
		third = pop(machine);
		push(machine, first);
		push(machine, third);
		push(machine, second);
		return true;
	case DW_OP_abs:
		first = pop(machine);
		push(machine, (int64_t)first < 0 ? 0 - first : first);
		return true;
	case DW_OP_neg:
		push(machine, 0 - pop(machine));
		return true;
	case DW_OP_not:
		push(machine, ~pop(machine));
		return true;
	case DW_OP_plus_uconst:
		push(machine, pop(machine) + operation->number);
		return true;
	case DW_OP_deref:
		push(machine, memory_value(machine, pop(machine), sizeof(uint64_t)));
		return true;
	case DW_OP_deref_size:
		push(machine, memory_value(machine, pop(machine), operation->number));
		return true;
	default:
		return false;
	}
}

/* A jump by bytes of the expression: to the operation that begins there. */
static void jump(struct machine *machine, const Dwarf_Op *from)
{
	/* libdw gives the operand relative to the operation behind the jump: 3 bytes. */
	uint64_t wanted = from->offset + 3 + (uint64_t)(int64_t)(int16_t)from->number;
	for (size_t i = 0; i < machine->count; i++) {
		if (machine->operations[i].offset == wanted) {
			machine->at = i;
			return;
		}
	}
	machine->failed = true;
}

/* Constants, registers, jumps: what the operation itself carries. */
static void other(struct machine *machine, const Dwarf_Op *operation)
{
	uint8_t atom = operation->atom;
	const struct expression_context *context = machine->context;
	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) {
		push(machine, (uint64_t)(atom - DW_OP_lit0));
	} else if (atom >= DW_OP_const1u && atom <= DW_OP_consts) {
		push(machine, operation->number); /* libdw has extended the sign */
	} else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
		push(machine,
		     register_value(machine, (uint64_t)(atom - DW_OP_breg0)) + operation->number);
	} else if (atom == DW_OP_bregx) {
		push(machine, register_value(machine, operation->number) + operation->number2);
	} else if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
		push(machine, register_value(machine, (uint64_t)(atom - DW_OP_reg0)));
		machine->is_value = true;
	} else if (atom == DW_OP_regx) {
		push(machine, register_value(machine, operation->number));
		machine->is_value = true;
	} else if (atom == DW_OP_addr) {
		push(machine, operation->number + context->bias);
	} else if (atom == DW_OP_call_frame_cfa && context->has_frame_address) {
		push(machine, context->frame_address);
	} else if (atom == DW_OP_stack_value) {
		machine->is_value = true;
	} else if (atom == DW_OP_skip) {
		jump(machine, operation);
	} else if (atom == DW_OP_bra) {
		if (pop(machine))
			jump(machine, operation);
	} else if (atom != DW_OP_nop) {
		machine->failed = true;
	}
}

bool expression_evaluate(const struct expression_context *context, const Dwarf_Op *operations,
			 size_t count, struct expression_result *ret)
{
	struct machine machine = {
		.context = context,
		.operations = operations,
		.count = count,
	};
	for (size_t step = 0; machine.at < count && !machine.failed; step++) {
		const Dwarf_Op *operation = &operations[machine.at++];
		if (step == STEPS_MAX)
			return false;
		if (!binary(&machine, operation->atom) && !unary(&machine, operation))
			other(&machine, operation);
	}
	if (machine.failed || !machine.depth)
		return false;
	*ret = (struct expression_result){machine.stack[machine.depth - 1], machine.is_value};
	return true;
}
