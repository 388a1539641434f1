/* The operating system's id inside of the C library's thread descriptor. */
#include <string.h>

#include "common/memory_image.h"
#include "common/thread_id.h"
#include "tests/unit/cmocka_headers.h"

enum { PTHREAD = 0x7f0000001000, TID = 4321, CONTAINER_TID = 7 };

/* What is found in a descriptor with `id` at `offset` and a wild word everywhere else. */
static const struct thread_facts *found(uint32_t offset, uint32_t id, uint64_t native)
{
	static struct thread_facts facts[] = {{.tid = TID},
					      {.tid = TID + 1, .container_tid = CONTAINER_TID}};
	const struct thread_list threads = {.items = facts, .count = 2};
	struct thread_id_candidates candidates;
	struct thread_id_index index;
	struct memory_image *image;
	uint8_t descriptor[1024];
	memset(descriptor, 0xa5, sizeof(descriptor));
	memcpy(descriptor + offset, &id, sizeof(id));
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, PTHREAD, descriptor, sizeof(descriptor)));
	thread_id_read(memory_image_memory(image), native, PTHREAD, &candidates);
	memory_image_destroy(image);
	assert_null(thread_id_index_init(&index, &threads));
	const struct thread_facts *thread = thread_id_find(&index, &candidates);
	thread_id_index_deinit(&index);
	assert_ptr_equal(thread_id_match(&candidates, &threads), thread);
	return thread;
}

static void test_every_library(void **state)
{
	/* glibc: x86_64, aarch64; musl: x86_64, aarch64, old ones of both. */
	static const uint32_t offsets[] = {720, 208, 48, 32, 56};
	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		const struct thread_facts *thread = found(offsets[i], TID, 0);
		assert_non_null(thread);
		assert_int_equal(thread->tid, TID);
	}
}

/* In a container the target knows its own numbers. */
static void test_container(void **state)
{
	(void)state;
	assert_int_equal(found(720, CONTAINER_TID, 0)->tid, TID + 1);
	assert_null(found(720, TID + 1, 0));
}

static void test_what_the_thread_state_says(void **state)
{
	(void)state;
	assert_int_equal(found(720, CONTAINER_TID, TID)->tid, TID);
}

static void test_nothing_there(void **state)
{
	(void)state;
	assert_null(found(100, TID, 0));
	assert_null(found(720, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_library),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_what_the_thread_state_says),
		cmocka_unit_test(test_nothing_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
