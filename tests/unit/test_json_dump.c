#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/json_dump.h"
#include "formats/json_text.h"
#include "tests/unit/dump_model.h"

static char *dump(const struct model_process *const *processes, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	assert_null(json_dump(stream, processes, count));
	fclose(stream);
	return text;
}

static char *dump_one(const struct model_process *process)
{
	return dump(&process, 1);
}

/* The keys at the start of an object are py-spy's, in its order. */
static void assert_first_keys(const cJSON *object, const char *const *keys)
{
	const cJSON *item = object->child;
	for (; *keys; keys++, item = item->next) {
		assert_non_null(item);
		assert_string_equal(item->string, *keys);
	}
}

static void test_shape(void **state)
{
	(void)state;
	static const char *const thread_keys[] = {"pid",	  "thread_id",	  "thread_name",
						  "os_thread_id", "active",	  "owns_gil",
						  "frames",	  "process_info", NULL};
	static const char *const frame_keys[] = {"name",	   "filename",	    "module",
						 "short_filename", "line",	    "locals",
						 "is_entry",	   "is_shim_entry", NULL};
	static const char *const process_keys[] = {"pid", "command_line", "parent", NULL};
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP_FREE char *text = dump_one(&process);
	CLEANUP(json_destroyp) cJSON *array = cJSON_Parse(text);
	assert_true(cJSON_IsArray(array));
	assert_int_equal(cJSON_GetArraySize(array), 4);
	for (const cJSON *thread = array->child; thread; thread = thread->next) {
		assert_first_keys(thread, thread_keys);
		assert_first_keys(cJSON_GetObjectItem(thread, "process_info"), process_keys);
		const cJSON *frame = cJSON_GetObjectItem(thread, "frames")->child;
		for (; frame; frame = frame->next)
			assert_first_keys(frame, frame_keys);
	}
	assert_null(strstr(text, "\"file\":"));
}

static void test_golden_thread(void **state)
{
	(void)state;
	static const char expected[] =
		"{\"pid\":1234,\"thread_id\":139637976728786,\"thread_name\":\"MainThread\","
		"\"os_thread_id\":1234,\"active\":true,\"owns_gil\":true,\"frames\":["
		"{\"name\":\"Worker.run\",\"filename\":\"/srv/pkg/work.py\",\"module\":null,"
		"\"short_filename\":\"work.py\",\"line\":40,\"locals\":null,\"is_entry\":false,"
		"\"is_shim_entry\":false,\"function\":\"run\",\"qualified_name\":\"Worker.run\","
		"\"first_line\":38,\"gap\":null,\"end_line\":41,\"column\":0,"
		"\"end_column\":9,\"python_module\":\"pkg.work\",\"source\":null,"
		"\"native\":false},"
		"{\"name\":\"<module>\",\"filename\":\"/srv/app.py\",\"module\":null,"
		"\"short_filename\":\"app.py\",\"line\":0,\"locals\":null,\"is_entry\":true,"
		"\"is_shim_entry\":false,\"function\":\"<module>\",\"qualified_name\":null,"
		"\"first_line\":97,\"gap\":null,\"end_line\":null,\"column\":null,"
		"\"end_column\":null,\"python_module\":null,\"source\":null,"
		"\"native\":false}],"
		"\"process_info\":{\"pid\":1234,\"command_line\":\"python3 "
		"app.py\",\"parent\":null,"
		"\"parent_pid\":1,\"container_pid\":null,\"command_name\":\"python3\","
		"\"executable\":null,\"root\":null,\"uid\":1000,\"host\":null,\"kernel\":null,"
		"\"machine\":\"x86_64\",\"start_time\":null,\"capture_time\":null,"
		"\"was_stopped\":false,\"signal\":null,\"python_version\":\"3.11.7\","
		"\"is_unknown_version\":false,\"free_threaded\":false,\"is_core\":false,\"sample\":"
		"null,\"run\":null,\"notes\":[]},"
		"\"activity\":\"active\",\"activity_inferred\":false,\"activity_source\":"
		"\"system\","
		"\"owns_gil_known\":true,\"waiting_for_gil\":false,"
		"\"collecting_garbage\":false,\"system_call\":null,"
		"\"interpreter_id\":0,\"container_thread_id\":7,\"os_thread_name\":null,"
		"\"crashed\":false,\"python\":true},\n";
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP_FREE char *text = dump_one(&process);
	const char *thread = strstr(text, "{\"pid\":1234,\"thread_id\":139637976728786");
	assert_non_null(thread);
	assert_memory_equal(thread, expected, sizeof(expected) - 1);
}

/* A thread that no interpreter knows comes last, with py-spy's keys and no frames. */
static void test_threads_without_python(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	struct model_thread *other;
	assert_null(model_process_add_other(&process, &other));
	other->os_thread_id = 1300;
	other->os_name = strdup("pool");
	other->system_call = 34;
	CLEANUP_FREE char *unknown = dump_one(&process);
	assert_non_null(strstr(unknown, "\"os_thread_id\":1300,"));
	assert_non_null(strstr(unknown, "\"python\":null}\n]"));
	process.others_certain = true;
	CLEANUP_FREE char *known = dump_one(&process);
	const char *thread =
		strstr(known, "{\"pid\":1234,\"thread_id\":0,\"thread_name\":\"pool\",");
	assert_non_null(thread);
	assert_non_null(strstr(thread, "\"frames\":[],"));
	assert_non_null(strstr(thread, "\"waiting_for_gil\":null,\"collecting_garbage\":null,"
				       "\"system_call\":34,"));
	assert_non_null(strstr(thread, "\"python\":false}\n]"));
	model_process_drop_others(&process);
	CLEANUP_FREE char *dropped = dump_one(&process);
	assert_null(strstr(dropped, "1300"));
}

static void test_hostile_values(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	free(process.facts.command_line);
	process.facts.command_line =
		strdup("a\xff\"\\\n\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\xed\xa0\x80");
	CLEANUP_FREE char *text = dump_one(&process);
	/* All 64 bits, which a double does not hold. */
	assert_non_null(strstr(text, "\"thread_id\":18446744073709551615,"));
	assert_non_null(strstr(text, "\"thread_name\":\"evil\\u001b[31m\\\\xff\""));
	assert_non_null(strstr(text, "\"command_line\":\"a\\\\xff\\\"\\\\\\n\\u009b\\u202e"
				     "\\udb40\\udc41\\\\xed\\\\xa0\\\\x80\""));
	assert_non_null(strstr(text, "\"name\":\"<gap>\""));
	assert_non_null(
		strstr(text, "\"gap\":\"frame at 0x7f00 could not be read: not captured\""));
	for (const char *rest = text; *rest;) {
		unsigned character;
		size_t length = utf8_decode(rest, strlen(rest), &character);
		assert_true(length > 0);
		assert_true(character == '\n' || !terminal_text_is_unsafe(character));
		rest += length;
	}
	CLEANUP(json_destroyp) cJSON *array = cJSON_Parse(text);
	assert_non_null(array);
}

static void test_core_and_sample(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	process.is_core = true;
	process.facts.signal = 11;
	process.facts.signal_code = 1;
	process.facts.has_fault_address = true;
	process.facts.fault_address = UINT64_C(0xfffffffffffffff8);
	process.has_sample = true;
	process.sample_count = 3;
	process.sample_index = 2;
	process.sample.time_ns = UINT64_C(1782907200250000001);
	CLEANUP_FREE char *text = dump_one(&process);
	assert_non_null(strstr(text, "\"signal\":{\"number\":11,\"name\":\"SIGSEGV\",\"code\":1,"
				     "\"reason\":\"address not mapped\","
				     "\"address\":18446744073709551608,\"sender_pid\":null}"));
	assert_non_null(strstr(text, "\"sample\":{\"index\":3,\"count\":3,"
				     "\"time\":\"2026-07-01T12:00:00.250Z\","
				     "\"time_ns\":1782907200250000001,"));
	assert_non_null(strstr(text, "\"run\":null,"));
	process.has_counts = true;
	process.counts = (struct sample_counts){
		.samples = 3, .incomplete = 1, .late = 4, .failed = 5, .dropped = 6};
	CLEANUP_FREE char *counted = dump_one(&process);
	assert_non_null(strstr(counted, "\"run\":{\"ended\":false,\"samples\":3,\"incomplete\":1,"
					"\"late\":4,\"failed\":5,\"dropped\":6},"));
}

/* py-spy's chain: an object in an object. */
static void test_parents(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	const struct process_facts shell = {
		.pid = 9, .command_line = (char *)"sh -c x", .command_name = (char *)"sh"};
	const struct process_facts init = {.pid = 1, .command_name = (char *)"init"};
	assert_null(process_facts_add_ancestor(&process.facts, &shell));
	assert_null(process_facts_add_ancestor(&process.facts, &init));
	CLEANUP_FREE char *text = dump_one(&process);
	assert_non_null(strstr(text, "\"parent\":{\"pid\":9,\"command_line\":\"sh -c x\","
				     "\"command_name\":\"sh\",\"parent\":{\"pid\":1,"
				     "\"command_line\":\"\",\"command_name\":\"init\","
				     "\"parent\":null}},\"parent_pid\":1,"));
}

static void test_several(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process first = {0};
	CLEANUP(model_process_deinit) struct model_process second = {0};
	dump_model(&first);
	dump_model(&second);
	first.input = strdup("a.zst");
	second.input = strdup("b.zst");
	const struct model_process *const both[] = {&first, &second};
	CLEANUP_FREE char *text = dump(both, 2);
	CLEANUP(json_destroyp) cJSON *array = cJSON_Parse(text);
	assert_int_equal(cJSON_GetArraySize(array), 8);
	const cJSON *last = cJSON_GetObjectItem(cJSON_GetArrayItem(array, 7), "file");
	assert_string_equal(cJSON_GetStringValue(last), "b.zst");
}

static void test_no_threads(void **state)
{
	(void)state;
	const struct model_process process = {0};
	CLEANUP_FREE char *text = dump_one(&process);
	assert_string_equal(text, "[\n]\n");
}

/* 160 threads of 1000 frames: what grows faster than the input would be felt here. */
static void test_large(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	for (int i = 0; i < 160; i++) {
		struct model_thread *thread = dump_model_thread(&process, i + 1, "worker");
		for (int j = 0; j < 1000; j++)
			dump_model_frame(thread, "function", "/srv/app.py", j);
	}
	CLEANUP_FREE char *text = dump_one(&process);
	assert_true(strlen(text) > 160 * 1000 * 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_golden_thread),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_core_and_sample),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_no_threads),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_threads_without_python),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
