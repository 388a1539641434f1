/* The local variables of made-up frames, sound and damaged. */
#include "common/frame_locals.h"
#include "tests/unit/fake_python.h"

enum {
	FRAME = 0x100000,
	CODE = 0x110000,
	TUPLES = 0x120000, /* tuple i at + 0x10000 * i */
	KINDS = 0x190000,
	NAMES = 0x200000, /* name i at + 0x80 * i */
	VALUES = 0x300000,
	STR_TYPE = 0x400000,
	LOCALSPLUS = 32,
	LOCAL_BIT = 0x20,
	CELL_BIT = 0x40,
	FREE_BIT = 0x80,
	CO_OPTIMIZED = 1,
	CO_VARARGS = 4,
	CO_VARKEYWORDS = 8,
};

struct fake {
	struct memory_image *image;
	struct python_layout layout;
	struct raw_code code;
	struct walk_frame frame;
	struct frame_locals *locals;
};

static uint64_t name_at(unsigned i)
{
	return NAMES + 0x80 * i;
}

static uint64_t tuple_at(unsigned i)
{
	return TUPLES + 0x10000 * i;
}

static int setup(void **state)
{
	static struct fake fake;
	fake = (struct fake){.layout = fake_location().layout};
	assert_null(memory_image_create(&fake.image));
	struct python_layout *layout = &fake.layout;
	layout->object.type = 8;
	layout->tuple.length = 16;
	layout->tuple.items = 24;
	layout->cell.contents = 16;
	layout->frame.localsplus = LOCALSPLUS;
	layout->code.localsplusnames = 72;
	layout->code.localspluskinds = 80;
	fake.code = (struct raw_code){
		.address = CODE,
		.name.type = STR_TYPE,
		.variable_names = tuple_at(0),
		.variable_kinds = KINDS,
		.flags = CO_OPTIMIZED,
	};
	fake.frame = (struct walk_frame){
		.address = FRAME,
		.code_address = CODE,
		.code = &fake.code,
		.instruction_offset = 1000,
	};
	for (unsigned i = 0; i < 12; i++) {
		char text[16];
		snprintf(text, sizeof(text), "name_%u", i);
		fake_string(fake.image, name_at(i), text);
		fake_u64(fake.image, name_at(i) + 8, STR_TYPE);
	}
	assert_null(frame_locals_create(memory_image_memory(fake.image), layout, &fake.locals));
	*state = &fake;
	return 0;
}

static int teardown(void **state)
{
	struct fake *fake = *state;
	frame_locals_destroy(fake->locals);
	memory_image_destroy(fake->image);
	return 0;
}

/* A tuple of `count` names from number `first` on. */
static void put_names(struct fake *fake, unsigned tuple, unsigned first, unsigned count)
{
	fake_u64(fake->image, tuple_at(tuple) + 16, count);
	for (unsigned i = 0; i < count; i++)
		fake_u64(fake->image, tuple_at(tuple) + 24 + i * 8, name_at(first + i));
}

static void put_kinds(struct fake *fake, const uint8_t *kinds, size_t count)
{
	fake_u64(fake->image, KINDS + 16, count);
	fake_bytes(fake->image, KINDS + 24, kinds, count);
}

static void put_slot(struct fake *fake, unsigned slot, uint64_t value)
{
	fake_u64(fake->image, FRAME + LOCALSPLUS + slot * 8, value);
}

static struct frame_local_list read_list(struct fake *fake)
{
	struct frame_local_list list;
	assert_null(frame_locals_read(fake->locals, &fake->frame, &list));
	return list;
}

static void assert_local(const struct frame_local_list *list, size_t index, const char *name,
			 enum variable_kind kind, bool is_argument, uint64_t address)
{
	assert_true(index < list->count);
	const struct frame_local *local = &list->items[index];
	assert_int_equal(local->name->length, strlen(name));
	assert_memory_equal(local->name->data, name, strlen(name));
	assert_int_equal(local->kind, kind);
	assert_int_equal(local->is_argument, is_argument);
	assert_int_equal(local->address, address);
}

static void assert_complete(const struct frame_local_list *list)
{
	assert_int_equal(list->status, MEMORY_OK);
	assert_false(list->malformed);
	assert_false(list->cut);
}

/* def f(name_0, name_1, *, name_2, *name_3, **name_4): name_5; name_6 is free. */
static void test_kinds(void **state)
{
	static const uint8_t kinds[] = {
		LOCAL_BIT, LOCAL_BIT | CELL_BIT, LOCAL_BIT, LOCAL_BIT, LOCAL_BIT, CELL_BIT,
		FREE_BIT};
	struct fake *fake = *state;
	put_names(fake, 0, 0, 7);
	put_kinds(fake, kinds, sizeof(kinds));
	fake->code.argument_count = 2;
	fake->code.keyword_only_count = 1;
	fake->code.flags |= CO_VARARGS | CO_VARKEYWORDS;
	for (unsigned i = 0; i < 7; i++)
		put_slot(fake, i, VALUES + i * 0x100 + (i % 2)); /* tagged or not */
	put_slot(fake, 3, 1);					 /* tagged NULL */
	fake_u64(fake->image, VALUES + 0x100 + 16, 0x5000);
	fake_u64(fake->image, VALUES + 0x500 + 16, 0);
	fake_u64(fake->image, VALUES + 0x600 + 16, 0x6000);
	struct frame_local_list list = read_list(fake);
	assert_complete(&list);
	assert_int_equal(list.count, 5);
	assert_local(&list, 0, "name_0", VARIABLE_LOCAL, true, VALUES);
	assert_local(&list, 1, "name_1", VARIABLE_CELL, true, 0x5000);
	assert_local(&list, 2, "name_2", VARIABLE_LOCAL, true, VALUES + 0x200);
	assert_local(&list, 3, "name_4", VARIABLE_LOCAL, true, VALUES + 0x400);
	assert_local(&list, 4, "name_6", VARIABLE_FREE, false, 0x6000);
}

/* Before MAKE_CELL the slot holds the argument itself. COPY_FREE_VARS is at 0, the two cells are
 * made at 2 and 4. */
static void test_cells_not_made(void **state)
{
	static const uint8_t kinds[] = {LOCAL_BIT | CELL_BIT, LOCAL_BIT | CELL_BIT, FREE_BIT};
	struct fake *fake = *state;
	put_names(fake, 0, 0, 3);
	put_kinds(fake, kinds, sizeof(kinds));
	fake->code.argument_count = 2;
	put_slot(fake, 0, VALUES);
	put_slot(fake, 1, VALUES + 0x100);
	put_slot(fake, 2, 0);
	fake_u64(fake->image, VALUES + 16, 0x5000);
	fake_u64(fake->image, VALUES + 0x100 + 16, 0x5100);
	fake->frame.instruction_offset = 4;
	struct frame_local_list list = read_list(fake);
	assert_complete(&list);
	assert_int_equal(list.count, 2);
	assert_local(&list, 0, "name_0", VARIABLE_CELL, true, 0x5000);
	assert_local(&list, 1, "name_1", VARIABLE_CELL, true, VALUES + 0x100);
	fake->frame.instruction_offset = 6;
	list = read_list(fake);
	assert_local(&list, 1, "name_1", VARIABLE_CELL, true, 0x5100);
	fake->frame.instruction_offset = -2;
	list = read_list(fake);
	assert_local(&list, 0, "name_0", VARIABLE_CELL, true, VALUES);
}

/* Until 3.10: an argument that is captured is in a cell's slot, under its own name. */
static void test_three_tables(void **state)
{
	struct fake *fake = *state;
	fake->layout.code.localsplusnames = LAYOUT_ABSENT;
	fake->layout.code.localspluskinds = LAYOUT_ABSENT;
	fake->layout.frame.reference_tag_mask = 0;
	put_names(fake, 0, 0, 3); /* name_0, name_1, name_2: the first two are arguments */
	put_names(fake, 1, 1, 1); /* name_1 is captured, and so is name_3 */
	fake_u64(fake->image, tuple_at(1) + 16, 2);
	fake_u64(fake->image, tuple_at(1) + 24 + 8, name_at(3));
	put_names(fake, 2, 4, 1);
	fake->code.cell_names = tuple_at(1);
	fake->code.free_names = tuple_at(2);
	fake->code.argument_count = 2;
	put_slot(fake, 0, VALUES);
	put_slot(fake, 1, 0);
	put_slot(fake, 2, VALUES + 0x200);
	put_slot(fake, 3, VALUES + 0x300);
	put_slot(fake, 4, VALUES + 0x400);
	put_slot(fake, 5, VALUES + 0x500);
	for (unsigned i = 3; i < 6; i++)
		fake_u64(fake->image, VALUES + i * 0x100 + 16, 0x5000 + i);
	struct frame_local_list list = read_list(fake);
	assert_complete(&list);
	assert_int_equal(list.count, 5);
	assert_local(&list, 0, "name_0", VARIABLE_LOCAL, true, VALUES);
	assert_local(&list, 1, "name_1", VARIABLE_CELL, true, 0x5003);
	assert_local(&list, 2, "name_2", VARIABLE_LOCAL, false, VALUES + 0x200);
	assert_local(&list, 3, "name_3", VARIABLE_CELL, false, 0x5004);
	assert_local(&list, 4, "name_4", VARIABLE_FREE, false, 0x5005);
}

static void assert_malformed(struct fake *fake)
{
	struct frame_local_list list = read_list(fake);
	assert_true(list.malformed);
	assert_int_equal(list.count, 0);
}

static void test_wild_length(void **state)
{
	struct fake *fake = *state;
	fake_u64(fake->image, tuple_at(0) + 16, UINT64_MAX);
	assert_malformed(fake);
}

static void test_kinds_of_other_length(void **state)
{
	static const uint8_t kinds[] = {LOCAL_BIT};
	struct fake *fake = *state;
	put_names(fake, 0, 0, 2);
	put_kinds(fake, kinds, sizeof(kinds));
	assert_malformed(fake);
}

static void test_wild_argument_counts(void **state)
{
	static const uint8_t kinds[] = {LOCAL_BIT};
	static const int32_t counts[] = {-1, 2, INT32_MAX, INT32_MIN};
	struct fake *fake = *state;
	put_names(fake, 0, 0, 1);
	put_kinds(fake, kinds, sizeof(kinds));
	put_slot(fake, 0, VALUES);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		fake->code.address = CODE + 0x100 * i;
		fake->code.argument_count = counts[i];
		fake->code.keyword_only_count = INT32_MAX;
		assert_malformed(fake);
	}
}

static void test_name_of_other_type(void **state)
{
	static const uint8_t kinds[] = {LOCAL_BIT, LOCAL_BIT};
	struct fake *fake = *state;
	put_names(fake, 0, 0, 2);
	put_kinds(fake, kinds, sizeof(kinds));
	fake_u64(fake->image, name_at(1) + 8, STR_TYPE + 0x10);
	assert_malformed(fake);
}

static void test_unreadable(void **state)
{
	static const uint8_t kinds[] = {LOCAL_BIT, FREE_BIT};
	struct fake *fake = *state;
	struct frame_local_list list = read_list(fake);
	assert_int_equal(list.status, MEMORY_NOT_CAPTURED); /* no names */
	assert_int_equal(list.count, 0);
	put_names(fake, 0, 0, 2);
	put_kinds(fake, kinds, sizeof(kinds));
	fake->code.address++;
	list = read_list(fake);
	assert_int_equal(list.status, MEMORY_NOT_CAPTURED); /* no slots */
	put_slot(fake, 0, VALUES);
	put_slot(fake, 1, VALUES + 0x100);
	list = read_list(fake);
	assert_complete(&list);
	assert_int_equal(list.count, 2);
	assert_local(&list, 0, "name_0", VARIABLE_LOCAL, false, VALUES);
	assert_int_equal(list.items[1].address, 0); /* no cell */
	assert_int_equal(list.items[1].status, MEMORY_NOT_CAPTURED);
}

static void test_too_many(void **state)
{
	enum { COUNT = CODE_VARIABLES_MAX + 5 };
	struct fake *fake = *state;
	uint8_t kinds[COUNT];
	memset(kinds, LOCAL_BIT, sizeof(kinds));
	put_kinds(fake, kinds, sizeof(kinds));
	fake_u64(fake->image, tuple_at(0) + 16, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		fake_u64(fake->image, tuple_at(0) + 24 + i * 8, name_at(0));
		put_slot(fake, i, VALUES);
	}
	struct frame_local_list list = read_list(fake);
	assert_true(list.cut);
	assert_false(list.malformed);
	assert_int_equal(list.count, CODE_VARIABLES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cells_not_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_three_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kinds_of_other_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_argument_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_of_other_type, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
