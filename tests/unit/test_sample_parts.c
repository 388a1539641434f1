/* The parts of a sample over a fake target: reading at once, the recorded pass, its proofs, the
 * GILs. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/holder.h"
#include "capture/read_plan.h"
#include "capture/sample_pass.h"
#include "capture/sample_verify.h"
#include "capture/thread_clock.h"
#include "common/cleanup.h"
#include "tests/unit/fake_python.h"

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

static void test_plan_joins_over_small_gaps(void **state)
{
	struct memory_image *image = *state;
	struct memory_image *target;
	struct read_plan plan;
	struct read_plan_memory copy;
	static const uint8_t zeros[0x1000];
	uint64_t value;
	fake_u64(image, 0x1000, 1);
	fake_u64(image, 0x1040, 2);
	fake_u64(image, 0x1f00, 3);
	assert_null(memory_image_create(&target));
	fake_bytes(target, 0x1000, zeros, sizeof(zeros));
	fake_u64(target, 0x1040, 42);
	assert_null(read_plan_init(&plan, image, 256));
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.requests[0].size, 0x48);
	read_plan_read(&plan, memory_image_memory(target));
	read_plan_memory_init(&copy, &plan);
	assert_int_equal(memory_read_u64(&copy.memory, 0x1040, &value), MEMORY_OK);
	assert_int_equal(value, 42);
	assert_int_equal(memory_read_u64(&copy.memory, 0x1020, &value), MEMORY_OK);
	assert_int_equal(memory_read_u64(&copy.memory, 0x1044, &value), MEMORY_NOT_CAPTURED);
	assert_int_equal(memory_read_u64(&copy.memory, 0xfff, &value), MEMORY_NOT_CAPTURED);
	assert_int_equal(memory_read_u64(&copy.memory, 0x1f01, &value), MEMORY_NOT_CAPTURED);
	assert_int_equal(memory_read_u64(&copy.memory, 0x9000, &value), MEMORY_NOT_CAPTURED);
	read_plan_deinit(&plan);
	memory_image_destroy(target);
}

static void test_plan_survives_what_is_gone(void **state)
{
	struct memory_image *image = *state;
	struct memory_image *target;
	struct memory_image *result;
	struct read_plan plan;
	fake_u64(image, 0x1000, 1);
	fake_u64(image, 0x8000, 2);
	assert_null(memory_image_create(&target));
	assert_null(memory_image_create(&result));
	fake_u64(target, 0x8000, 5);
	assert_null(read_plan_init(&plan, image, 0));
	read_plan_read(&plan, memory_image_memory(target));
	assert_null(read_plan_put(&plan, result));
	assert_int_equal(memory_image_size_bytes(result), 8);
	read_plan_deinit(&plan);
	memory_image_destroy(target);
	memory_image_destroy(result);
}

static void put_process(struct memory_image *image)
{
	fake_put_code(image, 0, 1);
	fake_put_interpreter(image, fake_thread(0));
	fake_put_thread(image, 0, fake_thread(1), fake_frame(0));
	fake_put_thread(image, 1, 0, 0);
	fake_put_frame(image, 0, fake_frame(1), fake_code(0), 0);
	fake_put_frame(image, 1, 0, fake_code(0), 0);
}

/*
 * The fake's version has no cookie, so that locating by hint takes a generated row; what is tested
 * is that a pass over something else than an interpreter says so and is tried again.
 */
static void test_pass_over_no_interpreter(void **state)
{
	struct sample_pass pass;
	struct python_location location = fake_location();
	assert_null(sample_pass_init(&pass));
	struct error *error =
		sample_pass_run(&pass, memory_image_memory(*state), &location, LEVEL_STACKS);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_BUSY);
	error_destroy(error);
	sample_pass_deinit(&pass);
}

/* A pass whose recorded ranges are those of `image`, with one position word and one link word. */
static void make_pass(struct sample_pass *pass, uint64_t position, uint64_t link)
{
	assert_null(sample_pass_init(pass));
	assert_null(buffer_append(&pass->positions, &position, sizeof(position)));
	assert_null(buffer_append(&pass->links, &link, sizeof(link)));
}

static void test_verification(void **state)
{
	struct memory_image *target = *state;
	struct sample_pass pass;
	bool same;
	make_pass(&pass, 0x1010, 0x2000);
	for (uint64_t at = 0x1000; at < 0x1020; at += 8) {
		fake_u64(target, at, at);
		fake_u64(pass.image, at, at);
	}
	fake_u64(target, 0x2000, 7);
	fake_u64(pass.image, 0x2000, 7);
	struct memory *memory = memory_image_memory(target);
	assert_null(verify_image(&pass, memory, VERIFY_DESCENDING, &same));
	assert_true(same);
	assert_null(verify_links(&pass, memory, &same));
	assert_true(same);
	/* The position moves: the same frame, another instruction. */
	fake_u64(target, 0x1010, 99);
	assert_null(verify_image(&pass, memory, VERIFY_DESCENDING, &same));
	assert_false(same);
	assert_null(verify_image(&pass, memory, VERIFY_IGNORE_POSITIONS, &same));
	assert_true(same);
	/* Its neighbours must not. */
	fake_u64(target, 0x1018, 99);
	assert_null(verify_image(&pass, memory, VERIFY_IGNORE_POSITIONS, &same));
	assert_false(same);
	fake_u64(target, 0x1018, 0x1018);
	fake_u64(target, 0x1008, UINT64_C(99) << 56);
	assert_null(verify_image(&pass, memory, VERIFY_IGNORE_POSITIONS, &same));
	assert_false(same);
	fake_u64(target, 0x2000, 8);
	assert_null(verify_links(&pass, memory, &same));
	assert_false(same);
	assert_null(memory_image_drop(target, 0x2000, 8));
	assert_null(verify_links(&pass, memory, &same));
	assert_false(same);
	sample_pass_deinit(&pass);
}

static void test_gil_owner_needs_its_mark(void **state)
{
	struct memory_image *target = *state;
	struct memory *memory = memory_image_memory(target);
	struct python_location location = fake_location();
	struct thread_facts items[] = {{.tid = 1000}, {.tid = 51001, .container_tid = 1001}};
	const struct thread_list threads = {.items = items, .count = 2};
	const uint64_t interpreters[] = {FAKE_INTERPRETER, FAKE_INTERPRETER};
	struct gil_set first;
	struct gil_set second;
	put_process(target);
	assert_null(gil_set_read(memory, &location, interpreters, 2, &threads, &first));
	assert_int_equal(first.count, 1);
	assert_int_equal(first.held_count, 1);
	assert_int_equal(first.items[0].tid, 1000);
	/* Locked, and the last holder is not marked: the lock is changing hands. */
	fake_u64(target, FAKE_INTERPRETER + 0x100, fake_thread(1));
	struct error *error = gil_set_read(memory, &location, interpreters, 1, &threads, &second);
	assert_int_equal(error->code, ERROR_BUSY);
	error_destroy(error);
	/* Marked: the owner, by the id that we know it by. */
	fake_bytes(target, fake_thread(1) + 40, "\4", 1);
	assert_null(gil_set_read(memory, &location, interpreters, 1, &threads, &second));
	assert_int_equal(second.items[0].tid, 51001);
	assert_false(gil_set_equal(&first, &second));
	assert_true(gil_set_equal(&second, &second));
	/* Free. */
	fake_u64(target, FAKE_INTERPRETER + 0x108, 0);
	assert_null(gil_set_read(memory, &location, interpreters, 1, &threads, &second));
	assert_int_equal(second.held_count, 0);
}

static void test_no_gil_at_all(void **state)
{
	struct python_location location = fake_location();
	const uint64_t interpreter = FAKE_INTERPRETER;
	const struct thread_list threads = {0};
	struct gil_set set;
	location.layout.free_threaded = true;
	struct error *error = gil_set_read(memory_image_memory(*state), &location, &interpreter, 1,
					   &threads, &set);
	assert_int_equal(error->code, ERROR_UNSUPPORTED);
	error_destroy(error);
}

static int open_status(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_thread_clock_of_one_that_runs(void **state)
{
	struct thread_clock_files files = {0};
	struct thread_clock clock;
	pid_t child = fork();
	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		for (volatile unsigned turns = 0;; turns++)
			;
	}
	for (int i = 0; i < 100; i++) {
		thread_clock_begin(child, child, &files, &clock);
		assert_false(thread_clock_stood(&clock, &files));
	}
	end(child);
	thread_clock_begin(child, 0x3fffffff, &files, &clock);
	assert_false(clock.known);
	thread_clock_files_close(&files);
}

/* A child that waits until it gets a byte, and then waits again. */
static void test_thread_clock_of_one_that_waits(void **state)
{
	struct thread_clock_files files = {0};
	struct thread_clock clock = {0};
	int in[2];
	int out[2];
	char byte = 0;
	(void)state;
	assert_int_equal(pipe(in) | pipe(out), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	while (child == 0) {
		if (read(in[0], &byte, 1) != 1 || write(out[1], &byte, 1) != 1)
			_exit(1);
	}
	/* It is on its way to the first read yet. */
	do
		thread_clock_begin(child, child, &files, &clock);
	while (!thread_clock_stood(&clock, &files));
	/* The same by the numbers of context switches. */
	struct thread_clock_files numbers = {
		.tid = child,
		.counts = open_status(child),
		.call = dup(files.call),
		.switches = true,
	};
	struct thread_clock switches;
	thread_clock_begin(child, child, &numbers, &switches);
	assert_true(switches.known);
	assert_true(thread_clock_stood(&switches, &numbers));
	assert_int_equal(write(in[1], &byte, 1), 1);
	assert_int_equal(read(out[0], &byte, 1), 1);
	assert_false(thread_clock_stood(&clock, &files));
	assert_false(thread_clock_stood(&switches, &numbers));
	end(child);
	thread_clock_begin(child, child, &files, &clock);
	assert_false(clock.known);
	thread_clock_files_close(&files);
	thread_clock_files_close(&numbers);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plan_joins_over_small_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan_survives_what_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pass_over_no_interpreter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verification, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gil_owner_needs_its_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_gil_at_all, setup, teardown),
		cmocka_unit_test(test_thread_clock_of_one_that_runs),
		cmocka_unit_test(test_thread_clock_of_one_that_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
