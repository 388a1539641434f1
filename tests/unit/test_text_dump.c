#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "formats/signal_text.h"
#include "formats/text_dump.h"
#include "formats/unit_text.h"
#include "tests/unit/dump_model.h"

static char *dump(const struct model_process *process, const struct text_dump_options *options)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	assert_null(text_dump(stream, process, options));
	fclose(stream);
	return text;
}

static void test_default(void **state)
{
	(void)state;
	static const char expected[] = "Process 1234: python3 app.py\n"
				       "Python v3.11.7 (/usr/bin/python3.11)\n"
				       "\n"
				       "Thread 1230 (idle): \"poller\"\n"
				       "    wait (threading.py:327)\n"
				       "Thread 1234 (active+gil): \"MainThread\"\n"
				       "    Worker.run (work.py:40)\n"
				       "    <module> (app.py)\n"
				       "Thread 1236 (active): \"evil\\x1b[31m\\xff\"\n"
				       "    spin (app.py:12)\n"
				       "    <frame at 0x7f00 could not be read: not captured>\n"
				       "Thread 0xFFFFFFFFFFFFFFFF\n"
				       "    <no Python frames>\n";
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){0});
	assert_string_equal(text, expected);
}

static void test_options(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP_FREE char *full =
		dump(&process, &(struct text_dump_options){.full_filenames = true});
	assert_non_null(strstr(full, "    Worker.run (/srv/pkg/work.py:40)\n"));
	CLEANUP_FREE char *ids = dump(&process, &(struct text_dump_options){.show_ids = true});
	assert_non_null(strstr(ids, "Thread 1234 (active+gil): \"MainThread\" [pthread "
				    "0x7f00000004d2, 7 in its container, interpreter 0]\n"));
	model_process_set_lines(&process, MODEL_LINES_LAST);
	CLEANUP_FREE char *last = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(last, "    Worker.run (work.py:40)\n"));
	model_process_set_lines(&process, MODEL_LINES_FIRST);
	CLEANUP_FREE char *first = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(first, "    Worker.run (work.py:38)\n"));
	model_process_set_lines(&process, MODEL_LINES_NONE);
	CLEANUP_FREE char *no_lines = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(no_lines, "    Worker.run (work.py)\n"));
}

/* py-spy's word first, then those that it does not have. */
static void test_states(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	struct model_thread *threads = process.threads;
	threads[3].waits_for_gil = MODEL_YES;
	threads[2].collects_garbage = MODEL_YES;
	threads[1].interpreter_id = 3;
	threads[0].interpreter_id = -1;
	threads[3].activity_source = MODEL_SOURCE_FRAMES;
	threads[1].activity_source = MODEL_SOURCE_REGISTERS;
	struct model_thread *other;
	assert_null(model_process_add_other(&process, &other));
	other->os_thread_id = 1239;
	other->activity = MODEL_IDLE;
	other->container_thread_id = 9;
	other->os_name = strdup("evil\x1b");
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){.show_ids = true});
	assert_non_null(strstr(text, "Thread 1230 (idle, waiting for GIL): \"poller\""));
	assert_non_null(
		strstr(text, "Thread 1234 (active+gil, collecting garbage): \"MainThread\""));
	assert_non_null(strstr(text, "Thread 1236 (active, interpreter 3): \"evil"));
	assert_non_null(strstr(text, "Thread 0xFFFFFFFFFFFFFFFF (interpreter -1) ["));
	assert_non_null(strstr(text, "Active or idle is inferred from registers and innermost "
				     "frames\n"));
	assert_non_null(strstr(text, "Thread 1239 (idle, Python unknown): \"evil\\x1b\" "
				     "[9 in its container]\n"));
	process.others_certain = true;
	CLEANUP_FREE char *certain = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(certain, "Thread 1239 (idle, no Python): \"evil\\x1b\"\n"));
}

static void test_parents(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	for (int32_t pid = 3; pid > 0; pid--)
		assert_null(process_facts_add_ancestor(
			&process.facts,
			&(struct process_facts){.pid = pid,
						.command_line = (char *)"sh\x1b[0m -c x"}));
	CLEANUP_FREE char *none = dump(&process, &(struct text_dump_options){.parents = true});
	assert_null(strstr(none, "Parent"));
	process.parent_distance = 2;
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){.parents = true});
	assert_non_null(strstr(text, "(/usr/bin/python3.11)\n"
				     "Parent Process 3: sh\\x1b[0m -c x\n"
				     "Parent Process 2: sh\\x1b[0m -c x\n"
				     "\nThread "));
	CLEANUP_FREE char *all = dump(&process, &(struct text_dump_options){.verbose = true});
	assert_non_null(strstr(all, "\nParent Process 1: "));
}

static void test_color(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){.color = true});
	assert_non_null(strstr(text, "Process \x1b[33m\x1b[1m1234\x1b[0m: python3 app.py\n"));
	assert_non_null(strstr(text, "    \x1b[32mWorker.run\x1b[0m (\x1b[36mwork.py\x1b[0m:"
				     "\x1b[2m40\x1b[0m)\n"));
	assert_non_null(strstr(text, "\"evil\\x1b[31m\\xff\""));
}

static void test_core(void **state)
{
	(void)state;
	static const char expected[] =
		"Process 1234: python3 app.py\n"
		"Python v3.11.7 (/usr/bin/python3.11)\n"
		"Core of signal 11 (SIGSEGV: address not mapped, si_code 1) at address 0x10, "
		"thread 1236\n"
		"\n";
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	process.is_core = true;
	process.facts.signal = 11;
	process.facts.signal_code = 1;
	process.facts.has_fault_address = true;
	process.facts.fault_address = 0x10;
	process.threads[1].crashed = true;
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){0});
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	/* The signal can hit a thread that runs no Python, too. */
	struct model_thread *other;
	assert_null(model_process_add_other(&process, &other));
	process.threads[1].crashed = false;
	other->os_thread_id = 1300;
	other->crashed = true;
	CLEANUP_FREE char *of_other = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(of_other, " at address 0x10, thread 1300\n"));
}

static void test_samples(void **state)
{
	(void)state;
	static const char expected[] = "Process 1234: python3 app.py\n"
				       "Python v3.11.7 (/usr/bin/python3.11)\n"
				       "Sample 3 of 10, at 2026-07-01T12:00:00.250Z\n"
				       "Stopped (as by SIGSTOP) when captured\n"
				       "Captured at 2026-07-01T12:00:00.250Z on web-1\\n, Linux "
				       "6.1.0, level stacks; stood "
				       "still for 73.2 us (holder, 1 thread stopped, 2 attempts)\n"
				       "Process 7 in its container\n"
				       "\n";
	CLEANUP(model_process_deinit) struct model_process process = {0};
	dump_model(&process);
	process.has_sample = true;
	process.sample_index = 2;
	process.sample_count = 10;
	process.sample = (struct sample_facts){
		.time_ns = UINT64_C(1782907200250999999),
		.freeze_ns = 73200,
		.threads_stopped = 1,
		.attempts = 2,
		.way = FREEZE_HOLDER,
	};
	process.facts.was_stopped = true;
	process.facts.container_pid = 7;
	process.facts.host = strdup("web-1\n");
	process.facts.kernel = strdup("6.1.0");
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){.verbose = true});
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	process.has_counts = true;
	process.counts =
		(struct sample_counts){.samples = 12, .late = 4, .failed = 5, .dropped = 6};
	CLEANUP_FREE char *told = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(told,
			       "at 2026-07-01T12:00:00.250Z\nRun: 12 samples when it told last, "
			       "4 late, 5 failed, 6 dropped\nStopped"));
	process.run_ended = true;
	CLEANUP_FREE char *ended = dump(&process, &(struct text_dump_options){0});
	assert_non_null(strstr(ended, "\nRun: 12 samples, 4 late, 5 failed, 6 dropped\n"));
}

/* A core in which no Python was found: what is known is shown. */
static void test_nothing_known(void **state)
{
	(void)state;
	struct model_process process = {0};
	CLEANUP_FREE char *text = dump(&process, &(struct text_dump_options){0});
	assert_string_equal(text, "Process ?: unknown command\n\n");
	char name[] = "nginx";
	process.facts.command_name = name;
	process.free_threaded = true;
	process.version_known = true;
	process.version = (struct python_version){3, 13, 0, 0xf, 0};
	CLEANUP_FREE char *named = dump(&process, &(struct text_dump_options){0});
	assert_string_equal(named, "Process ?: nginx\nPython v3.13.0 free-threaded\n\n");
}

static void test_full_disk(void **state)
{
	(void)state;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	CLEANUP_FCLOSE FILE *full = fopen("/dev/full", "w");
	if (!full)
		skip();
	setvbuf(full, NULL, _IONBF, 0);
	dump_model(&process);
	CLEANUP(error_destroyp)
	struct error *error = text_dump(full, &process, &(struct text_dump_options){0});
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_IO);
}

static void assert_signal(const struct process_facts *facts, const char *expected)
{
	CLEANUP_FREE char *text = NULL;
	assert_null(signal_text(facts, &text));
	assert_string_equal(text, expected);
}

static void test_signals(void **state)
{
	(void)state;
	assert_signal(
		&(struct process_facts){.pid = 5, .signal = 6, .signal_code = -6, .sender_pid = 5},
		"signal 6 (SIGABRT: sent by tkill, as raise and abort do, si_code -6) from the "
		"process itself");
	assert_signal(&(struct process_facts){.pid = 5, .signal = 9, .sender_pid = 77},
		      "signal 9 (SIGKILL: sent by kill, si_code 0) from process 77");
	assert_signal(&(struct process_facts){.signal = 7,
					      .signal_code = 2,
					      .has_fault_address = true,
					      .fault_address = 0x7f00},
		      "signal 7 (SIGBUS: nothing behind the address, as after a truncated file, "
		      "si_code 2) at address 0x7f00");
	assert_signal(&(struct process_facts){.signal = 11, .signal_code = 128},
		      "signal 11 (SIGSEGV: sent by the kernel, si_code 128)");
	assert_signal(&(struct process_facts){.signal = 11, .signal_code = 77},
		      "signal 11 (SIGSEGV, si_code 77)");
	assert_signal(&(struct process_facts){.signal = 40, .signal_code = 77},
		      "signal 40 (si_code 77)");
	assert_null(signal_name(0));
	assert_null(signal_name(-1));
	assert_null(signal_name(32));
	assert_string_equal(signal_name(31), "SIGSYS");
	assert_string_equal(signal_name(19), "SIGSTOP");
}

static void test_units(void **state)
{
	(void)state;
	char text[UNIT_TEXT_SIZE];
	time_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	time_text(UINT64_MAX, text);
	assert_string_equal(text, "2554-07-21T23:34:33.709Z");
	span_text(999, text);
	assert_string_equal(text, "999 ns");
	span_text(1500, text);
	assert_string_equal(text, "1.5 us");
	span_text(12345678, text);
	assert_string_equal(text, "12.3 ms");
	span_text(UINT64_C(3000000000), text);
	assert_string_equal(text, "3.0 s");
	size_text(1, text);
	assert_string_equal(text, "1 byte");
	size_text(1023, text);
	assert_string_equal(text, "1023 bytes");
	size_text(1536, text);
	assert_string_equal(text, "1.5 KiB");
	size_text(UINT64_MAX, text);
	assert_string_equal(text, "16.0 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),	  cmocka_unit_test(test_options),
		cmocka_unit_test(test_states),	  cmocka_unit_test(test_parents),
		cmocka_unit_test(test_color),	  cmocka_unit_test(test_core),
		cmocka_unit_test(test_samples),	  cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_full_disk), cmocka_unit_test(test_signals),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
