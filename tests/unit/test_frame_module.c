/* The modules of frames, and short file names. */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/frame_module.h"
#include "analyze/python/short_filename.h"
#include "common/cleanup.h"
#include "common/memory_image.h"
#include "tests/unit/cmocka_headers.h"
#include "tests/unit/fake_python.h"

static void test_short_filename(void **state)
{
	static const struct {
		const char *name;
		const char *module;
		const char *expected;
	} cases[] = {
		{"/usr/lib/python3.11/threading.py", NULL, "threading.py"},
		{"/opt/py/lib/python3.13t/asyncio/events.py", NULL, "asyncio/events.py"},
		{"/v/lib/python3.12/site-packages/django/core/handlers/base.py", NULL,
		 "django/core/handlers/base.py"},
		{"/usr/lib/python3/dist-packages/yaml/__init__.py", NULL, "yaml/__init__.py"},
		{"/srv/shop/app/main.py", NULL, "app/main.py"},
		{"/srv/main.py", NULL, "srv/main.py"},
		{"/main.py", NULL, "main.py"},
		{"dir/main.py", NULL, "dir/main.py"},
		{"main.py", NULL, "main.py"},
		{"<string>", NULL, "<string>"},
		{"<frozen importlib._bootstrap>", "importlib._bootstrap",
		 "<frozen importlib._bootstrap>"},
		{"", NULL, ""},
		{"", "", ""},
		{"/srv/bin/python3.12/x/tool.py", NULL, "x/tool.py"},
		{"/srv/lib/python/x/tool.py", NULL, "x/tool.py"},
		/* From where the module is imported. */
		{"/srv/shop/app/main.py", "main", "main.py"},
		{"/srv/shop/app/main.py", "app.main", "app/main.py"},
		{"/srv/shop/app/main.py", "shop.app.main", "shop/app/main.py"},
		{"/srv/shop/app/main.py", "srv.shop.app.main", "srv/shop/app/main.py"},
		{"/srv/shop/app/main.py", "x.srv.shop.app.main", "app/main.py"},
		{"/srv/shop/app/main.py", "hop.app.main", "app/main.py"},
		{"/srv/shop/app/main.py", "shop.app.mai", "app/main.py"},
		{"/srv/shop/app/main.py", "shop..main", "app/main.py"},
		{"/srv/shop/app/main.py", ".main", "app/main.py"},
		{"/srv/shop/app/main.py", "", "app/main.py"},
		{"/srv/shop/app/__init__.py", "shop.app", "shop/app/__init__.py"},
		{"/srv/shop/app/__init__.py", "shop.app.__init__", "app/__init__.py"},
		{"__init__.py", "shop", "__init__.py"},
		{"app/main.py", "app.main", "app/main.py"},
		{"/srv/app.zip/shop/main.py", "shop.main", "shop/main.py"},
		{"/srv/native.cpython-311.so", "native", "native.cpython-311.so"},
		/* The one further in. */
		{"/v/lib/python3.12/site-packages/win32/lib/win32con.py", "win32con",
		 "win32con.py"},
		{"/usr/lib/python3.12/site-packages/a/b.py", "lib.python3.12.site-packages.a.b",
		 "a/b.py"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(short_filename(cases[i].name, cases[i].module),
				    cases[i].expected);
}

/* A module's dict in fake memory: its keys and values are objects from here on. */
enum {
	GLOBALS = 0x900000,
	KEYS = 0x901000,
	OBJECTS = 0x902000,
	STR_TYPE = 0x77000,
	ENTRY_BYTES = 16,
	INDEX_BYTES = 8,
	ENTRIES = KEYS + 32 + INDEX_BYTES,
};

struct fake {
	struct memory_image *image;
	struct python_location location;
	struct raw_code code;
	uint64_t next_object;
	unsigned count;
};

static void setup(struct fake *fake)
{
	*fake = (struct fake){.location = fake_location(), .next_object = OBJECTS};
	struct python_layout *layout = &fake->location.layout;
	assert_null(memory_image_create(&fake->image));
	layout->object.type = 8;
	layout->dict.keys = 32;
	layout->dict.values = 40;
	layout->dict_keys.log2_index_bytes = 9;
	layout->dict_keys.kind = 10;
	layout->dict_keys.entry_count = 24;
	layout->dict_keys.indices = 32;
	layout->dict_keys.general_kind = 0;
	fake->code.name.type = STR_TYPE;
	fake_u64(fake->image, GLOBALS + 32, KEYS);
	fake_u64(fake->image, GLOBALS + 40, 0);
	const uint8_t head[24] = {[1] = 3, [2] = 1};
	fake_bytes(fake->image, KEYS + 8, head, sizeof(head));
}

static uint64_t put_text(struct fake *fake, const char *text)
{
	uint64_t address = fake->next_object;
	fake_u64(fake->image, address + 8, STR_TYPE);
	fake_string(fake->image, address, text);
	fake->next_object += 0x80;
	return address;
}

static void put_entry(struct fake *fake, const char *key, uint64_t value)
{
	uint64_t entry = ENTRIES + fake->count++ * (uint64_t)ENTRY_BYTES;
	fake_u64(fake->image, entry, put_text(fake, key));
	fake_u64(fake->image, entry + 8, value);
	fake_u64(fake->image, KEYS + 24, fake->count);
}

static struct model_frame decode(struct fake *fake, const char *filename)
{
	CLEANUP(module_cache_deinit) struct module_cache cache = {0};
	struct walk_frame walked = {.code = &fake->code};
	struct model_frame frame = {.filename = strdup(filename)};
	assert_null(module_cache_get(&cache, memory_image_memory(fake->image),
				     &fake->location.layout, GLOBALS, &walked.module));
	assert_non_null(walked.module);
	const struct raw_module *again;
	assert_null(module_cache_get(&cache, memory_image_memory(fake->image),
				     &fake->location.layout, GLOBALS, &again));
	assert_ptr_equal(walked.module, again);
	assert_null(frame_module_decode(&walked, &frame));
	return frame;
}

static void assert_decoded(struct fake *fake, const char *filename, const char *module,
			   const char *short_name)
{
	struct model_frame frame = decode(fake, filename);
	if (module)
		assert_string_equal(frame.python_module, module);
	else
		assert_null(frame.python_module);
	assert_string_equal(frame.short_filename, short_name);
	free(frame.filename);
	free(frame.python_module);
	free(frame.short_filename);
}

static void test_name(void **state)
{
	struct fake fake;
	(void)state;
	setup(&fake);
	put_entry(&fake, "__name__", put_text(&fake, "shop.app.main"));
	assert_decoded(&fake, "/srv/shop/app/main.py", "shop.app.main", "shop/app/main.py");
	assert_decoded(&fake, "<string>", "shop.app.main", "<string>");
	memory_image_destroy(fake.image);
}

static void test_program(void **state)
{
	struct fake fake;
	(void)state;
	setup(&fake);
	put_entry(&fake, "__name__", put_text(&fake, "__main__"));
	assert_decoded(&fake, "/srv/shop/main.py", "__main__", "main.py");
	put_entry(&fake, "__doc__", put_text(&fake, "A program"));
	uint64_t package = put_text(&fake, "shop");
	put_entry(&fake, "__package__", package);
	assert_decoded(&fake, "/srv/shop/main.py", "__main__", "shop/main.py");
	assert_decoded(&fake, "/srv/shop/__main__.py", "__main__", "shop/__main__.py");
	/* None: some other type. */
	fake_u64(fake.image, package + 8, STR_TYPE + 0x100);
	assert_decoded(&fake, "/srv/shop/main.py", "__main__", "main.py");
	memory_image_destroy(fake.image);
}

/* Among the first keys, wherever; but not beyond them. */
static void test_place(void **state)
{
	struct fake fake;
	(void)state;
	setup(&fake);
	put_entry(&fake, "__builtins__", put_text(&fake, ""));
	put_entry(&fake, "a", put_text(&fake, ""));
	put_entry(&fake, "b", put_text(&fake, ""));
	put_entry(&fake, "__name__", put_text(&fake, "m"));
	assert_decoded(&fake, "/x/y/m.py", "m", "m.py");
	memory_image_destroy(fake.image);
	setup(&fake);
	for (int i = 0; i < 4; i++)
		put_entry(&fake, "a", put_text(&fake, ""));
	put_entry(&fake, "__name__", put_text(&fake, "m"));
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	memory_image_destroy(fake.image);
}

static void test_what_is_no_name(void **state)
{
	struct fake fake;
	(void)state;
	setup(&fake);
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	put_entry(&fake, "__name__", 0x123); /* wild */
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	uint64_t value = put_text(&fake, "m");
	fake_u64(fake.image, ENTRIES + 8, value);
	assert_decoded(&fake, "/x/y/m.py", "m", "m.py");
	fake_u64(fake.image, value + 8, STR_TYPE + 8); /* not a str */
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	fake_u64(fake.image, value + 8, STR_TYPE);
	fake_u64(fake.image, value + 16, 1ULL << 40); /* a wild length */
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	fake_u64(fake.image, KEYS + 24, 1ULL << 40); /* a wild count */
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	fake_u64(fake.image, GLOBALS + 32, 0x5); /* no keys */
	assert_decoded(&fake, "/x/y/m.py", NULL, "y/m.py");
	memory_image_destroy(fake.image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_filename),	cmocka_unit_test(test_name),
		cmocka_unit_test(test_program),		cmocka_unit_test(test_place),
		cmocka_unit_test(test_what_is_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
