#include "analyze/native/epilogue.h"

#include <elf.h>

enum { INSTRUCTIONS_MAX = 8 };

/* Take a word from the stack into a register. */
static bool pop(struct memory *memory, struct registers *registers, unsigned number)
{
	unsigned stack_pointer = registers->machine->stack_pointer;
	uint64_t stack;
	uint64_t value;
	if (!registers_get(registers, stack_pointer, &stack) ||
	    memory_read_u64(memory, stack, &value) != MEMORY_OK)
		return false;
	registers_put(registers, number, value);
	registers_put(registers, stack_pointer, stack + sizeof(uint64_t));
	return true;
}

static bool add_to_stack(struct registers *registers, uint64_t bytes)
{
	unsigned stack_pointer = registers->machine->stack_pointer;
	uint64_t stack;
	if (!registers_get(registers, stack_pointer, &stack))
		return false;
	registers_put(registers, stack_pointer, stack + bytes);
	return true;
}

/* One instruction of x86-64 (Intel SDM, volume 2). Gives its length, 0 if it is none of an
 * epilogue. */
static unsigned step_x86_64(struct memory *memory, struct registers *registers, bool *ret_returned)
{
	enum { RET = 0xc3, POP_RBP = 0x5d, ADD_RSP_SIZE = 4, LONGEST = 4 };
	uint8_t bytes[LONGEST];
	unsigned available = LONGEST;
	while (available && memory_read(memory, registers->pc, bytes, available) != MEMORY_OK)
		available--;
	if (available && bytes[0] == RET) {
		unsigned return_address = registers->machine->return_address;
		*ret_returned = pop(memory, registers, return_address) &&
				registers_get(registers, return_address, &registers->pc);
		return *ret_returned;
	}
	if (available && bytes[0] == POP_RBP)
		return pop(memory, registers, registers->machine->frame_pointer);
	/* add $imm8,%rsp */
	if (available == LONGEST && bytes[0] == 0x48 && bytes[1] == 0x83 && bytes[2] == 0xc4 &&
	    bytes[3] < 0x80 && add_to_stack(registers, bytes[3]))
		return ADD_RSP_SIZE;
	return 0;
}

/* One instruction of AArch64 (Arm ARM, C6.2). */
static unsigned step_aarch64(struct memory *memory, struct registers *registers, bool *ret_returned)
{
	enum { SIZE = 4 };
	uint32_t word;
	if (memory_read_u32(memory, registers->pc, &word) != MEMORY_OK)
		return 0;
	/* ldp x29, x30, [sp], #imm7 * 8 */
	if ((word & 0xffc07fff) == 0xa8c07bfd) {
		uint64_t distance = (word >> 15 & 0x3f) * 8;
		bool is_loaded = !(word >> 21 & 1) && distance >= 16 &&
				 pop(memory, registers, registers->machine->frame_pointer) &&
				 pop(memory, registers, registers->machine->return_address) &&
				 add_to_stack(registers, distance - 16);
		return is_loaded ? SIZE : 0;
	}
	/* ret; autiasp and the like only check the address. */
	if (word == 0xd65f03c0 || word == 0xd65f0bff) {
		*ret_returned = registers_get(registers, registers->machine->return_address,
					      &registers->pc);
		return *ret_returned ? SIZE : 0;
	}
	return word == 0xd50323bf ? SIZE : 0;
}

bool epilogue_step(struct memory *memory, const struct registers *registers, struct registers *ret)
{
	bool returned = false;
	*ret = *registers;
	for (unsigned i = 0; i < INSTRUCTIONS_MAX; i++) {
		unsigned size = registers->machine->machine == EM_X86_64
					? step_x86_64(memory, ret, &returned)
					: step_aarch64(memory, ret, &returned);
		if (!size)
			return false;
		if (returned)
			return true;
		ret->pc += size;
	}
	return false;
}
