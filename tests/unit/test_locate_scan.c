/* Scans for an interpreter, over a fake memory. */
#include <stdio.h>

#include "common/cleanup.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/locate_scan.h"
#include "tests/unit/fake_python.h"

enum { DATA = 0x500000, DATA_BYTES = 0x90000, PAGE = 0x1000 };

static const struct scan_range data_range = {.start = DATA, .end = DATA + DATA_BYTES};

static int setup(void **state)
{
	static const uint8_t zeros[DATA_BYTES];
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	fake_bytes(image, DATA, zeros, sizeof(zeros));
	*state = image;
	return 0;
}

static int teardown(void **state)
{
	memory_image_destroy(*state);
	return 0;
}

static bool find_version(struct memory_image *image, struct python_version *version,
			 uint64_t *address)
{
	return scan_version_text(memory_image_memory(image), data_range, version, address);
}

static void put_text(struct memory_image *image, uint64_t address, const char *text)
{
	fake_bytes(image, address, text, strlen(text) + 1);
}

static void test_version_text(void **state)
{
	static const char text[] = "3.8.18 (default, Dec  4 2023, 18:10:11) \n[GCC 12.2.0]";
	struct python_version version;
	uint64_t address;
	assert_false(find_version(*state, &version, &address));
	/* Things that look a little like it. */
	put_text(*state, DATA + 100, "3.9.1");
	put_text(*state, DATA + 200, "3.9.1 (but no compiler)");
	put_text(*state, DATA + 300, "see section 3.9 (page 4) [x]");
	put_text(*state, DATA + 400, " (main) [GCC]");
	assert_false(find_version(*state, &version, &address));
	put_text(*state, DATA + 500, text);
	assert_true(find_version(*state, &version, &address));
	assert_int_equal(address, DATA + 500);
	assert_int_equal(version.minor, 8);
	assert_int_equal(version.micro, 18);
}

/* Wherever the text lies, also over the border of the pieces that the scan reads. */
static void test_version_text_at_every_border(void **state)
{
	static const char text[] = "3.15.0b2 (main, May  1 2026, 10:00:00) [GCC 14.2.0]";
	enum { PIECE = 64 * PAGE };
	for (uint64_t at = PIECE - sizeof(text) - 2; at < PIECE + 3; at++) {
		static const uint8_t zeros[sizeof(text)];
		struct python_version version;
		uint64_t address;
		put_text(*state, DATA + at, text);
		assert_true(find_version(*state, &version, &address));
		assert_int_equal(address, DATA + at);
		assert_int_equal(version.level, 0xb);
		fake_bytes(*state, DATA + at, zeros, sizeof(zeros));
	}
}

static void test_version_text_behind_a_gap(void **state)
{
	struct python_version version;
	uint64_t address;
	put_text(*state, DATA + 9 * PAGE, "3.12.1 (main, x) [GCC]");
	assert_null(memory_image_drop(*state, DATA + 2 * PAGE, 3 * PAGE));
	assert_true(find_version(*state, &version, &address));
	assert_int_equal(address, DATA + 9 * PAGE);
}

static void test_cookie(void **state)
{
	CLEANUP(data_scan_deinit) struct data_scan scan;
	uint64_t runtime;
	data_scan_init(&scan, memory_image_memory(*state), data_range);
	put_text(*state, DATA + 4, "xdebugpy"); /* not aligned: never one */
	put_text(*state, DATA + 0x888, "xdebugpy");
	put_text(*state, DATA + 0x40000 - 8, "xdebugpy"); /* the end of a piece */
	assert_true(scan_cookie(&scan, &runtime));
	assert_int_equal(runtime, DATA + 0x888);
	assert_true(scan_cookie(&scan, &runtime));
	assert_int_equal(runtime, DATA + 0x40000 - 8);
	assert_false(scan_cookie(&scan, &runtime));
}

static void test_interpreter_pointers(void **state)
{
	struct memory *memory = memory_image_memory(*state);
	struct python_location location = fake_location();
	CLEANUP(data_scan_deinit) struct data_scan one;
	CLEANUP(data_scan_deinit) struct data_scan many;
	uint64_t runtime;
	fake_u64(*state, DATA + 0x108, FAKE_INTERPRETER);
	fake_u64(*state, DATA + 0x110, FAKE_INTERPRETER + 0x800);
	fake_u64(*state, DATA + 0x208, FAKE_INTERPRETER);
	fake_u64(*state, DATA + 0x210, FAKE_INTERPRETER);
	data_scan_init(&one, memory, data_range);
	assert_true(scan_interpreter_pointers(&one, &location.layout, false, &runtime));
	assert_int_equal(runtime, DATA + 0x200);
	assert_false(scan_interpreter_pointers(&one, &location.layout, false, &runtime));
	data_scan_init(&many, memory, data_range);
	assert_true(scan_interpreter_pointers(&many, &location.layout, true, &runtime));
	assert_int_equal(runtime, DATA + 0x100);
}

static void test_validation(void **state)
{
	struct memory_image *image = *state;
	struct memory *memory = memory_image_memory(image);
	struct python_location location = fake_location();
	bool started = true;
	assert_false(validate_runtime(memory, FAKE_RUNTIME, &location.layout, &started));
	fake_u64(image, FAKE_RUNTIME + 8, 0);
	assert_true(validate_runtime(memory, FAKE_RUNTIME, &location.layout, &started));
	assert_false(started);
	fake_put_interpreter(image, fake_thread(0));
	assert_false(validate_runtime(memory, FAKE_RUNTIME, &location.layout, &started));
	fake_put_thread(image, 0, 0, 0);
	assert_true(validate_runtime(memory, FAKE_RUNTIME, &location.layout, &started));
	assert_true(started);
	fake_u64(image, fake_thread(0) + 8, FAKE_INTERPRETER + 8);
	assert_false(validate_runtime(memory, FAKE_RUNTIME, &location.layout, &started));
}

static void test_machine(void **state)
{
	static const struct modules no_modules;
	struct locate_options options = {
		.memory = memory_image_memory(*state),
		.modules = &no_modules,
		.machine = 243, /* EM_RISCV */
	};
	struct python_location location = {0};
	CLEANUP(error_destroyp) struct error *error = locate_python(&options, &location);
	assert_int_equal(error->code, ERROR_UNSUPPORTED);
	assert_non_null(strstr(error->message, "ELF machine 243"));
	options.machine = MACHINE_AARCH64;
	CLEANUP(error_destroyp) struct error *other = locate_python(&options, &location);
	assert_int_equal(other->code, ERROR_NOT_PYTHON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_version_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_text_at_every_border, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_text_behind_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cookie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interpreter_pointers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_validation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_machine, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
