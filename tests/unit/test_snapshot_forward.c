/*
 * Reading forward gives what selecting each sample gives: the same samples, errors and losses; of a
 * file, of a pipe, of bytes that come one by one; of whole files, of cut and of damaged ones.
 */
#include "snapshot_builder.h"

#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <zstd.h>

#include "common/cleanup.h"
#include "formats/snapshot_forward.h"
#include "formats/snapshot_parts.h"

enum { SAMPLES = 4, BULK = 4096, EPOCHS = 3 };
static const uint64_t bulk_address = 0x7f0000000000;

static void put_sample(struct snapshot_writer *writer, int32_t pid, uint64_t number)
{
	struct thread_facts thread = {.tid = pid, .state = 'R', .name = "MainThread"};
	struct thread_list threads = {.items = &thread, .count = 1};
	struct sample_facts sample = {.pid = pid, .time_ns = 1000 + number};
	check(snapshot_writer_threads(writer, pid, &threads));
	check(snapshot_writer_memory(writer, pid, 0x1000, &number, sizeof(number)));
	check(snapshot_writer_sample(writer, &sample));
}

/* Two processes, and bulk memory, which ends an epoch at its sample. */
static void fill_epochs(struct snapshot_writer *writer)
{
	static char bulk[BULK];
	struct process_facts parent = {.pid = 7, .command_line = (char *)"python3 app.py"};
	struct process_facts child = {.pid = 9, .parent_pid = 7};
	check(snapshot_writer_process(writer, &parent));
	check(snapshot_writer_process(writer, &child));
	for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
		memset(bulk, 'a' + (int)epoch, sizeof(bulk));
		for (uint64_t i = 0; i < SAMPLES; i++) {
			put_sample(writer, i % 2 ? 9 : 7, epoch * SAMPLES + i);
			if (i % 2)
				check(snapshot_writer_flush(writer));
		}
		check(snapshot_writer_memory(writer, 7, bulk_address, bulk, sizeof(bulk)));
	}
}

static void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_images(struct memory_image *a, struct memory_image *b)
{
	struct memory_range first;
	struct memory_range second;
	uint64_t address = 0;
	assert_int_equal(memory_image_range_count(a), memory_image_range_count(b));
	while (memory_image_next(a, address, &first)) {
		assert_true(memory_image_next(b, address, &second));
		assert_int_equal(first.address, second.address);
		assert_int_equal(first.size, second.size);
		assert_memory_equal(first.bytes, second.bytes, first.size);
		address = first.address + first.size;
		if (!address)
			break;
	}
}

/* A page of each extent tells whether the right frame was kept. */
static void assert_same_bulk(struct snapshot *a, struct snapshot *b)
{
	const struct range_map *map = &a->process->memory.bulk;
	struct range_position position = {0};
	const struct range_entry *entry;
	assert_int_equal(map->count, b->process->memory.bulk.count);
	while ((entry = range_map_at(map, position))) {
		uint8_t first[BULK] = {0};
		uint8_t second[BULK] = {1};
		size_t size = entry->size < BULK ? entry->size : BULK;
		uint64_t address = entry->address + entry->size - size;
		enum memory_status status = memory_read(snapshot_memory(a), address, first, size);
		assert_int_equal(memory_read(snapshot_memory(b), address, second, size), status);
		if (status == MEMORY_OK)
			assert_memory_equal(first, second, size);
		position = range_map_after(map, position);
	}
}

static void assert_same_sample(struct snapshot *a, struct snapshot *b)
{
	const struct process_facts *first = snapshot_process(a);
	const struct process_facts *second = snapshot_process(b);
	assert_int_equal(snapshot_selected(a), snapshot_selected(b));
	assert_memory_equal(snapshot_sample(a), snapshot_sample(b), sizeof(struct sample_facts));
	assert_int_equal(first->pid, second->pid);
	assert_same_text(first->command_line, second->command_line);
	assert_int_equal(first->ancestor_count, second->ancestor_count);
	assert_int_equal(snapshot_threads(a)->count, snapshot_threads(b)->count);
	for (size_t i = 0; i < snapshot_threads(a)->count; i++) {
		assert_int_equal(snapshot_threads(a)->items[i].tid,
				 snapshot_threads(b)->items[i].tid);
		assert_int_equal(snapshot_threads(a)->items[i].state,
				 snapshot_threads(b)->items[i].state);
	}
	assert_int_equal(snapshot_mappings(a)->count, snapshot_mappings(b)->count);
	assert_int_equal(snapshot_modules(a)->count, snapshot_modules(b)->count);
	assert_int_equal(snapshot_python(a) == NULL, snapshot_python(b) == NULL);
	assert_same_images(a->process->memory.image, b->process->memory.image);
	assert_same_bulk(a, b);
}

static void assert_same_error(struct error *a, struct error *b)
{
	if (!a || !b) {
		if (a || b)
			fail_msg("only one of them fails: %s", (a ? a : b)->message);
		return;
	}
	assert_int_equal(a->code, b->code);
	assert_string_equal(a->message, b->message);
	error_destroy(a);
	error_destroy(b);
}

static void assert_same_end(struct snapshot *a, struct snapshot *b)
{
	const char *const *first = snapshot_losses(a);
	const char *const *second = snapshot_losses(b);
	for (; *first && *second; first++, second++)
		assert_string_equal(*first, *second);
	assert_same_text(*first, *second);
	struct snapshot_statistics of_a;
	struct snapshot_statistics of_b;
	snapshot_statistics(a, &of_a);
	snapshot_statistics(b, &of_b);
	assert_int_equal(snapshot_sample_count(a), snapshot_sample_count(b));
	assert_int_equal(of_a.version, of_b.version);
	assert_int_equal(of_a.frames, of_b.frames);
	assert_int_equal(of_a.epochs, of_b.epochs);
	assert_int_equal(of_a.unknown_chunks, of_b.unknown_chunks);
	assert_int_equal(of_a.ended, of_b.ended);
	assert_int_equal(snapshot_process_count(a), snapshot_process_count(b));
}

/* How the forward reader gets the bytes. */
struct feed {
	const uint8_t *bytes;
	size_t size;
	size_t sent;
	size_t step; /* bytes at a time; 0: all, by a thread */
	int fd;	     /* to write to; -1 for a file */
	pthread_t thread;
};

static void *write_all(void *context)
{
	struct feed *feed = context;
	while (feed->sent < feed->size) {
		ssize_t written =
			write(feed->fd, feed->bytes + feed->sent, feed->size - feed->sent);
		if (written <= 0)
			break;
		feed->sent += (size_t)written;
	}
	close(feed->fd);
	return NULL;
}

/* The next sample; in steps, without ever waiting, and not before all of it was sent. */
static struct error *next_sample(struct feed *feed, struct snapshot *snapshot, bool *ret_any)
{
	if (!feed->step)
		return snapshot_next(snapshot, ret_any);
	for (;;) {
		enum snapshot_status status;
		struct error *error = snapshot_try_next(snapshot, &status);
		if (error || status != SNAPSHOT_WAIT) {
			if (!error)
				*ret_any = status == SNAPSHOT_SAMPLE;
			return error;
		}
		size_t left = feed->size - feed->sent;
		if (!left) {
			assert_true(feed->fd >= 0);
			close(feed->fd);
			feed->fd = -1;
			continue;
		}
		size_t part = left < feed->step ? left : feed->step;
		assert_int_equal(write(feed->fd, feed->bytes + feed->sent, part), part);
		feed->sent += part;
	}
}

/* What is known of the processes of a file before its samples are read. */
static void assert_same_processes(struct snapshot *selecting, struct snapshot *forward)
{
	size_t count = snapshot_process_count(selecting);
	check(snapshot_know_processes(forward));
	assert_int_equal(snapshot_process_count(forward), 0);
	for (size_t i = 0; i < count; i++)
		assert_true(
			snapshot_has_process(forward, snapshot_process_entry(selecting, i)->pid));
	for (int32_t pid = 0; pid < 12; pid++)
		assert_int_equal(snapshot_has_process(forward, pid),
				 snapshot_process_samples(selecting, pid) != 0);
}

static void compare_reading(struct snapshot *selecting, struct error *open_error,
			    struct snapshot *forward, struct feed *feed)
{
	size_t count = selecting ? snapshot_sample_count(selecting) : 0;
	bool any = true;
	for (size_t i = 0; i < count; i++) {
		any = false;
		struct error *select_error = snapshot_select(selecting, i);
		struct error *next_error = next_sample(feed, forward, &any);
		bool failed = next_error != NULL;
		assert_same_error(select_error, next_error);
		assert_true(failed || any);
		assert_true(snapshot_can_go_on(forward));
		if (!failed)
			assert_same_sample(selecting, forward);
	}
	assert_same_error(open_error, next_sample(feed, forward, &any));
	if (!selecting)
		return;
	assert_false(any);
	assert_same_end(selecting, forward);
}

enum way { BY_FILE, BY_PIPE, BY_BYTE, BY_PART };

static void compare(const uint8_t *bytes, size_t size, enum way way)
{
	struct snapshot *selecting = NULL;
	struct snapshot *forward = NULL;
	struct error *error = open_bytes(bytes, size, &selecting);
	struct feed feed = {.bytes = bytes, .size = size, .fd = -1};
	feed.step = way == BY_BYTE ? 1 : way == BY_PART ? 97 : 0;
	int fds[2];
	if (way == BY_FILE) {
		fds[0] = file_of(bytes, size);
	} else {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		feed.fd = fds[1];
		if (!feed.step)
			assert_int_equal(pthread_create(&feed.thread, NULL, write_all, &feed), 0);
	}
	check(snapshot_open_forward(fds[0], "test.zst", NULL, &forward));
	close(fds[0]);
	if (way == BY_FILE && selecting)
		assert_same_processes(selecting, forward);
	compare_reading(selecting, error, forward, &feed);
	snapshot_destroy(forward);
	snapshot_destroy(selecting);
	if (way == BY_PIPE)
		pthread_join(feed.thread, NULL);
	else if (feed.fd >= 0)
		close(feed.fd);
}

static void test_whole(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_epochs, &file);
	for (enum way way = BY_FILE; way <= BY_PART; way++)
		compare(file.data, file.size, way);
	buffer_deinit(&file);
}

static void test_cut_everywhere(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_epochs, &file);
	for (size_t size = 0; size < file.size; size++) {
		compare(file.data, size, BY_FILE);
		compare(file.data, size, BY_PIPE);
	}
	buffer_deinit(&file);
}

static void test_every_bit_flipped(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_epochs, &file);
	for (size_t bit = 0; bit < file.size * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		compare(file.data, file.size, BY_FILE);
		compare(file.data, file.size, bit % 16 ? BY_PIPE : BY_PART);
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buffer_deinit(&file);
}

/* Frames that are missing, and two logs in one file. */
static void test_frames_missing(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_epochs, &file);
	size_t offset = 0;
	while (offset < file.size) {
		struct frame_extent extent;
		size_t need;
		assert_int_equal(
			frame_measure(file.data + offset, file.size - offset, &extent, &need),
			FRAME_OK);
		struct buffer less = {0};
		check(buffer_append(&less, file.data, offset));
		offset += extent.size;
		check(buffer_append(&less, file.data + offset, file.size - offset));
		compare(less.data, less.size, BY_FILE);
		compare(less.data, less.size, BY_PIPE);
		check(buffer_append(&less, file.data, file.size));
		compare(less.data, less.size, BY_PIPE);
		buffer_deinit(&less);
	}
	buffer_deinit(&file);
}

/* The log contradicts itself in the midst of an epoch: each of its samples from there on fails, as
 * by selecting it. */
static void test_contradiction(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	for (uint32_t epoch = 0; epoch < 3; epoch++) {
		builder_begin(&builder, epoch * 4);
		builder_sample(&builder, 1 + epoch * 4);
		builder_sample(&builder, 2 + epoch * 4);
		builder_end(&builder);
		builder_begin(&builder, 0);
		memory_begin(&builder);
		/* The last one is as it should be: a file is opened at its last sample. */
		if (epoch < 2)
			memory_operation(&builder, SNAPSHOT_MEMORY_PATCH, 0x1000, "\0\1x", 3);
		memory_end(&builder);
		builder_sample(&builder, 3 + epoch * 4);
		builder_sample(&builder, 4 + epoch * 4);
		builder_end(&builder);
		if (epoch < 2)
			builder_next_epoch(&builder);
	}
	builder_begin(&builder, 0);
	builder_finish(&builder, 12);
	for (enum way way = BY_FILE; way <= BY_PART; way++)
		compare(builder.file.data, builder.file.size, way);
	builder_deinit(&builder);
}

/* Unknown chunks are counted; those that must not be skipped cost their epoch. */
static void test_unknown_chunks(void **state)
{
	(void)state;
	for (int flags = 0; flags <= SNAPSHOT_CHUNK_CRITICAL; flags++) {
		struct block_builder builder;
		builder_init(&builder);
		builder_begin(&builder, 0);
		builder_sample(&builder, 1);
		builder_end(&builder);
		builder_begin(&builder, 0);
		builder_chunk(&builder, 4242, flags, "later", 5);
		builder_sample(&builder, 2);
		builder_finish(&builder, 2);
		compare(builder.file.data, builder.file.size, BY_FILE);
		compare(builder.file.data, builder.file.size, BY_BYTE);
		builder_deinit(&builder);
	}
}

/* An index, or whatever else stands in skippable frames; a stream's may be cut. */
static void test_skippable(void **state)
{
	(void)state;
	static const uint8_t skippable[] = {0x5b, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'P', 'S', 'I'};
	struct buffer file = {0};
	build_with(fill_epochs, &file);
	check(buffer_append(&file, skippable, sizeof(skippable)));
	for (size_t cut = 0; cut < sizeof(skippable); cut++) {
		compare(file.data, file.size - cut, BY_FILE);
		compare(file.data, file.size - cut, BY_PIPE);
		compare(file.data, file.size - cut, BY_BYTE);
	}
	buffer_deinit(&file);
}

/* What comes through a pipe is refused, and given back as far as it was read. */
static void assert_not_a_snapshot(const void *bytes, size_t size)
{
	struct snapshot *snapshot = NULL;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], (const char *)bytes + 2, size - 2), size - 2);
	close(fds[1]);
	struct buffer head = {0};
	bool any;
	check(buffer_append(&head, bytes, 2));
	check(snapshot_open_forward(fds[0], "script", &head, &snapshot));
	assert_null(head.data);
	assert_error_code(snapshot_next(snapshot, &any), ERROR_FORMAT);
	assert_false(snapshot_can_go_on(snapshot));
	assert_true(snapshot_take_head(snapshot, &head));
	assert_int_equal(head.size, size);
	assert_memory_equal(head.data, bytes, size);
	buffer_deinit(&head);
	assert_error_code(snapshot_select(snapshot, 0), ERROR_UNSUPPORTED);
	snapshot_destroy(snapshot);
	close(fds[0]);
}

static void test_not_a_snapshot(void **state)
{
	(void)state;
	static const char text[] = "#!/bin/sh\necho nothing of ours\n";
	assert_not_a_snapshot(text, sizeof(text));
}

/* A core that is packed as a whole, with the largest window that is unpacked. */
static void test_packed_with_a_large_window(void **state)
{
	(void)state;
	enum { WINDOW_LOG = 27, PACKED_MAX = 32 << 10 };
	const size_t size = (size_t)1 << WINDOW_LOG;
	static uint8_t packed[PACKED_MAX];
	uint8_t *bytes = calloc(1, size);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	assert_non_null(bytes);
	assert_non_null(context);
	memcpy(bytes, "\177ELF", 4);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG);
	size_t packed_size = ZSTD_compress2(context, packed, sizeof(packed), bytes, size);
	assert_false(ZSTD_isError(packed_size));
	assert_not_a_snapshot(packed, packed_size);
	ZSTD_freeCCtx(context);
	free(bytes);
}

/* What the programs wrote: bulk memory and images of modules too. */
static void test_fixtures(void **state)
{
	(void)state;
	glob_t found;
	if (glob("tests/fixtures/*/[lnsf]*.zst", 0, NULL, &found) != 0)
		skip(); /* not run in the tree */
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct buffer file = {0};
		CLEANUP_CLOSE int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		size_t size = (size_t)lseek(fd, 0, SEEK_END);
		check(buffer_reserve(&file, size));
		assert_int_equal(pread(fd, file.data, size, 0), size);
		for (enum way way = BY_FILE; way <= BY_PIPE; way++)
			compare(file.data, size, way);
		compare(file.data, size, BY_PART);
		compare(file.data, size * 2 / 3, BY_PIPE);
		buffer_deinit(&file);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_every_bit_flipped),
		cmocka_unit_test(test_frames_missing),
		cmocka_unit_test(test_contradiction),
		cmocka_unit_test(test_unknown_chunks),
		cmocka_unit_test(test_skippable),
		cmocka_unit_test(test_not_a_snapshot),
		cmocka_unit_test(test_packed_with_a_large_window),
		cmocka_unit_test(test_fixtures),
	};
	signal(SIGPIPE, SIG_IGN); /* a reader that gives up leaves the writer alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
