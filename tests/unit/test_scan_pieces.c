/*
 * What scans ask a target's memory for, where its data are claimed to be huge or are full of false
 * finds. Counted, not timed.
 */
#include "common/cleanup.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/locate_old.h"
#include "common/locate_scan.h"
#include "tests/unit/built_core.h"
#include "tests/unit/counted_memory.h"
#include "tests/unit/fake_python.h"

#define HUGE_START UINT64_C(0x10007fff8000) /* where AddressSanitizer has its shadow */
#define HUGE_BYTES (UINT64_C(1) << 44)

enum { PAGE = 4096, DATA = 0x500000, DATA_BYTES = 0x90000 };

static const struct scan_range huge = {.start = HUGE_START, .end = HUGE_START + HUGE_BYTES};
static const struct scan_range data_range = {.start = DATA, .end = DATA + DATA_BYTES};

static int setup(void **state)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	*state = image;
	return 0;
}

static int teardown(void **state)
{
	memory_image_destroy(*state);
	return 0;
}

static void put_words(struct memory_image *image, const char word[8])
{
	static uint8_t bytes[DATA_BYTES];
	for (size_t i = 0; i < sizeof(bytes); i += 8)
		memcpy(bytes + i, word, 8);
	fake_bytes(image, DATA, bytes, sizeof(bytes));
}

static size_t count_cookies(struct memory *memory, struct scan_range range, uint64_t *ret_last)
{
	CLEANUP(data_scan_deinit) struct data_scan scan;
	size_t count = 0;
	data_scan_init(&scan, memory, range);
	while (scan_cookie(&scan, ret_last))
		count++;
	return count;
}

/* Words here and there in a range as large as the address space: the gaps cost nothing. */
static void test_known_gaps(void **state)
{
	static const uint64_t places[] = {0, PAGE + 8, UINT64_C(1) << 40, HUGE_BYTES - 8};
	struct counted_memory counted = counted_memory_make(memory_image_memory(*state), true);
	uint64_t last;
	assert_int_equal(count_cookies(&counted.memory, huge, &last), 0);
	assert_int_equal(counted.reads, 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		static const uint8_t page[PAGE];
		fake_bytes(*state, HUGE_START + places[i] / PAGE * PAGE, page, PAGE);
		fake_bytes(*state, HUGE_START + places[i], "xdebugpy", 8);
	}
	assert_int_equal(count_cookies(&counted.memory, huge, &last), 4);
	assert_int_equal(last, huge.end - 8);
	assert_true(counted.reads < 32);
}

/* Gaps that nobody tells of: there is an end to looking. */
static void test_unknown_gaps(void **state)
{
	struct python_location location = fake_location();
	struct python_version version;
	uint64_t address;
	struct counted_memory counted = counted_memory_make(memory_image_memory(*state), false);
	assert_int_equal(count_cookies(&counted.memory, huge, &address), 0);
	assert_in_range(counted.reads, SCAN_RANGE_BYTES / PAGE, 2 * SCAN_RANGE_BYTES / PAGE);
	counted.reads = 0;
	assert_false(scan_version_text(&counted.memory, huge, &version, &address));
	assert_in_range(counted.reads, SCAN_RANGE_BYTES / PAGE, 2 * SCAN_RANGE_BYTES / PAGE);
	counted.reads = 0;
	assert_false(scan_interpreters(&counted.memory, huge, 0, &location.layout, &address));
	assert_in_range(counted.reads, SCAN_RANGE_BYTES / PAGE, 2 * SCAN_RANGE_BYTES / PAGE);
}

/* A false find does not make the memory be read again. */
static void test_many_finds(void **state)
{
	struct counted_memory counted = counted_memory_make(memory_image_memory(*state), true);
	struct python_location location = fake_location();
	uint64_t last;
	put_words(*state, "xdebugpy");
	assert_int_equal(count_cookies(&counted.memory, data_range, &last), DATA_BYTES / 8);
	assert_int_equal(last, data_range.end - 8);
	assert_true(counted.bytes < DATA_BYTES + 3 * PAGE);
	put_words(*state, "\0\0\x02\0\0\0\0\0");
	counted.bytes = 0;
	CLEANUP(data_scan_deinit) struct data_scan scan;
	size_t count = 0;
	data_scan_init(&scan, &counted.memory, data_range);
	while (scan_interpreter_pointers(&scan, &location.layout, false, &last))
		count++;
	assert_int_equal(count, DATA_BYTES / 8 - 1);
	assert_true(counted.bytes < DATA_BYTES + 3 * PAGE);
}

/* No more of them are looked at than could be in any memory. */
static void test_bound_of_cookies(void **state)
{
	static const struct modules no_modules;
	struct mapping mapping = {
		.start = DATA,
		.end = DATA + DATA_BYTES,
		.flags = MAPPING_READ | MAPPING_WRITE,
	};
	const struct mappings mappings = {.items = &mapping, .count = 1};
	struct counted_memory counted = counted_memory_make(memory_image_memory(*state), true);
	const struct locate_options options = {
		.memory = &counted.memory,
		.modules = &no_modules,
		.mappings = &mappings,
		.machine = MACHINE_X86_64,
	};
	struct python_location location = {0};
	put_words(*state, "xdebugpy");
	CLEANUP(error_destroyp) struct error *error = locate_python(&options, &location);
	assert_non_null(error);
	/* 73728 there are. */
	assert_in_range(counted.highest, DATA, DATA + 8 * 66000);
}

/* A core of a few bytes: nothing of a segment that it does not have is asked for, through the
 * layers that analysis has over it too. */
static void test_core(void **state)
{
	static const struct modules no_modules;
	static const struct module_files no_files;
	(void)state;
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	elf_builder_pad(&builder, 0x1000);
	elf_builder_append(&builder, "xdebugpy", 8);
	elf_builder_pad(&builder, 0x2000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x2000, HUGE_START, 0, HUGE_BYTES / 2);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x1000, HUGE_START + HUGE_BYTES / 2,
			    0x1000, HUGE_BYTES / 2);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	CLEANUP(memory_destroyp) struct memory *files = NULL;
	check(elf_core_files_memory(core, &no_modules, &no_files, &files));
	struct memory *memories[] = {elf_core_memory(core), files};
	for (size_t i = 0; i < 2; i++) {
		struct counted_memory counted = counted_memory_make(memories[i], true);
		struct python_version version;
		uint64_t address;
		assert_int_equal(count_cookies(&counted.memory, huge, &address), 1);
		assert_int_equal(address, HUGE_START + HUGE_BYTES / 2);
		assert_false(scan_version_text(&counted.memory, huge, &version, &address));
		assert_in_range(counted.reads, 2, 16);
		assert_false(memory_next(memories[i], huge.end - PAGE, huge.end, &address));
		assert_false(memory_next(memories[i], HUGE_START, HUGE_START, &address));
	}
	memory_destroy(TAKE_POINTER(files));
	elf_core_destroy(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_finds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_cookies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_core, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
