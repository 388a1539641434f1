#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "capture/live_memory.h"
#include "tests/unit/live_target.h"

enum { PAGE = 4096, PAGES = 16, HOLE_PAGE = 7 };

/* How many times the kernel was asked. This definition stands before libc's. */
static unsigned calls;

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count,
			 const struct iovec *remote, unsigned long remote_count,
			 unsigned long flags)
{
	calls++;
	return syscall(SYS_process_vm_readv, pid, local, local_count, remote, remote_count, flags);
}

/* Pages with a pattern, but for one in the middle that cannot be read. The child has the same ones
 * at the same addresses. */
static unsigned char *area;
static struct target target;

static void idle(void)
{
	for (;;)
		pause();
}

static unsigned char pattern(size_t offset)
{
	return (unsigned char)(offset * 7 + offset / PAGE);
}

static int set_up(void **state)
{
	(void)state;
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -1;
	for (size_t i = 0; i < PAGES * PAGE; i++)
		area[i] = pattern(i);
	mprotect(area + HOLE_PAGE * PAGE, PAGE, PROT_NONE);
	target = target_fork(idle);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	target_end(&target);
	return 0;
}

static uint64_t address_of(size_t offset)
{
	return (uint64_t)(uintptr_t)area + offset;
}

static bool holds_pattern(const unsigned char *bytes, size_t offset, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != pattern(offset + i))
			return false;
	return true;
}

static struct memory *create(void)
{
	struct memory *memory = NULL;
	struct error *error = live_memory_create(target.pid, &memory);
	if (error)
		fail_msg("%s", error->message);
	return memory;
}

static void reads_a_range(void **state)
{
	(void)state;
	struct memory *memory = create();
	unsigned char bytes[3 * PAGE];
	assert_int_equal(memory_read(memory, address_of(100), bytes, sizeof(bytes)), MEMORY_OK);
	assert_true(holds_pattern(bytes, 100, sizeof(bytes)));
	assert_int_equal(memory_read(memory, address_of(0), bytes, 0), MEMORY_OK);
	memory_destroy(memory);
}

static void a_range_with_a_hole_is_not_mapped(void **state)
{
	(void)state;
	struct memory *memory = create();
	unsigned char bytes[2 * PAGE];
	uint64_t hole = address_of(HOLE_PAGE * PAGE);
	assert_int_equal(memory_read(memory, hole, bytes, 1), MEMORY_NOT_MAPPED);
	assert_int_equal(memory_read(memory, hole - 10, bytes, 20), MEMORY_NOT_MAPPED);
	assert_int_equal(memory_read(memory, hole - 10, bytes, 10), MEMORY_OK);
	assert_int_equal(memory_read(memory, UINT64_MAX - 3, bytes, 8), MEMORY_NOT_MAPPED);
	assert_int_equal(memory_read(memory, UINT64_MAX - 3, bytes, 4), MEMORY_NOT_MAPPED);
	assert_int_equal(memory_read(memory, 0, bytes, 8), MEMORY_NOT_MAPPED);
	memory_destroy(memory);
}

enum { MANY = 3000, EACH = 16 };

static struct memory_request requests[MANY];
static unsigned char buffers[MANY][EACH];

/* Of EACH bytes, wandering over the area below the hole. */
static void fill_requests(void)
{
	for (size_t i = 0; i < MANY; i++)
		requests[i] = (struct memory_request){
			.address = address_of(i * 8 % ((HOLE_PAGE - 1) * PAGE)),
			.buffer = buffers[i],
			.size = EACH,
			.status = MEMORY_IO_ERROR,
		};
}

static void expect_requests(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (requests[i].status != MEMORY_OK)
			continue;
		assert_true(holds_pattern(buffers[i], requests[i].address - address_of(0), EACH));
	}
}

static size_t count_status(enum memory_status status)
{
	size_t count = 0;
	for (size_t i = 0; i < MANY; i++)
		count += requests[i].status == status;
	return count;
}

static void many_ranges_take_few_calls(void **state)
{
	(void)state;
	struct memory *memory = create();
	fill_requests();
	calls = 0;
	memory_read_many(memory, requests, MANY);
	assert_int_equal(calls, 3); /* 1024 ranges each */
	assert_int_equal(count_status(MEMORY_OK), MANY);
	expect_requests(MANY);
	memory_destroy(memory);
}

static void a_bad_range_does_not_spoil_the_others(void **state)
{
	(void)state;
	struct memory *memory = create();
	fill_requests();
	requests[0].address = address_of(HOLE_PAGE * PAGE);
	requests[500].address = address_of(HOLE_PAGE * PAGE) - 3;
	requests[501].address = 0;
	requests[1500].address = UINT64_MAX - 2; /* wraps around */
	requests[1600].size = 0;
	requests[MANY - 1].address = address_of(HOLE_PAGE * PAGE) + 5;
	calls = 0;
	memory_read_many(memory, requests, MANY);
	assert_true(calls <= 3 + 2 * 6);
	assert_int_equal(count_status(MEMORY_NOT_MAPPED), 5);
	assert_int_equal(count_status(MEMORY_OK), MANY - 5);
	assert_int_equal(requests[500].status, MEMORY_NOT_MAPPED);
	assert_int_equal(requests[1500].status, MEMORY_NOT_MAPPED);
	requests[1600].status = MEMORY_NOT_CAPTURED; /* no bytes to compare */
	expect_requests(MANY);
	memory_destroy(memory);
}

static void all_bad(void **state)
{
	(void)state;
	struct memory *memory = create();
	fill_requests();
	for (size_t i = 0; i < MANY; i++)
		requests[i].address = address_of(HOLE_PAGE * PAGE);
	memory_read_many(memory, requests, MANY);
	assert_int_equal(count_status(MEMORY_NOT_MAPPED), MANY);
	memory_read_many(memory, requests, 0);
	memory_destroy(memory);
}

static void a_process_that_ends(void **state)
{
	(void)state;
	struct target mortal = target_fork(idle);
	struct memory *memory = NULL;
	unsigned char byte;
	struct error *error = live_memory_create(mortal.pid, &memory);
	assert_null(error);
	kill(mortal.pid, SIGKILL);
	assert_true(target_wait(target_is_zombie, &mortal));
	assert_int_equal(memory_read(memory, address_of(0), &byte, 1), MEMORY_IO_ERROR);
	fill_requests();
	memory_read_many(memory, requests, MANY);
	assert_int_equal(count_status(MEMORY_IO_ERROR), MANY);
	memory_destroy(memory);
	target_end(&mortal);

	memory = NULL;
	error = live_memory_create(mortal.pid, &memory);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_NO_PROCESS);
	assert_null(memory);
	error_destroy(error);
}

static int try_as_nobody(pid_t pid)
{
	struct memory *memory = NULL;
	struct error *error = live_memory_create(pid, &memory);
	bool good = error && error->code == ERROR_PERMISSION &&
		    strstr(error->message, "process_vm_readv refused (EPERM)");
	if (!good)
		printf("# %s\n", error ? error->message : "no error");
	error_destroy(error);
	memory_destroy(memory);
	return good ? 0 : 1;
}

static void another_users_process(void **state)
{
	(void)state;
	target_try_as_nobody(try_as_nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_range),
		cmocka_unit_test(a_range_with_a_hole_is_not_mapped),
		cmocka_unit_test(many_ranges_take_few_calls),
		cmocka_unit_test(a_bad_range_does_not_spoil_the_others),
		cmocka_unit_test(all_bad),
		cmocka_unit_test(a_process_that_ends),
		cmocka_unit_test(another_users_process),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
