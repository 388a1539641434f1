/* Files that are cut, flipped, foreign: what is left is shown, what is lost is said, and nothing
 * that is not proven is shown as truth. */
#include "snapshot_builder.h"

enum { SAMPLES = 3, BULK = 4096 };
static const uint64_t bulk_address = 0x7f0000000000;

/* Three epochs (bulk memory ends an epoch at its sample), each a few frames. */
static void fill_small(struct snapshot_writer *writer)
{
	static char bulk[BULK];
	struct process_facts facts = {.pid = 7, .command_line = (char *)"python3 app.py"};
	check(snapshot_writer_process(writer, &facts));
	for (uint64_t i = 0; i < SAMPLES; i++) {
		struct thread_facts thread = {.tid = 7, .state = 'R', .name = "MainThread"};
		struct thread_list threads = {.items = &thread, .count = 1};
		check(snapshot_writer_threads(writer, 7, &threads));
		memset(bulk, 'a' + (int)i, sizeof(bulk));
		check(snapshot_writer_memory(writer, 7, bulk_address, bulk, sizeof(bulk)));
		check(snapshot_writer_memory(writer, 7, 0x1000, &i, sizeof(i)));
		struct sample_facts sample = {.pid = 7, .time_ns = 1000 + i};
		check(snapshot_writer_sample(writer, &sample));
	}
}

/*
 * Every sample that is shown must be one that was written, in its order. Gives how many there are;
 * `ret_gaps` is whether some of their memory is missing.
 */
static size_t check_shown(struct snapshot *snapshot, bool *ret_gaps)
{
	uint64_t next = 0;
	size_t count = snapshot_sample_count(snapshot);
	*ret_gaps = false;
	for (size_t i = 0; i < count; i++) {
		check(snapshot_select(snapshot, i));
		uint64_t number = snapshot_sample(snapshot)->time_ns - 1000;
		assert_true(number >= next && number < SAMPLES);
		next = number + 1;
		assert_string_equal(snapshot_process(snapshot)->command_line, "python3 app.py");
		assert_int_equal(snapshot_threads(snapshot)->count, 1);
		assert_string_equal(snapshot_threads(snapshot)->items[0].name, "MainThread");
		uint64_t value;
		assert_int_equal(memory_read_u64(snapshot_memory(snapshot), 0x1000, &value),
				 MEMORY_OK);
		assert_int_equal(value, number);
		char bulk[BULK];
		enum memory_status status =
			memory_read(snapshot_memory(snapshot), bulk_address, bulk, sizeof(bulk));
		if (status != MEMORY_OK) {
			assert_int_equal(status, MEMORY_NOT_CAPTURED);
			*ret_gaps = true;
			continue;
		}
		for (size_t j = 0; j < BULK; j++)
			assert_int_equal(bulk[j], 'a' + (int)number);
	}
	return count;
}

static void test_cut_everywhere(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	size_t most = 0;
	for (size_t size = 0; size < file.size; size++) {
		struct snapshot *snapshot = NULL;
		struct error *error = open_bytes(file.data, size, &snapshot);
		if (error) {
			assert_int_equal(most, 0);
			assert_error_code(error, ERROR_TRUNCATED);
			continue;
		}
		bool gaps;
		size_t count = check_shown(snapshot, &gaps);
		assert_true(count >= most);
		most = count;
		assert_false(gaps);
		assert_int_equal(loss_count(snapshot), 1);
		assert_true(has_loss(snapshot, "is cut after sample") ||
			    has_loss(snapshot, "no end mark after sample"));
		snapshot_destroy(snapshot);
	}
	/* The last sample is in one frame with the end. */
	assert_int_equal(most, SAMPLES - 1);
	buffer_deinit(&file);
}

static void test_every_bit_flipped(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	size_t opened = 0;
	for (size_t bit = 0; bit < file.size * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct snapshot *snapshot = NULL;
		struct error *error = open_bytes(file.data, file.size, &snapshot);
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (error) {
			error_destroy(error);
			continue;
		}
		bool gaps;
		opened++;
		if (check_shown(snapshot, &gaps) < SAMPLES || gaps)
			assert_true(loss_count(snapshot) > 0);
		snapshot_destroy(snapshot);
	}
	/* Most damage costs an epoch, not the file. */
	assert_true(opened > file.size * 8 * 9 / 10);
	buffer_deinit(&file);
}

/* Offsets of the frames of a file; gives how many. */
static size_t frames_of(const struct buffer *file, size_t *offsets, size_t most)
{
	size_t count = 0;
	size_t offset = 0;
	while (offset < file->size) {
		struct frame_extent extent;
		size_t need;
		assert_int_equal(
			frame_measure(file->data + offset, file->size - offset, &extent, &need),
			FRAME_OK);
		assert_true(count < most);
		offsets[count++] = offset;
		offset += extent.size;
	}
	offsets[count] = offset;
	return count;
}

/* Three frames an epoch: header and facts, bulk, the rest. */
static void test_frames_removed(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	size_t offsets[16] = {0};
	assert_int_equal(frames_of(&file, offsets, 15), 3 * SAMPLES);
	for (size_t i = 0; i < 3 * SAMPLES; i++) {
		struct buffer less = {0};
		check(buffer_append(&less, file.data, offsets[i]));
		check(buffer_append(&less, file.data + offsets[i + 1], file.size - offsets[i + 1]));
		struct snapshot *snapshot = must_open(&less);
		bool gaps;
		size_t count = check_shown(snapshot, &gaps);
		bool is_bulk = i % 3 == 1;
		assert_int_equal(count, is_bulk ? SAMPLES : SAMPLES - 1);
		assert_int_equal(gaps, is_bulk);
		assert_int_equal(loss_count(snapshot), 1);
		snapshot_destroy(snapshot);
		buffer_deinit(&less);
	}
	buffer_deinit(&file);
}

/* Wherever a file is damaged, the epochs that are not touched are shown. */
static void test_holes(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	size_t offsets[16] = {0};
	frames_of(&file, offsets, 15);
	for (size_t epoch = 0; epoch < SAMPLES; epoch++) {
		size_t begin = offsets[epoch * 3] + (epoch ? 0 : 8);
		size_t end = offsets[epoch * 3 + 3];
		struct buffer hole = {0};
		check(buffer_append(&hole, file.data, file.size));
		memset(hole.data + begin, 0, end - begin);
		struct snapshot *snapshot = must_open(&hole);
		bool gaps;
		assert_int_equal(check_shown(snapshot, &gaps), SAMPLES - 1);
		assert_int_equal(loss_count(snapshot), 1);
		if (epoch < SAMPLES - 1)
			assert_true(has_loss(snapshot, "samples lost: 1"));
		snapshot_destroy(snapshot);
		buffer_deinit(&hole);
	}
	buffer_deinit(&file);
}

static void test_after_the_end(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	check(buffer_append(&file, "garbage", 7));
	struct snapshot *snapshot = must_open(&file);
	bool gaps;
	assert_int_equal(check_shown(snapshot, &gaps), SAMPLES);
	assert_int_equal(loss_count(snapshot), 1);
	assert_true(has_loss(snapshot, "7 bytes at offset"));
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Frames of another snapshot that lie in captured memory must not be taken for ours. */
static void test_foreign_frames_in_damage(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct buffer other = {0};
	build_with(fill_small, &file);
	build_with(fill_small, &other);
	size_t offsets[16] = {0};
	frames_of(&file, offsets, 15);
	struct buffer mixed = {0};
	check(buffer_append(&mixed, file.data, offsets[3]));
	check(buffer_append(&mixed, "damage", 6));
	check(buffer_append(&mixed, other.data, other.size));
	check(buffer_append(&mixed, file.data + offsets[6], file.size - offsets[6]));
	struct snapshot *snapshot = must_open(&mixed);
	bool gaps;
	assert_int_equal(check_shown(snapshot, &gaps), SAMPLES - 1);
	assert_true(has_loss(snapshot, "samples lost: 1"));
	snapshot_destroy(snapshot);
	buffer_deinit(&mixed);
	buffer_deinit(&other);
	buffer_deinit(&file);
}

static void append_all(struct buffer *buffer, const struct buffer *more)
{
	check(buffer_append(buffer, more->data, more->size));
}

/* What was put behind a cut file is there, wherever that is cut; the same file can come again. */
static void test_others_behind_a_cut_one(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct buffer other = {0};
	build_with(fill_small, &file);
	build_with(fill_small, &other);
	size_t offsets[16] = {0};
	frames_of(&file, offsets, 15);
	for (size_t size = offsets[3]; size < file.size; size++) {
		struct buffer mixed = {0};
		check(buffer_append(&mixed, file.data, size));
		struct snapshot *snapshot = must_open(&mixed);
		size_t count = snapshot_sample_count(snapshot);
		snapshot_destroy(snapshot);
		append_all(&mixed, &other);
		append_all(&mixed, &file);
		append_all(&mixed, &other);
		snapshot = must_open(&mixed);
		assert_int_equal(snapshot_sample_count(snapshot), count + 3ul * SAMPLES);
		for (size_t i = 0; i < count + 3ul * SAMPLES; i++) {
			check(snapshot_select(snapshot, i));
			uint64_t number = i < count ? i : (i - count) % SAMPLES;
			assert_int_equal(snapshot_sample(snapshot)->time_ns, 1000 + number);
		}
		assert_true(has_loss(snapshot, "has no end mark"));
		snapshot_destroy(snapshot);
		buffer_deinit(&mixed);
	}
	buffer_deinit(&other);
	buffer_deinit(&file);
}

/* What captured memory holds in fill_holder(). */
static struct buffer held;

/* One sample, and one of a process whose memory holds a whole snapshot. */
static void fill_holder(struct snapshot_writer *writer)
{
	struct process_facts facts = {.pid = 7, .command_line = (char *)"python3 app.py"};
	check(snapshot_writer_process(writer, &facts));
	for (uint64_t i = 0; i < 2; i++) {
		if (i)
			check(snapshot_writer_memory(writer, 7, bulk_address, held.data,
						     held.size));
		struct sample_facts sample = {.pid = 7, .time_ns = 1000 + i};
		check(snapshot_writer_sample(writer, &sample));
	}
}

/* The last frame is cut or damaged, so that nothing follows it: what it holds is not taken up. (Cut
 * at the byte where a frame that it holds ends, it looks as two files put together do.) */
static void test_held_by_the_last_frame(void **state)
{
	(void)state;
	struct buffer file = {0};
	size_t offsets[16] = {0};
	build_with(fill_small, &held);
	size_t held_count = frames_of(&held, offsets, 15);
	size_t held_ends[16];
	memcpy(held_ends, offsets, sizeof(offsets));
	size_t first = held_ends[1];
	uint32_t random = 1;
	while (held.size < 8ul * BULK) {
		random = random * 1664525 + 1013904223;
		uint8_t byte = (uint8_t)(random >> 24);
		check(buffer_append(&held, &byte, 1));
	}
	build_with(fill_holder, &file);
	const uint8_t *found = memmem(file.data, file.size, held.data, first);
	assert_non_null(found);
	size_t at = (size_t)(found - file.data);
	size_t end = at;
	size_t count = frames_of(&file, offsets, 15);
	for (size_t i = 0; i <= count && end == at; i++)
		end = offsets[i] > at ? offsets[i] : at;
	for (size_t size = at + first, i = 1; size < end; size++) {
		struct snapshot *snapshot = NULL;
		if (i <= held_count && size == at + held_ends[i]) {
			i++;
			continue;
		}
		check(open_bytes(file.data, size, &snapshot));
		assert_int_equal(snapshot_sample_count(snapshot), 1);
		assert_int_equal(snapshot_sample(snapshot)->time_ns, 1000);
		snapshot_destroy(snapshot);
	}
	for (size_t i = at + held_ends[held_count]; i < end; i += 97) {
		struct snapshot *snapshot = NULL;
		file.data[i] ^= 1;
		check(open_bytes(file.data, end, &snapshot));
		assert_int_equal(snapshot_sample_count(snapshot), 1);
		snapshot_destroy(snapshot);
		/* More of the log, and only what was damaged is lost. */
		check(open_bytes(file.data, file.size, &snapshot));
		assert_true(has_loss(snapshot, "damaged after sample 1"));
		assert_false(has_loss(snapshot, "has no end mark"));
		snapshot_destroy(snapshot);
		file.data[i] ^= 1;
	}
	buffer_deinit(&held);
	buffer_deinit(&file);
}

static void test_recognize(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	size_t offsets[16] = {0};
	frames_of(&file, offsets, 15);
	int fd = file_of(file.data, file.size);
	assert_true(snapshot_recognize(fd));
	close(fd);
	fd = file_of(file.data, 20);
	assert_true(snapshot_recognize(fd));
	close(fd);
	/* The first frame is damaged, the others are whole. */
	memset(file.data + 8, 0xff, offsets[1] - 8);
	fd = file_of(file.data, file.size);
	assert_true(snapshot_recognize(fd));
	close(fd);
	fd = file_of("\177ELF and so on", 14);
	assert_false(snapshot_recognize(fd));
	close(fd);
	/* Some other small zstd frame. */
	struct frame_encoder *encoder;
	check(frame_encoder_create(&encoder));
	char text[1000] = "not ours";
	const void *frame;
	size_t size;
	check(frame_encode(encoder, text, sizeof(text), &frame, &size));
	fd = file_of(frame, size);
	assert_false(snapshot_recognize(fd));
	struct snapshot *snapshot;
	assert_error_code(snapshot_open(fd, "x", &snapshot), ERROR_FORMAT);
	close(fd);
	frame_encoder_destroy(encoder);
	assert_error_code(open_bytes("PK\3\4 some other file", 21, &snapshot), ERROR_FORMAT);
	assert_error_code(open_bytes("", 0, &snapshot), ERROR_TRUNCATED);
	buffer_deinit(&file);
}

/* A file full of what looks like the beginnings of frames must not take for ever. */
static void test_search_is_bounded(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_small, &file);
	/* Header of a frame of 4 MiB, then a raw block. */
	static const uint8_t lure[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0, 0, 0x40, 0, 0, 0, 8, 0xff};
	for (size_t i = 0; i < 500000; i++)
		check(buffer_append(&file, lure, sizeof(lure)));
	struct snapshot *snapshot = must_open(&file);
	bool gaps;
	assert_int_equal(check_shown(snapshot, &gaps), SAMPLES);
	assert_int_equal(loss_count(snapshot), 1);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* Nor must one that is full of beginnings of logs. */
static void test_looking_ahead_is_bounded(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct block_builder builder;
	builder_init(&builder);
	build_with(fill_small, &file);
	for (uint32_t i = 0; i < 40000; i++) {
		buffer_clear(&builder.file);
		builder.header.log_number = i;
		builder.header.frame = builder.header.ordinary = 0;
		builder_begin(&builder, 0);
		builder_end(&builder);
		check(buffer_append(&file, "damage", 6));
		append_all(&file, &builder.file);
	}
	struct snapshot *snapshot = must_open(&file);
	assert_int_equal(snapshot_sample_count(snapshot), SAMPLES);
	assert_true(loss_count(snapshot) > 0);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
	buffer_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_every_bit_flipped),
		cmocka_unit_test(test_frames_removed),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_after_the_end),
		cmocka_unit_test(test_foreign_frames_in_damage),
		cmocka_unit_test(test_others_behind_a_cut_one),
		cmocka_unit_test(test_held_by_the_last_frame),
		cmocka_unit_test(test_recognize),
		cmocka_unit_test(test_search_is_bounded),
		cmocka_unit_test(test_looking_ahead_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
