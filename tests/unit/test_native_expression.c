/* DWARF expressions of call frame information. */
#include "tests/unit/cmocka_headers.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#include "analyze/native/expression.h"
#include "common/memory_image.h"

enum { STACK_ADDRESS = 0x7000, FRAME_ADDRESS = 0x7040 };

struct fixture {
	struct memory_image *image;
	struct registers registers;
	struct expression_context context;
};

static int setup(void **state)
{
	static struct fixture fixture;
	const uint64_t words[] = {0x1111, 0x2222, 0x3333};
	fixture = (struct fixture){.registers = {.machine = register_machine_find(EM_X86_64)}};
	assert_null(memory_image_create(&fixture.image));
	assert_null(memory_image_put(fixture.image, STACK_ADDRESS, words, sizeof(words)));
	registers_put(&fixture.registers, 7, STACK_ADDRESS);
	fixture.context = (struct expression_context){
		.memory = memory_image_memory(fixture.image),
		.registers = &fixture.registers,
		.bias = 0x1000,
		.has_frame_address = true,
		.frame_address = FRAME_ADDRESS,
	};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	memory_image_destroy(fixture->image);
	return 0;
}

#define EVALUATE(fixture, result, ...)                                                             \
	({                                                                                         \
		const Dwarf_Op operations_[] = {__VA_ARGS__};                                      \
		expression_evaluate(&(fixture)->context, operations_,                              \
				    sizeof(operations_) / sizeof(*operations_), result);           \
	})

static void test_register_and_distance(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_breg7, .number = 16}));
	assert_int_equal(result.value, STACK_ADDRESS + 16);
	assert_false(result.is_value);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_bregx, .number = 7, .number2 = 8}));
	assert_int_equal(result.value, STACK_ADDRESS + 8);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_regx, .number = 7}));
	assert_int_equal(result.value, STACK_ADDRESS);
	assert_true(result.is_value);
}

/* What the PLT's stubs have: rsp + 8 + ((rip & 15) >= 11) * 8. */
static void test_plt(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	for (uint64_t low = 0; low < 16; low++) {
		registers_put(&fixture->registers, 16, 0x401000 + low);
		assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_breg7, .number = 8},
				     {.atom = DW_OP_breg16}, {.atom = DW_OP_lit15},
				     {.atom = DW_OP_and}, {.atom = DW_OP_lit11}, {.atom = DW_OP_ge},
				     {.atom = DW_OP_lit3}, {.atom = DW_OP_shl},
				     {.atom = DW_OP_plus}));
		assert_int_equal(result.value, STACK_ADDRESS + 8 + (low >= 11 ? 8 : 0));
	}
}

static void test_memory(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_breg7, .number = 8},
			     {.atom = DW_OP_deref}));
	assert_int_equal(result.value, 0x2222);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_breg7},
			     {.atom = DW_OP_deref_size, .number = 1}));
	assert_int_equal(result.value, 0x11);
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit0}, {.atom = DW_OP_deref}));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_breg7},
			      {.atom = DW_OP_deref_size, .number = 9}));
}

static void test_frame_address(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_call_frame_cfa},
			     {.atom = DW_OP_plus_uconst, .number = (Dwarf_Word)-16},
			     {.atom = DW_OP_stack_value}));
	assert_int_equal(result.value, FRAME_ADDRESS - 16);
	assert_true(result.is_value);
	fixture->context.has_frame_address = false;
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_call_frame_cfa}));
}

static void test_stack_operations(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	/* 1 2 3 rot: 3 1 2 */
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit2},
			     {.atom = DW_OP_lit3}, {.atom = DW_OP_rot}));
	assert_int_equal(result.value, 2);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit2},
			     {.atom = DW_OP_swap}));
	assert_int_equal(result.value, 1);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit7}, {.atom = DW_OP_lit2},
			     {.atom = DW_OP_pick, .number = 1}));
	assert_int_equal(result.value, 7);
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit7},
			      {.atom = DW_OP_pick, .number = 1}));
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit7}, {.atom = DW_OP_neg},
			     {.atom = DW_OP_abs}));
	assert_int_equal(result.value, 7);
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit2},
			     {.atom = DW_OP_drop}, {.atom = DW_OP_not}));
	assert_int_equal(result.value, ~UINT64_C(1));
}

static void test_arithmetic(void **state)
{
	static const struct {
		uint8_t atom;
		int64_t a;
		int64_t b;
		int64_t expected;
	} cases[] = {
		{DW_OP_minus, 3, 5, -2},  {DW_OP_mul, -3, 5, -15}, {DW_OP_div, -7, 2, -3},
		{DW_OP_mod, 7, 4, 3},	  {DW_OP_shr, 16, 2, 4},   {DW_OP_shra, -16, 2, -4},
		{DW_OP_shra, -1, 99, -1}, {DW_OP_shl, 1, 99, 0},   {DW_OP_or, 5, 2, 7},
		{DW_OP_xor, 7, 2, 5},	  {DW_OP_eq, 4, 4, 1},	   {DW_OP_gt, -1, 0, 0},
		{DW_OP_le, -1, 0, 1},	  {DW_OP_lt, 0, 0, 0},	   {DW_OP_ne, 0, 1, 1},
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct expression_result result;
		assert_true(EVALUATE(fixture, &result,
				     {.atom = DW_OP_consts, .number = (Dwarf_Word)cases[i].a},
				     {.atom = DW_OP_consts, .number = (Dwarf_Word)cases[i].b},
				     {.atom = cases[i].atom}));
		assert_true((int64_t)result.value == cases[i].expected);
	}
}

/* skip jumps over what follows: offsets are bytes of the expression. */
static void test_jumps(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	assert_true(EVALUATE(fixture, &result, {.atom = DW_OP_lit1, .offset = 0},
			     {.atom = DW_OP_skip, .number = 1, .offset = 1},
			     {.atom = DW_OP_lit9, .offset = 4}, {.atom = DW_OP_nop, .offset = 5}));
	assert_int_equal(result.value, 1);
	/* A jump to itself ends all the same. */
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit1, .offset = 0},
			      {.atom = DW_OP_skip, .number = (Dwarf_Word)-3, .offset = 1}));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit1, .offset = 0},
			      {.atom = DW_OP_skip, .number = 100, .offset = 1}));
}

static void test_malformed(void **state)
{
	struct fixture *fixture = *state;
	struct expression_result result;
	Dwarf_Op many[200];
	for (size_t i = 0; i < 200; i++)
		many[i] = (Dwarf_Op){.atom = DW_OP_lit1};
	assert_false(expression_evaluate(&fixture->context, many, 200, &result));
	assert_false(expression_evaluate(&fixture->context, many, 0, &result));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_plus}));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit0},
			      {.atom = DW_OP_div}));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit0},
			      {.atom = DW_OP_mod}));
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_breg3})); /* not known */
	assert_false(EVALUATE(fixture, &result, {.atom = DW_OP_bregx, .number = 9999}));
	assert_false(EVALUATE(fixture, &result, {.atom = 0xff}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_register_and_distance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stack_operations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arithmetic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_jumps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
