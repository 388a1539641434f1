/* Versions before 3.7, by their real layouts over made-up memory: found, walked, named. */
#include "common/gil.h"
#include "common/interpreter_id.h"
#include "common/locate_old.h"
#include "common/python_dict.h"
#include "common/thread_names.h"
#include "common/walk.h"
#include "tests/unit/fake_python.h"

enum {
	DATA = 0x500000, /* the variables of the interpreter's file */
	DATA_BYTES = 0x2000,
	HEAD = DATA + 0x800,
	CURRENT = DATA + 0x810,
	OTHER_INTERPRETER = 0x21000,
	DICTS = 0x600000, /* of 0x1000 bytes each */
	TYPE_OF_TYPES = 0x700000,
	TYPE_OF_DICTS = 0x701000,
	TYPE_OF_THREADS = 0x702000,
	OBJECTS = 0x710000,
	STRINGS = 0x720000,
	SLOTS = 8,
	THREAD_IDENT = 0x7f0000001000,
};

static const struct python_version old_versions[] = {
	{.major = 2, .minor = 7, .micro = 18}, {.major = 3, .minor = 3, .micro = 6},
	{.major = 3, .minor = 4, .micro = 3},  {.major = 3, .minor = 5, .micro = 0},
	{.major = 3, .minor = 6, .micro = 15},
};

enum { OLD_VERSIONS = sizeof(old_versions) / sizeof(old_versions[0]) };

/* What is being made. */
struct world {
	struct memory_image *image;
	const struct python_layout *layout;
	uint64_t next_string;
};

static void world_init(struct world *world, size_t version)
{
	static const uint8_t zeros[0x3000];
	*world = (struct world){.next_string = STRINGS};
	world->layout = python_layout_find(old_versions[version], false, false);
	assert_non_null(world->layout);
	assert_null(memory_image_create(&world->image));
	fake_bytes(world->image, DATA, zeros, DATA_BYTES);
	fake_bytes(world->image, FAKE_INTERPRETER, zeros, 0x2000);
	fake_bytes(world->image, FAKE_THREADS, zeros, 0x1000);
	fake_bytes(world->image, OBJECTS, zeros, 0x3000);
	fake_bytes(world->image, DICTS, zeros, 0x3000);
	fake_bytes(world->image, STRINGS, zeros, 0x1000);
	fake_bytes(world->image, TYPE_OF_TYPES, zeros, 0x3000);
	fake_u64(world->image, TYPE_OF_TYPES + 8, TYPE_OF_TYPES);
	fake_u64(world->image, TYPE_OF_DICTS + 8, TYPE_OF_TYPES);
	fake_u64(world->image, TYPE_OF_THREADS + 8, TYPE_OF_TYPES);
}

static struct memory *world_memory(const struct world *world)
{
	return memory_image_memory(world->image);
}

static uint64_t put_text(struct world *world, const char *text)
{
	const struct python_layout *layout = world->layout;
	uint64_t address = world->next_string;
	world->next_string += 0x100;
	fake_u64(world->image, address + layout->object.type, OBJECTS + 0x2000);
	fake_u64(world->image, address + layout->bytes.length, strlen(text));
	if (layout->name_kind == NAME_KIND_BYTES) {
		fake_bytes(world->image, address + layout->bytes.contents, text, strlen(text) + 1);
		return address;
	}
	fake_u32(world->image, address + layout->unicode.state,
		 1U << layout->unicode.kind_shift | layout->unicode.compact_mask |
			 layout->unicode.ascii_mask);
	fake_bytes(world->image, address + layout->unicode.ascii_data, text, strlen(text) + 1);
	return address;
}

/* Dict number `i` with its entries in slots from 2 on (or from the first on where they have an
 * order); slot 0 of a hash table has been deleted. */
static uint64_t put_dict(struct world *world, unsigned i, const uint64_t (*entries)[2],
			 size_t count)
{
	const struct python_layout *layout = world->layout;
	uint64_t dict = DICTS + 0x1000 * i;
	uint64_t table = dict + 0x400;
	bool is_open = true;
	fake_u64(world->image, dict + layout->object.type, TYPE_OF_DICTS);
	if (layout->dict.table != LAYOUT_ABSENT) {
		fake_u64(world->image, dict + layout->dict.table, table);
		fake_u64(world->image, dict + layout->dict.mask, SLOTS - 1);
	} else {
		uint64_t keys = dict + 0x200;
		fake_u64(world->image, dict + layout->dict.keys, keys);
		fake_u64(world->image, keys + layout->dict_keys.size, SLOTS);
		is_open = layout->dict_keys.entries != LAYOUT_ABSENT;
		table = keys +
			(is_open ? layout->dict_keys.entries : layout->dict_keys.indices + SLOTS);
		if (!is_open)
			fake_u64(world->image, keys + layout->dict_keys.entry_count, count);
	}
	if (is_open)
		fake_u64(world->image, table + 8, OBJECTS + 0x2800);
	for (size_t j = 0; j < count; j++) {
		uint64_t slot = table + 24 * (is_open ? j + 2 : j);
		fake_u64(world->image, slot + 8, entries[j][0]);
		fake_u64(world->image, slot + 16, entries[j][1]);
	}
	return dict;
}

static void put_interpreter(struct world *world, uint64_t interpreter, uint64_t next,
			    uint64_t thread, uint64_t modules)
{
	const struct python_layout *layout = world->layout;
	fake_u64(world->image, interpreter + layout->interpreter.next, next);
	fake_u64(world->image, interpreter + layout->interpreter.threads_head, thread);
	fake_u64(world->image, interpreter + layout->interpreter.modules, modules);
	fake_u64(world->image, interpreter + layout->interpreter.sysdict, modules);
	fake_u64(world->image, thread + layout->thread.interp, interpreter);
}

/* One interpreter with one thread, and the variables. */
static void put_one(struct world *world)
{
	uint64_t modules = put_dict(world, 0, NULL, 0);
	put_interpreter(world, FAKE_INTERPRETER, 0, fake_thread(0), modules);
	fake_u64(world->image, HEAD, FAKE_INTERPRETER);
}

static const struct scan_range data_range = {.start = DATA, .end = DATA + DATA_BYTES};

static void test_scan(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD_VERSIONS; i++) {
		struct world world;
		uint64_t head = 0;
		bool started = true;
		world_init(&world, i);
		assert_true(
			validate_interpreters(world_memory(&world), HEAD, world.layout, &started));
		assert_false(started);
		assert_false(scan_interpreters(world_memory(&world), data_range, 0, world.layout,
					       &head));
		put_one(&world);
		assert_true(scan_interpreters(world_memory(&world), data_range, 0, world.layout,
					      &head));
		assert_int_equal(head, HEAD);
		assert_true(
			validate_interpreters(world_memory(&world), HEAD, world.layout, &started));
		assert_true(started);
		/* autoInterpreterState, in front of it: who is nearer to the symbol decides. */
		fake_u64(world.image, HEAD - 0x20, FAKE_INTERPRETER);
		assert_true(scan_interpreters(world_memory(&world), data_range, CURRENT,
					      world.layout, &head));
		assert_int_equal(head, HEAD);
		/* A younger interpreter, which leads to both. */
		put_interpreter(&world, OTHER_INTERPRETER, FAKE_INTERPRETER, fake_thread(1),
				put_dict(&world, 1, NULL, 0));
		fake_u64(world.image, HEAD, OTHER_INTERPRETER);
		assert_true(scan_interpreters(world_memory(&world), data_range, 0, world.layout,
					      &head));
		assert_int_equal(head, HEAD);
		int64_t id = -1;
		assert_int_equal(interpreter_id_read(world_memory(&world), world.layout,
						     OTHER_INTERPRETER, &id),
				 MEMORY_OK);
		assert_int_equal(id, 1);
		/* A ring of interpreters has an end. */
		fake_u64(world.image, FAKE_INTERPRETER + world.layout->interpreter.next,
			 OTHER_INTERPRETER);
		assert_int_equal(interpreter_id_read(world_memory(&world), world.layout,
						     OTHER_INTERPRETER, &id),
				 MEMORY_OK);
		assert_int_equal(id, 1024);
		memory_image_destroy(world.image);
	}
}

/* Lists whose links look like an interpreter and its thread are none without two dicts. */
static void test_scan_refuses_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD_VERSIONS; i++) {
		struct world world;
		uint64_t head = 0;
		world_init(&world, i);
		put_one(&world);
		fake_u64(world.image, TYPE_OF_DICTS + 8, TYPE_OF_DICTS);
		assert_false(scan_interpreters(world_memory(&world), data_range, 0, world.layout,
					       &head));
		fake_u64(world.image, TYPE_OF_DICTS + 8, 0x10);
		assert_false(scan_interpreters(world_memory(&world), data_range, CURRENT,
					       world.layout, &head));
		memory_image_destroy(world.image);
	}
}

static struct python_location location_of(const struct world *world, size_t version)
{
	return (struct python_location){
		.runtime_address = HEAD,
		.current_thread_address = CURRENT,
		.version = old_versions[version],
		.layout = *world->layout,
		.layout_known = true,
	};
}

static void test_owner(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD_VERSIONS; i++) {
		struct world world;
		struct gil gil;
		bool owner = false;
		world_init(&world, i);
		put_one(&world);
		struct python_location location = location_of(&world, i);
		assert_true(gil_has_owner_mark(&location));
		assert_int_equal(gil_read(world_memory(&world), &location, FAKE_INTERPRETER, &gil),
				 MEMORY_OK);
		assert_int_equal(gil.locked, 0);
		fake_u64(world.image, CURRENT, fake_thread(0));
		assert_int_equal(gil_read(world_memory(&world), &location, FAKE_INTERPRETER, &gil),
				 MEMORY_OK);
		assert_int_equal(gil.locked, 1);
		assert_int_equal(gil.last_holder, fake_thread(0));
		assert_int_equal(
			gil_is_owner(world_memory(&world), &location, fake_thread(0), &owner),
			MEMORY_OK);
		assert_true(owner);
		/* Without a symbol it is found by its value, where nothing else keeps a thread. */
		assert_int_equal(scan_current_thread(world_memory(&world), HEAD, world.layout),
				 old_versions[i].major == 2 ? CURRENT : 0);
		location.current_thread_address = 0;
		assert_false(gil_has_owner_mark(&location));
		memory_image_destroy(world.image);
	}
}

static void put_thread_object(struct world *world)
{
	const struct python_layout *layout = world->layout;
	bool is_python_2 = layout->major == 2;
	uint64_t ident = OBJECTS + 0x1000;
	uint64_t thread = OBJECTS;
	if (is_python_2) {
		fake_u64(world->image, ident + layout->integer.plain, THREAD_IDENT);
	} else {
		fake_u64(world->image, ident + layout->integer.length, 2);
		fake_u32(world->image, ident + layout->integer.digits,
			 THREAD_IDENT & ((1U << layout->integer.digit_bits) - 1));
		fake_u32(world->image, ident + layout->integer.digits + 4,
			 (uint32_t)(THREAD_IDENT >> layout->integer.digit_bits));
	}
	const uint64_t attributes[][2] = {
		{put_text(world, is_python_2 ? "_Thread__ident" : "_ident"), ident},
		{put_text(world, is_python_2 ? "_Thread__name" : "_name"),
		 put_text(world, "worker")},
	};
	const uint64_t active[][2] = {{ident, thread}};
	const uint64_t names[][2] = {{put_text(world, "_active"), put_dict(world, 1, active, 1)}};
	uint64_t module = OBJECTS + 0x1800;
	fake_u64(world->image, module + layout->module.dict, put_dict(world, 2, names, 1));
	const uint64_t modules[][2] = {{put_text(world, "sys"), OBJECTS + 0x2000},
				       {put_text(world, "threading"), module}};
	put_interpreter(world, FAKE_INTERPRETER, 0, fake_thread(0), put_dict(world, 0, modules, 2));
	fake_u64(world->image, HEAD, FAKE_INTERPRETER);
	fake_u64(world->image, thread + layout->object.type, TYPE_OF_THREADS);
	fake_u64(world->image, TYPE_OF_THREADS + layout->type.dict_offset, 0x10);
	static const uint8_t zeros[0x1000];
	fake_bytes(world->image, DICTS + 0x3000, zeros, sizeof(zeros));
	fake_u64(world->image, thread + 0x10, put_dict(world, 3, attributes, 2));
}

static void test_thread_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD_VERSIONS; i++) {
		struct world world;
		struct thread_name_list list = {0};
		world_init(&world, i);
		put_thread_object(&world);
		const struct thread_names_request request = {
			.reader = {.memory = world_memory(&world), .layout = world.layout},
			.runtime_address = HEAD,
		};
		assert_null(thread_names_read(&request, &list));
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].thread_id, THREAD_IDENT);
		assert_int_equal(list.items[0].name.length, 6);
		assert_memory_equal(list.items[0].name.data, "worker", 6);
		thread_name_list_deinit(&list);
		memory_image_destroy(world.image);
	}
}

/* Tables that lie about their size give nothing, or end. */
static void test_wild_dicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD_VERSIONS; i++) {
		struct world world;
		struct raw_dict dict;
		uint64_t value;
		world_init(&world, i);
		uint64_t address = put_dict(&world, 0, NULL, 0);
		const struct python_reader reader = {.memory = world_memory(&world),
						     .layout = world.layout};
		assert_true(raw_dict_read(&reader, address, &dict));
		assert_int_equal(dict.is_open,
				 old_versions[i].major == 2 || old_versions[i].minor <= 5);
		bool is_python_2 = world.layout->dict.mask != LAYOUT_ABSENT;
		uint64_t size_at = is_python_2 ? address + world.layout->dict.mask
					       : address + 0x200 + world.layout->dict_keys.size;
		fake_u64(world.image, size_at, UINT64_MAX);
		assert_false(raw_dict_read(&reader, address, &dict));
		fake_u64(world.image, size_at, 0xffff);
		if (raw_dict_read(&reader, address, &dict))
			assert_false(raw_dict_find(&reader, &dict, "name", &value));
		assert_false(raw_dict_read(&reader, 0, &dict));
		assert_false(raw_dict_read(&reader, 0x123456789000, &dict));
		memory_image_destroy(world.image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),	   cmocka_unit_test(test_scan_refuses_lists),
		cmocka_unit_test(test_owner),	   cmocka_unit_test(test_thread_names),
		cmocka_unit_test(test_wild_dicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
