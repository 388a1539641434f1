/* Unwinding a stack of this program itself: whole, and where a part of it cannot be read. */
#include "tests/unit/cmocka_headers.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "analyze/native/unwind.h"
#include "common/cleanup.h"
#include "tests/unit/error_checks.h"

enum { CALLS = 6, TEXT_SIZE = 256 << 10 };

/* This program's memory, below a limit. */
struct own_memory {
	struct memory memory;
	uint64_t limit;
};

static enum memory_status own_read(struct memory *memory, uint64_t address, void *buffer,
				   size_t size)
{
	const struct own_memory *own = (const struct own_memory *)memory;
	if (address >= own->limit || size > own->limit - address)
		return MEMORY_NOT_CAPTURED;
	memcpy(buffer, (const void *)(uintptr_t)address, size);
	return MEMORY_OK;
}

static void own_destroy(struct memory *memory)
{
	(void)memory;
}

/* What there is to unwind in: this program, with its file. */
struct fixture {
	struct own_memory memory;
	struct mappings mappings;
	struct modules modules;
	struct native_modules natives;
	struct unwinder unwinder;
};

static void read_mappings(struct mappings *ret)
{
	static char text[TEXT_SIZE];
	size_t size = 0;
	CLEANUP_CLOSE int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (ssize_t got;
	     size < sizeof(text) && (got = read(fd, text + size, sizeof(text) - size)) > 0;)
		size += (size_t)got;
	check(mappings_parse(text, size, ret));
}

static int setup(void **state)
{
	static const struct memory_operations operations = {
		.read = own_read,
		.destroy = own_destroy,
	};
	static struct fixture fixture;
	fixture = (struct fixture){.memory = {{&operations}, UINT64_MAX}};
	read_mappings(&fixture.mappings);
	check(modules_from_mappings(&fixture.mappings, &fixture.memory.memory, &fixture.modules));
	check(modules_copy(&fixture.modules, &fixture.natives.modules));
	fixture.natives.items = calloc(fixture.modules.count, sizeof(*fixture.natives.items));
	assert_non_null(fixture.natives.items);
	for (size_t i = 0; i < fixture.modules.count; i++) {
		struct native_module *native = &fixture.natives.items[i];
		*native = (struct native_module){
			.module = &fixture.natives.modules.items[i],
			.bias = fixture.modules.items[i].bias,
		};
		CLEANUP_CLOSE int fd = open(native->module->path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			check(native_module_attach(native, NULL, &fd));
	}
	fixture.unwinder = (struct unwinder){
		.modules = &fixture.natives,
		.mappings = &fixture.mappings,
		.memory = &fixture.memory.memory,
		.frames_left = UNWIND_MAX_TOTAL_FRAMES,
	};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	native_modules_deinit(&fixture->natives);
	modules_deinit(&fixture->modules);
	mappings_deinit(&fixture->mappings);
	return 0;
}

typedef void (*innermost_function)(struct fixture *fixture, const struct registers *registers);

/* By the numbers that DWARF gives them (System V ABI, AMD64 supplement, figure 3.36). */
static bool own_registers(const ucontext_t *context, struct registers *ret)
{
#ifdef __x86_64__
	static const int numbers[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				      REG_RBP, REG_RSP, REG_R8,	 REG_R9,  REG_R10, REG_R11,
				      REG_R12, REG_R13, REG_R14, REG_R15};
	*ret = (struct registers){
		.machine = register_machine_find(EM_X86_64),
		.pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP],
	};
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		registers_put(ret, i, (uint64_t)context->uc_mcontext.gregs[numbers[i]]);
	return true;
#else
	(void)context, (void)ret;
	return false;
#endif
}

static __attribute__((noinline)) void call(struct fixture *fixture, int depth,
					   innermost_function innermost)
{
	volatile char room[64];
	room[0] = (char)depth;
	if (depth) {
		call(fixture, depth - 1, innermost);
	} else {
		ucontext_t context;
		struct registers registers;
		assert_int_equal(getcontext(&context), 0);
		if (own_registers(&context, &registers))
			innermost(fixture, &registers);
	}
	room[1] = room[0];
}

static void expect_whole(struct fixture *fixture, const struct registers *registers)
{
	CLEANUP(native_stack_deinit) struct native_stack stack = {0};
	check(unwind(&fixture->unwinder, registers, &stack));
	assert_int_equal(stack.end, UNWIND_END_OUTERMOST);
	assert_true(stack.count > CALLS);
	for (size_t i = 1; i <= CALLS; i++)
		assert_int_equal(stack.frames[i].method, UNWIND_CFI);
}

/* What is outside of the bytes that are there is not said to be nothing. */
static void expect_lost(struct fixture *fixture, const struct registers *registers)
{
	CLEANUP(native_stack_deinit) struct native_stack whole = {0};
	check(unwind(&fixture->unwinder, registers, &whole));
	for (size_t cut = 0; cut < CALLS; cut++) {
		CLEANUP(native_stack_deinit) struct native_stack stack = {0};
		fixture->memory.limit = whole.frames[cut].frame_address - 1;
		check(unwind(&fixture->unwinder, registers, &stack));
		fixture->memory.limit = UINT64_MAX;
		assert_int_equal(stack.end, UNWIND_END_LOST);
		assert_int_equal(stack.count, cut + 1);
	}
}

static void expect_bound(struct fixture *fixture, const struct registers *registers)
{
	CLEANUP(native_stack_deinit) struct native_stack stack = {0};
	fixture->unwinder.frames_left = 3;
	check(unwind(&fixture->unwinder, registers, &stack));
	assert_int_equal(stack.end, UNWIND_END_BOUND);
	assert_int_equal(stack.count, 3);
}

static void whole_stack(void **state)
{
	call(*state, CALLS, expect_whole);
}

static void stack_that_is_cut(void **state)
{
	call(*state, CALLS, expect_lost);
}

static void frames_are_bounded(void **state)
{
	call(*state, CALLS, expect_bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_stack, setup, teardown),
		cmocka_unit_test_setup_teardown(stack_that_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(frames_are_bounded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
