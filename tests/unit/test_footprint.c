/* Footprints: what is touched is found, nothing else is. */
#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/python/footprint.h"
#include "tests/unit/random_numbers.h"

enum { THINGS = 60, SPACE = 4096, ROUNDS = 3000 };

static const uint64_t base = 0x7f0000001000 - 77; /* blocks are crossed */

/* The same told byte by byte. */
struct thing {
	struct footprint footprint;
	uint32_t part;
	bool has[SPACE];
};

static struct thing things[THINGS];
static bool found[THINGS];

static void on_touch(void *context, struct footprint_owner owner)
{
	struct thing *thing = owner.object;
	assert_ptr_equal(context, things);
	assert_int_equal(owner.part, thing->part);
	found[thing - things] = true;
}

static void add(struct footprint_index *index, struct thing *thing)
{
	uint32_t size = random_below(random_below(3) ? 60 : 900);
	uint32_t at = random_below(SPACE - size);
	const struct footprint_owner owner = {thing, thing->part};
	assert_null(footprint_add(index, &thing->footprint, owner, base + at, size));
	memset(thing->has + at, true, size);
}

/* Two reads of one block make one place, from the first byte of both to the last: more than was
 * read can be found, but only in blocks that were read of. */
static bool is_near(const struct thing *thing, uint32_t at, uint32_t size)
{
	for (int64_t i = (int64_t)at - 256; i < (int64_t)at + size + 256; i++) {
		if (i >= 0 && i < SPACE && thing->has[i])
			return true;
	}
	return false;
}

static void touch(const struct footprint_index *index)
{
	uint32_t size = 1 + random_below(random_below(4) ? 8 : 700);
	uint32_t at = random_below(SPACE - size);
	memset(found, 0, sizeof(found));
	footprint_touch(index, base + at, size, on_touch, things);
	for (size_t i = 0; i < THINGS; i++) {
		bool has = memchr(things[i].has + at, true, size) != NULL;
		if (has)
			assert_true(found[i]);
		if (found[i])
			assert_true(is_near(&things[i], at, size));
	}
}

static void test_what_is_touched_is_found(void **state)
{
	(void)state;
	struct footprint_index index = {0};
	for (size_t i = 0; i < ROUNDS; i++) {
		struct thing *thing = &things[random_below(THINGS)];
		switch (random_below(8)) {
		case 0:
			footprint_clear(&index, &thing->footprint);
			memset(thing->has, 0, sizeof(thing->has));
			break;
		case 1:
			thing->part = random_below(1000);
			footprint_set_part(&index, &thing->footprint, thing->part);
			break;
		case 2:
		case 3:
			add(&index, thing);
			break;
		default:
			touch(&index);
			break;
		}
	}
	footprint_index_deinit(&index);
}

static void count(void *context, struct footprint_owner owner)
{
	size_t *seen = context;
	assert_non_null(owner.object);
	++*seen;
}

static void test_ends_of_the_address_space(void **state)
{
	(void)state;
	struct footprint_index index = {0};
	struct footprint low = {0};
	struct footprint high = {0};
	const struct footprint_owner owner = {things, 7};
	size_t seen = 0;
	footprint_touch(&index, 0, UINT64_MAX, count, &seen);
	assert_int_equal(seen, 0);
	assert_null(footprint_add(&index, &low, owner, 0, 8));
	/* What would go around the end ends there. */
	assert_null(footprint_add(&index, &high, owner, UINT64_MAX - 3, 100));
	footprint_touch(&index, UINT64_MAX, 1, count, &seen);
	assert_int_equal(seen, 1);
	footprint_touch(&index, UINT64_MAX - 1, UINT64_MAX, count, &seen);
	assert_int_equal(seen, 2);
	footprint_touch(&index, 0, UINT64_MAX, count, &seen);
	assert_int_equal(seen, 4);
	footprint_touch(&index, 8, 100, count, &seen);
	footprint_touch(&index, 0, 0, count, &seen);
	assert_int_equal(seen, 4);
	assert_null(footprint_add(&index, &low, owner, 100000, 0));
	footprint_touch(&index, 100000, 1, count, &seen);
	assert_int_equal(seen, 4);
	footprint_clear(&index, &low);
	footprint_clear(&index, &high);
	footprint_touch(&index, 0, UINT64_MAX, count, &seen);
	assert_int_equal(seen, 4);
	footprint_index_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_touched_is_found),
		cmocka_unit_test(test_ends_of_the_address_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
