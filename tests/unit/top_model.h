/* Samples for the tests of top: processes with threads with stacks, put into its counts. */
#ifndef PYSPY_TESTS_TOP_MODEL_H
#define PYSPY_TESTS_TOP_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "analyze/top/top_processes.h"
#include "common/cleanup.h"

#define TOP_MODEL_TIME_NS UINT64_C(1782000000000000000)
#define MS(count)	  (UINT64_C(1000000) * (count))

/* A thread; frames "name:line" from the outermost on, NULL-terminated. */
struct top_stack {
	int32_t id;
	enum model_activity activity;
	bool owns_gil;
	const char *frames[8];
};

static inline void top_add_frames(struct model_thread *thread, const struct top_stack *stack)
{
	size_t depth = 0;
	while (stack->frames[depth])
		depth++;
	for (size_t i = depth; i-- > 0;) {
		struct model_frame *frame;
		const char *colon = strrchr(stack->frames[i], ':');
		assert_null(model_thread_add_frame(thread, &frame));
		frame->name = strndup(stack->frames[i], (size_t)(colon - stack->frames[i]));
		frame->filename = strdup("/srv/pkg/app.py");
		frame->short_filename = strdup("pkg/app.py");
		frame->line = atoi(colon + 1);
	}
}

static inline void top_add(struct top_processes *processes, int32_t pid, uint64_t time_ms,
			   const struct top_stack *stacks, size_t count)
{
	CLEANUP(model_process_deinit)
	struct model_process process = {
		.facts = {.pid = pid, .start_ticks = 5, .command_line = strdup("python3 app.py")},
		.version = {3, 11, 7, 0xf, 0},
		.version_known = true,
		.has_sample = true,
		.sample = {.time_ns = TOP_MODEL_TIME_NS + MS(time_ms),
			   .monotonic_ns = MS(1000 + time_ms)},
	};
	for (size_t i = 0; i < count; i++) {
		struct model_thread *thread;
		assert_null(model_process_add_thread(&process, &thread));
		thread->os_thread_id = stacks[i].id;
		thread->name = stacks[i].id == 11 ? strdup("Main\x1b[31m") : NULL;
		thread->activity = stacks[i].activity;
		thread->owns_gil = stacks[i].owns_gil;
		thread->owns_gil_known = true;
		top_add_frames(thread, &stacks[i]);
	}
	const struct top_sample sample = {.process = &process};
	assert_null(top_processes_add(processes, &sample));
}

#define TOP_ADD_OF(processes, pid, time_ms, ...)                                                   \
	do {                                                                                       \
		const struct top_stack stacks_[] = {__VA_ARGS__};                                  \
		top_add(processes, pid, time_ms, stacks_, sizeof(stacks_) / sizeof(stacks_[0]));   \
	} while (0)
#define TOP_ADD(processes, time_ms, ...) TOP_ADD_OF(processes, 10, time_ms, __VA_ARGS__)

/*
 * Ten samples a second for two seconds. Thread 11 is in `leaf` for the first second, with the GIL,
 * and then in `work`, which calls itself; thread 12 is idle.
 */
static inline void top_add_two_seconds(struct top_processes *processes)
{
	for (uint64_t i = 0; i < 20; i++) {
		if (i < 10)
			TOP_ADD(processes, i * 100,
				{11, MODEL_ACTIVE, true, {"main:9", "work:3", "leaf:5"}},
				{12, MODEL_IDLE, false, {"run:2", "wait:8"}});
		else
			TOP_ADD(processes, i * 100,
				{11, MODEL_ACTIVE, i % 2 == 0, {"main:9", "work:4", "work:3"}},
				{12, MODEL_IDLE, false, {"run:2", "wait:8"}});
	}
}

#endif
