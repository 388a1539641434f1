#include "analyze/native/native_decode.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/native/merge.h"
#include "analyze/native/native_module.h"
#include "analyze/native/native_symbol.h"
#include "analyze/native/unwind.h"
#include "common/cleanup.h"
#include "common/registers.h"

struct native_decoder {
	struct target *target;
	const struct register_machine *machine;
	struct native_modules modules;
	struct native_symbols symbols;
	struct unwinder unwinder;
	struct merge_options merge;
	bool all;
	struct model_process *process; /* of one run */
};

void native_decoder_destroy(struct native_decoder *decoder)
{
	if (!decoder)
		return;
	native_symbols_deinit(&decoder->symbols);
	native_modules_deinit(&decoder->modules);
	free(decoder);
}

void native_decoder_destroyp(struct native_decoder **decoder)
{
	native_decoder_destroy(*decoder);
}

struct error *native_decoder_create(struct target *target, const struct native_options *options,
				    struct native_decoder **ret)
{
	struct native_decoder *decoder = malloc(sizeof(*decoder));
	if (!decoder)
		return &error_out_of_memory;
	*decoder = (struct native_decoder){
		.target = target,
		.all = options->all,
		.merge =
			{
				.last = options->last,
				.internal = options->internal,
			},
		.symbols = {.c_library = options->internal, .target = target},
		.unwinder = {.modules = &decoder->modules},
	};
	struct error *error = native_modules_init(&decoder->modules, target);
	if (error) {
		free(decoder);
		return error;
	}
	*ret = decoder;
	return NULL;
}

static struct error *decode_thread(struct native_decoder *decoder, const struct thread_facts *facts,
				   struct model_thread *thread)
{
	CLEANUP(native_stack_deinit) struct native_stack stack = {0};
	struct unwinder *unwinder = &decoder->unwinder;
	struct registers registers;
	if (!registers_from_set(decoder->machine, facts->registers, facts->registers_size,
				&registers))
		return NULL;
	struct error *error = unwind(unwinder, &registers, &stack);
	unwinder->frames_left -= stack.count;
	return error ? error : merge_native(&decoder->merge, &stack, &decoder->symbols, thread);
}

/* Where on the native stack its innermost Python frames are run; 0 if that is not known. */
static uint64_t innermost_entry(const struct model_thread *thread)
{
	for (size_t i = 0; i < thread->frame_count; i++) {
		if (thread->frames[i].entry_address)
			return thread->frames[i].entry_address;
	}
	return 0;
}

/*
 * A thread of the system can have a thread state in each of several interpreters. What it runs is
 * what has frames, and of several the one whose frames are innermost on its stack. Where that is
 * not known, loops of one would be taken for those of another: `ret_unclear`, and NULL.
 */
static struct model_thread *find_thread(const struct model_process *process, int32_t tid,
					bool *ret_unclear)
{
	struct model_thread *found = NULL;
	*ret_unclear = false;
	for (size_t i = 0; i < process->thread_count; i++) {
		struct model_thread *thread = &process->threads[i];
		if (thread->os_thread_id != tid || (found && !thread->frame_count))
			continue;
		if (found && found->frame_count) {
			uint64_t a = innermost_entry(found);
			uint64_t b = innermost_entry(thread);
			*ret_unclear |= !a || !b;
			if (a < b)
				continue;
		}
		found = thread;
	}
	return *ret_unclear ? NULL : found;
}

/* Threads that run no Python have a stack to show now: they become threads like the others. */
static struct error *show_others(struct model_process *process)
{
	for (size_t i = 0; i < process->other_count; i++) {
		struct model_thread *thread;
		struct error *error = model_process_add_thread(process, &thread);
		if (error)
			return error;
		*thread = process->other_threads[i];
		process->other_threads[i] = (struct model_thread){0};
	}
	process->other_count = 0;
	return NULL;
}

static struct error *check(const struct native_decoder *decoder)
{
	const struct thread_list *threads = target_threads(decoder->target);
	if (!decoder->machine)
		return error_create(ERROR_UNSUPPORTED,
				    "native stacks of machine %d are not supported, only those of "
				    "x86_64 (62) and aarch64 (183)",
				    target_process(decoder->target)->machine);
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->items[i].registers)
			return NULL;
	}
	return error_create(ERROR_NOT_FOUND, "it has no native stacks; capture with --native or "
					     "--level full");
}

/* Reading a core's memory can have said it. */
static bool is_said(const struct model_process *process, const char *path)
{
	for (size_t i = 0; i < process->note_count; i++) {
		if (strstr(process->notes[i], path) && strstr(process->notes[i], "build-id"))
			return true;
	}
	return false;
}

/* Files that were found for modules in the stacks, but belong to other modules. */
static struct error *note_refused(const struct native_decoder *decoder)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < decoder->modules.modules.count; i++) {
		const struct native_module *module = &decoder->modules.items[i];
		if (module->module && module->source == NATIVE_SOURCE_MISMATCH &&
		    !is_said(decoder->process, module->module->path))
			error = model_process_add_note(
				decoder->process,
				"native frames of %s have no names: the file that is here has "
				"another build-id",
				module->module->path);
		else if (module->module && module->debug_file.refused)
			error = model_process_add_note(
				decoder->process,
				"native frames of %s may lack names: its separate debug file that "
				"is here belongs to another build",
				module->module->path);
	}
	return error;
}

/* Libraries that are loaded or unloaded between two samples. */
static struct error *renew_modules(struct native_decoder *decoder)
{
	if (modules_equal(&decoder->modules.modules, target_modules(decoder->target)))
		return NULL;
	struct native_symbols symbols = {
		.c_library = decoder->symbols.c_library,
		.target = decoder->target,
	};
	native_symbols_deinit(&decoder->symbols);
	decoder->symbols = symbols;
	native_modules_deinit(&decoder->modules);
	return native_modules_init(&decoder->modules, decoder->target);
}

struct error *native_decoder_run(struct native_decoder *decoder, struct model_process *process)
{
	const struct thread_list *threads = target_threads(decoder->target);
	struct error *error = renew_modules(decoder);
	if (error)
		return error;
	decoder->process = process;
	decoder->machine = register_machine_find(target_process(decoder->target)->machine);
	decoder->merge.interpreter_module = process->interpreter_module;
	decoder->unwinder.mappings = target_mappings(decoder->target);
	decoder->unwinder.memory = target_memory(decoder->target);
	decoder->unwinder.frames_left = UNWIND_MAX_TOTAL_FRAMES;
	native_symbols_next_sample(&decoder->symbols);
	error = check(decoder);
	if (!error && decoder->all)
		error = show_others(process);
	for (size_t i = 0; !error && i < threads->count; i++) {
		const struct thread_facts *facts = &threads->items[i];
		bool unclear;
		struct model_thread *thread = find_thread(process, facts->tid, &unclear);
		if (thread)
			error = decode_thread(decoder, facts, thread);
		else if (unclear)
			error = model_process_add_note(
				process,
				"native frames of thread %d are not shown: it runs Python of "
				"several interpreters",
				facts->tid);
	}
	return error ? error : note_refused(decoder);
}

struct error *native_decode(struct target *target, const struct native_options *options,
			    struct model_process *process)
{
	CLEANUP(native_decoder_destroyp) struct native_decoder *decoder = NULL;
	struct error *error = native_decoder_create(target, options, &decoder);
	return error ? error : native_decoder_run(decoder, process);
}
