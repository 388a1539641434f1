#include "capture/freeze.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "capture/fault_point.h"
#include "capture/freeze_error.h"
#include "capture/left_behind.h"
#include "capture/proc_stat.h"
#include "capture/seize_watch.h"
#include "capture/stop_keys.h"
#include "capture/stop_wait.h"
#include "capture/task_list.h"
#include "capture/tracee_list.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define NS_PER_MS	    1000000ULL
#define DEFAULT_DEADLINE_NS (100 * NS_PER_MS)

enum {
	/* Between two looks at threads that are just coming or going. */
	PASS_PAUSE_NS = 50 * 1000,
	/* NT_PRSTATUS of x86_64 is 216 bytes, of aarch64 272. */
	REGISTERS_MAX_BYTES = 1024,
	/* A seize that is refused for no reason that can be found is tried again so often: the
	 * reason may have been an exec(2) that is over. */
	SEIZE_ATTEMPTS = 3,
	/* Looks at one thread after which all others are looked at, too. */
	ROUNDS_TO_POLL_ALL = 8,
};

struct freezer {
	struct freeze_subject subject;
	uint64_t deadline_ns;
	struct task_ids ids;	   /* as listed last by freezer_stop_all */
	struct seize_watch *watch; /* NULL until more than one thread was to be seized */
	struct tracee_list *held;  /* and what was held, and has not stopped yet */
	uint64_t seized_ns;	   /* CLOCK_MONOTONIC, before the first seize of this freeze */
	uint64_t stopped_ns;	   /* before the first stop was requested; 0: none was */
	bool was_stopped;
	bool missed_deadline;
	struct stop_keys keys; /* held since begin() */
};

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

struct error *freezer_create(const struct freezer_options *options, struct freezer **ret)
{
	struct freezer *freezer = calloc(1, sizeof(*freezer));
	if (!freezer)
		return &error_out_of_memory;
	freezer->subject.pid = options->pid;
	freezer->deadline_ns = options->deadline_ns ? options->deadline_ns : DEFAULT_DEADLINE_NS;
	struct error *error = tracee_list_create(options->pid, &freezer->held);
	if (!error)
		error = task_folder_open(options->pid, &freezer->subject.tasks);
	if (error) {
		tracee_list_destroy(freezer->held);
		free(freezer);
		return error;
	}
	*ret = freezer;
	return NULL;
}

/* Letting go. */

/*
 * A thread that has not stopped cannot be detached (ptrace(2)); it is when it stops, or when the
 * thread that seized it ends. What is left after `patience_ns` stays in the list and is looked at
 * again in the next call.
 */
static void settle(struct freezer *freezer, uint64_t patience_ns)
{
	struct stop_wait wait;
	if (!freezer->held->count || !tracee_list_settle(freezer->held) || !patience_ns)
		return;
	uint64_t until_ns = now_ns() + patience_ns;
	stop_wait_begin(&wait);
	for (unsigned round = 0; tracee_list_settle(freezer->held) && now_ns() < until_ns; round++)
		stop_wait_step(&wait, round);
	stop_wait_end(&wait);
}

/* Gives when the last of the stopped threads was let go. */
static uint64_t let_go(struct freezer *freezer)
{
	tracee_list_prepare_to_let_go(freezer->held);
	bool first = true;
	for (size_t i = 0; i < freezer->held->count; i++) {
		struct tracee *tracee = &freezer->held->items[i];
		if (tracee->state != TRACEE_STOPPED)
			continue;
		tracee_detach(tracee);
		if (first)
			fault_point(FAULT_DURING_RELEASE);
		first = false;
	}
	uint64_t end_ns = now_ns();
	tracee_list_forget_gone(freezer->held);
	settle(freezer, freezer->deadline_ns);
	freezer->stopped_ns = 0;
	stop_keys_release(&freezer->keys);
	return end_ns;
}

/*
 * Only the thread that seized can let go (ptrace(2)). What another one would do to those that have
 * not stopped in time would leave them standing; the kernel lets them go when their owner ends.
 */
static bool is_foreign(const struct freezer *freezer)
{
	return freezer->held->count && freezer->held->owner != gettid();
}

void freezer_settle(struct freezer *freezer)
{
	if (!is_foreign(freezer))
		settle(freezer, 0);
}

void freezer_destroy(struct freezer *freezer)
{
	if (!freezer)
		return;
	if (!is_foreign(freezer))
		let_go(freezer);
	seize_watch_destroy(freezer->watch);
	task_folder_close(&freezer->subject.tasks);
	task_ids_deinit(&freezer->ids);
	left_behind_add(freezer->held);
	free(freezer);
}

void freezer_destroyp(struct freezer **freezer)
{
	freezer_destroy(*freezer);
}

/* Stopping. */

static struct error *injected_error(enum fault_point point)
{
	return error_create(ERROR_FAILED, "made to fail at %s", fault_point_name(point));
}

/* Before a thread is seized while others are. Without a helper thread the rare deadlock that it
 * guards against is possible, which is better than no freeze at all. */
static void watch_seizing(struct freezer *freezer)
{
	if (!freezer->watch) {
		error_destroy(seize_watch_create(&freezer->watch));
		if (!freezer->watch)
			return;
	}
	seize_watch_arm(freezer->watch);
	for (size_t i = 0; i < freezer->held->count; i++)
		if (!freezer->held->items[i].leader)
			error_destroy(seize_watch_add(freezer->watch, freezer->held->items[i].tid));
}

static struct error *seize_one(struct freezer *freezer, pid_t tid)
{
	struct tracee tracee;
	for (unsigned attempt = 1;; attempt++) {
		int errnum = tracee_seize(tid, tid == freezer->subject.pid, &tracee);
		if (!errnum)
			break;
		struct error *error = freeze_error_seize(&freezer->subject, tid, errnum,
							 freezer->held->count > 0);
		if (error->code != ERROR_PERMISSION || attempt == SEIZE_ATTEMPTS)
			return error;
		error_destroy(error);
	}
	tracee.wanted = true;
	freezer->held->items[freezer->held->count++] = tracee;
	if (freezer->watch && !tracee.leader)
		return seize_watch_add(freezer->watch, tid);
	return NULL;
}

/* Now that it is seized, its id cannot pass to another thread: does it belong here? */
static struct error *check_subject(struct freezer *freezer, struct tracee *tracee)
{
	tracee->wanted = task_folder_has(&freezer->subject.tasks, tracee->tid);
	return tracee->wanted ? NULL : freeze_error_gone(&freezer->subject, tracee->tid);
}

/*
 * Seize threads that are not held. With `all_needed`, one that has ended is an error, and the
 * caller checks that they belong here, which takes longer than to stop them; without, it is left
 * out. `ret_added` says how many were added to the freeze.
 */
static struct error *seize(struct freezer *freezer, const pid_t *tids, size_t count,
			   bool all_needed, size_t *ret_added)
{
	struct error *error = tracee_list_reserve(freezer->held, count);
	if (error)
		return error;
	if (freezer->held->count + count > 1)
		watch_seizing(freezer);
	size_t known_count = freezer->held->count, added = 0;
	for (size_t i = 0; !error && i < count; i++) {
		struct tracee *known = tracee_list_find(freezer->held, known_count, tids[i]);
		if (known) {
			added += !known->wanted;
			known->wanted = true;
			continue;
		}
		error = seize_one(freezer, tids[i]);
		if (!error && !all_needed)
			error = check_subject(freezer,
					      &freezer->held->items[freezer->held->count - 1]);
		added += !error;
		if (error && error->code == ERROR_NO_PROCESS && !all_needed) {
			error_destroy(error);
			error = NULL;
		}
	}
	if (freezer->watch)
		seize_watch_disarm(freezer->watch);
	if (!error)
		*ret_added = added;
	return error;
}

static void request_stops(struct freezer *freezer)
{
	if (!freezer->stopped_ns)
		freezer->stopped_ns = now_ns();
	for (size_t i = 0; i < freezer->held->count; i++) {
		struct tracee *tracee = &freezer->held->items[i];
		if (tracee->wanted && tracee->state == TRACEE_SEIZED)
			tracee_interrupt(tracee);
	}
}

/* exec(2) in a thread that has not stopped yet ends all others, stopped or not, and comes to its
 * own stop only when they are reaped. */
static void poll_all(struct freezer *freezer)
{
	for (size_t i = 0; i < freezer->held->count; i++)
		if (freezer->held->items[i].state != TRACEE_GONE)
			tracee_poll_again(&freezer->held->items[i]);
}

/* Wait until one thread has stopped or is gone. */
static struct error *await_stop(struct freezer *freezer, struct tracee *tracee,
				struct stop_wait *wait, uint64_t until_ns)
{
	tracee_poll(tracee);
	for (unsigned round = 1; tracee->state == TRACEE_INTERRUPTED; round++) {
		freezer->missed_deadline = now_ns() > until_ns;
		if (freezer->missed_deadline)
			return freeze_error_deadline(&freezer->subject, tracee->tid,
						     freezer->deadline_ns);
		stop_wait_step(wait, round);
		tracee_poll(tracee);
		if (round % ROUNDS_TO_POLL_ALL == 0)
			poll_all(freezer);
	}
	if (tracee->state != TRACEE_STOPPED)
		return NULL;
	freezer->was_stopped |= tracee->job_stop;
	if (!tracee->signal)
		return NULL;
	/* It stands since the signal came, which may be before we asked. */
	freezer->stopped_ns = freezer->seized_ns;
	return fault_point(FAULT_SIGNAL_STOP) ? injected_error(FAULT_SIGNAL_STOP) : NULL;
}

static struct error *await_stops(struct freezer *freezer, uint64_t until_ns)
{
	struct stop_wait wait;
	struct error *error = NULL;
	stop_wait_begin(&wait);
	for (size_t i = 0; !error && i < freezer->held->count; i++)
		if (freezer->held->items[i].wanted)
			error = await_stop(freezer, &freezer->held->items[i], &wait, until_ns);
	stop_wait_end(&wait);
	return error;
}

static struct error *begin(struct freezer *freezer)
{
	if (is_foreign(freezer))
		return error_create(ERROR_BUSY,
				    "a thread of process %d that did not stop in time is still "
				    "held by another thread of this program",
				    (int)freezer->subject.pid);
	stop_keys_hold(&freezer->keys);
	freezer->missed_deadline = false;
	settle(freezer, 0);
	left_behind_settle();
	freezer->held->owner = gettid();
	if (!freezer->stopped_ns) {
		freezer->seized_ns = now_ns();
		freezer->was_stopped = false;
	}
	struct error *error = left_behind_take(freezer->held);
	if (error)
		return error;
	return fault_point(FAULT_BEFORE_SEIZE) ? injected_error(FAULT_BEFORE_SEIZE) : NULL;
}

/* All are seized: request every stop, then await each. Those behind the first `checked` are checked
 * while their stops are under way. */
static struct error *stop_seized(struct freezer *freezer, size_t checked, uint64_t until_ns)
{
	struct error *error = NULL;
	if (fault_point(FAULT_AFTER_SEIZE))
		return injected_error(FAULT_AFTER_SEIZE);
	request_stops(freezer);
	if (fault_point(FAULT_AFTER_INTERRUPT))
		return injected_error(FAULT_AFTER_INTERRUPT);
	for (size_t i = checked; !error && i < freezer->held->count; i++)
		error = check_subject(freezer, &freezer->held->items[i]);
	return error ? error : await_stops(freezer, until_ns);
}

static struct error *stop_these(struct freezer *freezer, const pid_t *tids, size_t count)
{
	size_t added;
	struct error *error = begin(freezer);
	size_t held = freezer->held->count;
	if (!error)
		error = seize(freezer, tids, count, true, &added);
	if (!error)
		error = stop_seized(freezer, held, now_ns() + freezer->deadline_ns);
	if (error)
		return error;
	for (size_t i = 0; i < freezer->held->count; i++)
		if (freezer->held->items[i].wanted && freezer->held->items[i].state == TRACEE_GONE)
			return freeze_error_gone(&freezer->subject, freezer->held->items[i].tid);
	return fault_point(FAULT_ALL_STOPPED) ? injected_error(FAULT_ALL_STOPPED) : NULL;
}

struct error *freezer_stop(struct freezer *freezer, const pid_t *tids, size_t count)
{
	struct error *error = stop_these(freezer, tids, count);
	if (error && !is_foreign(freezer))
		let_go(freezer);
	return error;
}

/* Of the threads that were listed last, those that have ended but are still in the list: a main
 * thread that has ended before the others stays there. */
static size_t count_zombies(struct freezer *freezer)
{
	size_t zombies = 0;
	for (size_t i = 0; i < freezer->ids.count; i++) {
		struct proc_stat stat;
		if (tracee_list_find(freezer->held, freezer->held->count, freezer->ids.items[i]))
			continue;
		if (proc_stat_read(freezer->subject.tasks.fd, freezer->ids.items[i], &stat) == 0)
			zombies += proc_state_ended(stat.state);
	}
	return zombies;
}

/*
 * All that are held live and stand still: if there are as many threads as held ones, they are the
 * same. That a listing has nothing new proves less: it ends early at a thread that ends meanwhile
 * (fs/proc/base.c, next_tid).
 */
static bool holds_everything(const struct freezer *freezer, size_t zombies)
{
	size_t held = freezer_held_count(freezer);
	return held && task_folder_count(&freezer->subject.tasks) == held + zombies;
}

/* List the threads, and stop those that are not held; `ret_added` says how many. */
static struct error *stop_listed(struct freezer *freezer, uint64_t until_ns, size_t *ret_added)
{
	size_t added;
	struct error *error = task_folder_list(&freezer->subject.tasks, &freezer->ids);
	if (!error)
		error = seize(freezer, freezer->ids.items, freezer->ids.count, false, &added);
	if (!error && added)
		error = stop_seized(freezer, freezer->held->count, until_ns);
	if (error)
		return error;
	tracee_list_adopt_after_exec(freezer->held);
	tracee_list_forget_gone(freezer->held);
	*ret_added = added;
	return NULL;
}

static struct error *stop_everything(struct freezer *freezer)
{
	struct error *error = begin(freezer);
	if (error)
		return error;
	uint64_t until_ns = now_ns() + freezer->deadline_ns;
	do {
		size_t added;
		error = stop_listed(freezer, until_ns, &added);
		if (error)
			return error;
		if (holds_everything(freezer, 0))
			return NULL;
		if (added)
			continue;
		if (freezer->held->count == 0 && freeze_subject_ended(&freezer->subject))
			return freeze_error_gone(&freezer->subject, freezer->subject.pid);
		if (holds_everything(freezer, count_zombies(freezer)))
			return NULL;
		nanosleep(&(struct timespec){.tv_nsec = PASS_PAUSE_NS}, NULL);
	} while (now_ns() < until_ns);
	return error_create(ERROR_BUSY, "process %d starts threads faster than they can be stopped",
			    (int)freezer->subject.pid);
}

struct error *freezer_stop_all(struct freezer *freezer)
{
	struct error *error = stop_everything(freezer);
	if (!error && fault_point(FAULT_ALL_STOPPED))
		error = injected_error(FAULT_ALL_STOPPED);
	if (error && !is_foreign(freezer))
		let_go(freezer);
	return error;
}

/* While held. */

struct error *freezer_registers(struct freezer *freezer, pid_t tid, void **ret, size_t *ret_size)
{
	const struct tracee *tracee = tracee_list_find(freezer->held, freezer->held->count, tid);
	if (!tracee || !tracee->wanted || tracee->state != TRACEE_STOPPED)
		return error_create(ERROR_NOT_FOUND, "thread %d of process %d is not held",
				    (int)tid, (int)freezer->subject.pid);
	unsigned char registers[REGISTERS_MAX_BYTES];
	struct iovec range = {.iov_base = registers, .iov_len = sizeof(registers)};
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &range) != 0) {
		if (errno == ESRCH) /* killed while it stood still */
			return freeze_error_gone(&freezer->subject, tid);
		return error_errno(ERROR_FAILED, errno, "cannot read the registers of thread %d",
				   (int)tid);
	}
	void *copy = malloc(range.iov_len);
	if (!copy)
		return &error_out_of_memory;
	memcpy(copy, registers, range.iov_len);
	*ret = copy;
	*ret_size = range.iov_len;
	return NULL;
}

struct error *freezer_release(struct freezer *freezer, uint64_t *ret_freeze_ns)
{
	bool fail = fault_point(FAULT_BEFORE_RELEASE);
	uint64_t begin_ns = freezer->stopped_ns;
	uint64_t end_ns = let_go(freezer);
	if (fault_point(FAULT_AFTER_RELEASE))
		return injected_error(FAULT_AFTER_RELEASE);
	if (fail)
		return injected_error(FAULT_BEFORE_RELEASE);
	*ret_freeze_ns = begin_ns ? end_ns - begin_ns : 0;
	return NULL;
}

size_t freezer_held_count(const struct freezer *freezer)
{
	size_t held = 0;
	for (size_t i = 0; i < freezer->held->count; i++)
		held += freezer->held->items[i].wanted &&
			freezer->held->items[i].state == TRACEE_STOPPED;
	return held;
}

bool freezer_was_stopped(const struct freezer *freezer)
{
	return freezer->was_stopped;
}

void freezer_set_deadline(struct freezer *freezer, uint64_t deadline_ns)
{
	freezer->deadline_ns = deadline_ns;
}

bool freezer_missed_deadline(const struct freezer *freezer)
{
	return freezer->missed_deadline;
}
