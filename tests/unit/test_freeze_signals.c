/* Signals are never lost: neither while threads are stopped and let go, nor when the tracer is
 * killed at whatever moment. Sent are counted against handled. */
#include "tests/unit/cmocka_headers.h"

#include "capture/fault_point.h"
#include "tests/unit/freezer_case.h"
#include "tests/unit/live_target.h"

enum {
	TARGET_THREADS = 5,
	ROUNDS = 1500,	       /* of stop and release under signals */
	RANDOM_KILLS = 250,    /* of a tracer, for each state of the target */
	KILL_WITHIN_US = 3000, /* of its start */
	SIGNAL_EVERY_US = 150,
};

static struct freezer *create(pid_t pid)
{
	return freezer_for(pid, 10000);
}

/* In a thread of the test: signals without end while a test freezes. */
struct sender {
	pthread_t thread;
	const struct target *target;
	struct target_sent sent;
	atomic_bool end;
};

static void *run_sender(void *argument)
{
	struct sender *sender = argument;
	for (unsigned i = 0; !atomic_load(&sender->end); i++) {
		target_send_some(sender->target, &sender->sent, i);
		target_sleep_us(SIGNAL_EVERY_US);
	}
	return NULL;
}

static void sender_start(struct sender *sender, const struct target *target)
{
	*sender = (struct sender){.target = target};
	assert_int_equal(pthread_create(&sender->thread, NULL, run_sender, sender), 0);
}

static void sender_end(struct sender *sender)
{
	atomic_store(&sender->end, true);
	pthread_join(sender->thread, NULL);
}

static void stop_and_release(struct freezer *freezer, const struct target *target, int round)
{
	uint64_t freeze_ns;
	pid_t tid = atomic_load(&target->shared->tids[round % TARGET_THREADS]);
	check(round % 3 ? freezer_stop(freezer, &tid, 1) : freezer_stop_all(freezer));
	if (round % 7 == 0)
		target_sleep_us(500);
	check(freezer_release(freezer, &freeze_ns));
}

static void freezing_loses_no_signal(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct freezer *freezer = create(target.pid);
	struct sender sender;
	sender_start(&sender, &target);
	for (int i = 0; i < ROUNDS; i++)
		stop_and_release(freezer, &target, i);
	sender_end(&sender);
	assert_true(sender.sent.count[SIGRTMIN] > 0);
	assert_true(target_handled_all(&target, &sender.sent));
	freezer_destroy(freezer);
	target_end(&target);
}

static void stopped_target_stays_stopped(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct freezer *freezer = create(target.pid);
	struct sender sender;
	uint64_t freeze_ns;
	kill(target.pid, SIGSTOP);
	assert_true(target_wait(target_is_stopped, &target));
	sender_start(&sender, &target);
	for (int i = 0; i < 200; i++) {
		check(freezer_stop_all(freezer));
		assert_true(freezer_was_stopped(freezer));
		check(freezer_release(freezer, &freeze_ns));
		assert_true(target_wait(target_is_stopped, &target));
	}
	sender_end(&sender);
	unsigned long before = target_total_progress(&target);
	target_sleep_us(20000);
	assert_int_equal(target_total_progress(&target), before);
	kill(target.pid, SIGCONT);
	assert_true(target_runs(&target));
	assert_true(target_handled_all(&target, &sender.sent));
	check(freezer_stop_all(freezer));
	assert_false(freezer_was_stopped(freezer));
	freezer_destroy(freezer);
	target_end(&target);
}

static volatile sig_atomic_t keys_taken;

static void take_key(int number)
{
	(void)number;
	keys_taken = keys_taken + 1;
}

/* Control-Z would stop this program with the target in its hands. */
static void keys_wait_until_all_is_let_go(void **state)
{
	(void)state;
	static const int numbers[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	struct target target = target_start(TARGET_THREADS);
	struct freezer *freezer = create(target.pid);
	uint64_t freeze_ns;
	pid_t self = getpid();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		signal(numbers[i], take_key);
		keys_taken = 0;
		check(freezer_stop_all(freezer));
		raise(numbers[i]);
		assert_int_equal(keys_taken, 0);
		check(freezer_release(freezer, &freeze_ns));
		assert_int_equal(keys_taken, 1);
		raise(numbers[i]);
		assert_int_equal(keys_taken, 2);
		/* After a stop that fails, too: nobody can trace himself. */
		struct error *error = freezer_stop(freezer, &self, 1);
		assert_non_null(error);
		error_destroy(error);
		raise(numbers[i]);
		assert_int_equal(keys_taken, 3);
		signal(numbers[i], SIG_DFL);
	}
	freezer_destroy(freezer);
	assert_true(target_runs(&target));
	target_end(&target);
}

static void stop_that_comes_while_frozen_counts_after(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct freezer *freezer = create(target.pid);
	uint64_t freeze_ns;
	for (int i = 0; i < 50; i++) {
		check(i % 2 ? freezer_stop_all(freezer) : freezer_stop(freezer, &target.pid, 1));
		kill(target.pid, SIGSTOP);
		target_sleep_us(i * 20);
		check(freezer_release(freezer, &freeze_ns));
		assert_true(target_wait(target_is_stopped, &target));

		check(freezer_stop_all(freezer));
		kill(target.pid, SIGCONT);
		check(freezer_release(freezer, &freeze_ns));
		assert_true(target_runs(&target));
	}
	freezer_destroy(freezer);
	target_end(&target);
}

/* SIGSTOP at a random moment around the seize: often met as a signal-delivery-stop. */
static void stop_that_comes_while_seizing(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct freezer *freezer = create(target.pid);
	for (int i = 0; i < 200; i++) {
		uint64_t freeze_ns;
		pid_t sender = target_fork_process();
		if (sender == 0) {
			target_sleep_us(i % 20 * 10);
			kill(target.pid, SIGSTOP);
			_exit(0);
		}
		for (int j = 0; j < 3; j++) {
			check(freezer_stop_all(freezer));
			check(freezer_release(freezer, &freeze_ns));
		}
		waitpid(sender, NULL, 0);
		assert_true(target_wait(target_is_stopped, &target));
		kill(target.pid, SIGCONT);
		assert_true(target_runs(&target));
	}
	freezer_destroy(freezer);
	target_end(&target);
}

/* A process that stops and releases until it is killed. */
static pid_t fork_tracer(const struct target *target, const char *fault)
{
	pid_t tracer = target_fork_process();
	if (tracer)
		return tracer;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (fault)
		setenv("PYSPY_FAULT", fault, 1);
	if (!fault_point_init())
		_exit(3);
	struct freezer_options options = {.pid = target->pid, .deadline_ns = 10000 * NS_PER_MS};
	struct freezer *freezer;
	struct error *error = freezer_create(&options, &freezer);
	for (unsigned i = 0; !error; i++) {
		uint64_t freeze_ns;
		pid_t tid = atomic_load(&target->shared->tids[i % TARGET_THREADS]);
		error = i % 2 ? freezer_stop(freezer, &tid, 1) : freezer_stop_all(freezer);
		if (!error)
			error = freezer_release(freezer, &freeze_ns);
	}
	printf("# tracer: %s\n", error->message);
	fflush(stdout);
	_exit(4);
}

static void expect_killed(pid_t tracer)
{
	int status = 0;
	waitpid(tracer, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void send_for(const struct target *target, struct target_sent *sent, uint64_t time_ns)
{
	uint64_t begin_ns = target_now_ns();
	for (unsigned i = 0; target_now_ns() - begin_ns < time_ns; i++) {
		target_send_some(target, sent, i);
		target_sleep_us(50);
	}
}

static void kill_tracers(bool stopped)
{
	struct target target = target_start(TARGET_THREADS);
	struct target_sent sent = {0};
	if (stopped) {
		kill(target.pid, SIGSTOP);
		assert_true(target_wait(target_is_stopped, &target));
	}
	for (int i = 0; i < RANDOM_KILLS; i++) {
		pid_t tracer = fork_tracer(&target, NULL);
		send_for(&target, &sent, (uint64_t)(rand() % KILL_WITHIN_US) * 1000);
		kill(tracer, SIGKILL);
		expect_killed(tracer);
		assert_int_equal(target_tracer(target.pid), 0);
		if (stopped)
			assert_true(target_wait(target_is_stopped, &target));
		else if (i % 10 == 0)
			assert_true(target_runs(&target));
	}
	if (stopped)
		kill(target.pid, SIGCONT);
	assert_true(target_runs(&target));
	assert_true(sent.count[SIGRTMIN] > 0);
	assert_true(target_handled_all(&target, &sent));
	target_end(&target);
}

static void tracer_is_killed_at_random(void **state)
{
	(void)state;
	kill_tracers(false);
}

static void tracer_is_killed_while_target_is_stopped(void **state)
{
	(void)state;
	kill_tracers(true);
}

static const enum fault_point freeze_points[] = {
	FAULT_BEFORE_SEIZE, FAULT_AFTER_SEIZE,	  FAULT_AFTER_INTERRUPT, FAULT_SIGNAL_STOP,
	FAULT_ALL_STOPPED,  FAULT_BEFORE_RELEASE, FAULT_DURING_RELEASE,	 FAULT_AFTER_RELEASE,
};

enum { FREEZE_POINTS = sizeof(freeze_points) / sizeof(freeze_points[0]) };

static bool ended(pid_t child, int *status)
{
	return waitpid(child, status, WNOHANG) == child;
}

/* Signals until the tracer has come to the point and is dead. */
static void kill_at_point(const struct target *target, struct target_sent *sent, const char *name)
{
	pid_t tracer = fork_tracer(target, name);
	int status = 0;
	uint64_t begin_ns = target_now_ns();
	while (!ended(tracer, &status)) {
		assert_true(target_now_ns() - begin_ns < TARGET_WAIT_MS * NS_PER_MS);
		target_send_some(target, sent, (unsigned)rand());
		target_sleep_us(20);
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(target_tracer(target->pid), 0);
}

static void tracer_is_killed_at_every_point(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct target_sent sent = {0};
	for (size_t i = 0; i < FREEZE_POINTS; i++) {
		for (int j = 0; j < 5; j++)
			kill_at_point(&target, &sent, fault_point_name(freeze_points[i]));
		assert_true(target_runs(&target));
		assert_true(target_handled_all(&target, &sent));
	}
	target_end(&target);
}

static void tracer_is_killed_at_every_point_of_a_stopped_target(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct target_sent sent = {0};
	kill(target.pid, SIGSTOP);
	assert_true(target_wait(target_is_stopped, &target));
	for (size_t i = 0; i < FREEZE_POINTS; i++) {
		if (freeze_points[i] == FAULT_SIGNAL_STOP)
			continue; /* nothing is delivered to a stopped process */
		kill_at_point(&target, &sent, fault_point_name(freeze_points[i]));
		assert_true(target_wait(target_is_stopped, &target));
	}
	kill(target.pid, SIGCONT);
	assert_true(target_runs(&target));
	assert_true(target_handled_all(&target, &sent));
	target_end(&target);
}

/* With the action "fail", a step gives an error, and everything is let go. */
static void failing_at_every_point_lets_go(void **state)
{
	(void)state;
	struct target target = target_start(TARGET_THREADS);
	struct sender sender;
	sender_start(&sender, &target);
	for (size_t i = 0; i < FREEZE_POINTS; i++) {
		if (freeze_points[i] == FAULT_DURING_RELEASE)
			continue; /* nothing can fail there */
		char fault[64];
		snprintf(fault, sizeof(fault), "%s:fail", fault_point_name(freeze_points[i]));
		setenv("PYSPY_FAULT", fault, 1);
		assert_true(fault_point_init());
		struct freezer *freezer = create(target.pid);
		struct error *error = NULL;
		for (int j = 0; !error && j < 100000; j++) {
			uint64_t freeze_ns;
			error = freezer_stop_all(freezer);
			if (!error)
				error = freezer_release(freezer, &freeze_ns);
		}
		assert_non_null(error);
		assert_int_equal(error->code, ERROR_FAILED);
		error_destroy(error);
		assert_int_equal(freezer_held_count(freezer), 0);
		assert_int_equal(target_tracer(target.pid), 0);
		assert_true(target_runs(&target));
		freezer_destroy(freezer);
	}
	unsetenv("PYSPY_FAULT");
	fault_point_init();
	sender_end(&sender);
	assert_true(target_handled_all(&target, &sender.sent));
	target_end(&target);
}

int main(void)
{
	unsigned seed = (unsigned)target_now_ns();
	printf("# random seed %u\n", seed);
	srand(seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freezing_loses_no_signal),
		cmocka_unit_test(stopped_target_stays_stopped),
		cmocka_unit_test(keys_wait_until_all_is_let_go),
		cmocka_unit_test(stop_that_comes_while_frozen_counts_after),
		cmocka_unit_test(stop_that_comes_while_seizing),
		cmocka_unit_test(tracer_is_killed_at_random),
		cmocka_unit_test(tracer_is_killed_while_target_is_stopped),
		cmocka_unit_test(tracer_is_killed_at_every_point),
		cmocka_unit_test(tracer_is_killed_at_every_point_of_a_stopped_target),
		cmocka_unit_test(failing_at_every_point_lets_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
