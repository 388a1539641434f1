#include "capture/thread_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/proc_number.h"
#include "capture/proc_stat.h"
#include "capture/task_list.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum {
	CLOCK_SIZE = 64,
	TEXT_SIZE = 1024, /* stat is the longest: 52 numbers */
	/* Descriptors that stay open, of all processes; the rest is left for the other uses. */
	KEPT_MAX = 32768,
	KEPT_RESERVE = 256,
	/* Not all threads' at once. */
	STAT_STEP_MS = 8,
	STAT_STEPS = 64,
};

/* So long a thread may be taken to wait in the same way, and to have the same name. */
#define STAT_NS UINT64_C(1000000000)

/* Files that are read of a thread. */
enum thread_file { FILE_CLOCK, FILE_STAT, FILE_CALL, FILE_COUNT };

static const char *const file_names[] = {
	[FILE_CLOCK] = "schedstat",
	[FILE_STAT] = "stat",
	[FILE_CALL] = "syscall",
};

struct watched_thread {
	pid_t tid;
	int fds[FILE_COUNT]; /* -1: not open */
	char clock[CLOCK_SIZE];
	uint64_t stat_ns; /* CLOCK_MONOTONIC: from then on its stat is to be read again */
	bool ended;
};

struct thread_watch {
	pid_t pid;
	struct task_folder folder;
	struct task_ids ids;		/* scratch */
	struct watched_thread *threads; /* in the order of the list */
	size_t count;
	size_t kept_limit;
	bool nested; /* threads have other ids in their own namespace */
	bool looked; /* `nested` is known */
	uint64_t generation;
	int births_fd;	 /* of task_births_open */
	uint64_t births; /* before the last update; 0: unknown */
	/* Of one update: */
	uint64_t now_ns;
	bool is_usual; /* a thread's stat was read, and it ran or slept */
};

/* How many descriptors stay open. */
static atomic_size_t kept_count;

void thread_watch_raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	rlim_t wanted = KEPT_MAX + KEPT_RESERVE;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
		wanted = limit.rlim_max;
	limit.rlim_cur = limit.rlim_cur < wanted ? wanted : limit.rlim_cur;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* How many may stay open: the program has other uses for some. */
static size_t kept_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= 2 * KEPT_RESERVE)
		return 0;
	size_t most = limit.rlim_cur - KEPT_RESERVE;
	return most < KEPT_MAX ? most : KEPT_MAX;
}

static void close_thread(struct watched_thread *thread)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (thread->fds[i] < 0)
			continue;
		close(thread->fds[i]);
		kept_count--;
	}
}

struct error *thread_watch_create(pid_t pid, struct thread_watch **ret)
{
	CLEANUP(thread_watch_destroyp) struct thread_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return &error_out_of_memory;
	watch->kept_limit = kept_limit();
	watch->pid = pid;
	watch->folder.fd = -1;
	watch->births_fd = task_births_open();
	struct error *error = task_folder_open(pid, &watch->folder);
	if (!error)
		*ret = TAKE_POINTER(watch);
	return error;
}

void thread_watch_destroy(struct thread_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->count; i++)
		close_thread(&watch->threads[i]);
	free(watch->threads);
	task_ids_deinit(&watch->ids);
	task_folder_close(&watch->folder);
	if (watch->births_fd >= 0)
		close(watch->births_fd);
	free(watch);
}

void thread_watch_destroyp(struct thread_watch **watch)
{
	thread_watch_destroy(*watch);
}

uint64_t thread_watch_generation(const struct thread_watch *watch)
{
	return watch->generation;
}

/* The length of the text, which is cut to its room; -1 with errno. */
static ssize_t read_file(struct thread_watch *watch, struct watched_thread *thread,
			 enum thread_file file, char *text, size_t size)
{
	int fd = thread->fds[file];
	if (fd < 0) {
		char path[64];
		snprintf(path, sizeof(path), "%d/%s", (int)thread->tid, file_names[file]);
		fd = openat(watch->folder.fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -1;
	}
	ssize_t length = pread(fd, text, size - 1, 0);
	int errnum = errno;
	if (thread->fds[file] < 0 && kept_count < watch->kept_limit) {
		thread->fds[file] = fd;
		kept_count++;
	} else if (thread->fds[file] < 0) {
		close(fd);
	}
	errno = errnum;
	if (length >= 0)
		text[length] = '\0';
	return length;
}

/*
 * Whether the thread can have run since its clock was read last. A kernel that counts nothing says
 * "0 0 0" (kernel/sched/stats.h, sched_info_on).
 */
static bool has_run(const struct watched_thread *thread, const char *clock, char state)
{
	return state == 'R' || !state || strncmp(clock, "0 0 0", 5) == 0 ||
	       strcmp(clock, thread->clock) != 0;
}

/* False if the kernel does not count it. */
static bool read_cpu_time(const struct watched_thread *thread, struct thread_facts *facts)
{
	const char *clock = thread->clock;
	return proc_number_decimal(&clock, &facts->cpu_time_ns);
}

static bool read_stat(struct thread_watch *watch, struct watched_thread *thread,
		      struct thread_facts *facts)
{
	char text[TEXT_SIZE];
	struct proc_stat stat;
	ssize_t length = read_file(watch, thread, FILE_STAT, text, sizeof(text));
	if (length <= 0 || !proc_stat_parse(text, (size_t)length, &stat))
		return false;
	if (!read_cpu_time(thread, facts))
		facts->cpu_time_ns = proc_stat_cpu_time_ns(&stat);
	facts->state = stat.state;
	memset(facts->name, 0, sizeof(facts->name));
	memcpy(facts->name, stat.name, strnlen(stat.name, sizeof(facts->name) - 1));
	thread->stat_ns = watch->now_ns + STAT_NS -
			  (uint64_t)(thread->tid % STAT_STEPS) * STAT_STEP_MS * 1000000;
	watch->is_usual = stat.state == 'R' || stat.state == 'S';
	return true;
}

static void read_call(struct thread_watch *watch, struct watched_thread *thread, char *text,
		      struct thread_facts *facts)
{
	ssize_t length = read_file(watch, thread, FILE_CALL, text, TEXT_SIZE);
	if (length <= 0)
		*text = '\0';
	proc_system_call_parse(text, facts);
}

/*
 * Most threads that have run did so for a moment only: to see whether the GIL is free yet, or the
 * other end has sent something. What they do now tells their state, for a third of the price: a
 * thread that runs is said to, who waits for a lock can be woken (S; kernel/futex/waitwake.c), and
 * who waits in the call that it slept in before sleeps again. Only not where the whole process may
 * be stopped (job control), which the first thread that has run tells.
 */
static bool read_state_of_call(struct thread_watch *watch, struct watched_thread *thread,
			       struct thread_facts *facts)
{
	char text[TEXT_SIZE];
	const struct thread_facts before = *facts;
	if (!watch->is_usual || watch->now_ns >= thread->stat_ns)
		return false;
	read_call(watch, thread, text, facts);
	if (strncmp(text, "running", strlen("running")) == 0)
		facts->state = 'R';
	else if (facts->system_call == SYS_futex)
		facts->state = 'S';
	else if (facts->system_call < 0 || before.state != 'S' ||
		 facts->system_call != before.system_call ||
		 facts->system_call_argument != before.system_call_argument)
		return false;
	return read_cpu_time(thread, facts);
}

/* Sets `ended` if the thread has. */
static void refresh(struct thread_watch *watch, struct watched_thread *thread,
		    struct thread_facts *facts)
{
	char clock[CLOCK_SIZE] = "";
	char text[TEXT_SIZE];
	ssize_t length = read_file(watch, thread, FILE_CLOCK, clock, sizeof(clock));
	if (length > 0 && !has_run(thread, clock, facts->state))
		return;
	memcpy(thread->clock, clock, sizeof(clock));
	if (length > 0 && read_state_of_call(watch, thread, facts))
		return;
	thread->ended = !read_stat(watch, thread, facts);
	if (!thread->ended)
		read_call(watch, thread, text, facts);
}

/* What a thread's namespace calls it is asked for once. */
static bool read_new(struct thread_watch *watch, struct watched_thread *thread,
		     struct thread_facts *facts)
{
	struct proc_status status;
	*facts = (struct thread_facts){.tid = thread->tid, .container_tid = thread->tid};
	if (!watch->looked || watch->nested) {
		if (proc_status_read(watch->folder.fd, thread->tid, &status) != 0)
			return false;
		watch->nested = status.nested;
		watch->looked = true;
		if (status.innermost_id)
			facts->container_tid = status.innermost_id;
	}
	refresh(watch, thread, facts);
	return !thread->ended;
}

static struct watched_thread new_thread(pid_t tid)
{
	return (struct watched_thread){.tid = tid, .fds = {-1, -1, -1}};
}

/* The thread of that id that was there before, and has not ended; the search goes on where the one
 * before it was found, for the order is mostly the same. */
static size_t find_kept(const struct thread_watch *watch, pid_t tid, size_t from)
{
	for (size_t i = 0; i < watch->count; i++) {
		size_t at = (from + i) % watch->count;
		if (watch->threads[at].tid == tid && !watch->threads[at].ended)
			return at;
	}
	return SIZE_MAX;
}

struct thread_arrays {
	struct watched_thread *threads;
	size_t count;
	struct thread_list list;
};

static void arrays_deinit(struct thread_arrays *arrays)
{
	for (size_t i = 0; i < arrays->count; i++)
		close_thread(&arrays->threads[i]);
	free(arrays->threads);
	thread_list_deinit(&arrays->list);
}

/* Move one thread over to the new arrays, or add it there. */
static struct error *carry(struct thread_watch *watch, struct thread_list *threads, pid_t tid,
			   size_t *at, struct thread_arrays *to)
{
	struct thread_facts facts;
	struct watched_thread thread = new_thread(tid);
	size_t found = find_kept(watch, tid, *at);
	if (found != SIZE_MAX) {
		*at = found + 1;
		thread = watch->threads[found];
		watch->threads[found] = new_thread(0);
		facts = threads->items[found];
		threads->items[found].registers = NULL;
	} else if (!read_new(watch, &thread, &facts)) {
		close_thread(&thread);
		return NULL;
	}
	to->threads[to->count++] = thread;
	return thread_list_append(&to->list, &facts);
}

/* The list anew, of which most is there already. */
static struct error *list_again(struct thread_watch *watch, struct thread_list *threads)
{
	CLEANUP(arrays_deinit) struct thread_arrays fresh = {0};
	size_t at = 0;
	struct error *error = task_folder_list(&watch->folder, &watch->ids);
	if (error)
		return error;
	fresh.threads = calloc(watch->ids.count + 1, sizeof(*fresh.threads));
	if (!fresh.threads)
		return &error_out_of_memory;
	for (size_t i = 0; !error && i < watch->ids.count; i++)
		error = carry(watch, threads, watch->ids.items[i], &at, &fresh);
	if (error)
		return error;
	const struct thread_arrays old = {watch->threads, watch->count, *threads};
	watch->threads = fresh.threads;
	watch->count = fresh.count;
	*threads = fresh.list;
	fresh = old;
	watch->generation++;
	return NULL;
}

/* Where no thread has begun, and there are as many as before, none has ended either. */
static bool none_has_begun(const struct thread_watch *watch)
{
	return watch->births && task_births_read(watch->births_fd) == watch->births;
}

bool thread_watch_is_same(struct thread_watch *watch)
{
	char clock[CLOCK_SIZE];
	bool same = task_folder_count(&watch->folder) == watch->count;
	if (same && none_has_begun(watch))
		return true;
	/* A file that was opened for a thread is not that of another one with its id. */
	for (size_t i = 0; same && i < watch->count; i++)
		same = read_file(watch, &watch->threads[i], FILE_CLOCK, clock, sizeof(clock)) > 0;
	return same;
}

struct error *thread_watch_update(struct thread_watch *watch, struct thread_list *threads)
{
	struct error *error = NULL;
	watch->births = task_births_read(watch->births_fd);
	watch->now_ns = clock_ns(CLOCK_MONOTONIC);
	watch->is_usual = false;
	bool changed = task_folder_count(&watch->folder) != watch->count;
	for (size_t i = 0; i < watch->count; i++) {
		refresh(watch, &watch->threads[i], &threads->items[i]);
		changed |= watch->threads[i].ended;
	}
	if (changed)
		error = list_again(watch, threads);
	if (!error && !watch->count)
		error = error_create(ERROR_NO_PROCESS, "process %d ended while it was looked at",
				     (int)watch->pid);
	return error;
}

struct error *thread_watch_meet(struct thread_watch *watch, struct thread_list *threads)
{
	if (task_folder_count(&watch->folder) == watch->count && none_has_begun(watch))
		return NULL;
	return thread_watch_update(watch, threads);
}
