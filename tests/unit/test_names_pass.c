/* Names of threads that are kept from sample to sample. */
#include "tests/unit/cmocka_headers.h"

#include <string.h>

#include "capture/names_pass.h"
#include "common/cleanup.h"

enum { NAME_AT = 0x1000 };

static struct memory_image *image_of(uint64_t address, const char *text)
{
	struct memory_image *image = NULL;
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, address, text, strlen(text)));
	return image;
}

static bool has(struct memory_image *image, uint64_t address, const char *text)
{
	char bytes[64];
	size_t size = strlen(text);
	return memory_read(memory_image_memory(image), address, bytes, size) == MEMORY_OK &&
	       memcmp(bytes, text, size) == 0;
}

static void kept_ones_are_put_around_what_the_sample_has(void **state)
{
	(void)state;
	CLEANUP(names_pass_deinit) struct names_pass pass = {0};
	CLEANUP(memory_image_destroyp)
	struct memory_image *image = image_of(NAME_AT + 2, "cd");
	pass.kept = image_of(NAME_AT, "abcdef");
	assert_null(memory_image_put(image, 0x10, "x", 1));
	assert_null(memory_image_put(image, 0x9000, "y", 1));
	assert_null(names_pass_after(&pass, NULL, NULL, image, true));
	assert_true(names_pass_are_kept(&pass));
	assert_true(has(image, NAME_AT, "abcdef"));
}

/* What was a name's memory is something else's now. */
static void kept_ones_that_disagree_are_dropped(void **state)
{
	(void)state;
	static const struct {
		uint64_t address;
		const char *text;
	} others[] = {
		{NAME_AT, "X"}, {NAME_AT + 2, "cX"}, {NAME_AT - 1, "?abcdeX"}, {NAME_AT + 5, "X"}};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		CLEANUP(names_pass_deinit) struct names_pass pass = {0};
		CLEANUP(memory_image_destroyp)
		struct memory_image *image = image_of(others[i].address, others[i].text);
		pass.kept = image_of(NAME_AT, "abcdef");
		assert_null(memory_image_put(image, 0x10, "x", 1));
		assert_null(names_pass_after(&pass, NULL, NULL, image, true));
		assert_false(names_pass_are_kept(&pass));
		assert_false(has(image, NAME_AT, "abcdef"));
		assert_true(has(image, others[i].address, others[i].text));
	}
}

static void kept_ones_serve_the_same_threads_only(void **state)
{
	(void)state;
	CLEANUP(names_pass_deinit) struct names_pass pass = {0};
	CLEANUP(memory_image_destroyp) struct memory_image *image = image_of(0x10, "x");
	pass.kept = image_of(NAME_AT, "abcdef");
	assert_null(names_pass_after(&pass, NULL, NULL, image, false));
	assert_false(names_pass_are_kept(&pass));
	assert_false(has(image, NAME_AT, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_ones_are_put_around_what_the_sample_has),
		cmocka_unit_test(kept_ones_that_disagree_are_dropped),
		cmocka_unit_test(kept_ones_serve_the_same_threads_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
