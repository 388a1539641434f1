/* --sample: by number or by time, of each process, also where times do not grow. */
#include "snapshot_builder.h"

#include "analyze/sample_choice.h"

#define SECOND UINT64_C(1000000000)
/* 2026-07-01T12:00:00Z */
#define FIRST (UINT64_C(1782907200) * SECOND)

enum { FIRST_PID = 7, SECOND_PID = 9 };

/* In their order: the clock is set back by three seconds, and the second process begins late. */
static const struct {
	int32_t pid;
	int after_s; /* after the first sample */
} samples[] = {
	{FIRST_PID, 0},	 {FIRST_PID, 1}, {FIRST_PID, 4},  {FIRST_PID, 2},
	{SECOND_PID, 3}, {FIRST_PID, 3}, {SECOND_PID, 8}, {FIRST_PID, 9},
};

static void fill(struct snapshot_writer *writer)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct process_facts facts = {.pid = samples[i].pid};
		check(snapshot_writer_process(writer, &facts));
		struct sample_facts sample = {
			.pid = samples[i].pid,
			.time_ns = FIRST + (uint64_t)samples[i].after_s * SECOND,
			.monotonic_ns = (i + 1) * SECOND,
		};
		check(snapshot_writer_sample(writer, &sample));
	}
}

static struct target *open_samples(void)
{
	static const struct target_options options;
	struct buffer file = {0};
	struct target *target;
	build_with(fill, &file);
	int fd = file_of(file.data, file.size);
	check(target_open_descriptor(fd, "test.zst", &options, &target));
	close(fd);
	buffer_deinit(&file);
	return target;
}

/* Seconds after the first sample of what is selected; -1: the process has none. */
static int selected(struct target *target, const char *text, size_t process)
{
	struct sample_choice choice;
	uint64_t *numbers;
	check(sample_choice_parse(text, &choice));
	check(sample_choice_find(&choice, target, &numbers));
	check(target_select(target, process, 0));
	struct error *error = sample_choice_select(&choice, numbers, target, process);
	free(numbers);
	if (error) {
		assert_error_code(error, ERROR_NOT_FOUND);
		return -1;
	}
	assert_int_equal(target_process(target)->pid, process ? SECOND_PID : FIRST_PID);
	return (int)((target_time_ns(target) - FIRST) / SECOND);
}

static void test_chosen(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int seconds[2];
	} cases[] = {
		{NULL, {9, 8}},
		{"1", {0, 3}},
		{"2", {1, 8}},
		{"0x4", {2, -1}},
		{"7", {-1, -1}},
		{"0.0", {0, -1}},
		{"1.0", {1, -1}},
		{"1.999999999", {1, -1}},
		{"2.5", {2, -1}},
		{"3.0", {3, 3}},
		{"8.5", {4, 8}},
		{"1000.0", {9, 8}},
		{"2026-07-01T12:00:04Z", {4, 3}},
		{"2026-07-01T14:00:03.9+02:00", {3, 3}},
		{"2026-07-01 12:00:09Z", {9, 8}},
		{"2026-07-01T11:59:59.999Z", {-1, -1}},
	};
	struct target *target = open_samples();
	assert_int_equal(target_process_count(target), 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t process = 0; process < 2; process++)
			assert_int_equal(selected(target, cases[i].text, process),
					 cases[i].seconds[process]);
	}
	target_destroy(target);
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",	 "0", "-1",	    "last",  "2.5s",
		"1.2.3", ".", "2026-07-01", "12:00", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sample_choice choice;
		struct error *error = sample_choice_parse(texts[i], &choice);
		assert_non_null(error);
		assert_non_null(strstr(error->message, "--sample: "));
		assert_error_code(error, ERROR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
