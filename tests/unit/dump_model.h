/* A model with one of everything that a dump can show, for the tests of its formats. */
#ifndef PYSPY_TESTS_DUMP_MODEL_H
#define PYSPY_TESTS_DUMP_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "common/model.h"

static inline struct model_thread *dump_model_thread(struct model_process *process, int32_t id,
						     const char *name)
{
	struct model_thread *thread;
	assert_null(model_process_add_thread(process, &thread));
	thread->os_thread_id = id;
	thread->thread_id = UINT64_C(0x7f0000000000) + (uint64_t)id;
	thread->name = name ? strdup(name) : NULL;
	thread->owns_gil_known = true;
	return thread;
}

static inline struct model_frame *dump_model_frame(struct model_thread *thread, const char *name,
						   const char *filename, int32_t line)
{
	struct model_frame *frame;
	const char *slash = strrchr(filename, '/');
	assert_null(model_thread_add_frame(thread, &frame));
	frame->name = strdup(name);
	frame->filename = strdup(filename);
	frame->short_filename = strdup(slash ? slash + 1 : filename);
	frame->line = line;
	frame->first_line = line - 2;
	return frame;
}

/* Newest thread first, as CPython links them. */
static inline void dump_model(struct model_process *ret)
{
	struct model_process process = {
		.version = {3, 11, 7, 0xf, 0},
		.version_known = true,
		.executable = strdup("/usr/bin/python3.11"),
		.facts = {.pid = 1234,
			  .parent_pid = 1,
			  .uid = 1000,
			  .machine = MACHINE_X86_64,
			  .command_line = strdup("python3 app.py"),
			  .command_name = strdup("python3")},
	};
	struct model_thread *thread = dump_model_thread(&process, 0, NULL);
	thread->thread_id = UINT64_C(0xffffffffffffffff);
	thread = dump_model_thread(&process, 1236, "evil\x1b[31m\xff");
	thread->activity = MODEL_ACTIVE;
	thread->os_name = strdup("python3");
	dump_model_frame(thread, "spin", "/srv/app.py", 12);
	struct model_frame *gap;
	assert_null(model_thread_add_frame(thread, &gap));
	gap->kind = MODEL_FRAME_GAP;
	gap->gap = strdup("frame at 0x7f00 could not be read: not captured");
	thread = dump_model_thread(&process, 1234, "MainThread");
	thread->activity = MODEL_ACTIVE;
	thread->activity_source = MODEL_SOURCE_SYSTEM;
	thread->owns_gil = true;
	thread->waits_for_gil = MODEL_NO;
	thread->collects_garbage = MODEL_NO;
	thread->container_thread_id = 7;
	struct model_frame *method = dump_model_frame(thread, "run", "/srv/pkg/work.py", 40);
	method->qualified_name = strdup("Worker.run");
	method->python_module = strdup("pkg.work");
	method->end_line = 41;
	method->has_columns = true;
	method->end_column = 9;
	dump_model_frame(thread, "<module>", "/srv/app.py", 99)->is_entry = true;
	thread->frames[1].line = 0;
	thread = dump_model_thread(&process, 1230, NULL);
	thread->activity = MODEL_IDLE;
	thread->os_name = strdup("poller");
	dump_model_frame(thread, "wait", "/usr/lib/python3.11/threading.py", 327);
	*ret = process;
}

#endif
