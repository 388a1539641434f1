/* What the operating system's list of threads tells, also if it lies. */
#include "tests/unit/cmocka_headers.h"

#include <string.h>

#include "analyze/python/os_threads.h"
#include "common/cleanup.h"
#include "tests/unit/fake_python.h"

enum { FUTEX = 202, RESTART = 219, POLL = 7, GIL = 0x7000, COND = 32, MUTEX = 80 };

struct scene {
	struct python_layout layout;
	struct walk_interpreter interpreter;
	struct walk_thread walked;
	struct thread_facts facts;
	struct modules modules;
	int32_t machine;
};

static struct scene scene_make(void)
{
	struct scene scene = {
		.layout = fake_location().layout,
		.interpreter = {.gil_address = GIL, .gil_locked = 1, .gc_state = GC_RESTS},
		.walked = {.os_ids = {{1000}}, .owns_gil_known = true},
		.facts = {.tid = 1000,
			  .state = 'S',
			  .name = "pool",
			  .system_call = FUTEX,
			  .has_system_call_argument = true,
			  .system_call_argument = GIL + COND},
		.machine = MACHINE_X86_64,
	};
	scene.layout.gil.cond = COND;
	scene.layout.gil.mutex = MUTEX;
	return scene;
}

/* The one thread state, described. */
static struct model_thread describe(struct scene *scene)
{
	struct model_thread thread = {.system_call = -1, .owns_gil = scene->walked.owns_gil};
	struct thread_list list = {.items = &scene->facts, .count = 1};
	const struct os_threads_source source = {
		.list = &list,
		.modules = &scene->modules,
		.machine = scene->machine,
		.layout = &scene->layout,
	};
	struct os_threads threads;
	scene->walked.interpreter = &scene->interpreter;
	assert_null(os_threads_init(&threads, &source));
	assert_null(os_threads_describe(&threads, &scene->walked, &thread, NULL));
	assert_false(threads.misses_some);
	os_threads_deinit(&threads);
	free(thread.os_name);
	thread.os_name = NULL;
	return thread;
}

static enum model_answer waits(struct scene *scene)
{
	return describe(scene).waits_for_gil;
}

static void test_addresses(void **state)
{
	static const struct {
		uint64_t address;
		enum model_answer answer;
	} rows[] = {
		{GIL, MODEL_NO},
		{GIL + COND - 1, MODEL_NO},
		{GIL + COND, MODEL_YES},
		{GIL + COND + 44, MODEL_YES},
		{GIL + MUTEX, MODEL_YES},
		{GIL + MUTEX + 96, MODEL_YES}, /* the lock of switch_mutex on aarch64 */
		{GIL + MUTEX + 104, MODEL_NO},
		{0, MODEL_NO},
		{UINT64_MAX, MODEL_NO},
		{GIL - 1, MODEL_NO},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene scene = scene_make();
		scene.facts.system_call_argument = rows[i].address;
		assert_int_equal(waits(&scene), rows[i].answer);
		scene.facts.system_call = RESTART;
		assert_int_equal(waits(&scene), rows[i].answer);
		/* The same number as a file's descriptors, say. */
		scene.facts.system_call = POLL;
		assert_int_equal(waits(&scene), MODEL_NO);
	}
	/* A GIL at the end of the address space. */
	struct scene scene = scene_make();
	scene.interpreter.gil_address = UINT64_MAX - 16;
	scene.facts.system_call_argument = 20;
	assert_int_equal(waits(&scene), MODEL_YES);
	scene.facts.system_call_argument = UINT64_MAX;
	assert_int_equal(waits(&scene), MODEL_NO);
}

static void test_what_is_not_known(void **state)
{
	(void)state;
	struct scene scene = scene_make();
	scene.facts.has_system_call_argument = false;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	scene.facts.system_call = -1;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	scene.facts.state = 'R';
	assert_int_equal(waits(&scene), MODEL_NO);
	scene = scene_make();
	scene.interpreter.gil_address = 0;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	scene = scene_make();
	scene.layout.gil.cond = LAYOUT_ABSENT;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	scene = scene_make();
	scene.machine = MACHINE_UNKNOWN;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	/* Of aarch64 another number is the call. */
	scene.machine = MACHINE_AARCH64;
	assert_int_equal(waits(&scene), MODEL_NO);
	scene.facts.system_call = 98;
	assert_int_equal(waits(&scene), MODEL_YES);
}

static void test_musl(void **state)
{
	struct module module = {.path = (char *)"/lib/ld-musl-x86_64.so.1"};
	(void)state;
	struct scene scene = scene_make();
	scene.modules = (struct modules){.items = &module, .count = 1};
	assert_int_equal(waits(&scene), MODEL_YES);
	scene.facts.system_call_argument = 0x9000;
	assert_int_equal(waits(&scene), MODEL_UNKNOWN);
	scene.facts.system_call = POLL;
	assert_int_equal(waits(&scene), MODEL_NO);
}

static void test_owner(void **state)
{
	(void)state;
	struct scene scene = scene_make();
	scene.walked.owns_gil = true;
	scene.interpreter.gc_state = GC_COLLECTS;
	struct model_thread thread = describe(&scene);
	/* It got it since the list of threads was read. */
	assert_int_equal(thread.waits_for_gil, MODEL_NO);
	assert_int_equal(thread.activity, MODEL_ACTIVE);
	assert_int_equal(thread.collects_garbage, MODEL_YES);
	scene.walked.owns_gil = false;
	assert_int_equal(describe(&scene).collects_garbage, MODEL_UNKNOWN);
	assert_int_equal(describe(&scene).activity, MODEL_IDLE);
	scene.interpreter.gc_state = GC_UNKNOWN;
	scene.walked.owns_gil = true;
	assert_int_equal(describe(&scene).collects_garbage, MODEL_UNKNOWN);
	scene.walked.owns_gil_known = false;
	scene.interpreter.gc_state = GC_COLLECTS;
	assert_int_equal(describe(&scene).collects_garbage, MODEL_UNKNOWN);
}

static void test_wild_facts(void **state)
{
	(void)state;
	struct scene scene = scene_make();
	memset(scene.facts.name, 'x', sizeof(scene.facts.name));
	scene.facts.state = (char)0xff;
	scene.facts.system_call = INT64_MAX;
	scene.facts.container_tid = 1000;
	scene.facts.tid = INT32_MIN;
	struct model_thread thread = describe(&scene);
	assert_int_equal(thread.activity, MODEL_IDLE);
	assert_int_equal(thread.waits_for_gil, MODEL_NO);
	assert_true(thread.system_call == INT64_MAX);
}

/* Registers take the state's place in a core; an innermost frame takes theirs. */
static void test_sources(void **state)
{
	uint64_t registers[27] = {[10] = (uint64_t)-516, [14] = GIL + COND, [15] = FUTEX};
	(void)state;
	struct scene scene = scene_make();
	scene.facts = (struct thread_facts){
		.tid = 1000,
		.system_call = -1,
		.registers = registers,
		.registers_size = sizeof(registers),
	};
	struct model_thread thread = describe(&scene);
	assert_int_equal(thread.activity, MODEL_IDLE);
	assert_int_equal(thread.activity_source, MODEL_SOURCE_REGISTERS);
	assert_int_equal(thread.waits_for_gil, MODEL_YES);
	registers[10] = 0;
	thread = describe(&scene);
	assert_int_equal(thread.activity, MODEL_ACTIVE);
	assert_int_equal(thread.waits_for_gil, MODEL_NO);
	scene.facts.registers_size = 8;
	thread = describe(&scene);
	assert_int_equal(thread.activity, MODEL_ACTIVITY_UNKNOWN);
	assert_int_equal(thread.waits_for_gil, MODEL_UNKNOWN);
	os_threads_infer(&thread);
	assert_int_equal(thread.activity_source, MODEL_SOURCE_NONE);
	struct model_frame frame = {.kind = MODEL_FRAME_GAP};
	thread.frames = &frame;
	thread.frame_count = 1;
	os_threads_infer(&thread);
	assert_int_equal(thread.activity, MODEL_ACTIVITY_UNKNOWN);
	frame = (struct model_frame){.name = (char *)"wait", .filename = (char *)"/x/threading.py"};
	os_threads_infer(&thread);
	assert_int_equal(thread.activity, MODEL_IDLE);
	assert_int_equal(thread.activity_source, MODEL_SOURCE_FRAMES);
}

/* Ids that occur twice, that are none, that no thread state has. */
static void test_others(void **state)
{
	struct thread_facts items[] = {
		{.tid = 1000, .system_call = -1}, {.tid = 1000, .system_call = -1},
		{.tid = 0, .system_call = -1},	  {.tid = -5, .system_call = -1},
		{.tid = 1001, .system_call = -1},
	};
	struct thread_list list = {.items = items, .count = 5};
	struct scene scene = scene_make();
	const struct os_threads_source source = {
		.list = &list,
		.modules = &scene.modules,
		.machine = MACHINE_X86_64,
		.layout = &scene.layout,
	};
	struct os_threads threads;
	(void)state;
	scene.walked.interpreter = &scene.interpreter;
	assert_null(os_threads_init(&threads, &source));
	for (int i = 0; i < 2; i++) {
		CLEANUP(model_process_deinit) struct model_process process = {0};
		struct model_thread thread = {.system_call = -1};
		scene.walked.os_ids.ids[0] = 1000 + 5 * i;
		assert_null(os_threads_describe(&threads, &scene.walked, &thread, NULL));
		assert_int_equal(thread.os_thread_id, 1000 + 5 * i);
		assert_null(os_threads_add_others(&threads, &process));
		assert_int_equal(process.other_count, 4);
		assert_int_equal(process.other_threads[3].os_thread_id, 1001);
		/* The thread of a thread state is not in the list: it can be any of the others. */
		assert_int_equal(process.others_certain, i == 0);
	}
	os_threads_deinit(&threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),  cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_musl),	   cmocka_unit_test(test_owner),
		cmocka_unit_test(test_wild_facts), cmocka_unit_test(test_sources),
		cmocka_unit_test(test_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
