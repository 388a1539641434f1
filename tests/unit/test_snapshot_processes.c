/* Several processes in one snapshot: whose samples they are, and the chains of parents. */
#include "snapshot_builder.h"

enum { SAMPLES = 40, CROWD = 300 };

/* 5 is the main process, 9 comes from it through 8, which has no sample. */
static int32_t pid_of_sample(uint64_t sample)
{
	return sample % 4 == 3 ? 9 : 5;
}

static void put_process(struct snapshot_writer *writer, int32_t pid, int32_t parent)
{
	char name[32];
	snprintf(name, sizeof(name), "process %d", pid);
	const struct process_facts facts = {
		.pid = pid, .parent_pid = parent, .uid = UINT32_MAX, .command_line = name};
	check(snapshot_writer_process(writer, &facts));
}

static void put_sample(struct snapshot_writer *writer, int32_t pid, uint64_t time_ns)
{
	check(snapshot_writer_memory(writer, pid, 0x1000, &time_ns, sizeof(time_ns)));
	const struct sample_facts sample = {.pid = pid, .time_ns = time_ns};
	check(snapshot_writer_sample(writer, &sample));
}

static void fill_family(struct snapshot_writer *writer)
{
	put_process(writer, 1, 0);
	put_process(writer, 8, 5);
	put_process(writer, 5, 1);
	put_process(writer, 9, 8);
	for (uint64_t i = 0; i < SAMPLES; i++) {
		put_sample(writer, pid_of_sample(i), i);
		if (i % 7 == 0)
			check(snapshot_writer_flush(writer));
	}
}

static void assert_ancestors(const struct snapshot *snapshot, const int32_t *pids, size_t count)
{
	const struct process_facts *facts = snapshot_process(snapshot);
	assert_int_equal(facts->ancestor_count, count);
	for (size_t i = 0; i < count; i++) {
		char name[32];
		snprintf(name, sizeof(name), "process %d", pids[i]);
		assert_int_equal(facts->ancestors[i].pid, pids[i]);
		assert_string_equal(facts->ancestors[i].command_line, name);
	}
}

static void test_family(void **state)
{
	(void)state;
	static const int32_t of_main[] = {1}, of_child[] = {8, 5, 1};
	struct buffer file = {0};
	build_with(fill_family, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(snapshot_process_count(snapshot), 2);
	assert_int_equal(snapshot_process(snapshot)->pid, 5);
	assert_int_equal(snapshot_selected_number(snapshot), SAMPLES * 3 / 4 - 1);
	assert_ancestors(snapshot, of_main, 1);
	check(snapshot_select_of(snapshot, 1, SNAPSHOT_LAST));
	assert_int_equal(snapshot_process(snapshot)->pid, 9);
	assert_int_equal(snapshot_selected_count(snapshot), SAMPLES / 4);
	assert_int_equal(snapshot_sample(snapshot)->time_ns, SAMPLES - 1);
	assert_ancestors(snapshot, of_child, 3);
	assert_int_equal(snapshot_process_samples(snapshot, 8), 0);
	assert_int_equal(snapshot_known_process(snapshot, 2)->pid, 8);
	assert_null(snapshot_known_process(snapshot, 4));
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_samples_of_each(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_family, &file);
	struct snapshot *snapshot = must_open(&file);
	uint64_t numbers[2] = {0};
	for (uint64_t i = 0; i < SAMPLES; i++) {
		size_t process = pid_of_sample(i) == 9;
		check(snapshot_select_of(snapshot, process, numbers[process]));
		assert_int_equal(snapshot_selected(snapshot), i);
		assert_int_equal(snapshot_selected_number(snapshot), numbers[process]);
		assert_int_equal(snapshot_process(snapshot)->pid, pid_of_sample(i));
		uint64_t value;
		assert_int_equal(memory_read_u64(snapshot_memory(snapshot), 0x1000, &value),
				 MEMORY_OK);
		assert_int_equal(value, i);
		numbers[process]++;
	}
	assert_error_code(snapshot_select_of(snapshot, 1, SAMPLES / 4), ERROR_NOT_FOUND);
	assert_error_code(snapshot_select_of(snapshot, 2, 0), ERROR_NOT_FOUND);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void fill_circle(struct snapshot_writer *writer)
{
	put_process(writer, 2, 3);
	put_process(writer, 3, 4);
	put_process(writer, 4, 2);
	put_process(writer, 6, 6);
	put_sample(writer, 2, 1);
	put_sample(writer, 6, 2);
}

static void test_circle(void **state)
{
	(void)state;
	static const int32_t round[] = {3, 4};
	struct buffer file = {0};
	build_with(fill_circle, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_ancestors(snapshot, round, 2);
	check(snapshot_select_of(snapshot, 1, 0));
	assert_ancestors(snapshot, NULL, 0);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void fill_long_chain(struct snapshot_writer *writer)
{
	for (int32_t pid = 1; pid <= 10 * ANCESTORS_MAX; pid++)
		put_process(writer, pid, pid + 1);
	put_sample(writer, 1, 1);
}

static void test_long_chain(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_long_chain, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(snapshot_process(snapshot)->ancestor_count, ANCESTORS_MAX);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Every process has large lists: a reader must not have to hold them all. */
static void fill_crowd(struct snapshot_writer *writer)
{
	enum { MAPPINGS = 2000 };
	static struct mapping items[MAPPINGS];
	for (size_t i = 0; i < MAPPINGS; i++)
		items[i] = (struct mapping){.start = i << 12,
					    .end = (i + 1) << 12,
					    .path = (char *)"/usr/lib/libpython3.so"};
	const struct mappings mappings = {.items = items, .count = MAPPINGS};
	for (int32_t pid = 1; pid <= CROWD; pid++) {
		put_process(writer, pid, pid - 1);
		check(snapshot_writer_mappings(writer, pid, &mappings));
		put_sample(writer, pid, (uint64_t)pid);
		check(snapshot_writer_retire(writer, pid));
	}
}

static void test_crowd(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_crowd, &file);
	struct snapshot *snapshot = must_open(&file);
	struct snapshot_statistics statistics;
	snapshot_statistics(snapshot, &statistics);
	assert_true(statistics.epochs > CROWD / 100);
	assert_true(statistics.epochs < CROWD / 4);
	assert_int_equal(snapshot_process_count(snapshot), CROWD);
	for (size_t i = 0; i < CROWD; i++) {
		check(snapshot_select_of(snapshot, i, SNAPSHOT_LAST));
		assert_int_equal(snapshot_process(snapshot)->pid, i + 1);
		assert_int_equal(snapshot_mappings(snapshot)->count, 2000);
		/* Those of the epochs before are still told of. */
		size_t parents = i < ANCESTORS_MAX ? i : ANCESTORS_MAX;
		assert_int_equal(snapshot_process(snapshot)->ancestor_count, parents);
	}
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_roster_order(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	struct snapshot_roster roster = {0};
	for (uint64_t i = 0; i < 2 * COUNT; i++) {
		/* There, and back. */
		int32_t pid = (int32_t)(i < COUNT ? i : 2 * COUNT - 1 - i);
		check(snapshot_roster_add(&roster, pid, i));
	}
	assert_int_equal(roster.entries[0].pid, 0);
	snapshot_roster_finish(&roster);
	for (int32_t i = 0; i < COUNT; i++) {
		assert_int_equal(roster.entries[i].pid, COUNT - 1 - i);
		assert_int_equal(snapshot_roster_find(&roster, i)->first_sample, i);
		assert_int_equal(snapshot_roster_find(&roster, i)->samples, 2);
	}
	snapshot_roster_deinit(&roster);
}

static void test_roster_bound(void **state)
{
	(void)state;
	struct snapshot_roster roster = {0};
	for (int32_t pid = -40000; pid < 40000; pid++)
		check(snapshot_roster_add(&roster, pid, (uint64_t)(pid + INT64_C(40000))));
	assert_int_equal(roster.count, SNAPSHOT_EPOCH_PROCESSES_MAX);
	assert_true(roster.cut);
	check(snapshot_roster_add(&roster, -40000, 99999));
	assert_int_equal(snapshot_roster_find(&roster, -40000)->samples, 2);
	assert_int_equal(snapshot_roster_find(&roster, -40000)->last_sample, 99999);
	assert_int_equal(snapshot_roster_find(&roster, 0)->first_sample, 40000);
	assert_null(snapshot_roster_find(&roster, 39999));
	snapshot_roster_deinit(&roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),	     cmocka_unit_test(test_samples_of_each),
		cmocka_unit_test(test_circle),	     cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_crowd),	     cmocka_unit_test(test_roster_bound),
		cmocka_unit_test(test_roster_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
