#include "analyze/python/os_threads.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/python/idle.h"
#include "analyze/stopped_call.h"

/* The system calls that a thread can be in that waits at an address: see futex(2), and
 * restart_syscall(2) for one with a timeout that was interrupted. How to add a machine: its row. */
static const struct {
	int32_t machine;
	int64_t futex;
	int64_t restart;
} wait_calls[] = {
	{MACHINE_X86_64, 202, 219},
	{MACHINE_AARCH64, 98, 128},
};

static bool is_wait_at_address(int32_t machine, int64_t number)
{
	for (size_t i = 0; i < sizeof(wait_calls) / sizeof(*wait_calls); i++) {
		if (wait_calls[i].machine == machine)
			return number == wait_calls[i].futex || number == wait_calls[i].restart;
	}
	return false;
}

static bool is_known_machine(int32_t machine)
{
	return machine == MACHINE_X86_64 || machine == MACHINE_AARCH64;
}

/*
 * musl's private condition variables keep a list of waiters, each with its word on its own stack
 * (src/thread/pthread_cond_timedwait.c): the address does not tell what is waited for.
 */
static bool waits_on_own_words(const struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		const char *path = modules->items[i].path;
		if (path && (strstr(path, "/ld-musl-") || strstr(path, "/libc.musl-")))
			return true;
	}
	return false;
}

/* What the threads are found by. */
static struct error *make_index(struct os_threads *threads)
{
	const struct thread_list *list = threads->source.list;
	size_t count = list->count;
	threads->known = calloc(count + 1, sizeof(*threads->known));
	threads->ids = calloc(2 * count + 1, sizeof(*threads->ids));
	if (!threads->known || !threads->ids)
		return &error_out_of_memory;
	threads->id_count = count;
	for (size_t i = 0; i < count; i++) {
		threads->ids[2 * i] = list->items[i].tid;
		threads->ids[2 * i + 1] = list->items[i].container_tid;
	}
	return thread_id_index_init(&threads->by_id, list);
}

struct error *os_threads_init(struct os_threads *ret, const struct os_threads_source *source)
{
	struct os_threads threads = {
		.source = *source,
		.own_wait_word = waits_on_own_words(source->modules),
	};
	struct error *error = make_index(&threads);
	if (error) {
		os_threads_deinit(&threads);
		return error;
	}
	*ret = threads;
	return NULL;
}

static bool has_same_ids(const struct os_threads *threads, const struct thread_list *list)
{
	bool same = list->count == threads->id_count;
	for (size_t i = 0; i < list->count && same; i++)
		same = list->items[i].tid == threads->ids[2 * i] &&
		       list->items[i].container_tid == threads->ids[2 * i + 1];
	return same;
}

struct error *os_threads_renew(struct os_threads *threads, const struct os_threads_source *source)
{
	if (!has_same_ids(threads, source->list)) {
		os_threads_deinit(threads);
		return os_threads_init(threads, source);
	}
	threads->source = *source;
	threads->by_id.threads = source->list;
	threads->misses_some = false;
	memset(threads->known, 0, threads->id_count * sizeof(*threads->known));
	return NULL;
}

void os_threads_deinit(struct os_threads *threads)
{
	thread_id_index_deinit(&threads->by_id);
	free(threads->known);
	free(threads->ids);
	*threads = (struct os_threads){0};
}

/* Where a thread waits, by /proc at capture or by a core's registers. */
static struct stopped_call waiting_call(const struct os_threads *threads,
					const struct thread_facts *thread)
{
	if (!thread->state)
		return stopped_call_read(threads->source.machine, thread->registers,
					 thread->registers_size, threads->source.memory);
	if (thread->system_call >= 0)
		return (struct stopped_call){
			.kind = STOPPED_WAITING,
			.number = thread->system_call,
			.has_argument = thread->has_system_call_argument,
			.argument = thread->system_call_argument,
		};
	return (struct stopped_call){
		.kind = thread->state == 'R' ? STOPPED_RUNNING : STOPPED_UNKNOWN,
		.number = -1,
	};
}

static void describe_activity(const struct thread_facts *os_thread, const struct stopped_call *call,
			      struct model_thread *thread)
{
	bool runs = os_thread->state ? os_thread->state == 'R' : call->kind == STOPPED_RUNNING;
	thread->system_call = call->number;
	if (thread->owns_gil) {
		thread->activity = MODEL_ACTIVE;
		thread->activity_source = MODEL_SOURCE_SYSTEM;
	} else if (os_thread->state || call->kind != STOPPED_UNKNOWN) {
		thread->activity = runs ? MODEL_ACTIVE : MODEL_IDLE;
		thread->activity_source =
			os_thread->state ? MODEL_SOURCE_SYSTEM : MODEL_SOURCE_REGISTERS;
	}
}

static bool is_in_gil(const struct python_layout *layout, uint64_t gil, uint64_t address)
{
	/*
	 * Behind cond and mutex are switch_cond and switch_mutex, of those that gave the GIL to
	 * another thread because that one asked for it, and wait until it was taken. A condition
	 * has 48 bytes, a mutex at most 48 (glibc on aarch64); the words that are waited at are a
	 * mutex's first two.
	 */
	enum { BEHIND_MUTEX = 48 + 48 + 8 };
	return address - gil >= layout->gil.cond &&
	       address - gil < (uint64_t)layout->gil.mutex + BEHIND_MUTEX;
}

/*
 * Whether the thread waits for its interpreter's GIL: take_gil() and drop_gil() wait on conditions
 * and mutexes in the GIL itself (Python/ceval_gil.c, before 3.12 ceval_gil.h).
 */
static enum model_answer waits_for_gil(const struct os_threads *threads,
				       const struct walk_thread *walked,
				       const struct stopped_call *call)
{
	const struct python_layout *layout = threads->source.layout;
	uint64_t gil = walked->interpreter->gil_address;
	int32_t machine = threads->source.machine;
	if (!gil || layout->gil.cond == LAYOUT_ABSENT || layout->gil.mutex == LAYOUT_ABSENT ||
	    !is_known_machine(machine))
		return MODEL_UNKNOWN;
	if (walked->owns_gil_known && walked->owns_gil)
		return MODEL_NO;
	if (call->kind != STOPPED_WAITING)
		return call->kind == STOPPED_RUNNING ? MODEL_NO : MODEL_UNKNOWN;
	if (!is_wait_at_address(machine, call->number))
		return MODEL_NO;
	if (!call->has_argument)
		return MODEL_UNKNOWN;
	if (is_in_gil(layout, gil, call->argument))
		return MODEL_YES;
	return threads->own_wait_word ? MODEL_UNKNOWN : MODEL_NO;
}

/*
 * Who collects holds the GIL, but for the moments in which a finalizer that it runs lets it go: of
 * the others nothing is known as long as the interpreter collects.
 */
static enum model_answer collects_garbage(const struct walk_thread *walked)
{
	if (walked->interpreter->gc_state == GC_RESTS)
		return MODEL_NO;
	bool is_owner = walked->owns_gil_known && walked->owns_gil;
	return is_owner && walked->interpreter->gc_state == GC_COLLECTS ? MODEL_YES : MODEL_UNKNOWN;
}

/* What the operating system says of a thread, whether it runs Python or not. */
static struct error *describe_facts(const struct thread_facts *os_thread,
				    const struct stopped_call *call, struct model_thread *thread)
{
	thread->os_thread_id = os_thread->tid;
	if (os_thread->container_tid && os_thread->container_tid != os_thread->tid)
		thread->container_thread_id = os_thread->container_tid;
	thread->crashed = os_thread->crashed;
	describe_activity(os_thread, call, thread);
	if (thread->os_name && strncmp(thread->os_name, os_thread->name, THREAD_NAME_SIZE) == 0)
		return NULL;
	free(thread->os_name);
	thread->os_name = NULL;
	if (!os_thread->name[0])
		return NULL;
	thread->os_name = strndup(os_thread->name, THREAD_NAME_SIZE);
	return thread->os_name ? NULL : &error_out_of_memory;
}

struct error *os_threads_describe(struct os_threads *threads, const struct walk_thread *walked,
				  struct model_thread *ret, size_t *ret_number)
{
	const struct thread_facts *os_thread = thread_id_find(&threads->by_id, &walked->os_ids);
	if (ret_number)
		*ret_number = os_thread ? (size_t)(os_thread - threads->source.list->items)
					: threads->source.list->count;
	ret->collects_garbage = collects_garbage(walked);
	if (os_thread) {
		const struct stopped_call call = waiting_call(threads, os_thread);
		threads->known[os_thread - threads->source.list->items] = true;
		ret->waits_for_gil = waits_for_gil(threads, walked, &call);
		return describe_facts(os_thread, &call, ret);
	}
	threads->misses_some = true;
	free(ret->os_name);
	ret->os_name = NULL;
	/* The thread may have been born or have ended between the list and the sample. */
	for (size_t i = 0; i < THREAD_ID_CANDIDATES && !ret->os_thread_id; i++) {
		if (threads->source.layout->thread.native_thread_id != LAYOUT_ABSENT)
			ret->os_thread_id = walked->os_ids.ids[i];
	}
	return NULL;
}

void os_threads_infer(struct model_thread *thread)
{
	if (thread->activity != MODEL_ACTIVITY_UNKNOWN || !thread->frame_count)
		return;
	const struct model_frame *innermost = &thread->frames[0];
	if (innermost->kind == MODEL_FRAME_GAP)
		return;
	bool waits = is_waiting_frame(innermost->name, innermost->filename) && !thread->owns_gil;
	thread->activity = waits ? MODEL_IDLE : MODEL_ACTIVE;
	thread->activity_source = MODEL_SOURCE_FRAMES;
}

struct error *os_threads_add_others(const struct os_threads *threads, struct model_process *process)
{
	const struct thread_list *list = threads->source.list;
	/* Where the lists could not be read to their ends, the notes say so. */
	process->others_certain = !threads->misses_some && !process->note_count;
	for (size_t i = 0; i < list->count; i++) {
		struct model_thread *thread;
		if (threads->known[i])
			continue;
		struct error *error = model_process_add_other(process, &thread);
		if (error)
			return error;
		const struct stopped_call call = waiting_call(threads, &list->items[i]);
		error = describe_facts(&list->items[i], &call, thread);
		if (error)
			return error;
	}
	return NULL;
}
