/* The queue of a run's writing: order, bounds, errors, and what is destroyed. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "capture/work_queue.h"
#include "tests/unit/cmocka_headers.h"

#define TICK_NS 1000000

/* What the thread of the queue did; the gate holds it up. */
struct record {
	pthread_mutex_t gate;
	int done[64];
	size_t done_count;
	int fail_at; /* this number's work fails; 0: none */
	atomic_int ticks;
};

struct numbered {
	struct work work; /* first member */
	int number;
	int *destroyed;
};

static struct error *run(struct work *work, void *context)
{
	const struct numbered *numbered = (const struct numbered *)work;
	struct record *record = context;
	pthread_mutex_lock(&record->gate);
	pthread_mutex_unlock(&record->gate);
	if (numbered->number == record->fail_at)
		return error_create(ERROR_IO, "number %d", numbered->number);
	record->done[record->done_count++] = numbered->number;
	return NULL;
}

static void destroy(struct work *work)
{
	struct numbered *numbered = (struct numbered *)work;
	(*numbered->destroyed)++;
	free(numbered);
}

static struct error *tick(void *context)
{
	struct record *record = context;
	record->ticks++;
	return NULL;
}

static void push(struct work_queue *queue, int number, int *destroyed)
{
	struct numbered *numbered = calloc(1, sizeof(*numbered));
	assert_non_null(numbered);
	*numbered = (struct numbered){
		.work = {.size_bytes = 100, .run = run, .destroy = destroy},
		.number = number,
		.destroyed = destroyed,
	};
	work_queue_push(queue, &numbered->work);
}

static struct work_queue *create(struct record *record)
{
	struct work_queue *queue;
	const struct work_queue_options options = {
		.context = record,
		.limit_bytes = 250,
		.tick = tick,
		.tick_ns = TICK_NS,
	};
	*record = (struct record){.gate = PTHREAD_MUTEX_INITIALIZER};
	assert_null(work_queue_create(&options, &queue));
	return queue;
}

static void test_order(void **state)
{
	(void)state;
	struct record record;
	struct work_queue *queue = create(&record);
	int destroyed = 0;
	for (int i = 0; i < 50; i++)
		push(queue, i + 1, &destroyed);
	assert_null(work_queue_drain(queue));
	assert_int_equal(record.done_count, 50);
	assert_int_equal(destroyed, 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(record.done[i], i + 1);
	work_queue_destroy(queue);
}

static void test_full(void **state)
{
	(void)state;
	struct record record;
	struct work_queue *queue = create(&record);
	int destroyed = 0;
	pthread_mutex_lock(&record.gate);
	for (int i = 0; i < 3; i++) {
		assert_true(work_queue_has_room(queue));
		push(queue, i + 1, &destroyed);
	}
	/* What is being done counts, too. */
	assert_false(work_queue_has_room(queue));
	/* What must not be left out is taken all the same. */
	push(queue, 4, &destroyed);
	pthread_mutex_unlock(&record.gate);
	assert_null(work_queue_drain(queue));
	assert_true(work_queue_has_room(queue));
	assert_int_equal(record.done_count, 4);
	work_queue_destroy(queue);
}

static void test_error(void **state)
{
	(void)state;
	struct record record;
	struct work_queue *queue = create(&record);
	int destroyed = 0;
	record.fail_at = 2;
	for (int i = 1; i <= 4; i++)
		push(queue, i, &destroyed);
	struct error *error = work_queue_drain(queue);
	assert_non_null(error);
	assert_string_equal(error->message, "number 2");
	error_destroy(error);
	/* Told once; nothing more is done, but all is destroyed. */
	push(queue, 5, &destroyed);
	assert_null(work_queue_drain(queue));
	assert_int_equal(record.done_count, 1);
	assert_int_equal(destroyed, 5);
	work_queue_recover(queue);
	push(queue, 6, &destroyed);
	assert_null(work_queue_drain(queue));
	assert_int_equal(record.done_count, 2);
	assert_int_equal(record.done[1], 6);
	work_queue_destroy(queue);
}

static void wait_some_ticks(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20 * TICK_NS}, NULL);
}

/* Who gives a file up after an error has it for himself until the queue is to recover. */
static void test_at_rest_after_an_error(void **state)
{
	(void)state;
	struct record record;
	struct work_queue *queue = create(&record);
	int destroyed = 0;
	record.fail_at = 1;
	push(queue, 1, &destroyed);
	error_destroy(work_queue_drain(queue));
	int ticks = record.ticks;
	wait_some_ticks();
	assert_int_equal(record.ticks, ticks);
	work_queue_recover(queue);
	for (int i = 0; i < 1000 && record.ticks == ticks; i++)
		wait_some_ticks();
	assert_int_not_equal(record.ticks, ticks);
	work_queue_destroy(queue);
}

static void test_destroyed_with_work(void **state)
{
	(void)state;
	struct record record;
	struct work_queue *queue = create(&record);
	int destroyed = 0;
	record.fail_at = 1;
	for (int i = 1; i <= 5; i++)
		push(queue, i, &destroyed);
	work_queue_destroy(queue);
	assert_int_equal(destroyed, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_at_rest_after_an_error),
		cmocka_unit_test(test_destroyed_with_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
