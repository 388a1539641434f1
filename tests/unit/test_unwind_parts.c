/* What unwinding is made of: registers, call instructions, the ends of functions. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/native/call_site.h"
#include "analyze/native/epilogue.h"
#include "common/memory_image.h"
#include "common/registers.h"
#include "tests/unit/cmocka_headers.h"

#define CODE  UINT64_C(0x400000)
#define STACK UINT64_C(0x7f0000000000)

enum { RSP = 7, RBP = 6, X29 = 29, X30 = 30, SP = 31 };

static struct memory_image *image;

static int start(void **state)
{
	(void)state;
	assert_null(memory_image_create(&image));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	memory_image_destroy(image);
	return 0;
}

static void put(uint64_t address, const void *bytes, size_t size)
{
	assert_null(memory_image_put(image, address, bytes, size));
}

/* The instruction ends at CODE + 16. */
static enum call_site site(int32_t machine, const char *instruction, size_t size)
{
	uint8_t bytes[16];
	memset(bytes, 0x90, sizeof(bytes));
	memcpy(bytes + sizeof(bytes) - size, instruction, size);
	put(CODE, bytes, sizeof(bytes));
	return call_site_before(memory_image_memory(image), machine, CODE + sizeof(bytes));
}

#define SITE(machine, bytes) site(machine, bytes, sizeof(bytes) - 1)

static void knows_calls(void **state)
{
	(void)state;
	assert_int_equal(SITE(EM_X86_64, "\xe8\1\2\3\4"), CALL_SITE_YES);
	assert_int_equal(SITE(EM_X86_64, "\xff\xd0"), CALL_SITE_YES);		  /* rax */
	assert_int_equal(SITE(EM_X86_64, "\x41\xff\xd4"), CALL_SITE_YES);	  /* r12 */
	assert_int_equal(SITE(EM_X86_64, "\xff\x50\x18"), CALL_SITE_YES);	  /* 24(rax) */
	assert_int_equal(SITE(EM_X86_64, "\xff\x90\0\1\0\0"), CALL_SITE_YES);	  /* 256(rax) */
	assert_int_equal(SITE(EM_X86_64, "\xff\x14\xc2"), CALL_SITE_YES);	  /* (rdx,rax,8) */
	assert_int_equal(SITE(EM_X86_64, "\xff\x14\xc5\0\1\0\0"), CALL_SITE_YES); /* 256(,rax,8) */
	assert_int_equal(SITE(EM_X86_64, "\xff\x94\x24\0\1\0\0"), CALL_SITE_YES); /* 256(rsp) */
	assert_int_equal(SITE(EM_X86_64, "\xff\x15\1\2\3\4"), CALL_SITE_YES);	  /* (rip) */
	assert_int_equal(SITE(EM_X86_64, "\xff\xe0"), CALL_SITE_NO);		  /* a jump */
	assert_int_equal(SITE(EM_X86_64, "\x90"), CALL_SITE_NO);
	assert_int_equal(SITE(EM_AARCH64, "\x01\x00\x00\x94"), CALL_SITE_YES); /* bl */
	assert_int_equal(SITE(EM_AARCH64, "\x60\x02\x3f\xd6"), CALL_SITE_YES); /* blr x19 */
	assert_int_equal(SITE(EM_AARCH64, "\x01\x00\x00\x14"), CALL_SITE_NO);  /* b */
	assert_int_equal(SITE(EM_RISCV, "\x01\x00\x00\x94"), CALL_SITE_UNKNOWN);
	assert_int_equal(call_site_before(memory_image_memory(image), EM_AARCH64, CODE + 2),
			 CALL_SITE_NO);
	assert_int_equal(call_site_before(memory_image_memory(image), EM_X86_64, 3),
			 CALL_SITE_UNKNOWN);
}

static struct registers make_registers(int32_t machine, unsigned stack_pointer)
{
	struct registers registers = {.machine = register_machine_find(machine), .pc = CODE};
	registers_put(&registers, stack_pointer, STACK);
	return registers;
}

static bool step(const struct registers *registers, const char *code, size_t size,
		 struct registers *ret)
{
	static const uint64_t words[] = {0x11, 0x22, 0x33, 0x44};
	put(STACK, words, sizeof(words));
	put(CODE, code, size);
	return epilogue_step(memory_image_memory(image), registers, ret);
}

#define STEP(registers, code, ret) step(registers, code, sizeof(code) - 1, ret)

static void assert_register(const struct registers *registers, unsigned number, uint64_t value)
{
	uint64_t found;
	assert_true(registers_get(registers, number, &found));
	assert_int_equal(found, value);
}

static void steps_through_epilogues(void **state)
{
	struct registers registers = make_registers(EM_X86_64, RSP);
	struct registers outer;
	(void)state;
	assert_true(STEP(&registers, "\xc3", &outer));
	assert_int_equal(outer.pc, 0x11);
	assert_register(&outer, RSP, STACK + 8);
	/* CPython's trampolines: add $8,%rsp; ret, and pop %rbp; ret. */
	assert_true(STEP(&registers, "\x48\x83\xc4\x08\xc3", &outer));
	assert_int_equal(outer.pc, 0x22);
	assert_register(&outer, RSP, STACK + 16);
	assert_true(STEP(&registers, "\x5d\xc3", &outer));
	assert_int_equal(outer.pc, 0x22);
	assert_register(&outer, RBP, 0x11);
	/* ldp x29, x30, [sp], #16; ret */
	registers = make_registers(EM_AARCH64, SP);
	assert_true(STEP(&registers, "\xfd\x7b\xc1\xa8\xc0\x03\x5f\xd6", &outer));
	assert_int_equal(outer.pc, 0x22);
	assert_register(&outer, X29, 0x11);
	assert_register(&outer, SP, STACK + 16);
}

static void refuses_what_is_no_epilogue(void **state)
{
	struct registers registers = make_registers(EM_X86_64, RSP);
	struct registers outer;
	(void)state;
	assert_false(STEP(&registers, "\x90\xc3", &outer));
	/* sub; a negative distance; more instructions than any has */
	assert_false(STEP(&registers, "\x48\x83\xec\x08\xc3", &outer));
	assert_false(STEP(&registers, "\x48\x83\xc4\xf8\xc3", &outer));
	assert_false(STEP(&registers, "\x5d\x5d\x5d\x5d\x5d\x5d\x5d\x5d\x5d\xc3", &outer));
	/* The stack is at its end. */
	registers_put(&registers, RSP, STACK + 32);
	assert_false(STEP(&registers, "\xc3", &outer));
	registers.pc = CODE + 0x10000;
	assert_false(STEP(&registers, "\xc3", &outer));
	/* ldp with a distance back */
	registers = make_registers(EM_AARCH64, SP);
	assert_false(STEP(&registers, "\xfd\x7b\xff\xa8\xc0\x03\x5f\xd6", &outer));
}

static void reads_register_sets(void **state)
{
	uint64_t set[34];
	struct registers registers;
	uint64_t value;
	(void)state;
	for (unsigned i = 0; i < 34; i++)
		set[i] = 100 + i;
	const struct register_machine *machine = register_machine_find(EM_X86_64);
	assert_false(registers_from_set(machine, set, 26 * 8, &registers));
	assert_false(registers_from_set(machine, NULL, sizeof(set), &registers));
	assert_true(registers_from_set(machine, set, 27 * 8, &registers));
	assert_int_equal(registers.pc, 116);
	assert_register(&registers, RSP, 119);
	assert_register(&registers, RBP, 104);
	assert_false(registers_get(&registers, 17, &value));
	assert_false(registers_get(&registers, UINT32_MAX, &value));
	registers_put(&registers, 17, 1);
	assert_false(registers_get(&registers, 17, &value));
	machine = register_machine_find(EM_AARCH64);
	assert_false(registers_from_set(machine, set, 33 * 8, &registers));
	assert_true(registers_from_set(machine, set, sizeof(set), &registers));
	assert_int_equal(registers.pc, 132);
	assert_register(&registers, X30, 130);
	assert_register(&registers, SP, 131);
	assert_null(register_machine_find(EM_RISCV));
}

static void removes_signatures(void **state)
{
	const struct register_machine *signing = register_machine_find(EM_AARCH64);
	const struct register_machine *plain = register_machine_find(EM_X86_64);
	(void)state;
	assert_int_equal(register_code_address(signing, 0x440055009f77bc), 0x55009f77bc);
	assert_int_equal(register_code_address(signing, 0xffff123456789abc), 0x123456789abc);
	assert_int_equal(register_code_address(plain, 0xffff123456789abc), 0xffff123456789abc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(knows_calls, start, stop),
		cmocka_unit_test_setup_teardown(steps_through_epilogues, start, stop),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_epilogue, start, stop),
		cmocka_unit_test(reads_register_sets),
		cmocka_unit_test(removes_signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
