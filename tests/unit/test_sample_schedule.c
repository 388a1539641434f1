#include "tests/unit/cmocka_headers.h"

#include "capture/sample_schedule.h"

enum { PERIOD = 1000, SLOTS = 1000 };

static const uint64_t begin = 5000000000;

static void test_no_drift(void **state)
{
	(void)state;
	struct sample_schedule schedule;
	uint64_t now = begin;
	uint64_t least = PERIOD;
	uint64_t most = 0;
	sample_schedule_init(&schedule, begin, PERIOD, 42);
	for (uint64_t i = 0; i < SLOTS; i++) {
		uint64_t due = sample_schedule_next(&schedule, now);
		assert_true(due >= begin + i * PERIOD && due <= begin + i * PERIOD + PERIOD / 2);
		uint64_t jitter = due - begin - i * PERIOD;
		least = jitter < least ? jitter : least;
		most = jitter > most ? jitter : most;
		now = due + PERIOD / 3; /* taking it lasts */
	}
	assert_int_equal(schedule.late, 0);
	assert_true(least < PERIOD / 10 && most > PERIOD * 4 / 10);
}

static void test_late(void **state)
{
	(void)state;
	struct sample_schedule schedule;
	sample_schedule_init(&schedule, begin, PERIOD, 0);
	sample_schedule_next(&schedule, begin);
	/* Slots 1 to 4 are over; 5 has begun. */
	uint64_t due = sample_schedule_next(&schedule, begin + 5 * PERIOD + 900);
	assert_true(due >= begin + 5 * PERIOD && due <= begin + 5 * PERIOD + PERIOD / 2);
	assert_int_equal(schedule.late, 4);
	due = sample_schedule_next(&schedule, begin + 5 * PERIOD + 950);
	assert_true(due >= begin + 6 * PERIOD);
	assert_int_equal(schedule.late, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_late),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
