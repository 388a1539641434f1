/* Dicts, instances and threads' names in a made-up interpreter, whole and hostile. */
#include "common/thread_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/fake_python.h"

enum {
	MODULES = 0x100000,
	MODULE = 0x110000,
	GLOBALS = 0x120000,
	ACTIVE = 0x130000,
	THREAD_TYPE = 0x140000,
	CACHED_KEYS = 0x150000,
	OBJECTS = 0x160000, /* Thread object i at + 0x1000 * i */
	TEXTS = 0x200000,
	KEYS = 0x800, /* from a dict to its keys */
	TEXT_TYPE = 0x210000,
	NAME_KEY = TEXTS,
	IDENT_KEY = TEXTS + 0x100,
	MANAGED_DICT = 16,
	INLINE_VALUES = 4,
	BASIC_SIZE = 32,
};

struct fake {
	struct memory_image *image;
	struct python_location location;
};

/* As 3.13 has it: inline values and a managed dict. */
static void make_layout(struct python_layout *layout)
{
	layout->interpreter.modules = 0x200;
	layout->object.type = 8;
	layout->type.flags = 8;
	layout->type.basic_size = 16;
	layout->type.dict_offset = 24;
	layout->type.cached_keys = 32;
	layout->instance.managed_dict_flag = MANAGED_DICT;
	layout->instance.inline_values_flag = INLINE_VALUES;
	layout->instance.managed_dict_before = 24;
	layout->instance.managed_values_before = 0;
	layout->instance.managed_values_tag = 0;
	layout->module.dict = 16;
	layout->integer.length = 16;
	layout->integer.digits = 24;
	layout->integer.length_shift = 3;
	layout->integer.digit_bits = 30;
	fake_dict_layout(layout);
}

static void put_keys(struct memory_image *image, uint64_t address, uint8_t kind, uint64_t count)
{
	const uint8_t head[8] = {3, 3, kind};
	fake_bytes(image, address, head, sizeof(head));
	fake_u64(image, address + 8, count);
}

static void put_dict(struct memory_image *image, uint64_t address, uint8_t kind, uint64_t count)
{
	fake_u64(image, address + 16, address + KEYS);
	fake_u64(image, address + 24, 0);
	put_keys(image, address + KEYS, kind, count);
}

/* Entry i of the dict's keys: {key, value}, or with a hash in front. */
static uint64_t entry_at(uint64_t dict, unsigned kind, unsigned i)
{
	return dict + KEYS + 16 + 8 + (kind ? 16 * i : 24 * i + 8);
}

static void put_entry(struct memory_image *image, uint64_t dict, unsigned kind, unsigned i,
		      uint64_t key, uint64_t value)
{
	if (!kind)
		fake_u64(image, entry_at(dict, kind, i) - 8, 0x1234);
	fake_u64(image, entry_at(dict, kind, i), key);
	fake_u64(image, entry_at(dict, kind, i) + 8, value);
}

static void put_integer(struct memory_image *image, uint64_t address, uint64_t value)
{
	fake_u64(image, address + 16, 2 << 3);
	fake_u32(image, address + 24, value & 0x3fffffff);
	fake_u32(image, address + 28, (uint32_t)(value >> 30));
}

static uint64_t object(unsigned i)
{
	return OBJECTS + 0x1000 * i;
}

/* Thread object i with inline values, in threading._active. */
static void put_thread(struct memory_image *image, unsigned i, const char *name)
{
	const uint8_t head[8] = {4, 2, 1, 1};
	put_integer(image, object(i) + 0x100, 0x7f0000000000 + i);
	fake_string(image, object(i) + 0x200, name);
	fake_u64(image, object(i) + 0x200 + 8, TEXT_TYPE);
	fake_u64(image, object(i) + 8, THREAD_TYPE);
	fake_bytes(image, object(i) + BASIC_SIZE, head, sizeof(head));
	fake_u64(image, object(i) + BASIC_SIZE + 8, object(i) + 0x200);
	fake_u64(image, object(i) + BASIC_SIZE + 16, object(i) + 0x100);
	put_entry(image, ACTIVE, 0, i, object(i) + 0x100, object(i));
}

static int setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	assert_non_null(fake);
	assert_null(memory_image_create(&fake->image));
	struct memory_image *image = fake->image;
	fake->location = fake_location();
	make_layout(&fake->location.layout);
	fake_put_interpreter(image, 0);
	fake_u64(image, FAKE_INTERPRETER + 0x200, MODULES);
	fake_string(image, NAME_KEY, "_name");
	fake_string(image, IDENT_KEY, "_ident");
	fake_string(image, TEXTS + 0x200, "threading");
	fake_string(image, TEXTS + 0x300, "_active");
	fake_string(image, TEXTS + 0x400, "otherwise");
	put_dict(image, MODULES, 1, 3);
	put_entry(image, MODULES, 1, 0, TEXTS + 0x400, 0x666);
	put_entry(image, MODULES, 1, 1, 0, 0); /* deleted */
	put_entry(image, MODULES, 1, 2, TEXTS + 0x200, MODULE);
	fake_u64(image, MODULE + 16, GLOBALS);
	put_dict(image, GLOBALS, 1, 1);
	put_entry(image, GLOBALS, 1, 0, TEXTS + 0x300, ACTIVE);
	put_dict(image, ACTIVE, 0, 2);
	fake_u64(image, THREAD_TYPE + 8, MANAGED_DICT | INLINE_VALUES);
	fake_u64(image, THREAD_TYPE + 16, BASIC_SIZE);
	fake_u64(image, THREAD_TYPE + 24, (uint64_t)-1);
	fake_u64(image, THREAD_TYPE + 32, CACHED_KEYS);
	put_keys(image, CACHED_KEYS, 2, 2);
	put_entry(image, CACHED_KEYS - KEYS, 1, 0, NAME_KEY, 0);
	put_entry(image, CACHED_KEYS - KEYS, 1, 1, IDENT_KEY, 0);
	put_thread(image, 0, "MainThread");
	put_thread(image, 1, "Thread-1 (work)");
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

static struct thread_names_request make_request(const struct fake *fake)
{
	return (struct thread_names_request){
		.reader = {.memory = memory_image_memory(fake->image),
			   .layout = &fake->location.layout},
		.runtime_address = FAKE_RUNTIME,
	};
}

/* The names in the order of thread ids, each with a comma behind it. */
static void assert_request(const struct thread_names_request *request, const char *expected)
{
	struct thread_name_list names;
	char text[256] = "";
	size_t length = 0;
	assert_null(thread_names_read(request, &names));
	for (size_t i = 0; i < names.count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%.*s,",
					   (int)names.items[i].name.length,
					   (const char *)names.items[i].name.data);
	thread_name_list_deinit(&names);
	assert_string_equal(text, expected);
}

static void assert_names(const struct fake *fake, const char *expected)
{
	struct thread_names_request request = make_request(fake);
	assert_request(&request, expected);
}

static void test_inline_values(void **state)
{
	struct thread_names_request request = make_request(*state);
	struct thread_name_list names;
	assert_names(*state, "MainThread,Thread-1 (work),");
	assert_null(thread_names_read(&request, &names));
	const struct thread_name *found = thread_name_find(&names, 0, 0x7f0000000001);
	assert_non_null(found);
	assert_int_equal(found->object, object(1));
	/* Of another interpreter, for want of its own. */
	assert_ptr_equal(thread_name_find(&names, 5, 0x7f0000000001), found);
	assert_null(thread_name_find(&names, 0, 0x7f0000000002));
	thread_name_list_deinit(&names);
}

static void test_managed_dict(void **state)
{
	struct fake *fake = *state;
	enum { DICT = 0x300000 };
	fake_bytes(fake->image, object(0) + BASIC_SIZE + 3, "", 1);
	fake_u64(fake->image, object(0) - 24, DICT);
	put_dict(fake->image, DICT, 1, 2);
	put_entry(fake->image, DICT, 1, 0, NAME_KEY, object(0) + 0x200);
	put_entry(fake->image, DICT, 1, 1, IDENT_KEY, object(0) + 0x100);
	assert_names(fake, "MainThread,Thread-1 (work),");
}

/* 3.12: one pointer in front of the object, to values if its lowest bit is set. */
static void test_tagged_values(void **state)
{
	struct fake *fake = *state;
	enum { VALUES = 0x300000 };
	struct python_layout *layout = &fake->location.layout;
	layout->instance.inline_values_flag = 0;
	layout->instance.managed_values_tag = 1;
	layout->dict_values.capacity = LAYOUT_ABSENT;
	layout->dict_values.items = 0;
	fake_u64(fake->image, object(0) - 24, VALUES - 1);
	fake_u64(fake->image, VALUES, object(0) + 0x200);
	fake_u64(fake->image, VALUES + 8, object(0) + 0x100);
	assert_names(fake, "MainThread,");
}

/* Until 3.10: a dict by tp_dictoffset, with a split table and the size of the hash table. */
static void test_split_dict(void **state)
{
	struct fake *fake = *state;
	enum { DICT = 0x300000, VALUES = 0x310000, SPLIT_KEYS = 0x320000, OLD_INDICES = 24 };
	struct python_layout *layout = &fake->location.layout;
	const uint64_t keys[] = {8, 2, 0};
	const uint64_t entries[] = {1, NAME_KEY, 0, 2, IDENT_KEY, 0};
	struct raw_dict dict;
	uint64_t value;
	layout->dict_keys.size = 0;
	layout->dict_keys.log2_index_bytes = LAYOUT_ABSENT;
	layout->dict_keys.kind = LAYOUT_ABSENT;
	layout->dict_keys.indices = OLD_INDICES;
	layout->dict_values.capacity = LAYOUT_ABSENT;
	layout->dict_values.items = 0;
	fake_u64(fake->image, DICT + 16, SPLIT_KEYS);
	fake_u64(fake->image, DICT + 24, VALUES);
	fake_u64(fake->image, VALUES, 0x1111);
	fake_u64(fake->image, VALUES + 8, 0x2222);
	fake_bytes(fake->image, SPLIT_KEYS, keys, sizeof(keys));
	fake_bytes(fake->image, SPLIT_KEYS + OLD_INDICES + 8, entries, sizeof(entries));
	struct python_reader reader = make_request(fake).reader;
	assert_true(raw_dict_read(&reader, DICT, &dict));
	assert_true(raw_dict_find(&reader, &dict, "_ident", &value));
	assert_int_equal(value, 0x2222);
	assert_true(raw_dict_find(&reader, &dict, "_name", &value));
	assert_int_equal(value, 0x1111);
	assert_false(raw_dict_find(&reader, &dict, "_names", &value));
	/* A value that is not set. */
	fake_u64(fake->image, VALUES + 8, 0);
	assert_false(raw_dict_find(&reader, &dict, "_ident", &value));
}

/* A Thread that is another one's by now. */
static void test_ident_differs(void **state)
{
	struct fake *fake = *state;
	put_integer(fake->image, 0x300000, 0x7f0000000077);
	put_entry(fake->image, ACTIVE, 0, 0, 0x300000, object(0));
	assert_names(fake, "Thread-1 (work),");
}

static void test_only_known(void **state)
{
	struct fake *fake = *state;
	struct thread_name_list known;
	struct thread_names_request request = make_request(fake);
	assert_null(thread_names_read(&request, &known));
	request.known = &known;
	put_thread(fake->image, 0, "renamed");
	assert_request(&request, "Thread-1 (work),");
	thread_name_list_deinit(&known);
}

/* What is kept gives the same names, and holds nothing of other modules. */
static void test_kept(void **state)
{
	struct fake *fake = *state;
	struct fake copy = *fake;
	struct memory *recorder;
	uint32_t state_word;
	assert_null(memory_image_create(&copy.image));
	assert_null(
		memory_recorder_create(memory_image_memory(fake->image), copy.image, &recorder));
	struct thread_names_request request = make_request(fake);
	request.reader.keep = recorder;
	assert_request(&request, "MainThread,Thread-1 (work),");
	fake_put_interpreter(copy.image, 0);
	assert_names(&copy, "MainThread,Thread-1 (work),");
	assert_int_equal(
		memory_read_u32(memory_image_memory(copy.image), TEXTS + 0x400 + 24, &state_word),
		MEMORY_NOT_CAPTURED);
	memory_destroy(recorder);
	memory_image_destroy(copy.image);
}

/* Each word of each structure set to what it must not be: no crash, no endless loop. */
static void test_hostile(void **state)
{
	struct fake *fake = *state;
	static const uint64_t evil[] = {0,	    1,	       0xff,	   0xffff,	 UINT32_MAX,
					1ULL << 40, INT64_MAX, UINT64_MAX, FAKE_RUNTIME, ACTIVE,
					GLOBALS,    MODULES,   OBJECTS,	   CACHED_KEYS};
	static const uint64_t places[] = {
		FAKE_INTERPRETER, MODULES,	   MODULES + KEYS,  MODULE,	 GLOBALS,
		GLOBALS + KEYS,	  ACTIVE,	   ACTIVE + KEYS,   THREAD_TYPE, CACHED_KEYS,
		OBJECTS,	  OBJECTS + 0x100, OBJECTS + 0x200, TEXTS,	 TEXTS + 0x200,
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		for (uint64_t offset = 0; offset < 80; offset += 8) {
			uint64_t before;
			struct memory *memory = memory_image_memory(fake->image);
			if (memory_read_u64(memory, places[i] + offset, &before) != MEMORY_OK)
				continue;
			for (size_t j = 0; j < sizeof(evil) / sizeof(*evil); j++) {
				struct thread_names_request request = make_request(fake);
				struct thread_name_list names;
				fake_u64(fake->image, places[i] + offset, evil[j]);
				assert_null(thread_names_read(&request, &names));
				thread_name_list_deinit(&names);
			}
			fake_u64(fake->image, places[i] + offset, before);
		}
	}
	assert_names(fake, "MainThread,Thread-1 (work),");
}

static void test_wild_sizes(void **state)
{
	struct fake *fake = *state;
	for (unsigned log2 = 4; log2 < 256; log2++) {
		const uint8_t head[8] = {(uint8_t)log2, (uint8_t)log2, 1};
		fake_bytes(fake->image, GLOBALS + KEYS, head, sizeof(head));
		assert_names(fake, "");
	}
	put_keys(fake->image, GLOBALS + KEYS, 1, 1);
	fake_u64(fake->image, ACTIVE + KEYS + 8, DICT_MAX_ENTRIES + 1);
	assert_names(fake, "");
	/* Longer than the memory: what is there is given. */
	fake_u64(fake->image, ACTIVE + KEYS + 8, DICT_MAX_ENTRIES);
	assert_names(fake, "MainThread,Thread-1 (work),");
}

/* Every thread's attributes are a table of the greatest size: the search as a whole is bounded. */
static void test_bounded_in_all(void **state)
{
	struct fake *fake = *state;
	uint64_t budget = 100;
	struct raw_dict dict;
	uint64_t value;
	struct python_reader reader = make_request(fake).reader;
	reader.budget = &budget;
	assert_true(raw_dict_read(&reader, MODULES, &dict));
	dict.entry_count = DICT_MAX_ENTRIES;
	assert_false(raw_dict_find(&reader, &dict, "missing", &value));
	assert_int_equal(budget, 0);
	assert_false(raw_dict_find(&reader, &dict, "threading", &value));
}

static void test_cycle_of_interpreters(void **state)
{
	struct fake *fake = *state;
	fake_u64(fake->image, FAKE_INTERPRETER + 8, FAKE_INTERPRETER);
	assert_names(fake, "MainThread,Thread-1 (work),");
}

static void test_version_without_layout(void **state)
{
	struct fake *fake = *state;
	fake->location.layout.dict.keys = LAYOUT_ABSENT;
	assert_names(fake, "");
	fake->location.layout.dict.keys = 16;
	fake->location.layout.dict_keys.entry_count = LAYOUT_ABSENT;
	assert_names(fake, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inline_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_managed_dict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tagged_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_split_dict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ident_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded_in_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cycle_of_interpreters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_without_layout, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
