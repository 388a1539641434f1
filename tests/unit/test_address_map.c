/* The map of addresses. */
#include "common/address_map.h"
#include "tests/unit/cmocka_headers.h"

static void test_many_addresses(void **state)
{
	enum { COUNT = 20000 };
	static int values[COUNT];
	struct address_map map = {0};
	(void)state;
	assert_null(address_map_get(&map, 16));
	for (uint64_t i = 0; i < COUNT; i++)
		assert_null(address_map_put(&map, (i + 1) * 16, &values[i]));
	assert_int_equal(map.count, COUNT);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_ptr_equal(address_map_get(&map, (i + 1) * 16), &values[i]);
	assert_null(address_map_get(&map, 8));
	assert_null(address_map_get(&map, 0));
	assert_null(address_map_put(&map, 16, &values[7]));
	assert_ptr_equal(address_map_get(&map, 16), &values[7]);
	assert_int_equal(map.count, COUNT);
	address_map_deinit(&map);
}

static void test_visit(void **state)
{
	struct address_map map = {0};
	bool is_new;
	(void)state;
	assert_null(address_map_visit(&map, UINT64_MAX, &is_new));
	assert_true(is_new);
	assert_null(address_map_visit(&map, UINT64_MAX, &is_new));
	assert_false(is_new);
	address_map_clear(&map);
	assert_null(address_map_visit(&map, UINT64_MAX, &is_new));
	assert_true(is_new);
	address_map_deinit(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_visit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
