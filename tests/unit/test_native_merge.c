/* Native and Python frames in one stack. */
#include "tests/unit/cmocka_headers.h"

#include <stdio.h>
#include <string.h>

#include "analyze/native/merge.h"
#include "common/cleanup.h"

struct fixture {
	struct native_symbols symbols;
	struct native_frame frames[16];
	struct native_stack stack;
	struct native_module modules[2];
	struct module files[2];
	struct model_thread thread;
	struct merge_options options;
};

static char interpreter_path[] = "/usr/bin/python";
static char other_path[] = "/usr/lib/libother.so";

static int setup(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){
		.files = {{.path = interpreter_path}, {.path = other_path}},
		.options = {.interpreter_module = interpreter_path},
	};
	for (size_t i = 0; i < 2; i++)
		fixture.modules[i].module = &fixture.files[i];
	fixture.stack =
		(struct native_stack){.frames = fixture.frames, .end = UNWIND_END_OUTERMOST};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	native_symbols_deinit(&fixture->symbols);
	model_thread_deinit(&fixture->thread);
	return 0;
}

/* A native frame 0x100 bytes high, outside of those before it. */
static void native(struct fixture *fixture, size_t module, const char *symbol)
{
	size_t number = fixture->stack.count++;
	struct native_functions *functions =
		calloc(1, sizeof(*functions) + sizeof(functions->items[0]));
	assert_non_null(functions);
	functions->count = 1;
	if (symbol) {
		functions->items[0].symbol = strdup(symbol);
		functions->items[0].name = strdup(symbol);
	}
	fixture->frames[number] = (struct native_frame){
		.pc = 0x1000 + number,
		.stack = 0x7000 + 0x100 * number,
		.frame_address = 0x7000 + 0x100 * (number + 1),
		.method = UNWIND_CFI,
		.module = &fixture->modules[module],
	};
	assert_null(address_map_put(&fixture->symbols.found,
				    native_symbols_key(&fixture->frames[number]), functions));
}

static void python(struct fixture *fixture, const char *name, bool ends_run, uint64_t entry)
{
	struct model_frame *frame;
	assert_null(model_thread_add_frame(&fixture->thread, &frame));
	frame->name = strdup(name);
	frame->is_entry = ends_run;
	frame->entry_address = entry;
}

static void expect(struct fixture *fixture, const char *expected)
{
	char text[512] = "";
	assert_null(merge_native(&fixture->options, &fixture->stack, &fixture->symbols,
				 &fixture->thread));
	for (size_t i = 0; i < fixture->thread.frame_count; i++) {
		const struct model_frame *frame = &fixture->thread.frames[i];
		size_t used = strlen(text);
		const char *name = frame->name;
		if (frame->kind == MODEL_FRAME_GAP)
			name = "<gap>";
		snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "", name ? name : "?");
	}
	assert_string_equal(text, expected);
}

static void test_one_loop_for_each_frame(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "nanosleep");
	native(fixture, 0, "time_sleep");
	native(fixture, 0, "_PyCFunction_FastCallDict");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 0, "_PyFunction_FastCallDict");
	native(fixture, 0, "_PyEval_EvalFrameDefault.cold");
	native(fixture, 0, "main");
	python(fixture, "inner", true, 0);
	python(fixture, "outer", true, 0);
	expect(fixture, "nanosleep time_sleep inner outer main");
}

/* A function as Cython makes it, by what its symbol was read as. */
static void cython(struct fixture *fixture, const char *name, bool is_wrapper)
{
	native(fixture, 1, name);
	const struct native_frame *frame = &fixture->stack.frames[fixture->stack.count - 1];
	struct native_functions *functions =
		address_map_get(&fixture->symbols.found, native_symbols_key(frame));
	functions->items[0].is_cython = true;
	functions->items[0].is_wrapper = is_wrapper;
}

static void test_wrapper_settles_a_name(void **state)
{
	struct fixture *fixture = *state;
	cython(fixture, "demo.load.data", false);
	cython(fixture, "demo.load_data", true);
	cython(fixture, "demo.save.data", false);
	cython(fixture, "demo.save.data", true);
	cython(fixture, "demo.other.thing", false);
	cython(fixture, "demo.caller", true);
	expect(fixture, "demo.load_data demo.save.data demo.other.thing demo.caller");
}

static void test_one_loop_for_many_frames(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 0, "time_sleep");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 1, "qsort");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	python(fixture, "a", false, 0);
	python(fixture, "b", true, 0x7150);
	python(fixture, "c", false, 0);
	python(fixture, "d", true, 0x7350);
	expect(fixture, "time_sleep a b qsort c d");
}

/* A loop without a symbol is known by its entry frame. */
static void test_stripped(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "qsort");
	native(fixture, 0, NULL);
	native(fixture, 0, NULL);
	python(fixture, "a", false, 0);
	python(fixture, "b", true, 0x7150);
	expect(fixture, "qsort a b ?");
}

/* The innermost loop was just called and has no frame. */
static void test_loop_without_frame(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 1, "qsort");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	python(fixture, "a", true, 0x7250);
	expect(fixture, "qsort a");
}

static void test_loop_without_frame_by_number(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "memset");
	native(fixture, 0, "PyEval_EvalFrameEx");
	native(fixture, 1, "qsort");
	native(fixture, 0, "PyEval_EvalFrameEx");
	python(fixture, "a", true, 0);
	expect(fixture, "memset qsort a");
}

static void test_tail_calls(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 0, "time_sleep");
	native(fixture, 0, "_TAIL_CALL_CALL");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 1, "qsort");
	native(fixture, 0, "_TAIL_CALL_CALL");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	python(fixture, "a", true, 0);
	python(fixture, "b", true, 0);
	expect(fixture, "time_sleep a qsort b");
}

/* What the native stack does not reach is shown all the same. */
static void test_lost(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "qsort");
	fixture->stack.end = UNWIND_END_LOST;
	python(fixture, "a", true, 0);
	python(fixture, "b", true, 0);
	expect(fixture, "qsort <gap> a b");
}

static void test_last(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.last = true;
	native(fixture, 1, "memcpy");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 1, "qsort");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 0, "main");
	python(fixture, "a", true, 0);
	python(fixture, "b", true, 0);
	expect(fixture, "memcpy a b");
}

static void test_internal(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.internal = true;
	native(fixture, 0, "_PyObject_Call");
	native(fixture, 0, "_PyEval_EvalFrameDefault");
	native(fixture, 0, "PyEval_EvalCode");
	python(fixture, "a", true, 0);
	expect(fixture, "_PyObject_Call a _PyEval_EvalFrameDefault PyEval_EvalCode");
}

/* The same name in another library is that library's. */
static void test_internal_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "call_function");
	native(fixture, 0, "call_function");
	expect(fixture, "call_function");
}

static void test_no_python(void **state)
{
	struct fixture *fixture = *state;
	native(fixture, 1, "pause");
	native(fixture, 1, "start_thread");
	expect(fixture, "pause start_thread");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_loop_for_each_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_loop_for_many_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrapper_settles_a_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stripped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loop_without_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loop_without_frame_by_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tail_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_internal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_internal_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_python, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
