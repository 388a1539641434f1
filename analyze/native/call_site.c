#include "analyze/native/call_site.h"

#include <elf.h>
#include <stdbool.h>

/* The bytes of x86's ModR/M byte behind FF: /2 is a near call through a register or memory. */
static bool is_indirect_call(const uint8_t *bytes, unsigned size)
{
	unsigned mode = bytes[1] >> 6;
	unsigned operation = (bytes[1] >> 3) & 7;
	unsigned operand = bytes[1] & 7;
	static const unsigned displacement[] = {0, 1, 4, 0};
	unsigned length = 2 + displacement[mode];
	if (bytes[0] != 0xff || operation != 2)
		return false;
	if (mode != 3 && operand == 4) {
		length++; /* SIB; without a base a displacement follows */
		if (mode == 0 && length < size && (bytes[2] & 7) == 5)
			length += 4;
	}
	if (mode == 0 && operand == 5)
		length += 4; /* relative to the instruction pointer */
	return length == size;
}

/* Intel SDM volume 2, CALL: E8 and a distance of four bytes; FF /2 of two to seven bytes. */
static enum call_site call_site_x86_64(struct memory *memory, uint64_t address)
{
	enum { LONGEST = 7 };
	uint8_t bytes[LONGEST];
	if (memory_read(memory, address - LONGEST, bytes, sizeof(bytes)) != MEMORY_OK)
		return CALL_SITE_UNKNOWN;
	if (bytes[LONGEST - 5] == 0xe8)
		return CALL_SITE_YES;
	for (unsigned size = 2; size <= LONGEST; size++) {
		if (is_indirect_call(bytes + LONGEST - size, size))
			return CALL_SITE_YES;
	}
	return CALL_SITE_NO;
}

/* Arm ARM, C6.2: BL, BLR, BLRAA and its relatives. */
static enum call_site call_site_aarch64(struct memory *memory, uint64_t address)
{
	uint32_t word;
	if (address % 4)
		return CALL_SITE_NO;
	if (memory_read_u32(memory, address - 4, &word) != MEMORY_OK)
		return CALL_SITE_UNKNOWN;
	bool direct = (word & 0xfc000000) == 0x94000000;
	bool indirect = (word & 0xfefff000) == 0xd63f0000;
	return direct || indirect ? CALL_SITE_YES : CALL_SITE_NO;
}

enum call_site call_site_before(struct memory *memory, int32_t machine, uint64_t address)
{
	switch (machine) {
	case EM_X86_64:
		return call_site_x86_64(memory, address);
	case EM_AARCH64:
		return call_site_aarch64(memory, address);
	default:
		return CALL_SITE_UNKNOWN;
	}
}
