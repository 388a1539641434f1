/*
 * The registers that unwinding needs, by DWARF number, of one frame. From a thread's NT_PRSTATUS
 * set for the innermost frame, computed by a step for the others.
 */
#ifndef PYSPY_COMMON_REGISTERS_H
#define PYSPY_COMMON_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGISTERS_MAX = 33, REGISTER_ABSENT = UINT16_MAX };

/*
 * A machine, as unwinding sees it. To add one: a row in registers.c, whose numbers are those of the
 * machine's DWARF ABI, and its call instructions in call_site.c.
 */
struct register_machine {
	int32_t machine;   /* EM_… */
	uint16_t set_size; /* bytes of the NT_PRSTATUS register set */
	uint8_t count;	   /* DWARF registers 0 … count - 1 are kept */
	uint8_t stack_pointer;
	uint8_t frame_pointer;
	uint8_t return_address;		 /* DWARF's column; on AArch64 the link register */
	bool return_address_in_register; /* a leaf's return address is in a register, not on the
					    stack */
	/* A signature can be above these bits of a return address (pointer authentication); 64:
	 * none.
	 */
	uint8_t address_bits;
	uint16_t thread_pointer_offset; /* in the register set, bytes; REGISTER_ABSENT: not in it */
	uint16_t pc_offset;		/* in the register set, bytes */
	uint16_t offsets[REGISTERS_MAX]; /* of DWARF registers in the set, bytes */
};

struct registers {
	const struct register_machine *machine;
	uint64_t pc;
	uint64_t thread_pointer; /* of the thread's own storage (TLS); 0 if unknown */
	uint64_t values[REGISTERS_MAX];
	bool known[REGISTERS_MAX];
};

/* NULL if the machine is none that is known here. */
const struct register_machine *register_machine_find(int32_t machine);

/* From a register set of NT_PRSTATUS. False if it is too short. */
bool registers_from_set(const struct register_machine *machine, const void *set, size_t size,
			struct registers *ret) __attribute__((warn_unused_result));

/* A return address without its signature. */
uint64_t register_code_address(const struct register_machine *machine, uint64_t value);

/* False if the register is not known. */
bool registers_get(const struct registers *registers, unsigned number, uint64_t *ret)
	__attribute__((warn_unused_result));
void registers_put(struct registers *registers, unsigned number, uint64_t value);

#endif
