/* Whether a sample that is decoded with what is known from those before comes out as it does when
 * it is decoded by itself, and whether what the decoder tells of threads being as they were is so.
 */
#ifndef PYSPY_TESTS_DECODE_COMPARISON_H
#define PYSPY_TESTS_DECODE_COMPARISON_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode.h"
#include "analyze/python/incremental_decode.h"
#include "common/cleanup.h"

enum { SLOTS_MAX = 4096, PROCESSES_MAX = 64, NUMBERS_MAX = 1 << 17 };

/* A stack as it was given, in words, outermost first. */
struct stack {
	uint64_t stamp;
	uint64_t version;
	uint64_t identity;
	char *called;
	char **frames;
	size_t count;
};

struct process {
	int32_t pid;
	uint64_t stamp;
	struct stack slots[SLOTS_MAX];
	char *numbers[NUMBERS_MAX];
};

static struct process *processes[PROCESSES_MAX];
static size_t sample; /* which one is compared, for messages */
static size_t threads_seen;
static size_t same_seen;
static size_t kept_seen;
static size_t frames_seen;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "sample %zu: ", sample + 1);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

static void check(struct error *error)
{
	if (error)
		fail("%s", error->message);
}

static const char *shown(const char *text)
{
	return text ? text : "(null)";
}

/* All of a frame but how it was entered. */
static char *frame_text(const struct model_frame *frame)
{
	char *text;
	if (asprintf(&text, "%d %s|%s|%s|%s|%s|%s %d %d %d %d:%d-%d gap %s", (int)frame->kind,
		     shown(frame->name), shown(frame->qualified_name), shown(frame->filename),
		     shown(frame->short_filename), shown(frame->module),
		     shown(frame->python_module), frame->line, frame->first_line, frame->end_line,
		     frame->has_columns, frame->has_columns ? frame->column : 0,
		     frame->has_columns ? frame->end_column : 0, shown(frame->gap)) < 0)
		abort();
	return text;
}

static char *thread_text(const struct model_thread *thread)
{
	char *text;
	if (asprintf(&text, "%lld %llx %d %d '%s' '%s' %d %d call %lld gil %d %d %d gc %d crash %d",
		     (long long)thread->interpreter_id, (unsigned long long)thread->thread_id,
		     thread->os_thread_id, thread->container_thread_id, shown(thread->name),
		     shown(thread->os_name), (int)thread->activity, (int)thread->activity_source,
		     (long long)thread->system_call, thread->owns_gil, thread->owns_gil_known,
		     (int)thread->waits_for_gil, (int)thread->collects_garbage,
		     thread->crashed) < 0)
		abort();
	return text;
}

static void same_text(const char *what, char *wanted, char *got)
{
	if (strcmp(wanted, got) != 0)
		fail("%s:\n  %s\nbut by what is known\n  %s", what, wanted, got);
	free(wanted);
	free(got);
}

static void compare_frame(size_t thread, size_t number, const struct model_frame *wanted,
			  const struct model_frame *got)
{
	char what[64];
	snprintf(what, sizeof(what), "thread %zu, frame %zu", thread, number);
	same_text(what, frame_text(wanted), frame_text(got));
	if (wanted->is_entry != got->is_entry || wanted->is_shim_entry != got->is_shim_entry ||
	    wanted->entry_address != got->entry_address)
		fail("%s (%s): entered as %d %d %llx, but by what is known %d %d %llx", what,
		     shown(wanted->name), wanted->is_entry, wanted->is_shim_entry,
		     (unsigned long long)wanted->entry_address, got->is_entry, got->is_shim_entry,
		     (unsigned long long)got->entry_address);
}

static void compare_threads(const struct model_thread *wanted, size_t wanted_count,
			    const struct model_thread *got, size_t got_count)
{
	if (wanted_count != got_count)
		fail("%zu threads, but by what is known %zu", wanted_count, got_count);
	for (size_t i = 0; i < got_count; i++) {
		char what[64];
		snprintf(what, sizeof(what), "thread %zu", i);
		same_text(what, thread_text(&wanted[i]), thread_text(&got[i]));
		if (wanted[i].frame_count != got[i].frame_count)
			fail("%s has %zu frames, but by what is known %zu", what,
			     wanted[i].frame_count, got[i].frame_count);
		for (size_t j = 0; j < got[i].frame_count; j++)
			compare_frame(i, j, &wanted[i].frames[j], &got[i].frames[j]);
	}
}

static char *process_text(const struct model_process *process)
{
	const struct process_facts *facts = &process->facts;
	char *text;
	if (asprintf(&text,
		     "%d %d '%s' '%s' '%s' %llu parents %zu version %u.%u.%u %d %d %d '%s' '%s' "
		     "notes %zu '%s' sample %zu of %zu at %llu certain %d",
		     facts->pid, facts->parent_pid, shown(facts->command_line),
		     shown(facts->command_name), shown(facts->executable),
		     (unsigned long long)facts->start_ticks, facts->ancestor_count,
		     process->version.major, process->version.minor, process->version.micro,
		     process->version_known, process->version_unknown_layout,
		     process->free_threaded, shown(process->executable),
		     shown(process->interpreter_module), process->note_count,
		     process->note_count ? process->notes[process->note_count - 1] : "",
		     process->sample_index, process->sample_count,
		     (unsigned long long)process->sample.time_ns, process->others_certain) < 0)
		abort();
	return text;
}

static struct process *find_process(int32_t pid)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		if (!processes[i]) {
			processes[i] = calloc(1, sizeof(*processes[i]));
			processes[i]->pid = pid;
		}
		if (processes[i]->pid == pid)
			return processes[i];
	}
	fail("more processes than this program can remember");
}

static void forget_stack(struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		free(stack->frames[i]);
	free(stack->frames);
	free(stack->called);
	*stack = (struct stack){0};
}

static void forget_process(struct process *process, uint64_t stamp)
{
	for (size_t i = 0; i < SLOTS_MAX; i++)
		forget_stack(&process->slots[i]);
	for (size_t i = 0; i < NUMBERS_MAX; i++) {
		free(process->numbers[i]);
		process->numbers[i] = NULL;
	}
	process->stamp = stamp;
}

/* A number stands for one frame. */
static void check_number(struct process *process, uint32_t number, const char *text)
{
	if (number == UINT32_MAX)
		return;
	if (number >= NUMBERS_MAX)
		fail("number %u", number);
	if (!process->numbers[number])
		process->numbers[number] = strdup(text);
	else if (strcmp(process->numbers[number], text) != 0)
		fail("number %u is\n  %s\nand\n  %s", number, process->numbers[number], text);
}

static void check_kept(const struct stack *before, const struct stack *now, size_t kept)
{
	if (kept > before->count || kept > now->count)
		fail("%zu frames kept, of %zu", kept, before->count);
	for (size_t i = 0; i < kept; i++) {
		if (strcmp(before->frames[i], now->frames[i]) != 0)
			fail("frame %zu is kept, but was\n  %s\nand is\n  %s", i, before->frames[i],
			     now->frames[i]);
	}
}

/* What is told of a thread, against what was given before. */
static void check_claims(struct process *process, const struct decoded_thread *decoded,
			 const struct model_thread *thread)
{
	struct stack now = {
		.stamp = decoded->stamp,
		.version = decoded->version,
		.identity = decoded->identity,
		.frames = calloc(thread->frame_count + 1, sizeof(char *)),
		.count = thread->frame_count,
	};
	if (asprintf(&now.called, "%d %llx %s %s", thread->os_thread_id,
		     (unsigned long long)thread->thread_id, shown(thread->name),
		     shown(thread->os_name)) < 0)
		abort();
	for (size_t i = 0; i < now.count; i++) {
		now.frames[now.count - 1 - i] = frame_text(&thread->frames[i]);
		check_number(process, decoded->numbers[i], now.frames[now.count - 1 - i]);
	}
	if (decoded->slot >= SLOTS_MAX)
		fail("slot %u", decoded->slot);
	struct stack *before = &process->slots[decoded->slot];
	bool known = before->stamp == now.stamp;
	threads_seen++;
	frames_seen += now.count;
	if (known && before->version == now.version) {
		if (before->count != now.count)
			fail("as many frames as %zu, which are %zu", now.count, before->count);
		check_kept(before, &now, now.count);
		same_seen++;
		kept_seen += now.count;
	} else if (known && before->version + 1 == now.version) {
		check_kept(before, &now, decoded->kept);
		kept_seen += decoded->kept;
	}
	if (known && before->identity == now.identity && strcmp(before->called, now.called) != 0)
		fail("still called %s, but is %s", before->called, now.called);
	forget_stack(before);
	*before = now;
}

static void compare_sample(struct incremental_decoder *decoder, struct target *target)
{
	CLEANUP(model_process_deinit) struct model_process wanted = {0};
	const struct decode_options options = {0};
	struct decoded_process decoded;
	struct error *wanted_error = decode_process(target, &options, &wanted);
	struct error *error = incremental_decode(decoder, target, &decoded);
	if (!wanted_error != !error)
		fail("%s, but by what is known: %s", wanted_error ? wanted_error->message : "fine",
		     error ? error->message : "fine");
	if (error && strcmp(error->message, wanted_error->message) != 0)
		fail("%s, but by what is known: %s", wanted_error->message, error->message);
	error_destroy(wanted_error);
	bool failed = error != NULL;
	error_destroy(error);
	const struct model_process *got = decoded.process;
	same_text("process", process_text(&wanted), process_text(got));
	if (failed)
		return;
	compare_threads(wanted.threads, wanted.thread_count, got->threads, got->thread_count);
	compare_threads(wanted.other_threads, wanted.other_count, got->other_threads,
			got->other_count);
	bool has_gaps = false;
	for (size_t i = 0; i < wanted.thread_count; i++) {
		for (size_t j = 0; j < wanted.threads[i].frame_count; j++)
			has_gaps |= wanted.threads[i].frames[j].kind == MODEL_FRAME_GAP;
	}
	if (has_gaps != decoded.has_gaps)
		fail("gaps: %d, but by what is known %d", has_gaps, decoded.has_gaps);
	struct process *process = find_process(got->facts.pid);
	if (process->stamp != decoded.stamp)
		forget_process(process, decoded.stamp);
	for (size_t i = 0; i < got->thread_count; i++)
		check_claims(process, &decoded.threads[i], &got->threads[i]);
}

static void forget_comparison(void)
{
	for (size_t i = 0; i < PROCESSES_MAX && processes[i]; i++) {
		forget_process(processes[i], 0);
		free(processes[i]);
		processes[i] = NULL;
	}
}

#endif
