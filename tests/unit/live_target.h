/* A child process with threads that count, and handlers that count signals, in shared memory: what
 * the tests of freezing work on. */
#ifndef PYSPY_TESTS_LIVE_TARGET_H
#define PYSPY_TESTS_LIVE_TARGET_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/proc_stat.h"
#include "tests/unit/cmocka_headers.h"

enum {
	TARGET_MAX_THREADS = 256,
	TARGET_MAX_SIGNAL = 65,
	TARGET_WAIT_MS = 20000, /* generous: sanitizers, a loaded machine */
};

struct target_shared {
	atomic_uint handled[TARGET_MAX_SIGNAL];
	atomic_ulong progress[TARGET_MAX_THREADS];
	atomic_int tids[TARGET_MAX_THREADS];
	atomic_int ready;
};

struct target {
	pid_t pid;
	int threads;
	struct target_shared *shared;
};

static struct target_shared *target_shared;

static void target_handler(int signal)
{
	atomic_fetch_add(&target_shared->handled[signal], 1);
}

static void target_sleep_us(long us)
{
	struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	nanosleep(&time, NULL);
}

/* Thread 1 computes, the others mostly sleep. */
static void *target_thread(void *argument)
{
	long index = (long)argument;
	atomic_store(&target_shared->tids[index], (int)syscall(SYS_gettid));
	atomic_fetch_add(&target_shared->ready, 1);
	for (;;) {
		atomic_fetch_add(&target_shared->progress[index], 1);
		if (index != 1)
			target_sleep_us(500 + index * 100);
	}
	return NULL;
}

static void target_handle_signals(void)
{
	struct sigaction action = {.sa_handler = target_handler, .sa_flags = SA_RESTART};
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGCONT, &action, NULL);
	for (int i = SIGRTMIN; i <= SIGRTMAX && i < TARGET_MAX_SIGNAL; i++)
		sigaction(i, &action, NULL);
}

static void target_start_thread(void *(*run)(void *), long index)
{
	pthread_t thread;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	if (pthread_create(&thread, &attributes, run, (void *)index) != 0)
		_exit(99);
	pthread_detach(thread);
	pthread_attr_destroy(&attributes);
}

/* In the child: allow tracing by anyone of this user (Yama), die with the test. */
static void target_prepare(void)
{
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static inline bool target_wait(bool (*condition)(const struct target *target),
			       const struct target *target)
{
	for (int i = 0; i < TARGET_WAIT_MS; i++) {
		if (condition(target))
			return true;
		target_sleep_us(1000);
	}
	return false;
}

/* '?' if there is none. */
static inline char target_state(pid_t pid)
{
	struct proc_stat stat;
	return proc_stat_read(AT_FDCWD, pid, &stat) == 0 ? stat.state : '?';
}

static inline bool target_is_ready(const struct target *target)
{
	return atomic_load(&target->shared->ready) == target->threads;
}

static inline struct target_shared *target_share(void)
{
	void *memory = mmap(NULL, sizeof(struct target_shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* fork(2), or the end: kill(2) of process -1 would be everybody's. */
static inline pid_t target_fork_process(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) {
		perror("# fork");
		exit(1);
	}
	return pid;
}

/* Fork a child that runs `body` in its main thread. */
static inline struct target target_fork(void (*body)(void))
{
	struct target target = {.shared = target_share()};
	target_shared = target.shared;
	target.pid = target_fork_process();
	if (target.pid == 0) {
		target_prepare();
		body();
		_exit(0);
	}
	return target;
}

/* A child of `threads` threads, the main one included. */
static inline struct target target_start(int threads)
{
	struct target target = {.threads = threads, .shared = target_share()};
	target_shared = target.shared;
	target.pid = target_fork_process();
	if (target.pid == 0) {
		target_prepare();
		target_handle_signals();
		for (long i = 1; i < threads; i++)
			target_start_thread(target_thread, i);
		target_thread((void *)0);
	}
	if (!target_wait(target_is_ready, &target)) {
		printf("# the target did not start: state %c\n", target_state(target.pid));
		exit(1);
	}
	return target;
}

static inline void target_end(struct target *target)
{
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	munmap(target->shared, sizeof(*target->shared));
}

/* In a child that is an ordinary user: `attempt` on a process of root's. It prints what is wrong
 * and gives 0 if nothing is. An ordinary user tries process 1. */
static inline void target_try_as_nobody(int (*attempt)(pid_t pid))
{
	enum { NOBODY = 65534 };
	struct proc_status init;
	struct target target = {.pid = 1};
	bool root = geteuid() == 0;
	if (root) {
		target = target_start(1);
	} else if (proc_status_read(AT_FDCWD, 1, &init) != 0 || init.real_uid != 0) {
		printf("# skipped: process 1 is not root's\n");
		skip();
	}
	pid_t child = target_fork_process();
	if (child == 0) {
		int status = 2;
		if (!root || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0))
			status = attempt(target.pid);
		fflush(stdout);
		_exit(status);
	}
	int status = 0;
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (root)
		target_end(&target);
}

static inline bool target_is_stopped(const struct target *target)
{
	return target_state(target->pid) == 'T';
}

static inline bool target_is_zombie(const struct target *target)
{
	return target_state(target->pid) == 'Z';
}

static inline int target_tracer(pid_t pid)
{
	struct proc_status status;
	return proc_status_read(AT_FDCWD, pid, &status) == 0 ? status.tracer_pid : -1;
}

static inline unsigned long target_total_progress(const struct target *target)
{
	unsigned long total = 0;
	for (int i = 0; i < target->threads; i++)
		total += atomic_load(&target->shared->progress[i]);
	return total;
}

/* Every thread gets on. */
static inline bool target_runs(const struct target *target)
{
	unsigned long before[TARGET_MAX_THREADS];
	for (int i = 0; i < target->threads; i++)
		before[i] = atomic_load(&target->shared->progress[i]);
	for (int i = 0; i < target->threads; i++) {
		int waited = 0;
		while (atomic_load(&target->shared->progress[i]) == before[i]) {
			if (waited++ == TARGET_WAIT_MS)
				return false;
			target_sleep_us(1000);
		}
	}
	return true;
}

static inline uint64_t target_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Beyond RLIMIT_SIGPENDING kill(2) merges even signals that queue, and says nothing. */
enum { TARGET_MAX_PENDING = 400 };

/* Signals sent, to be compared with those handled. Realtime signals queue; SIGUSR1 does not, so it
 * is sent only when the last one was handled. */
struct target_sent {
	unsigned count[TARGET_MAX_SIGNAL];
};

static inline void target_send(const struct target *target, struct target_sent *sent, pid_t tid,
			       int signal)
{
	unsigned pending = sent->count[signal] - atomic_load(&target->shared->handled[signal]);
	if (pending >= (signal < SIGRTMIN ? 1 : TARGET_MAX_PENDING))
		return;
	for (;;) {
		long result = tid ? syscall(SYS_tgkill, target->pid, tid, signal)
				  : kill(target->pid, signal);
		if (result == 0)
			break;
		if (errno != EAGAIN) /* the queue is full: RLIMIT_SIGPENDING */
			return;
		target_sleep_us(100);
	}
	sent->count[signal]++;
}

/* One signal of some kind to the process or one of its threads. */
static inline void target_send_some(const struct target *target, struct target_sent *sent,
				    unsigned number)
{
	static const int offsets[] = {0, 1, 2, 3};
	int index = (int)(number % (unsigned)target->threads);
	pid_t tid = atomic_load(&target->shared->tids[index]);
	target_send(target, sent, number % 3 == 0 ? 0 : tid, SIGRTMIN + offsets[number % 4]);
	target_send(target, sent, 0, SIGUSR1);
}

/* Wait until all that were sent were handled; false if they never are. */
static inline bool target_handled_all(const struct target *target, const struct target_sent *sent)
{
	for (int i = 1; i < TARGET_MAX_SIGNAL; i++) {
		int waited = 0;
		if (i == SIGCONT)
			continue;
		while (atomic_load(&target->shared->handled[i]) != sent->count[i]) {
			if (waited++ == TARGET_WAIT_MS) {
				printf("# signal %d: sent %u, handled %u\n", i, sent->count[i],
				       atomic_load(&target->shared->handled[i]));
				return false;
			}
			target_sleep_us(1000);
		}
	}
	return true;
}

#endif
