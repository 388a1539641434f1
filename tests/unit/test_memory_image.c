#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/memory_image.h"

static struct memory_image *image_make(void)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	return image;
}

static void put(struct memory_image *image, uint64_t address, const char *text)
{
	assert_null(memory_image_put(image, address, text, strlen(text)));
}

static void assert_reads(struct memory_image *image, uint64_t address, const char *text)
{
	char bytes[256];
	size_t size = strlen(text);
	assert_int_equal(memory_read(memory_image_memory(image), address, bytes, size), MEMORY_OK);
	assert_memory_equal(bytes, text, size);
}

static void test_joins(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	put(image, 0x1000, "aaaa");
	put(image, 0x1008, "cccc");
	assert_int_equal(memory_image_range_count(image), 2);
	put(image, 0x1004, "bbbb");
	assert_int_equal(memory_image_range_count(image), 1);
	assert_int_equal(memory_image_size_bytes(image), 12);
	assert_reads(image, 0x1000, "aaaabbbbcccc");
	put(image, 0x0ffe, "xxxx");
	assert_reads(image, 0x0ffe, "xxxxaabbbbcccc");
	put(image, 0x1001, "yy");
	assert_reads(image, 0x0ffe, "xxxyyabbbbcccc");
	assert_int_equal(memory_image_range_count(image), 1);
	char byte;
	assert_int_equal(memory_read(memory_image_memory(image), 0x100c, &byte, 1),
			 MEMORY_NOT_CAPTURED);
	memory_image_destroy(image);
}

static void test_drop(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	put(image, 100, "0123456789");
	assert_null(memory_image_drop(image, 103, 4));
	assert_int_equal(memory_image_range_count(image), 2);
	assert_int_equal(memory_image_size_bytes(image), 6);
	assert_reads(image, 100, "012");
	assert_reads(image, 107, "789");
	assert_null(memory_image_drop(image, 0, 101));
	assert_reads(image, 101, "12");
	assert_null(memory_image_drop(image, 109, UINT64_MAX));
	assert_reads(image, 107, "78");
	assert_null(memory_image_drop(image, 0, UINT64_MAX));
	assert_int_equal(memory_image_range_count(image), 0);
	assert_int_equal(memory_image_size_bytes(image), 0);
	memory_image_destroy(image);
}

static void test_end_of_address_space(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	put(image, UINT64_MAX - 3, "abcd");
	assert_reads(image, UINT64_MAX - 3, "abcd");
	struct memory_range range;
	assert_true(memory_image_next(image, UINT64_MAX, &range));
	struct error *error = memory_image_put(image, UINT64_MAX - 1, "abcd", 4);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_FORMAT);
	error_destroy(error);
	assert_null(memory_image_drop(image, UINT64_MAX, 1));
	assert_reads(image, UINT64_MAX - 3, "abc");
	assert_int_equal(memory_image_size_bytes(image), 3);
	memory_image_destroy(image);
}

static void test_long_ranges(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	size_t size = 5 * MEMORY_IMAGE_WINDOW;
	uint8_t *bytes = malloc(size);
	uint8_t *back = malloc(size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	uint64_t address = 0x7f0000000123;
	assert_null(memory_image_put(image, address, bytes, size));
	assert_int_equal(memory_image_range_count(image), 6);
	assert_int_equal(memory_read(memory_image_memory(image), address, back, size), MEMORY_OK);
	assert_memory_equal(bytes, back, size);
	struct memory_range range;
	uint64_t next = address;
	while (memory_image_next(image, next, &range)) {
		assert_int_equal(range.address, next);
		assert_memory_equal(range.bytes, bytes + (next - address), range.size);
		next += range.size;
	}
	assert_int_equal(next, address + size);
	free(bytes);
	free(back);
	memory_image_destroy(image);
}

/* Any order of puts and drops gives what an array of bytes would hold. */
static void check_against_array(struct memory_image *image)
{
	enum { SPACE = 3 * MEMORY_IMAGE_WINDOW };
	uint8_t *bytes = calloc(SPACE, 1);
	uint8_t *held = calloc(SPACE, 1);
	uint64_t base = 64 * MEMORY_IMAGE_WINDOW;
	unsigned seed = 1;
	for (int round = 0; round < 30000; round++) {
		size_t at = (size_t)rand_r(&seed) % SPACE;
		size_t size = 1 + (size_t)rand_r(&seed) % (round % 100 ? 40 : 20000);
		if (size > SPACE - at)
			size = SPACE - at;
		if (rand_r(&seed) % 3) {
			memset(bytes + at, round & 0xff, size);
			memset(held + at, 1, size);
			assert_null(memory_image_put(image, base + at, bytes + at, size));
		} else {
			memset(held + at, 0, size);
			assert_null(memory_image_drop(image, base + at, size));
		}
	}
	size_t total = 0;
	for (size_t i = 0; i < SPACE; i++) {
		uint8_t byte;
		enum memory_status status =
			memory_read(memory_image_memory(image), base + i, &byte, 1);
		assert_int_equal(status, held[i] ? MEMORY_OK : MEMORY_NOT_CAPTURED);
		if (held[i])
			assert_int_equal(byte, bytes[i]);
		total += held[i];
	}
	assert_int_equal(memory_image_size_bytes(image), total);
	/* Ranges are maximal: no two of them touch within a window. */
	struct memory_range range;
	uint64_t next = 0;
	size_t count = 0;
	while (memory_image_next(image, next, &range)) {
		assert_true(!count || range.address > next ||
			    range.address % MEMORY_IMAGE_WINDOW == 0);
		next = range.address + range.size;
		count++;
	}
	assert_int_equal(count, memory_image_range_count(image));
	free(bytes);
	free(held);
}

static void test_against_array(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	check_against_array(image);
	memory_image_destroy(image);
}

/* The room is used up after some of them; the image is the same, and can be used again. */
static void test_with_room(void **state)
{
	(void)state;
	struct memory_image *image = image_make();
	for (size_t room = 100; room <= 1000000; room *= 100) {
		assert_null(memory_image_reserve(image, room));
		check_against_array(image);
		memory_image_clear(image);
		assert_int_equal(memory_image_size_bytes(image), 0);
	}
	memory_image_destroy(image);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_many_ranges(void **state)
{
	(void)state;
	enum { COUNT = 200000 };
	struct memory_image *image = image_make();
	double begin = seconds_now();
	for (uint64_t i = 0; i < COUNT; i++) {
		/* A permutation: neither ascending nor descending. */
		uint64_t at = i * 7919 % COUNT;
		assert_null(memory_image_put(image, at * 64, &at, sizeof(at)));
	}
	for (uint64_t at = 0; at < COUNT; at++) {
		uint64_t value;
		assert_int_equal(memory_read_u64(memory_image_memory(image), at * 64, &value),
				 MEMORY_OK);
		assert_int_equal(value, at);
	}
	assert_int_equal(memory_image_range_count(image), COUNT);
	memory_image_clear(image);
	assert_int_equal(memory_image_range_count(image), 0);
	/* Generous, for sanitized builds on busy machines; a linear search would take minutes. */
	assert_true(seconds_now() - begin < 20);
	memory_image_destroy(image);
}

static void test_recorder(void **state)
{
	(void)state;
	struct memory_image *source = image_make();
	struct memory_image *record = image_make();
	put(source, 0x1000, "hello, world");
	struct memory *recorder;
	assert_null(memory_recorder_create(memory_image_memory(source), record, &recorder));
	char bytes[16];
	assert_int_equal(memory_read(recorder, 0x1000, bytes, 5), MEMORY_OK);
	assert_int_equal(memory_image_size_bytes(record), 5);
	/* What is recorded is not read again, even if it has changed below. */
	put(source, 0x1000, "HELLO");
	assert_int_equal(memory_read(recorder, 0x1001, bytes, 3), MEMORY_OK);
	assert_memory_equal(bytes, "ell", 3);
	assert_int_equal(memory_read(recorder, 0x2000, bytes, 3), MEMORY_NOT_CAPTURED);
	struct memory_request requests[] = {
		{.address = 0x1000, .buffer = bytes, .size = 5},
		{.address = 0x1007, .buffer = bytes + 5, .size = 5},
		{.address = 0x3000, .buffer = bytes + 10, .size = 5},
	};
	memory_read_many(recorder, requests, 3);
	assert_int_equal(requests[0].status, MEMORY_OK);
	assert_int_equal(requests[1].status, MEMORY_OK);
	assert_int_equal(requests[2].status, MEMORY_NOT_CAPTURED);
	assert_memory_equal(bytes, "helloworld", 10);
	assert_int_equal(memory_image_size_bytes(record), 10);
	memory_destroy(recorder);
	memory_image_destroy(source);
	memory_image_destroy(record);
}

static void test_overlay(void **state)
{
	(void)state;
	struct memory_image *first = image_make();
	struct memory_image *second = image_make();
	put(first, 4090, "abcdef");
	put(second, 4090, "ABCDEFGHIJ");
	struct memory *overlay;
	assert_null(memory_overlay_create(memory_image_memory(first), memory_image_memory(second),
					  &overlay));
	char bytes[16];
	assert_int_equal(memory_read(overlay, 4090, bytes, 6), MEMORY_OK);
	assert_memory_equal(bytes, "abcdef", 6);
	assert_int_equal(memory_read(overlay, 4096, bytes, 4), MEMORY_OK);
	assert_memory_equal(bytes, "GHIJ", 4);
	/* One read over a page's border, each page from where it is. */
	assert_null(memory_image_drop(second, 4090, 6));
	struct memory_request requests[] = {
		{.address = 4090, .buffer = bytes, .size = 10},
		{.address = 4100, .buffer = bytes, .size = 1},
	};
	memory_read_many(overlay, requests, 2);
	assert_int_equal(requests[0].status, MEMORY_OK);
	assert_memory_equal(bytes, "abcdefGHIJ", 10);
	assert_int_equal(requests[1].status, MEMORY_NOT_CAPTURED);
	memory_destroy(overlay);
	memory_image_destroy(first);
	memory_image_destroy(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joins),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_end_of_address_space),
		cmocka_unit_test(test_long_ranges),
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_with_room),
		cmocka_unit_test(test_many_ranges),
		cmocka_unit_test(test_recorder),
		cmocka_unit_test(test_overlay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
