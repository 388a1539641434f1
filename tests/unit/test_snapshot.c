#include "snapshot_builder.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zstd.h>

static struct process_facts facts_of(int32_t pid)
{
	return (struct process_facts){
		.pid = pid,
		.container_pid = 1,
		.parent_pid = 99,
		.machine = MACHINE_X86_64,
		.uid = 0,
		.command_line = (char *)"python3 -m server",
		.command_name = (char *)"python3",
		.executable = (char *)"/usr/bin/python3",
		.root = (char *)"/proc/1/root",
		.host = (char *)"",
		.start_time_ns = 1700000000123456789,
		.start_ticks = 4711,
		.capture_time_ns = UINT64_MAX,
		.was_stopped = true,
		.signal = 11,
		.signal_code = -6,
		.has_fault_address = true,
		.fault_address = 0,
		.sender_pid = -1,
	};
}

static void fill_lists(struct snapshot_writer *writer)
{
	struct mapping mapping_items[] = {
		{.start = 0x1000, .end = 0x3000, .flags = MAPPING_READ, .path = (char *)"/bin/x"},
		{.start = 0x3000,
		 .end = 0x9000,
		 .offset = 0x2000,
		 .inode = 5,
		 .device_major = 8,
		 .device_minor = 1,
		 .flags = MAPPING_WRITE | MAPPING_DELETED},
	};
	struct mappings mappings = {.items = mapping_items, .count = 2};
	check(snapshot_writer_mappings(writer, 1234, &mappings));
	struct module module = {
		.path = (char *)"/usr/lib/libpython3.12.so",
		.start = 0x1000,
		.end = 0x3000,
		.bias = UINT64_MAX - 0xfff,
		.deleted = true,
		.build_id = {.bytes = {1, 2, 3}, .size = 3},
		.data_start = 0x2000,
		.data_end = 0x3000,
	};
	struct modules modules = {.items = &module, .count = 1};
	check(snapshot_writer_modules(writer, 1234, &modules));
	char registers[27 * 8] = "registers";
	struct thread_facts thread_items[] = {
		{.tid = 1234,
		 .container_tid = 1,
		 .state = 'R',
		 .name = "main",
		 .system_call = -1,
		 .registers = registers,
		 .registers_size = sizeof(registers)},
		{.tid = 1235,
		 .state = 'S',
		 .crashed = true,
		 .name = "fifteen-letters",
		 .cpu_time_ns = 12345678901234,
		 .system_call = 0,
		 .has_system_call_argument = true,
		 .system_call_argument = UINT64_MAX},
	};
	struct thread_list threads = {.items = thread_items, .count = 2};
	check(snapshot_writer_threads(writer, 1234, &threads));
}

static void fill_facts(struct snapshot_writer *writer)
{
	struct process_facts facts = facts_of(1234);
	check(snapshot_writer_process(writer, &facts));
	struct python_location location = {
		.runtime_address = 0x555500001000,
		.method = LOCATE_SECTION,
		.version = {.major = 3, .minor = 12, .micro = 1, .level = 0xf},
		.module_path = (char *)"/usr/bin/python3.12",
		.version_address = 0x2000,
	};
	check(snapshot_writer_python(writer, 1234, &location));
	fill_lists(writer);
	check(snapshot_writer_memory(writer, 1234, 0x1000, "some bytes", 10));
	struct sample_facts sample = {
		.pid = 1234,
		.time_ns = 1700000000999999999,
		.monotonic_ns = 5,
		.freeze_ns = 45600,
		.threads_stopped = 1,
		.attempts = 3,
		.way = FREEZE_VERIFIED,
		.level = LEVEL_LOCALS,
		.fallback = true,
		.partial = true,
	};
	check(snapshot_writer_sample(writer, &sample));
}

static void check_process(const struct process_facts *facts)
{
	struct process_facts expected = facts_of(1234);
	assert_int_equal(facts->pid, expected.pid);
	assert_int_equal(facts->container_pid, expected.container_pid);
	assert_int_equal(facts->parent_pid, expected.parent_pid);
	assert_int_equal(facts->machine, expected.machine);
	assert_int_equal(facts->uid, 0);
	assert_string_equal(facts->command_line, expected.command_line);
	assert_string_equal(facts->command_name, expected.command_name);
	assert_string_equal(facts->executable, expected.executable);
	assert_string_equal(facts->root, expected.root);
	assert_string_equal(facts->host, "");
	assert_null(facts->kernel);
	assert_int_equal(facts->start_time_ns, expected.start_time_ns);
	assert_int_equal(facts->start_ticks, expected.start_ticks);
	assert_int_equal(facts->capture_time_ns, UINT64_MAX);
	assert_true(facts->was_stopped);
	assert_int_equal(facts->signal, 11);
	assert_int_equal(facts->signal_code, -6);
	assert_true(facts->has_fault_address);
	assert_int_equal(facts->fault_address, 0);
	assert_int_equal(facts->sender_pid, -1);
}

static void check_lists(const struct snapshot *snapshot)
{
	const struct mappings *mappings = snapshot_mappings(snapshot);
	assert_int_equal(mappings->count, 2);
	assert_string_equal(mappings->items[0].path, "/bin/x");
	assert_string_equal(mappings->items[1].path, "");
	assert_int_equal(mappings->items[1].start, 0x3000);
	assert_int_equal(mappings->items[1].end, 0x9000);
	assert_int_equal(mappings->items[1].offset, 0x2000);
	assert_int_equal(mappings->items[1].inode, 5);
	assert_int_equal(mappings->items[1].device_major, 8);
	assert_int_equal(mappings->items[1].device_minor, 1);
	assert_int_equal(mappings->items[1].flags, MAPPING_WRITE | MAPPING_DELETED);
	const struct modules *modules = snapshot_modules(snapshot);
	assert_int_equal(modules->count, 1);
	assert_string_equal(modules->items[0].path, "/usr/lib/libpython3.12.so");
	assert_int_equal(modules->items[0].bias, UINT64_MAX - 0xfff);
	assert_true(modules->items[0].deleted);
	assert_int_equal(modules->items[0].build_id.size, 3);
	assert_int_equal(modules->items[0].build_id.bytes[2], 3);
	assert_int_equal(modules->items[0].data_end, 0x3000);
	const struct thread_list *threads = snapshot_threads(snapshot);
	assert_int_equal(threads->count, 2);
	assert_int_equal(threads->items[0].tid, 1234);
	assert_int_equal(threads->items[0].state, 'R');
	assert_int_equal(threads->items[0].system_call, -1);
	assert_int_equal(threads->items[0].registers_size, 27 * 8);
	assert_string_equal(threads->items[0].registers, "registers");
	assert_string_equal(threads->items[1].name, "fifteen-letters");
	assert_true(threads->items[1].crashed);
	assert_int_equal(threads->items[1].cpu_time_ns, 12345678901234);
	assert_int_equal(threads->items[1].system_call, 0);
	assert_false(threads->items[0].has_system_call_argument);
	assert_true(threads->items[1].has_system_call_argument);
	assert_true(threads->items[1].system_call_argument == UINT64_MAX);
	assert_null(threads->items[1].registers);
}

static void test_facts(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_facts, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(loss_count(snapshot), 0);
	assert_int_equal(snapshot_sample_count(snapshot), 1);
	check_process(snapshot_process(snapshot));
	check_lists(snapshot);
	const struct python_location *python = snapshot_python(snapshot);
	assert_non_null(python);
	assert_int_equal(python->runtime_address, 0x555500001000);
	assert_int_equal(python->method, LOCATE_SECTION);
	assert_int_equal(python_version_hex(python->version), 0x030c01f0);
	assert_string_equal(python->module_path, "/usr/bin/python3.12");
	const struct sample_facts *sample = snapshot_sample(snapshot);
	assert_int_equal(sample->pid, 1234);
	assert_int_equal(sample->time_ns, 1700000000999999999);
	assert_int_equal(sample->monotonic_ns, 5);
	assert_int_equal(sample->freeze_ns, 45600);
	assert_int_equal(sample->threads_stopped, 1);
	assert_int_equal(sample->attempts, 3);
	assert_int_equal(sample->way, FREEZE_VERIFIED);
	assert_int_equal(sample->level, LEVEL_LOCALS);
	assert_true(sample->fallback);
	assert_true(sample->partial);
	assert_memory(snapshot, 0x1000, "some bytes");
	assert_int_equal(byte_status(snapshot, 0x2000), MEMORY_NOT_CAPTURED);
	assert_int_equal(byte_status(snapshot, 0x9000), MEMORY_NOT_MAPPED);
	struct snapshot_statistics statistics;
	snapshot_statistics(snapshot, &statistics);
	assert_int_equal(statistics.version, SNAPSHOT_VERSION);
	assert_int_equal(statistics.file_bytes, file.size);
	assert_int_equal(statistics.memory_ranges, 1);
	assert_int_equal(statistics.memory_bytes, 10);
	assert_true(statistics.ended);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

enum { MANY = 500, MANY_IMAGE = 100 << 10 };

/* Three processes in turn; enough memory for several epochs. */
static int32_t pid_of_sample(size_t sample)
{
	return (int32_t)(100 + sample % 3);
}

static void fill_many(struct snapshot_writer *writer)
{
	struct memory_image *image;
	check(memory_image_create(&image));
	uint8_t *bytes = calloc(1, MANY_IMAGE);
	for (int32_t pid = 100; pid < 103; pid++) {
		struct process_facts facts = {.pid = pid, .command_line = (char *)"x"};
		check(snapshot_writer_process(writer, &facts));
	}
	for (uint64_t i = 0; i < MANY; i++) {
		int32_t pid = pid_of_sample(i);
		struct thread_facts thread = {.tid = pid, .cpu_time_ns = i};
		struct thread_list threads = {.items = &thread, .count = 1};
		memset(bytes, (int)i, MANY_IMAGE);
		check(memory_image_put(image, 0x10000, bytes, MANY_IMAGE));
		check(memory_image_put(image, 0x1000, &i, sizeof(i)));
		check(snapshot_writer_threads(writer, pid, &threads));
		check(snapshot_writer_image(writer, pid, image));
		struct sample_facts sample = {.pid = pid, .time_ns = i};
		check(snapshot_writer_sample(writer, &sample));
		if (i % 50 == 0)
			check(snapshot_writer_flush(writer));
	}
	memory_image_destroy(image);
	free(bytes);
}

static void check_many(struct snapshot *snapshot, size_t i)
{
	check(snapshot_select(snapshot, i));
	assert_int_equal(snapshot_selected(snapshot), i);
	assert_int_equal(snapshot_sample(snapshot)->time_ns, i);
	assert_int_equal(snapshot_process(snapshot)->pid, pid_of_sample(i));
	assert_string_equal(snapshot_process(snapshot)->command_line, "x");
	assert_int_equal(snapshot_threads(snapshot)->count, 1);
	assert_int_equal(snapshot_threads(snapshot)->items[0].cpu_time_ns, i);
	uint64_t value;
	assert_int_equal(memory_read_u64(snapshot_memory(snapshot), 0x1000, &value), MEMORY_OK);
	assert_int_equal(value, i);
	uint8_t last;
	assert_int_equal(memory_read(snapshot_memory(snapshot), 0x10000 + MANY_IMAGE - 1, &last, 1),
			 MEMORY_OK);
	assert_int_equal(last, i & 0xff);
}

static void test_many_samples(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_many, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(loss_count(snapshot), 0);
	assert_int_equal(snapshot_sample_count(snapshot), MANY);
	check(snapshot_select(snapshot, MANY - 1));
	assert_int_equal(snapshot_selected(snapshot), MANY - 1);
	struct snapshot_statistics statistics;
	snapshot_statistics(snapshot, &statistics);
	assert_true(statistics.epochs > 1);
	for (size_t i = 0; i < MANY; i++)
		check_many(snapshot, i);
	for (size_t i = MANY; i > MANY - 30; i--)
		check_many(snapshot, i - 1);
	for (size_t i = 0; i < 100; i++)
		check_many(snapshot, i * 211 % MANY);
	assert_error_code(snapshot_select(snapshot, MANY), ERROR_NOT_FOUND);
	assert_int_equal(snapshot_selected(snapshot), 99 * 211 % MANY);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Lists that need several chunks, texts beyond the bound. */
static void fill_long(struct snapshot_writer *writer)
{
	enum { COUNT = 20000 };
	static char text[100000];
	memset(text, 'x', sizeof(text) - 1);
	struct process_facts facts = {.pid = 1, .command_line = text};
	check(snapshot_writer_process(writer, &facts));
	struct mapping *items = calloc(COUNT, sizeof(*items));
	for (size_t i = 0; i < COUNT; i++)
		items[i] = (struct mapping){
			.start = i * 4096, .end = (i + 1) * 4096, .path = (char *)"/lib/some.so"};
	struct mappings mappings = {.items = items, .count = COUNT};
	check(snapshot_writer_mappings(writer, 1, &mappings));
	mappings.count = 19000;
	check(snapshot_writer_mappings(writer, 1, &mappings));
	struct sample_facts sample = {.pid = 1};
	check(snapshot_writer_sample(writer, &sample));
	free(items);
}

static void test_long_lists(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_long, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(snapshot_mappings(snapshot)->count, 19000);
	assert_int_equal(snapshot_mappings(snapshot)->items[18999].start, 18999 * 4096);
	assert_int_equal(strlen(snapshot_process(snapshot)->command_line), SNAPSHOT_TEXT_MAX);
	assert_null(snapshot_python(snapshot));
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Any program that knows zstd can check and unpack it. */
static void test_is_zstd(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_many, &file);
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer input = {.src = file.data, .size = file.size};
	static char bytes[1 << 16];
	size_t result = 1;
	while (input.pos < input.size) {
		ZSTD_outBuffer output = {.dst = bytes, .size = sizeof(bytes)};
		result = ZSTD_decompressStream(context, &output, &input);
		assert_false(ZSTD_isError(result));
	}
	assert_int_equal(result, 0);
	ZSTD_freeDCtx(context);
	buffer_deinit(&file);
}

static void test_pipe(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_many, &file);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(ends[0]);
		size_t done = 0;
		while (done < file.size) {
			ssize_t written = write(ends[1], file.data + done, file.size - done);
			if (written < 0)
				_exit(1);
			done += (size_t)written;
		}
		_exit(0);
	}
	close(ends[1]);
	assert_false(snapshot_recognize(ends[0]));
	struct snapshot *snapshot = NULL;
	check(snapshot_open(ends[0], "-", &snapshot));
	close(ends[0]);
	waitpid(child, NULL, 0);
	assert_int_equal(snapshot_sample_count(snapshot), MANY);
	check_many(snapshot, 17);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Level full: far more memory than either side may hold. */
enum { FULL_PIECE = 1 << 20, FULL_PIECES = 300 };
static const uint64_t full_base = 0x7f0000000000;

static void full_piece(uint8_t *bytes, size_t number)
{
	uint64_t value = number * 0x9e3779b97f4a7c15u + 1;
	memset(bytes, 0, FULL_PIECE);
	for (size_t i = 0; i < FULL_PIECE / 4; i += 8) {
		value ^= value << 13;
		value ^= value >> 7;
		value ^= value << 17;
		memcpy(bytes + i, &value, sizeof(value));
	}
}

static int write_full(const char *path)
{
	struct output_file *output;
	struct snapshot_writer *writer;
	uint8_t *bytes = malloc(FULL_PIECE);
	if (!bytes || output_file_create(path, &output) || snapshot_writer_create(output, &writer))
		return 1;
	for (size_t i = 0; i < FULL_PIECES; i++) {
		full_piece(bytes, i);
		if (snapshot_writer_memory(writer, 1, full_base + i * FULL_PIECE, bytes,
					   FULL_PIECE))
			return 1;
	}
	/* Ordinary memory hides what is below it. */
	struct sample_facts sample = {.pid = 1, .level = LEVEL_FULL};
	if (snapshot_writer_memory(writer, 1, full_base + FULL_PIECE - 2, "over", 4) ||
	    snapshot_writer_sample(writer, &sample) || snapshot_writer_finish(writer) ||
	    output_file_commit(output))
		return 1;
	snapshot_writer_destroy(writer);
	output_file_destroy(output);
	free(bytes);
	return 0;
}

static int read_full(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct snapshot *snapshot;
	uint8_t *expected = malloc(FULL_PIECE);
	uint8_t *bytes = malloc(FULL_PIECE);
	if (!expected || !bytes || snapshot_open(fd, path, &snapshot))
		return 1;
	for (size_t i = 1; i < FULL_PIECES; i += 7) {
		full_piece(expected, i);
		if (i == 1)
			memcpy(expected, "er", 2);
		if (memory_read(snapshot_memory(snapshot), full_base + i * FULL_PIECE, bytes,
				FULL_PIECE) != MEMORY_OK ||
		    memcmp(bytes, expected, FULL_PIECE) != 0)
			return 2;
	}
	char over[4];
	if (memory_read(snapshot_memory(snapshot), full_base + FULL_PIECE - 2, over, 4) !=
		    MEMORY_OK ||
	    memcmp(over, "over", 4) != 0 ||
	    byte_status(snapshot, full_base + (uint64_t)FULL_PIECES * FULL_PIECE) !=
		    MEMORY_NOT_CAPTURED)
		return 3;
	snapshot_destroy(snapshot);
	close(fd);
	free(expected);
	free(bytes);
	return 0;
}

/* Run in a child of its own; gives the most memory it was resident with, in KiB. */
static long run_apart(int (*part)(const char *path), const char *path)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(part(path));
	int status;
	struct rusage usage;
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return usage.ru_maxrss;
}

static void test_full_size(void **state)
{
	(void)state;
	char folder[] = "/tmp/test-snapshot-XXXXXX";
	assert_non_null(mkdtemp(folder));
	char path[64];
	snprintf(path, sizeof(path), "%s/full", folder);
	long write_kib = run_apart(write_full, path);
	long read_kib = run_apart(read_full, path);
	print_message("resident: writer %ld KiB, reader %ld KiB\n", write_kib, read_kib);
#ifndef __SANITIZE_ADDRESS__
	assert_true(write_kib < 16 << 10);
	assert_true(read_kib < 32 << 10);
#endif
	unlink(path);
	rmdir(folder);
}

static void test_write_error(void **state)
{
	(void)state;
	struct output_file *output;
	check(output_file_create("/dev/full", &output));
	struct snapshot_writer *writer;
	check(snapshot_writer_create(output, &writer));
	struct error *error = snapshot_writer_flush(writer);
	if (error)
		assert_int_equal(error->errnum, ENOSPC);
	assert_error_code(error, ERROR_IO);
	snapshot_writer_destroy(writer);
	output_file_destroy(output);
}

/* A process that is gone is not repeated, and sizes that are no multiple of anything fit. */
static void fill_forget(struct snapshot_writer *writer)
{
	for (size_t extra = 0; extra < 3; extra++) {
		size_t size = (2 << 20) + 1000 * extra;
		uint8_t *bytes = malloc(size);
		memset(bytes, 'a' + (int)extra, size);
		struct process_facts facts = {.pid = 1, .command_name = (char *)"one"};
		if (!extra)
			check(snapshot_writer_process(writer, &facts));
		check(snapshot_writer_memory(writer, 1, 0x100000, bytes, size));
		struct sample_facts sample = {.pid = 1, .time_ns = extra};
		check(snapshot_writer_sample(writer, &sample));
		if (extra == 1)
			check(snapshot_writer_forget(writer, 1));
		free(bytes);
	}
}

static void test_forget(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_forget, &file);
	struct snapshot *snapshot = must_open(&file);
	assert_null(snapshot_process(snapshot)->command_name);
	assert_memory(snapshot, 0x100000 + (2 << 20) + 1998, "cc");
	check(snapshot_select(snapshot, 1));
	assert_string_equal(snapshot_process(snapshot)->command_name, "one");
	assert_memory(snapshot, 0x100000 + (1 << 20), "bb");
	assert_int_equal(byte_status(snapshot, 0x100000 + (2 << 20) + 1998), MEMORY_NOT_CAPTURED);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),	    cmocka_unit_test(test_many_samples),
		cmocka_unit_test(test_long_lists),  cmocka_unit_test(test_is_zstd),
		cmocka_unit_test(test_pipe),	    cmocka_unit_test(test_full_size),
		cmocka_unit_test(test_write_error), cmocka_unit_test(test_forget),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
