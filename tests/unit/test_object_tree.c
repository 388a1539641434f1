/* Objects that lie, in a made-up interpreter: reading them ends, within the bounds, and is marked.
 */
#include "analyze/python/object_text.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "tests/unit/fake_python.h"

enum {
	OBJECT_TYPE_ADDRESS = 0x200000, /* "object" */
	TYPE_TYPE = 0x201000,
	INT_TYPE = 0x202000,
	LIST_TYPE = 0x203000,
	TUPLE_TYPE = 0x204000,
	STR_TYPE = 0x205000,
	DICT_TYPE = 0x206000,
	SET_TYPE = 0x207000,
	FLOAT_TYPE = 0x208000,
	CLASS_TYPE = 0x209000,
	OBJECTS = 0x300000, /* object i at + 0x1000 * i */
	NAME_OFFSET = 0x800,
	FLAG_READY = 1 << 12,
	DELETED_BYTES = 1 << 18,
};

struct fake {
	struct memory_image *image;
	struct python_layout layout;
	struct object_bounds bounds;
	struct counting_memory {
		struct memory memory;
		struct memory *behind;
		size_t reads;
	} counting;
};

static enum memory_status counting_read(struct memory *memory, uint64_t address, void *buffer,
					size_t size)
{
	struct counting_memory *counting = (struct counting_memory *)memory;
	counting->reads++;
	return memory_read(counting->behind, address, buffer, size);
}

static const struct memory_operations counting_operations = {.read = counting_read};

static uint64_t object(unsigned i)
{
	return OBJECTS + 0x1000 * i;
}

static void put_type(struct fake *fake, uint64_t address, const char *name, unsigned flag)
{
	fake_u64(fake->image, address, TYPE_TYPE);
	fake_u64(fake->image, address + 8, address + NAME_OFFSET);
	fake_u64(fake->image, address + 16, FLAG_READY | (flag ? 1ULL << flag : 0));
	fake_u64(fake->image, address + 24, 32);
	fake_u64(fake->image, address + 32, 0);
	fake_u64(fake->image, address + 40,
		 address == OBJECT_TYPE_ADDRESS ? 0 : OBJECT_TYPE_ADDRESS);
	fake_u64(fake->image, address + 48, 0);
	fake_u64(fake->image, address + 56, 0);
	char padded[256] = "";
	snprintf(padded, sizeof(padded), "%s", name);
	fake_bytes(fake->image, address + NAME_OFFSET, padded, sizeof(padded));
}

static void make_layout(struct python_layout *layout)
{
	layout->major = 3;
	layout->minor = 13;
	layout->object.size = 16;
	layout->object.type = 0;
	layout->type.name = 8;
	layout->type.flags = 16;
	layout->type.basic_size = 24;
	layout->type.dict_offset = 32;
	layout->type.base = 40;
	layout->type.dict = 48;
	layout->type.repr = 56;
	layout->type.qualname = 64;
	layout->type.cached_keys = 72;
	layout->instance.managed_dict_flag = 0;
	layout->instance.inline_values_flag = 0;
	layout->integer.length = 8;
	layout->integer.digits = 16;
	layout->integer.length_shift = 3;
	layout->integer.digit_bits = 30;
	layout->tuple.length = 8;
	layout->tuple.items = 16;
	layout->object_parts.list_items = 16;
	layout->object_parts.set_used = 8;
	layout->object_parts.set_last_slot = 16;
	layout->object_parts.set_table = 24;
	layout->object_parts.real = 8;
	layout->dict.used = 8;
	fake_dict_layout(layout);
}

static int setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	assert_non_null(fake);
	assert_null(memory_image_create(&fake->image));
	fake->layout = fake_location().layout;
	make_layout(&fake->layout);
	fake->bounds = object_bounds_for_text(128);
	fake->counting.memory.operations = &counting_operations;
	fake->counting.behind = memory_image_memory(fake->image);
	put_type(fake, OBJECT_TYPE_ADDRESS, "object", 0);
	put_type(fake, TYPE_TYPE, "type", 31);
	put_type(fake, INT_TYPE, "int", 24);
	put_type(fake, LIST_TYPE, "list", 25);
	put_type(fake, TUPLE_TYPE, "tuple", 26);
	put_type(fake, STR_TYPE, "str", 28);
	put_type(fake, DICT_TYPE, "dict", 29);
	put_type(fake, SET_TYPE, "set", 0);
	put_type(fake, FLOAT_TYPE, "float", 0);
	*state = fake;
	return 0;
}

static int teardown(void **state)
{
	struct fake *fake = *state;
	memory_image_destroy(fake->image);
	free(fake);
	return 0;
}

static void put_int(struct fake *fake, uint64_t address, uint32_t value)
{
	fake_u64(fake->image, address, INT_TYPE);
	fake_u64(fake->image, address + 8, 1 << 3);
	fake_u32(fake->image, address + 16, value);
}

static void put_list(struct fake *fake, uint64_t address, uint64_t count, uint64_t items)
{
	fake_u64(fake->image, address, LIST_TYPE);
	fake_u64(fake->image, address + 8, count);
	fake_u64(fake->image, address + 16, items);
}

static void assert_text(struct fake *fake, uint64_t address, const char *expected)
{
	const struct python_reader reader = {.memory = &fake->counting.memory,
					     .layout = &fake->layout};
	const struct object_text_options options = {.max_characters = 128};
	CLEANUP(object_reader_destroyp) struct object_reader *objects = NULL;
	CLEANUP(object_tree_deinit) struct object_tree tree = {0};
	CLEANUP_FREE char *text = NULL;
	assert_null(object_reader_create(&reader, &objects));
	assert_null(object_tree_read(objects, address, &fake->bounds, &tree));
	assert_true(tree.count <= fake->bounds.max_nodes);
	assert_true(tree.bytes.size <= fake->bounds.max_bytes);
	assert_null(object_text(&tree, &options, &text));
	assert_string_equal(text, expected);
	assert_true(fake->counting.reads < 2000);
}

static void test_plain(void **state)
{
	struct fake *fake = *state;
	uint64_t items = object(10);
	put_int(fake, object(0), 7);
	put_list(fake, object(1), 2, items);
	fake_u64(fake->image, items, object(0));
	fake_u64(fake->image, items + 8, object(0));
	assert_text(fake, object(1), "[7, 7]");
	assert_text(fake, 0, "<NULL>");
}

static void test_cycle(void **state)
{
	struct fake *fake = *state;
	put_list(fake, object(1), 1, object(10));
	fake_u64(fake->image, object(10), object(2));
	put_list(fake, object(2), 1, object(11));
	fake_u64(fake->image, object(11), object(1));
	assert_text(fake, object(1), "[[[...]]]");
}

/* As many items as an address space has room for, and more; and items that are not there. */
static void test_wild_lengths(void **state)
{
	static const uint64_t wild[] = {UINT64_MAX, 1ULL << 63, 1ULL << 45};
	struct fake *fake = *state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		put_list(fake, object(1), wild[i], object(10));
		assert_text(fake, object(1), "<invalid object at 0x301000>");
	}
	put_list(fake, object(1), 1ULL << 40, object(10));
	assert_text(fake, object(1), "[<unreadable>]");
	put_list(fake, object(1), 2, 0);
	assert_text(fake, object(1), "[<unreadable>]");
	put_int(fake, object(2), 1);
	fake_u64(fake->image, object(2) + 8, UINT64_MAX);
	assert_text(fake, object(2), "<invalid object at 0x302000>");
	fake_u64(fake->image, object(2) + 8, 1000000 << 3);
	assert_text(fake, object(2), "<unreadable>");
}

/* Being filled or destroyed. */
static void test_null_items(void **state)
{
	struct fake *fake = *state;
	put_int(fake, object(0), 7);
	fake_u64(fake->image, object(1), TUPLE_TYPE);
	fake_u64(fake->image, object(1) + 8, 3);
	fake_u64(fake->image, object(1) + 16, 0);
	fake_u64(fake->image, object(1) + 24, object(0));
	fake_u64(fake->image, object(1) + 32, 0xdddddddddddddddd); /* freed memory */
	assert_text(fake, object(1), "(<NULL>, 7, <unreadable>)");
}

static void test_two_million(void **state)
{
	struct fake *fake = *state;
	uint64_t items = object(0x1000);
	put_int(fake, object(0), 7);
	put_list(fake, object(1), 2000000, items);
	for (unsigned i = 0; i < 200; i++)
		fake_u64(fake->image, items + 8 * i, object(0));
	/* As many as 128 characters have room for. */
	char expected[256] = "[";
	size_t length = 1;
	for (int i = 0; i < 41; i++)
		length += (size_t)snprintf(expected + length, sizeof(expected) - length, "7, ");
	snprintf(expected + length, sizeof(expected) - length, "...]");
	assert_int_equal(strlen(expected), 128);
	assert_text(fake, object(1), expected);
	assert_true(fake->counting.reads < 300);
}

/* Every list holds the same list of lists twice: 2^n paths. */
static void test_shared(void **state)
{
	struct fake *fake = *state;
	for (unsigned i = 0; i < 40; i++) {
		put_list(fake, object(i), 2, object(100 + i));
		fake_u64(fake->image, object(100 + i), object(i + 1));
		fake_u64(fake->image, object(100 + i) + 8, object(i + 1));
	}
	put_int(fake, object(40), 7);
	fake->bounds.max_depth = OBJECT_MAX_DEPTH + 100;
	const struct python_reader reader = {.memory = &fake->counting.memory,
					     .layout = &fake->layout};
	CLEANUP(object_reader_destroyp) struct object_reader *objects = NULL;
	CLEANUP(object_tree_deinit) struct object_tree tree = {0};
	assert_null(object_reader_create(&reader, &objects));
	assert_null(object_tree_read(objects, object(0), &fake->bounds, &tree));
	assert_true(tree.count <= fake->bounds.max_nodes);
	assert_true(fake->counting.reads < 1000);
}

static void test_lying_types(void **state)
{
	struct fake *fake = *state;
	fake_u64(fake->image, object(1), CLASS_TYPE);
	put_type(fake, CLASS_TYPE, "", 0);
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	put_type(fake, CLASS_TYPE, "bell\a", 0);
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	put_type(fake, CLASS_TYPE, "m.\xff", 0);
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	put_type(fake, CLASS_TYPE, "m.C", 0);
	assert_text(fake, object(1), "<m.C object at 0x301000>");
	/* Name nowhere. */
	fake_u64(fake->image, CLASS_TYPE + 8, 0x666);
	assert_text(fake, object(1), "<unreadable>");
	/* Not ready: some static types never are, a class that is not is being made. */
	put_type(fake, CLASS_TYPE, "m.C", 0);
	fake_u64(fake->image, CLASS_TYPE + 16, 0);
	assert_text(fake, object(1), "<m.C object at 0x301000>");
	fake_u64(fake->image, CLASS_TYPE + 16, 1 << 9);
	/* A type that is no type's instance; a type that is its own base. */
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	put_type(fake, CLASS_TYPE, "m.C", 0);
	fake_u64(fake->image, CLASS_TYPE, INT_TYPE);
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	put_type(fake, CLASS_TYPE, "m.C", 0);
	fake_u64(fake->image, CLASS_TYPE + 40, CLASS_TYPE);
	assert_text(fake, object(1), "<m.C object at 0x301000>");
}

/* A class (heap type) whose offsets are wild: its head is told. */
static void test_wild_class(void **state)
{
	static const uint64_t offsets[] = {1ULL << 40, (uint64_t)-8, 1 << 12, 4};
	struct fake *fake = *state;
	fake_u64(fake->image, object(1), CLASS_TYPE);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		put_type(fake, CLASS_TYPE, "C", 9);
		fake_u64(fake->image, CLASS_TYPE + 32, offsets[i]);
		fake_u64(fake->image, CLASS_TYPE + 48, 0x666);
		assert_text(fake, object(1), "<C object at 0x301000>");
	}
}

/* Bases of bases, and metatypes of metatypes, without an end. */
static void test_endless_types(void **state)
{
	struct fake *fake = *state;
	const uint64_t first = object(0x2000);
	for (unsigned i = 0; i < 500; i++) {
		put_type(fake, first + 0x1000 * i, "m.C", 31);
		fake_u64(fake->image, first + 0x1000 * i, first + 0x1000 * (i + 1));
		fake_u64(fake->image, first + 0x1000 * i + 40, first + 0x1000 * (i + 1));
	}
	fake_u64(fake->image, object(1), first);
	fake_u64(fake->image, object(1) + 8, 0);
	/* A type by its type, which is as it should be; but there is no more of it. */
	assert_text(fake, object(1), "<unreadable>");
	assert_true(fake->counting.reads < 500);
}

static void put_dict(struct fake *fake, uint64_t address, uint64_t used, uint64_t keys)
{
	fake_u64(fake->image, address, DICT_TYPE);
	fake_u64(fake->image, address + 8, used);
	fake_u64(fake->image, address + 16, keys);
	fake_u64(fake->image, address + 24, 0);
}

/* In the middle of a resize: more used than there are entries, no keys, deleted ones. */
static void test_dict_between(void **state)
{
	const uint8_t head[8] = {3, 3, 0};
	struct fake *fake = *state;
	uint64_t keys = object(10);
	put_int(fake, object(0), 7);
	put_dict(fake, object(1), 5, 0);
	assert_text(fake, object(1), "{<unreadable>}");
	put_dict(fake, object(1), 5, keys);
	fake_bytes(fake->image, keys, head, sizeof(head));
	fake_u64(fake->image, keys + 8, 2);
	for (unsigned i = 0; i < 6; i++)
		fake_u64(fake->image, keys + 24 + 8 * i, 0);
	fake_u64(fake->image, keys + 24 + 8, object(0));
	fake_u64(fake->image, keys + 24 + 16, object(0));
	assert_text(fake, object(1), "{7: 7}");
	/* All deleted, and as many as can be. */
	uint8_t *deleted = calloc(1, DELETED_BYTES);
	assert_non_null(deleted);
	fake_bytes(fake->image, keys + 24, deleted, DELETED_BYTES);
	free(deleted);
	fake_u64(fake->image, keys + 8, UINT32_MAX);
	assert_text(fake, object(1), "{...}");
}

static void test_set(void **state)
{
	struct fake *fake = *state;
	uint64_t table = object(10);
	put_int(fake, object(0), 7);
	fake_u64(fake->image, object(1), SET_TYPE);
	fake_u64(fake->image, object(1) + 8, 1);
	fake_u64(fake->image, object(1) + 16, 7);
	fake_u64(fake->image, object(1) + 24, table);
	for (unsigned i = 0; i < 16; i++)
		fake_u64(fake->image, table + 8 * i, 0);
	fake_u64(fake->image, table + 16, 0x666); /* a deleted one */
	fake_u64(fake->image, table + 24, UINT64_MAX);
	fake_u64(fake->image, table + 32, object(0));
	fake_u64(fake->image, table + 40, 7);
	assert_text(fake, object(1), "{7}");
	/* More used than slots; a table that goes on and on. */
	fake_u64(fake->image, object(1) + 8, 9);
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	fake_u64(fake->image, object(1) + 16, 1 << 20);
	assert_text(fake, object(1), "{<unreadable>}");
}

static void test_missing_memory(void **state)
{
	struct fake *fake = *state;
	assert_text(fake, 0x666, "<unreadable>");
	fake_u64(fake->image, object(1), 0x666000);
	assert_text(fake, object(1), "<unreadable>");
	fake_u64(fake->image, object(1), FLOAT_TYPE);
	assert_text(fake, object(1), "<unreadable>");
	fake_u64(fake->image, object(1), STR_TYPE);
	fake_u64(fake->image, object(1) + 16, 5);
	fake_u32(fake->image, object(1) + 24, 3 << 2 | 0x60); /* no kind of str */
	assert_text(fake, object(1), "<invalid object at 0x301000>");
	fake_u32(fake->image, object(1) + 24, 1 << 2 | 0x60);
	assert_text(fake, object(1), "<unreadable>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_null_items, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_million, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_class, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dict_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_memory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
