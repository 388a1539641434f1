#include "tests/unit/cmocka_headers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/full_memory.h"
#include "capture/live_memory.h"
#include "capture/memory_spool.h"
#include "capture/page_map.h"
#include "capture/proc.h"
#include "capture/proc_stat.h"
#include "common/cleanup.h"
#include "formats/snapshot_reader.h"
#include "tests/unit/error_checks.h"

enum {
	PAGE = 4096,
	PATTERN_BYTES = 3 << 20,
	SPARSE_BYTES = 64 << 20,
	FILE_PAGES = 4,
	WAIT_MS = 20000,
};

/* Kernels before 6.7 have no PAGEMAP_SCAN. This stands before libc's. */
static bool refuse_scan;

#ifdef __GLIBC__
int ioctl(int fd, unsigned long request, ...)
#else
int ioctl(int fd, int request, ...)
#endif
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (refuse_scan) {
		errno = ENOTTY;
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* In the data and .bss of the test's own program; never written. */
static const char read_only_text[] = "what is only in the file";
static char untouched_bss[64 * PAGE];
static volatile uint64_t initialised_data = 0x1122334455667788;

struct child {
	pid_t pid;
	struct child_shared {
		atomic_int ready;
		atomic_ulong progress;
	} * shared;
	/* The same addresses in the child; only there they are written. */
	uint8_t *pattern;
	uint8_t *sparse;
	uint8_t *zeroed;
	uint8_t *relro;
	uint8_t *no_access;
	uint8_t *file;
	uint8_t *holed; /* a file's mapping that is longer than the file */
	char file_path[32];
};

static uint64_t pattern_at(uint64_t index)
{
	return (index + 1) * 0x9e3779b97f4a7c15;
}

static uint8_t *map(size_t size, int flags, int fd)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	assert_true(address != MAP_FAILED);
	return address;
}

static uint8_t *map_anonymous(size_t size)
{
	uint8_t *address = map(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	/* So that a page that is not touched is not part of a huge one that is. */
	madvise(address, size, MADV_NOHUGEPAGE);
	return address;
}

static void child_map(struct child *child)
{
	child->shared = (void *)map(PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	child->pattern = map_anonymous(PATTERN_BYTES);
	child->sparse = map_anonymous(SPARSE_BYTES);
	child->zeroed = map_anonymous(2 * PAGE);
	child->relro = map_anonymous(2 * PAGE);
	child->no_access = map_anonymous(2 * PAGE);
	strcpy(child->file_path, "/tmp/test-full-XXXXXX");
	int fd = mkstemp(child->file_path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_PAGES * PAGE), 0);
	child->file = map(FILE_PAGES * PAGE, MAP_PRIVATE, fd);
	child->holed = map(2 * FILE_PAGES * PAGE, MAP_PRIVATE, fd);
	close(fd);
}

static _Noreturn void child_run(struct child *child)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < PATTERN_BYTES / sizeof(uint64_t); i++)
		((uint64_t *)(void *)child->pattern)[i] = pattern_at(i);
	/* A hole of zeros in the middle of it. */
	memset(child->pattern + 5 * PAGE, 0, 3 * PAGE);
	child->sparse[0] = 1;
	child->sparse[SPARSE_BYTES - 1] = 2;
	memset(child->zeroed, 1, 2 * PAGE);
	memset(child->zeroed, 0, 2 * PAGE);
	memset(child->relro, 0x55, PAGE);
	mprotect(child->relro, 2 * PAGE, PROT_READ);
	memset(child->no_access, 0x66, 2 * PAGE);
	mprotect(child->no_access, 2 * PAGE, PROT_NONE);
	memset(child->file + PAGE, 0x77, PAGE);
	mprotect(child->file, FILE_PAGES * PAGE, PROT_READ);
	child->holed[0] = 0x78;
	atomic_store(&child->shared->ready, 1);
	for (;;)
		atomic_fetch_add(&child->shared->progress, 1);
}

static int child_start(void **state)
{
	static struct child child;
	child_map(&child);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0)
		child_run(&child);
	for (int i = 0; i < WAIT_MS && !atomic_load(&child.shared->ready); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(atomic_load(&child.shared->ready), 1);
	*state = &child;
	return 0;
}

static int child_end(void **state)
{
	struct child *child = *state;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	unlink(child->file_path);
	return 0;
}

/* What a capture gave, and the snapshot read back. */
struct taken {
	struct full_memory *full;
	struct thread_list threads;
	struct snapshot *snapshot;
	struct memory *memory; /* borrowed from the snapshot */
};

static struct error *take_full(pid_t pid, struct taken *taken)
{
	CLEANUP(freezer_destroyp) struct freezer *freezer = NULL;
	CLEANUP(memory_destroyp) struct memory *memory = NULL;
	struct freezer_options options = {.pid = pid, .deadline_ns = 10000000000};
	check(live_memory_create(pid, &memory));
	check(freezer_create(&options, &freezer));
	check(proc_threads(pid, &taken->threads));
	const struct full_memory_options full_options = {
		.pid = pid,
		.freezer = freezer,
		.memory = memory,
		.output_path = "-",
	};
	return full_memory_capture(&full_options, &taken->threads, &taken->full);
}

static void write_and_read(pid_t pid, struct taken *taken)
{
	char path[] = "/tmp/test-full-snapshot-XXXXXX";
	assert_non_null(mkdtemp(path));
	CLEANUP_FREE char *name = NULL;
	assert_true(asprintf(&name, "%s/snapshot", path) > 0);
	CLEANUP(output_file_destroyp) struct output_file *output = NULL;
	CLEANUP(snapshot_writer_destroyp) struct snapshot_writer *writer = NULL;
	struct process_facts facts = {.pid = pid, .uid = UINT32_MAX};
	check(output_file_create(name, &output));
	check(snapshot_writer_create(output, &writer));
	check(snapshot_writer_process(writer, &facts));
	check(snapshot_writer_mappings(writer, pid, full_memory_mappings(taken->full)));
	check(snapshot_writer_modules(writer, pid, full_memory_modules(taken->full)));
	check(snapshot_writer_threads(writer, pid, &taken->threads));
	check(full_memory_write(taken->full, writer));
	check(snapshot_writer_sample(writer, full_memory_sample(taken->full)));
	check(snapshot_writer_finish(writer));
	check(output_file_commit(output));
	CLEANUP_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(name);
	rmdir(path);
	check(snapshot_open(fd, "snapshot", &taken->snapshot));
	assert_null(snapshot_losses(taken->snapshot)[0]);
	taken->memory = snapshot_memory(taken->snapshot);
}

static void taken_free(struct taken *taken)
{
	snapshot_destroy(taken->snapshot);
	full_memory_destroy(taken->full);
	thread_list_deinit(&taken->threads);
}

static enum memory_status status_at(const struct taken *taken, const void *address)
{
	uint8_t byte;
	return memory_read(taken->memory, (uint64_t)(uintptr_t)address, &byte, 1);
}

static void assert_bytes(const struct taken *taken, const uint8_t *address, uint8_t value,
			 size_t size)
{
	CLEANUP_FREE uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	assert_int_equal(memory_read(taken->memory, (uint64_t)(uintptr_t)address, bytes, size),
			 MEMORY_OK);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], value);
}

static void check_anonymous(const struct taken *taken, const struct child *child)
{
	CLEANUP_FREE uint64_t *words = malloc(PATTERN_BYTES);
	assert_non_null(words);
	assert_int_equal(memory_read(taken->memory, (uint64_t)(uintptr_t)child->pattern, words,
				     PATTERN_BYTES),
			 MEMORY_OK);
	for (size_t i = 0; i < PATTERN_BYTES / sizeof(uint64_t); i++) {
		size_t page = i / (PAGE / sizeof(uint64_t));
		uint64_t expected = page >= 5 && page < 8 ? 0 : pattern_at(i);
		if (words[i] != expected)
			fail_msg("word %zu of the pattern", i);
	}
	assert_bytes(taken, child->sparse, 1, 1);
	assert_bytes(taken, child->sparse + SPARSE_BYTES - 1, 2, 1);
	assert_int_equal(status_at(taken, child->sparse + SPARSE_BYTES / 2), MEMORY_NOT_CAPTURED);
	assert_bytes(taken, child->zeroed, 0, 2 * PAGE);
	assert_bytes(taken, child->relro, 0x55, PAGE);
	assert_int_equal(status_at(taken, child->relro + PAGE), MEMORY_NOT_CAPTURED);
	assert_int_equal(status_at(taken, child->no_access), MEMORY_NOT_CAPTURED);
	assert_int_equal(status_at(taken, child->shared), MEMORY_NOT_CAPTURED);
}

static void check_files(const struct taken *taken, const struct child *child)
{
	assert_bytes(taken, child->file + PAGE, 0x77, PAGE);
	assert_bytes(taken, child->holed, 0x78, 1);
	assert_bytes(taken, child->holed + 1, 0, PAGE - 1);
	/* The program's own data: what was never written is there too. */
	uint64_t word = 0;
	assert_int_equal(
		memory_read_u64(taken->memory, (uint64_t)(uintptr_t)&initialised_data, &word),
		MEMORY_OK);
	assert_int_equal(word, initialised_data);
	assert_int_equal(status_at(taken, untouched_bss + 32 * PAGE), MEMORY_OK);
	assert_int_equal(status_at(taken, read_only_text), MEMORY_NOT_CAPTURED);
}

static void check_modules(const struct taken *taken)
{
	const struct modules *modules = snapshot_modules(taken->snapshot);
	const struct module *own = modules_find(modules, (uint64_t)(uintptr_t)&initialised_data);
	uint8_t magic[4];
	assert_non_null(own);
	assert_true(modules->count > 2);
	for (size_t i = 0; i < modules->count; i++) {
		assert_int_equal(memory_read(taken->memory, modules->items[i].start, magic, 4),
				 MEMORY_OK);
		if (modules->items[i].build_id.size)
			assert_memory_equal(magic, "\177ELF", 4);
	}
	uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
	if (!vdso)
		return;
	assert_int_equal(memory_read(taken->memory, vdso, magic, 4), MEMORY_OK);
	assert_memory_equal(magic, "\177ELF", 4);
}

/* The stopped thread's stack pointer is in its stack, which is there. */
static void check_registers(const struct taken *taken)
{
	const struct thread_list *threads = snapshot_threads(taken->snapshot);
	assert_int_equal(threads->count, 1);
	assert_non_null(threads->items[0].registers);
#ifdef __x86_64__
	struct user_regs_struct registers;
	assert_true(threads->items[0].registers_size >= sizeof(registers));
	memcpy(&registers, threads->items[0].registers, sizeof(registers));
	assert_int_equal(status_at(taken, (const void *)(uintptr_t)registers.rsp), MEMORY_OK);
#endif
}

static void check_sample(const struct taken *taken)
{
	const struct sample_facts *sample = snapshot_sample(taken->snapshot);
	assert_int_equal(sample->level, LEVEL_FULL);
	assert_int_equal(sample->way, FREEZE_ALL);
	assert_int_equal(sample->threads_stopped, 1);
	assert_true(sample->freeze_ns > 0);
}

static void assert_runs(const struct child *child)
{
	unsigned long before = atomic_load(&child->shared->progress);
	for (int i = 0; i < WAIT_MS && atomic_load(&child->shared->progress) == before; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_true(atomic_load(&child->shared->progress) != before);
	struct proc_status status;
	assert_int_equal(proc_status_read(AT_FDCWD, child->pid, &status), 0);
	assert_int_equal(status.tracer_pid, 0);
}

static void test_full(void **state)
{
	const struct child *child = *state;
	struct taken taken = {0};
	check(take_full(child->pid, &taken));
	assert_runs(child);
	struct full_memory_size size = full_memory_size(taken.full);
	assert_true(size.bytes >= PATTERN_BYTES);
	/* Not the sparse mapping's 64 MiB. A sanitizer has much memory of its own. */
	if (!getenv("ASAN_OPTIONS") && size.bytes < SPARSE_BYTES)
		assert_true(size.bytes < SPARSE_BYTES / 2);
	write_and_read(child->pid, &taken);
	check_anonymous(&taken, child);
	check_files(&taken, child);
	check_modules(&taken);
	check_registers(&taken);
	check_sample(&taken);
	taken_free(&taken);
}

static void test_full_of_stopped(void **state)
{
	const struct child *child = *state;
	struct taken taken = {0};
	struct proc_stat stat;
	int status;
	kill(child->pid, SIGSTOP);
	assert_int_equal(waitpid(child->pid, &status, WUNTRACED), child->pid);
	check(take_full(child->pid, &taken));
	taken_free(&taken);
	/* On the way from the trace stop back into its own it runs for a moment, in the kernel
	 * only (kernel/ptrace.c, __ptrace_unlink). */
	unsigned long before = atomic_load(&child->shared->progress);
	for (int i = 0; i < WAIT_MS; i++) {
		assert_int_equal(proc_stat_read(AT_FDCWD, child->pid, &stat), 0);
		if (stat.state == 'T')
			break;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_int_equal(stat.state, 'T');
	assert_int_equal(atomic_load(&child->shared->progress), before);
	kill(child->pid, SIGCONT);
	assert_runs(child);
}

static void test_no_room(void **state)
{
	const struct child *child = *state;
	struct taken taken = {0};
	struct rlimit before, small = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct error *error = take_full(child->pid, &taken);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_IO);
	assert_non_null(strstr(error->message, "TMPDIR"));
	error_destroy(error);
	assert_null(taken.full);
	taken_free(&taken);
	assert_runs(child);
}

/* Which of its own pages a process has written. */
static void check_page_map(void)
{
	enum { PAGES = 20000 }; /* more than the kernel is asked for at once */
	CLEANUP(page_map_destroyp) struct page_map *pages = NULL;
	uint8_t *area = map_anonymous((size_t)PAGES * PAGE);
	uint64_t start = (uint64_t)(uintptr_t)area, end = start + (uint64_t)PAGES * PAGE;
	static const unsigned touched[] = {0, 1, 7, 9000, 9001, 9003, 19999};
	for (size_t i = 0; i < sizeof(touched) / sizeof(touched[0]); i++)
		area[(size_t)touched[i] * PAGE] = 1;
	check(page_map_create(getpid(), &pages));
	size_t found = 0;
	struct page_run run;
	for (uint64_t at = start; page_map_next(pages, at, end, &run); at = run.end) {
		assert_true(run.start >= at && run.start < run.end && run.end <= end);
		for (uint64_t page = run.start; page < run.end; page += PAGE)
			assert_int_equal((page - start) / PAGE, touched[found++]);
	}
	assert_int_equal(found, sizeof(touched) / sizeof(touched[0]));
	munmap(area, (size_t)PAGES * PAGE);
}

static void test_page_map(void **state)
{
	(void)state;
	check_page_map();
}

static void test_page_map_of_old_kernel(void **state)
{
	(void)state;
	refuse_scan = true;
	check_page_map();
	refuse_scan = false;
}

static void test_page_map_of_nobody(void **state)
{
	(void)state;
	struct page_map *pages = NULL;
	struct error *error = page_map_create(999999999, &pages);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_NO_PROCESS);
	error_destroy(error);
}

static void test_spool(void **state)
{
	(void)state;
	enum { BLOCKS = 40 };
	CLEANUP(memory_spool_destroyp) struct memory_spool *spool = NULL;
	struct spool_block *block = NULL;
	check(memory_spool_create("-", &spool));
	for (unsigned i = 0; i < BLOCKS; i++) {
		check(memory_spool_get(spool, &block));
		memset(block->bytes, (int)i, SPOOL_BLOCK_BYTES);
		block->size_bytes = SPOOL_BLOCK_BYTES - (size_t)i * PAGE;
		block->runs[0] = (struct spool_run){.address = i, .size = 1};
		block->run_count = 1;
		memory_spool_put(spool, block);
	}
	check(memory_spool_rewind(spool));
	for (unsigned i = 0; i < BLOCKS; i++) {
		check(memory_spool_next(spool, &block));
		assert_non_null(block);
		assert_int_equal(block->run_count, 1);
		assert_int_equal(block->runs[0].address, i);
		assert_int_equal(block->size_bytes, SPOOL_BLOCK_BYTES - (size_t)i * PAGE);
		assert_int_equal(block->bytes[0], i);
		assert_int_equal(block->bytes[block->size_bytes - 1], i);
	}
	check(memory_spool_next(spool, &block));
	assert_null(block);
}

static void test_spool_room(void **state)
{
	(void)state;
	CLEANUP(memory_spool_destroyp) struct memory_spool *spool = NULL;
	check(memory_spool_create("-", &spool));
	check(memory_spool_check_room(spool, 1));
	struct error *error = memory_spool_check_room(spool, 1ULL << 60);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "1099511627776 MiB are needed"));
	assert_non_null(strstr(error->message, "TMPDIR"));
	error_destroy(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, child_start, child_end),
		cmocka_unit_test_setup_teardown(test_full_of_stopped, child_start, child_end),
		cmocka_unit_test_setup_teardown(test_no_room, child_start, child_end),
		cmocka_unit_test(test_page_map),
		cmocka_unit_test(test_page_map_of_old_kernel),
		cmocka_unit_test(test_page_map_of_nobody),
		cmocka_unit_test(test_spool),
		cmocka_unit_test(test_spool_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
