#include "analyze/top/top_signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int crashing[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const int held[] = {SIGWINCH};

enum {
	ENDING_COUNT = sizeof(ending) / sizeof(ending[0]),
	CRASHING_COUNT = sizeof(crashing) / sizeof(crashing[0]),
	HELD_COUNT = sizeof(held) / sizeof(held[0]),
	POLL_MAX = 8,
};

/* One process, one terminal. */
static struct {
	volatile sig_atomic_t pending;
	volatile sig_atomic_t guarded;
	volatile sig_atomic_t stop;
	int wake; /* eventfd */
	struct top_restore restore;
	struct sigaction ending_before[ENDING_COUNT];
	struct sigaction crashing_before[CRASHING_COUNT];
	struct sigaction stop_before;
	sigset_t mask_before;
} signals = {.wake = -1};

/* Only what signal-safety(7) lists. */
static void put_back(void)
{
	if (!signals.guarded)
		return;
	signals.guarded = 0;
	ssize_t written =
		write(signals.restore.output, signals.restore.bytes, signals.restore.size);
	(void)written;
	tcsetattr(signals.restore.input, TCSANOW, &signals.restore.modes);
}

static void die(int number)
{
	sigset_t set;
	put_back();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
}

static void handle_ending(int number)
{
	int saved = errno;
	const uint64_t one = 1;
	/* The loop does not come to leave: it may hang in a read. */
	if (signals.pending)
		die(number);
	signals.pending = number;
	ssize_t written = write(signals.wake, &one, sizeof(one));
	(void)written;
	errno = saved;
}

/* ncurses would write to the terminal from the handler. */
static void handle_stop(int number)
{
	int saved = errno;
	const uint64_t one = 1;
	(void)number;
	signals.stop = 1;
	ssize_t written = write(signals.wake, &one, sizeof(one));
	(void)written;
	errno = saved;
}

static void catch_stop(struct sigaction *before)
{
	struct sigaction action = {.sa_handler = handle_stop};
	sigemptyset(&action.sa_mask);
	sigaction(SIGTSTP, &action, before);
}

bool top_signals_stop_wanted(void)
{
	return signals.stop;
}

void top_signals_stop(void)
{
	uint64_t count;
	ssize_t got = read(signals.wake, &count, sizeof(count));
	(void)got;
	signals.stop = 0;
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	/* Time passes. */
	catch_stop(NULL);
}

static void handle_crash(int number)
{
	die(number);
}

struct error *top_signals_begin(void)
{
	sigset_t set;
	struct sigaction action = {.sa_handler = handle_ending};
	signals.pending = 0;
	signals.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (signals.wake < 0)
		return error_errno(ERROR_FAILED, errno, "cannot make an eventfd");
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &action, &signals.ending_before[i]);
	action.sa_handler = handle_crash;
	for (size_t i = 0; i < CRASHING_COUNT; i++)
		sigaction(crashing[i], &action, &signals.crashing_before[i]);
	signals.stop = 0;
	catch_stop(&signals.stop_before);
	sigemptyset(&set);
	for (size_t i = 0; i < HELD_COUNT; i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, &signals.mask_before);
	return NULL;
}

void top_signals_guard(const struct top_restore *restore)
{
	signals.restore = *restore;
	signals.guarded = 1;
}

void top_signals_end(void)
{
	if (signals.wake < 0)
		return;
	signals.guarded = 0;
	sigprocmask(SIG_SETMASK, &signals.mask_before, NULL);
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &signals.ending_before[i], NULL);
	for (size_t i = 0; i < CRASHING_COUNT; i++)
		sigaction(crashing[i], &signals.crashing_before[i], NULL);
	sigaction(SIGTSTP, &signals.stop_before, NULL);
	close(signals.wake);
	signals.wake = -1;
}

int top_signals_pending(void)
{
	return signals.pending;
}

void top_signals_pass_on(void)
{
	if (signals.pending && signals.pending != SIGINT)
		die(signals.pending);
}

void top_signals_poll(struct pollfd *items, nfds_t count, int timeout_ms)
{
	struct pollfd all[POLL_MAX] = {{.fd = signals.wake, .events = POLLIN}};
	const struct timespec limit = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = (long)(timeout_ms % 1000) * 1000000,
	};
	sigset_t mask;
	if (count > POLL_MAX - 1)
		count = POLL_MAX - 1;
	memcpy(all + 1, items, count * sizeof(*items));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (size_t i = 0; i < HELD_COUNT; i++)
		sigdelset(&mask, held[i]);
	int ready = ppoll(all, count + 1, timeout_ms < 0 ? NULL : &limit, &mask);
	for (nfds_t i = 0; i < count; i++)
		items[i].revents = ready > 0 ? all[i + 1].revents : 0;
}
