#include "common/registers.h"

#include <elf.h>

#define WORD(index) ((index)*8)

static const struct register_machine machines[] = {
	{
		/* System V ABI, AMD64 supplement, figure 3.36; struct user_regs_struct,
		 * sys/user.h. */
		.machine = EM_X86_64,
		.set_size = WORD(27),
		.count = 17,
		.stack_pointer = 7,
		.frame_pointer = 6,
		.return_address = 16,
		.address_bits = 64,
		.thread_pointer_offset = WORD(21), /* fs_base */
		.pc_offset = WORD(16),
		.offsets =
			{
				WORD(10), WORD(12), WORD(11), WORD(5), /* rax rdx rcx rbx */
				WORD(13), WORD(14), WORD(4), WORD(19), /* rsi rdi rbp rsp */
				WORD(9), WORD(8), WORD(7), WORD(6),    /* r8 … r11 */
				WORD(3), WORD(2), WORD(1), WORD(0),    /* r12 … r15 */
				WORD(16),			       /* the return address */
			},
	},
	{
		/* DWARF for the Arm 64-bit Architecture (AADWARF64), 4.1; struct user_pt_regs,
		 * asm/ptrace.h. */
		.machine = EM_AARCH64,
		.set_size = WORD(34),
		.count = 32,
		.stack_pointer = 31,
		.frame_pointer = 29,
		.return_address = 30,
		.return_address_in_register = true,
		.address_bits = 48,
		.thread_pointer_offset = REGISTER_ABSENT, /* NT_ARM_TLS has it */
		.pc_offset = WORD(32),
		.offsets =
			{
				WORD(0),  WORD(1),  WORD(2),  WORD(3),	WORD(4),  WORD(5),
				WORD(6),  WORD(7),  WORD(8),  WORD(9),	WORD(10), WORD(11),
				WORD(12), WORD(13), WORD(14), WORD(15), WORD(16), WORD(17),
				WORD(18), WORD(19), WORD(20), WORD(21), WORD(22), WORD(23),
				WORD(24), WORD(25), WORD(26), WORD(27), WORD(28), WORD(29),
				WORD(30), WORD(31),
			},
	},
};

const struct register_machine *register_machine_find(int32_t machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (machines[i].machine == machine)
			return &machines[i];
	}
	return NULL;
}

static uint64_t word_at(const void *set, uint16_t offset)
{
	const uint8_t *bytes = (const uint8_t *)set + offset;
	uint64_t value = 0;
	for (unsigned i = 0; i < sizeof(value); i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

bool registers_from_set(const struct register_machine *machine, const void *set, size_t size,
			struct registers *ret)
{
	if (!set || size < machine->set_size)
		return false;
	*ret = (struct registers){.machine = machine, .pc = word_at(set, machine->pc_offset)};
	if (machine->thread_pointer_offset != REGISTER_ABSENT)
		ret->thread_pointer = word_at(set, machine->thread_pointer_offset);
	for (unsigned i = 0; i < machine->count; i++)
		registers_put(ret, i, word_at(set, machine->offsets[i]));
	return true;
}

uint64_t register_code_address(const struct register_machine *machine, uint64_t value)
{
	return machine->address_bits == 64 ? value
					   : value & ((UINT64_C(1) << machine->address_bits) - 1);
}

bool registers_get(const struct registers *registers, unsigned number, uint64_t *ret)
{
	if (number >= registers->machine->count || !registers->known[number])
		return false;
	*ret = registers->values[number];
	return true;
}

void registers_put(struct registers *registers, unsigned number, uint64_t value)
{
	if (number >= registers->machine->count)
		return;
	registers->values[number] = value;
	registers->known[number] = true;
}
