/* The walk over a made-up interpreter: what it reports of whole and of broken structures. */
#include <stdio.h>

#include "common/buffer.h"
#include "common/walk.h"
#include "tests/unit/fake_python.h"

/* The walk as text: one word for each callback. */
static struct buffer trace;

static void trace_append(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void trace_append(const char *format, ...)
{
	char text[128];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	assert_null(buffer_append(&trace, text, (size_t)length));
}

static struct error *trace_interpreter(void *context, const struct walk_interpreter *interpreter)
{
	(void)context;
	trace_append("interpreter%d ", (int)interpreter->id);
	assert_int_equal(interpreter->gil_locked, 1);
	return NULL;
}

static struct error *trace_thread(void *context, const struct walk_thread *thread)
{
	(void)context;
	trace_append("thread%d%s ", thread->os_ids.ids[0], thread->owns_gil ? "+gil" : "");
	return NULL;
}

static struct error *trace_frame(void *context, const struct walk_frame *frame)
{
	(void)context;
	if (frame->code->status != MEMORY_OK)
		trace_append("(no code) ");
	else if (frame->code->malformed)
		trace_append("(bad code) ");
	else
		trace_append("%.*s%s ", (int)frame->code->name.length,
			     (const char *)frame->code->name.data,
			     frame->is_shim_entry ? "+entry" : "");
	return NULL;
}

static struct error *trace_gap(void *context, const struct walk_gap *gap)
{
	static const char *const kinds[] = {"", "memory", "cycle", "bound", "wild"};
	(void)context;
	trace_append("[%s %s] ", kinds[gap->kind], gap->what);
	return NULL;
}

static const char *walk_text(struct memory_image *image)
{
	const struct walk_visitor visitor = {
		.interpreter = trace_interpreter,
		.thread = trace_thread,
		.frame = trace_frame,
		.gap = trace_gap,
	};
	struct python_location location = fake_location();
	buffer_clear(&trace);
	assert_null(walk_python(memory_image_memory(image), &location, &visitor));
	assert_null(buffer_append_u8(&trace, 0));
	return (const char *)trace.data;
}

/* Two threads: the first in function_0 called by function_1 through C, the second in function_2. */
static void put_process(struct memory_image *image)
{
	for (unsigned i = 0; i < 3; i++)
		fake_put_code(image, i, 10 * i + 1);
	fake_put_interpreter(image, fake_thread(0));
	fake_put_thread(image, 0, fake_thread(1), fake_frame(0));
	fake_put_thread(image, 1, 0, fake_frame(3));
	fake_put_frame(image, 0, fake_frame(1), fake_code(0) | 1, 0);
	fake_put_frame(image, 1, fake_frame(2), 0, 3);
	fake_put_frame(image, 2, fake_frame(4), fake_code(1), 0);
	fake_put_frame(image, 3, fake_frame(5), fake_code(2), 0);
	fake_put_frame(image, 4, 0, 0, 3);
	fake_put_frame(image, 5, 0, 0, 3);
}

static int setup(void **state)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	put_process(image);
	*state = image;
	return 0;
}

static int teardown(void **state)
{
	memory_image_destroy(*state);
	buffer_deinit(&trace);
	return 0;
}

static void test_whole(void **state)
{
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2+entry ");
}

static void test_frame_cycle(void **state)
{
	fake_put_frame(*state, 2, fake_frame(0), fake_code(1), 0);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1 "
			    "[cycle frame] thread1001 function_2+entry ");
}

static void test_frame_of_itself(void **state)
{
	fake_put_frame(*state, 3, fake_frame(3), fake_code(2), 0);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2 [cycle frame] ");
}

/* A generator's frame that was being unlinked: a stack that ends where none can. */
static void test_end_that_is_no_entry(void **state)
{
	fake_put_frame(*state, 3, 0, fake_code(2), 0);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2 [wild end of the stack] ");
}

static void test_wild_frame(void **state)
{
	fake_put_frame(*state, 0, 0xdeadbeef000, fake_code(0), 0);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0 [memory frame] "
			    "thread1001 function_2+entry ");
}

static void test_wild_code(void **state)
{
	fake_put_frame(*state, 0, fake_frame(1), 0xdeadbeef000, 0);
	/* A string whose kind is none. */
	fake_u32(*state, FAKE_STRINGS + 0x200 * 1 + 24, 3 << 2);
	assert_string_equal(walk_text(*state), "interpreter0 thread1000+gil (no code) (bad code) "
					       "thread1001 function_2+entry ");
}

static void test_null_code(void **state)
{
	fake_put_frame(*state, 3, fake_frame(5), 0, 0);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 (no code) ");
}

static void test_thread_cycle(void **state)
{
	fake_put_thread(*state, 1, fake_thread(0), fake_frame(3));
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2+entry [cycle thread state] ");
}

static void test_thread_of_another_interpreter(void **state)
{
	fake_u64(*state, fake_thread(1) + 8, 0x123000);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "[wild thread state] ");
}

static void test_interpreter_cycle(void **state)
{
	fake_u64(*state, FAKE_INTERPRETER + 8, FAKE_INTERPRETER);
	assert_string_equal(walk_text(*state),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2+entry [cycle interpreter state] ");
}

static void test_nothing_there(void **state)
{
	memory_image_clear(*state);
	assert_string_equal(walk_text(*state), "[memory list of interpreters] ");
}

static void test_longer_than_the_bound(void **state)
{
	struct memory_image *image = *state;
	enum { FIRST = 0x1000000, STEP = 32 };
	for (uint64_t i = 0; i <= WALK_MAX_FRAMES; i++) {
		uint64_t frame[4] = {FIRST + (i + 1) * STEP, fake_code(0), fake_code(0) + 64, 0};
		fake_bytes(image, FIRST + i * STEP, frame, sizeof(frame));
	}
	fake_put_thread(image, 1, 0, FIRST);
	const char *text = walk_text(image);
	assert_non_null(strstr(text, "[bound frame] "));
}

/* The capture set is the decode set: what a recorder took is all that a walk needs. */
static void test_recorded_is_enough(void **state)
{
	struct memory_image *recorded;
	struct memory *recorder;
	const struct walk_visitor silent = {0};
	struct python_location location = fake_location();
	assert_null(memory_image_create(&recorded));
	assert_null(memory_recorder_create(memory_image_memory(*state), recorded, &recorder));
	assert_null(walk_python(recorder, &location, &silent));
	assert_string_equal(walk_text(recorded),
			    "interpreter0 thread1000+gil function_0+entry function_1+entry "
			    "thread1001 function_2+entry ");
	memory_destroy(recorder);
	memory_image_destroy(recorded);
}

static struct error *refuse(void *context, const struct walk_frame *frame)
{
	(void)context;
	(void)frame;
	return &error_end;
}

static void test_error_of_a_callback(void **state)
{
	const struct walk_visitor visitor = {.frame = refuse};
	struct python_location location = fake_location();
	assert_ptr_equal(walk_python(memory_image_memory(*state), &location, &visitor), &error_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_of_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_that_is_no_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_null_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_of_another_interpreter, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_interpreter_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longer_than_the_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recorded_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_of_a_callback, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
