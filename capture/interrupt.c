#include "capture/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

enum {
	GRACE_MS = 300,
	GRACE_WITH_SAMPLES_MS = 3000,
	/* timeout(1) sends its signal to the program and to the group: that is one request. */
	REPEAT_NS = 50 * 1000 * 1000,
};

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t pending;
static volatile sig_atomic_t from_terminal;
static volatile sig_atomic_t requested;
static volatile sig_atomic_t grace_ms = GRACE_MS;

/* What was before, for programs that this one starts. */
struct disposition {
	int number;
	struct sigaction before;
};

enum { DISPOSITIONS_MAX = 16 };

static struct disposition dispositions[DISPOSITIONS_MAX];
static size_t disposition_count;

static void set_action(int number, const struct sigaction *action)
{
	struct disposition *saved = &dispositions[disposition_count];
	saved->number = number;
	if (sigaction(number, action, &saved->before) == 0 &&
	    disposition_count < DISPOSITIONS_MAX - 1)
		disposition_count++;
}

static void set_handler(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	sigemptyset(&action.sa_mask);
	set_action(number, &action);
}

void interrupt_end(void)
{
	int number = pending;
	sigset_t only;
	sigemptyset(&only);
	sigaddset(&only, number);
	signal(number, SIG_DFL);
	raise(number);
	/* Here only in the handler, where the signal can be blocked. */
	sigprocmask(SIG_UNBLOCK, &only, NULL);
}

static void end_late(int number)
{
	(void)number;
	interrupt_end();
}

static void remember(int number, siginfo_t *info, void *context)
{
	(void)context;
	const struct itimerval grace = {
		.it_value = {.tv_sec = grace_ms / 1000, .tv_usec = grace_ms % 1000 * 1000}};
	static struct timespec before; /* handlers do not interrupt each other */
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t since_ns =
		(int64_t)(now.tv_sec - before.tv_sec) * 1000000000 + now.tv_nsec - before.tv_nsec;
	bool repeated = before.tv_sec && since_ns < REPEAT_NS;
	before = now;
	if (repeated)
		return;
	if (pending) {
		interrupt_end();
		return;
	}
	pending = number;
	/* kill(2) is SI_USER. */
	from_terminal = number == SIGINT && info->si_code == SI_KERNEL;
	setitimer(ITIMER_REAL, &grace, NULL);
}

void interrupt_init(void)
{
	struct sigaction action = {.sa_sigaction = remember, .sa_flags = SA_SIGINFO};
	struct sigaction before;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ending_signals) / sizeof(ending_signals[0]); i++)
		sigaddset(&action.sa_mask, ending_signals[i]);
	for (size_t i = 0; i < sizeof(ending_signals) / sizeof(ending_signals[0]); i++)
		if (sigaction(ending_signals[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			set_action(ending_signals[i], &action);
	action.sa_flags = 0;
	action.sa_handler = end_late;
	set_action(SIGALRM, &action);
	set_handler(SIGPIPE, SIG_IGN);
	set_handler(SIGXFSZ, SIG_IGN);
}

void interrupt_expect_command(void)
{
	set_handler(SIGQUIT, SIG_IGN);
	set_handler(SIGCHLD, SIG_DFL);
}

void interrupt_restore(void)
{
	for (size_t i = disposition_count; i-- > 0;)
		sigaction(dispositions[i].number, &dispositions[i].before, NULL);
}

bool interrupt_from_terminal(void)
{
	return from_terminal;
}

void interrupt_expect_end_of_file(void)
{
	grace_ms = GRACE_WITH_SAMPLES_MS;
}

int interrupt_signal(void)
{
	return pending;
}

void interrupt_accept(void)
{
	static const struct itimerval none;
	setitimer(ITIMER_REAL, &none, NULL);
	pending = 0;
}

struct error *interrupt_check(void)
{
	if (!pending)
		return NULL;
	return error_create(ERROR_FAILED, "ended by a signal");
}

static void remember_request(int number)
{
	(void)number;
	requested = 1;
}

void interrupt_ignore_requests(void)
{
	set_handler(SIGUSR1, SIG_IGN);
}

void interrupt_take_requests(void)
{
	struct sigaction action = {.sa_handler = remember_request, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	set_action(SIGUSR1, &action);
}

bool interrupt_requested(void)
{
	if (!requested)
		return false;
	requested = 0;
	return true;
}
