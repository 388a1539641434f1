/* Samples of models for the tests of profiles. */
#ifndef PYSPY_TESTS_PROFILE_MODEL_H
#define PYSPY_TESTS_PROFILE_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "analyze/profile/collect.h"
#include "common/cleanup.h"
#include "formats/report_format.h"

/* A thread of a sample; frames "name:line" from the outermost on, NULL-terminated. */
struct stack {
	int32_t id;
	enum model_activity activity;
	bool owns_gil;
	uint64_t cpu_ms;
	const char *frames[8];
};

/* A sample of process 10 (`parent`: below process 9), at a time in milliseconds. */
static inline void add_sample_of(struct collector *collector, uint64_t time_ms,
				 const struct stack *stacks, size_t count)
{
	struct model_process process = {
		.facts = {.pid = 10,
			  .start_ticks = 5,
			  .command_line = strdup("python3 <app>.py"),
			  .host = strdup("a")},
		.has_sample = true,
		.sample = {.time_ns = UINT64_C(1782000000000000000) + time_ms * 1000000,
			   .monotonic_ns = (1000 + time_ms) * 1000000},
	};
	const struct process_facts parent = {.pid = 9, .command_line = (char[]){"sh -c x;y"}};
	struct thread_list threads = {0};
	assert_null(process_facts_add_ancestor(&process.facts, &parent));
	for (size_t i = 0; i < count; i++) {
		const struct stack *stack = &stacks[i];
		const struct thread_facts facts = {.tid = stack->id,
						   .cpu_time_ns = stack->cpu_ms * 1000000};
		struct model_thread *thread;
		assert_null(thread_list_append(&threads, &facts));
		assert_null(model_process_add_thread(&process, &thread));
		thread->os_thread_id = stack->id;
		thread->thread_id = 0x7f00 + (uint64_t)stack->id;
		thread->name = stack->id == 11 ? strdup("Main\"</script>") : NULL;
		thread->activity = stack->activity;
		thread->owns_gil = stack->owns_gil;
		size_t depth = 0;
		while (stack->frames[depth])
			depth++;
		for (size_t j = depth; j-- > 0;) {
			struct model_frame *frame;
			const char *colon = strchr(stack->frames[j], ':');
			assert_null(model_thread_add_frame(thread, &frame));
			frame->name = strndup(stack->frames[j], (size_t)(colon - stack->frames[j]));
			frame->filename = strdup("/srv/pkg/app.py");
			frame->short_filename = strdup("pkg/app.py");
			frame->line = atoi(colon + 1);
			frame->first_line = 1;
		}
	}
	assert_null(collector_add(collector, &process, &threads));
	thread_list_deinit(&threads);
	model_process_deinit(&process);
}

#define ADD_SAMPLE(collector, time_ms, ...)                                                        \
	do {                                                                                       \
		const struct stack stacks_[] = {__VA_ARGS__};                                      \
		add_sample_of(collector, time_ms, stacks_, sizeof(stacks_) / sizeof(stacks_[0]));  \
	} while (0)

/* Four samples, ten milliseconds apart, the last twenty; two threads, one mostly idle. */
static inline void add_samples(struct collector *collector)
{
	ADD_SAMPLE(collector, 0, {11, MODEL_ACTIVE, true, 100, {"main:9", "work:3", "leaf:5"}},
		   {12, MODEL_IDLE, false, 7, {"run:2", "wait:8"}});
	ADD_SAMPLE(collector, 10, {11, MODEL_ACTIVE, true, 109, {"main:9", "work:3", "leaf:5"}},
		   {12, MODEL_IDLE, false, 7, {"run:2", "wait:8"}});
	ADD_SAMPLE(collector, 20, {11, MODEL_ACTIVE, false, 118, {"main:9", "work:4", "work:3"}},
		   {12, MODEL_ACTIVE, true, 7, {"run:2", "a;<b>:8"}});
	ADD_SAMPLE(collector, 40, {11, MODEL_ACTIVE, true, 121, {"main:9", "work:4"}},
		   {12, MODEL_IDLE, false, 10, {"run:2", "wait:8"}});
	assert_null(collector_end_file(collector));
}

/* What a format makes of those samples. */
static inline char *report_of(const char *name, const struct collect_options *wanted,
			      enum profile_unit unit, size_t *ret_size)
{
	static const char *const lost[] = {"a.zst: cut", NULL};
	const struct report_format *format = report_format_find(name);
	CLEANUP(profile_deinit) struct profile profile;
	CLEANUP(collector_destroyp) struct collector *collector = NULL;
	CLEANUP(profile_trail_destroyp) struct profile_trail *trail = NULL;
	struct collect_options options = *wanted;
	char *text = NULL;
	assert_non_null(format);
	assert_null(profile_init(&profile));
	if (format->trail)
		assert_null(profile_trail_create("-", &trail));
	options.by_thread = format->by_thread;
	options.trail = trail;
	assert_null(collector_create(&profile, &options, &collector));
	add_samples(collector);
	const struct report report = {.profile = &profile,
				      .trail = trail,
				      .unit = unit,
				      .title = "python3 <app>.py",
				      .lost = lost};
	FILE *stream = open_memstream(&text, ret_size);
	assert_null(format->write(stream, &report));
	fclose(stream);
	return text;
}

#endif
