#include "analyze/stopped_call.h"

#include "common/cursor.h"

/*
 * To add a machine: a reader, and its row in `readers`. What a call that was interrupted by a
 * signal returns until the kernel restarts it: include/linux/errno.h. Calls that are not restarted
 * (signal(7)) return EINTR.
 */
enum {
	INTERRUPTED = 4,     /* EINTR */
	RESTART_FIRST = 512, /* ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND */
	RESTART_LAST = 516,  /* ERESTART_RESTARTBLOCK */
	RESTART_NONE = 515,  /* ENOIOCTLCMD, which is none */
};

static const struct stopped_call unknown_call = {.kind = STOPPED_UNKNOWN, .number = -1};
static const struct stopped_call running_call = {.kind = STOPPED_RUNNING, .number = -1};

static bool register_read(struct cursor registers, size_t index, uint64_t *ret)
{
	return bytes_field(registers.data, registers.size, index * sizeof(uint64_t),
			   sizeof(uint64_t), ret);
}

static bool was_interrupted(int64_t result)
{
	return result == -INTERRUPTED ||
	       (result <= -RESTART_FIRST && result >= -RESTART_LAST && result != -RESTART_NONE);
}

/*
 * struct user_regs_struct (arch/x86/include/asm/user_64.h). On every entry that is not a system
 * call orig_rax is -1 (arch/x86/entry/entry_64.S).
 */
static struct stopped_call read_x86_64(struct cursor registers, struct memory *memory)
{
	enum { RAX = 10, RDI = 14, ORIG_RAX = 15 };
	uint64_t result, argument, number;
	(void)memory;
	if (!register_read(registers, RAX, &result) || !register_read(registers, RDI, &argument) ||
	    !register_read(registers, ORIG_RAX, &number))
		return unknown_call;
	if ((int64_t)number < 0 || !was_interrupted((int64_t)result))
		return running_call;
	return (struct stopped_call){
		.kind = STOPPED_WAITING,
		.number = (int64_t)number,
		.has_argument = true,
		.argument = argument,
	};
}

static bool is_system_call(struct memory *memory, uint64_t address)
{
	enum { SVC_0 = 0xd4000001 };
	uint32_t instruction;
	return memory_read_u32(memory, address, &instruction) == MEMORY_OK && instruction == SVC_0;
}

/*
 * struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h). Before a signal is looked at, a call
 * that is to be restarted is set back to its instruction, with its first argument
 * (arch/arm64/kernel/signal.c, do_signal()); one that is not has returned EINTR.
 */
static struct stopped_call read_aarch64(struct cursor registers, struct memory *memory)
{
	enum { X0 = 0, X8 = 8, PC = 32, INSTRUCTION_SIZE = 4 };
	uint64_t argument, number, pc;
	uint32_t instruction;
	if (!register_read(registers, X0, &argument) || !register_read(registers, X8, &number) ||
	    !register_read(registers, PC, &pc) ||
	    memory_read_u32(memory, pc, &instruction) != MEMORY_OK)
		return unknown_call;
	struct stopped_call call = {.kind = STOPPED_WAITING, .number = (int64_t)number};
	if (is_system_call(memory, pc)) {
		call.has_argument = true;
		call.argument = argument;
		return call;
	}
	if (!is_system_call(memory, pc - INSTRUCTION_SIZE))
		return running_call;
	/* An emulator's core has a call that waits still in this place. */
	return (int64_t)argument == -INTERRUPTED ? call : unknown_call;
}

static const struct {
	int32_t machine;
	struct stopped_call (*read)(struct cursor registers, struct memory *memory);
} readers[] = {
	{MACHINE_X86_64, read_x86_64},
	{MACHINE_AARCH64, read_aarch64},
};

struct stopped_call stopped_call_read(int32_t machine, const void *registers, size_t size,
				      struct memory *memory)
{
	for (size_t i = 0; registers && i < sizeof(readers) / sizeof(*readers); i++) {
		if (readers[i].machine == machine)
			return readers[i].read(cursor_make(registers, size), memory);
	}
	return unknown_call;
}
