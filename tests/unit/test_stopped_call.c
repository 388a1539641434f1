/* The system call in which registers stand, of both machines. */
#include "tests/unit/cmocka_headers.h"

#include "analyze/stopped_call.h"
#include "common/memory_image.h"

enum { RAX = 10, RDI = 14, ORIG_RAX = 15, X86_REGISTERS = 27 };
enum { X8 = 8, PC = 32, ARM_REGISTERS = 34, CODE = 0x1000 };

static struct stopped_call read_x86(int64_t result, int64_t number)
{
	uint64_t registers[X86_REGISTERS] = {
		[RAX] = (uint64_t)result,
		[RDI] = UINT64_MAX,
		[ORIG_RAX] = (uint64_t)number,
	};
	return stopped_call_read(MACHINE_X86_64, registers, sizeof(registers), NULL);
}

static void test_x86_64(void **state)
{
	static const int64_t interrupted[] = {-4, -512, -513, -514, -516};
	static const int64_t returned[] = {0, 1, -1, -11, -511, -515, -517, INT64_MIN};
	(void)state;
	for (size_t i = 0; i < sizeof(interrupted) / sizeof(*interrupted); i++) {
		struct stopped_call call = read_x86(interrupted[i], 202);
		assert_int_equal(call.kind, STOPPED_WAITING);
		assert_int_equal(call.number, 202);
		assert_true(call.has_argument && call.argument == UINT64_MAX);
		/* Registers that happen to look so outside of a system call. */
		assert_int_equal(read_x86(interrupted[i], -1).kind, STOPPED_RUNNING);
		assert_int_equal(read_x86(interrupted[i], INT64_MIN).kind, STOPPED_RUNNING);
	}
	for (size_t i = 0; i < sizeof(returned) / sizeof(*returned); i++) {
		struct stopped_call call = read_x86(returned[i], 202);
		assert_int_equal(call.kind, STOPPED_RUNNING);
		assert_int_equal(call.number, -1);
		assert_false(call.has_argument);
	}
}

static struct memory_image *code(uint32_t first, uint32_t second)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, CODE, &first, sizeof(first)));
	assert_null(memory_image_put(image, CODE + 4, &second, sizeof(second)));
	return image;
}

static struct stopped_call read_arm(uint64_t x0, uint64_t pc, struct memory_image *image)
{
	uint64_t registers[ARM_REGISTERS] = {[0] = x0, [X8] = 98, [PC] = pc};
	return stopped_call_read(MACHINE_AARCH64, registers, sizeof(registers),
				 memory_image_memory(image));
}

static void test_aarch64(void **state)
{
	enum { SVC = 0xd4000001, NOP = 0xd503201f };
	(void)state;
	struct memory_image *image = code(SVC, NOP);
	struct stopped_call call = read_arm(0x7000, CODE, image);
	assert_int_equal(call.kind, STOPPED_WAITING);
	assert_int_equal(call.number, 98);
	assert_true(call.has_argument && call.argument == 0x7000);
	/* After the instruction: only EINTR tells that it had waited; the argument is gone. */
	call = read_arm((uint64_t)-4, CODE + 4, image);
	assert_int_equal(call.kind, STOPPED_WAITING);
	assert_false(call.has_argument);
	assert_int_equal(read_arm(0, CODE + 4, image).kind, STOPPED_UNKNOWN);
	/* Elsewhere, and where no code can be read. */
	assert_int_equal(read_arm((uint64_t)-4, CODE + 8, image).kind, STOPPED_UNKNOWN);
	assert_int_equal(read_arm(0, 0, image).kind, STOPPED_UNKNOWN);
	assert_int_equal(read_arm(0, UINT64_MAX, image).kind, STOPPED_UNKNOWN);
	memory_image_destroy(image);
	image = code(NOP, NOP);
	assert_int_equal(read_arm((uint64_t)-4, CODE + 4, image).kind, STOPPED_RUNNING);
	assert_int_equal(read_arm(0, CODE, image).kind, STOPPED_RUNNING);
	memory_image_destroy(image);
}

static void test_nothing_to_read(void **state)
{
	(void)state;
	uint64_t registers[X86_REGISTERS] = {0};
	assert_int_equal(stopped_call_read(MACHINE_X86_64, NULL, 0, NULL).kind, STOPPED_UNKNOWN);
	assert_int_equal(
		stopped_call_read(MACHINE_UNKNOWN, registers, sizeof(registers), NULL).kind,
		STOPPED_UNKNOWN);
	/* Cut in the middle of the last register that is needed. */
	assert_int_equal(stopped_call_read(MACHINE_X86_64, registers, ORIG_RAX * 8 + 7, NULL).kind,
			 STOPPED_UNKNOWN);
	assert_int_equal(stopped_call_read(MACHINE_AARCH64, registers, PC * 8, NULL).kind,
			 STOPPED_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_64),
		cmocka_unit_test(test_aarch64),
		cmocka_unit_test(test_nothing_to_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
