#include "tests/unit/cmocka_headers.h"

#include <sched.h>
#include <sys/ptrace.h>

#include "tests/unit/freezer_case.h"
#include "tests/unit/live_target.h"

static const char *own_path;

static struct freezer *create(pid_t pid)
{
	return freezer_for(pid, 10000);
}

static void stops_one_thread(void **state)
{
	(void)state;
	struct target target = target_start(3);
	struct freezer *freezer = create(target.pid);
	pid_t tid = atomic_load(&target.shared->tids[1]);
	void *registers = NULL;
	size_t size = 0;

	check(freezer_stop(freezer, &tid, 1));
	assert_int_equal(freezer_held_count(freezer), 1);
	assert_false(freezer_was_stopped(freezer));
	unsigned long before = atomic_load(&target.shared->progress[1]);
	unsigned long other = atomic_load(&target.shared->progress[2]);
	for (int i = 0; i < TARGET_WAIT_MS && atomic_load(&target.shared->progress[2]) < other + 3;
	     i++)
		target_sleep_us(1000);
	assert_int_equal(atomic_load(&target.shared->progress[1]), before);
	assert_true(atomic_load(&target.shared->progress[2]) >= other + 3);
	check(freezer_registers(freezer, tid, &registers, &size));
	assert_true(size >= 216);
	free(registers);
	assert_error(freezer_registers(freezer, target.pid, &registers, &size), ERROR_NOT_FOUND,
		     "is not held");
	release(freezer);
	assert_true(target_runs(&target));
	freezer_destroy(freezer);
	target_end(&target);
}

static void adds_to_what_is_held(void **state)
{
	(void)state;
	struct target target = target_start(4);
	struct freezer *freezer = create(target.pid);
	pid_t tid = atomic_load(&target.shared->tids[1]);
	check(freezer_stop(freezer, &tid, 1));
	check(freezer_stop(freezer, &target.pid, 1));
	assert_int_equal(freezer_held_count(freezer), 2);
	check(freezer_stop_all(freezer));
	assert_int_equal(freezer_held_count(freezer), 4);
	release(freezer);
	assert_true(target_runs(&target));
	freezer_destroy(freezer);
	target_end(&target);
}

static void stops_two_hundred_threads(void **state)
{
	(void)state;
	struct target target = target_start(200);
	struct freezer *freezer = create(target.pid);
	for (int i = 0; i < 20; i++) {
		check(freezer_stop_all(freezer));
		assert_int_equal(freezer_held_count(freezer), 200);
		unsigned long before = target_total_progress(&target);
		target_sleep_us(2000);
		assert_int_equal(target_total_progress(&target), before);
		release(freezer);
	}
	assert_true(target_runs(&target));
	freezer_destroy(freezer);
	assert_int_equal(target_tracer(target.pid), 0);
	target_end(&target);
}

static void destroying_lets_go(void **state)
{
	(void)state;
	struct target target = target_start(5);
	struct freezer *freezer = create(target.pid);
	check(freezer_stop_all(freezer));
	freezer_destroy(freezer);
	assert_true(target_runs(&target));
	target_end(&target);
}

static void *short_thread(void *argument)
{
	long index = (long)argument;
	target_sleep_us(index % 7 * 100);
	atomic_fetch_sub(&target_shared->ready, 1);
	return NULL;
}

/* Starts threads without end that live for some 100 µs. */
static void run_short_threads(void)
{
	for (long i = 0;; i++) {
		while (atomic_load(&target_shared->ready) > 40)
			sched_yield();
		atomic_fetch_add(&target_shared->ready, 1);
		target_start_thread(short_thread, i);
		atomic_fetch_add(&target_shared->progress[0], 1);
	}
}

static void threads_come_and_go(void **state)
{
	(void)state;
	struct target target = target_fork(run_short_threads);
	target.threads = 1;
	struct freezer *freezer = create(target.pid);
	for (int i = 0; i < 300; i++) {
		check(freezer_stop_all(freezer));
		assert_true(freezer_held_count(freezer) > 0);
		unsigned long before = atomic_load(&target.shared->progress[0]);
		int alive = atomic_load(&target.shared->ready);
		target_sleep_us(200);
		assert_int_equal(atomic_load(&target.shared->progress[0]), before);
		assert_int_equal(atomic_load(&target.shared->ready), alive);
		release(freezer);
	}
	assert_true(target_runs(&target));
	freezer_destroy(freezer);
	target_end(&target);
}

static void *exec_thread(void *argument)
{
	(void)argument;
	target_sleep_us(rand() % 3000);
	execl(own_path, own_path, "exec-target", NULL);
	_exit(98);
}

static void *idle_thread(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

/* Executes itself again and again, from the main thread or another, with 0 to 20 more threads. */
static void run_exec_target(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	srand((unsigned)now.tv_nsec);
	target_prepare();
	for (int i = rand() % 3 * 10; i > 0; i--)
		target_start_thread(idle_thread, i);
	if (rand() % 2)
		exec_thread(NULL);
	target_start_thread(exec_thread, 0);
	idle_thread(NULL);
}

/* In exec(2) by another thread the main thread is a zombie for a moment. */
static bool is_alive(const struct target *target)
{
	return !target_is_zombie(target);
}

/* Seizing and exec(2) wait for each other in the kernel if nobody helps. */
static void target_executes_programs(void **state)
{
	(void)state;
	struct target target = target_fork(run_exec_target);
	struct freezer *freezer = create(target.pid);
	uint64_t longest_ns = 0;
	for (int i = 0; i < 600; i++) {
		uint64_t begin_ns = target_now_ns();
		struct error *error = freezer_stop_all(freezer);
		if (!error)
			release(freezer);
		else if (error->code != ERROR_BUSY)
			fail_msg("%s", error->message);
		error_destroy(error);
		uint64_t time_ns = target_now_ns() - begin_ns;
		longest_ns = time_ns > longest_ns ? time_ns : longest_ns;
		target_sleep_us(rand() % 1000);
	}
	assert_true(longest_ns < 5000 * NS_PER_MS);
	freezer_destroy(freezer);
	assert_int_equal(target_tracer(target.pid), 0);
	assert_true(target_wait(is_alive, &target));
	target_end(&target);
}

static void target_dies_while_frozen(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct target target = target_start(10);
		struct freezer *freezer = create(target.pid);
		pid_t tid = atomic_load(&target.shared->tids[1]);
		void *registers;
		size_t size;
		int status = 0;
		check(i % 2 ? freezer_stop_all(freezer) : freezer_stop(freezer, &tid, 1));
		kill(target.pid, SIGKILL);
		struct error *error = freezer_registers(freezer, tid, &registers, &size);
		if (error)
			assert_int_equal(error->code, ERROR_NO_PROCESS);
		else
			free(registers);
		error_destroy(error);
		release(freezer);
		/* It is our child: its end is ours to wait for, not the freezer's to take. */
		assert_int_equal(waitpid(target.pid, &status, 0), target.pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_error(freezer_stop_all(freezer), ERROR_NO_PROCESS, "has ended");
		assert_error(freezer_stop(freezer, &tid, 1), ERROR_NO_PROCESS, "has ended");
		freezer_destroy(freezer);
		munmap(target.shared, sizeof(*target.shared));
	}
}

static void no_such_process(void **state)
{
	(void)state;
	pid_t child = target_fork_process();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	struct freezer_options options = {.pid = child, .deadline_ns = NS_PER_MS};
	struct freezer *freezer = NULL;
	assert_error(freezer_create(&options, &freezer), ERROR_NO_PROCESS, "there is no process");
	assert_null(freezer);
}

static void thread_of_another_process(void **state)
{
	(void)state;
	struct target target = target_start(2), other = target_start(2);
	struct freezer *freezer = create(target.pid);
	pid_t tids[] = {target.pid, atomic_load(&other.shared->tids[1])};
	assert_error(freezer_stop(freezer, tids, 2), ERROR_NO_PROCESS, "has ended");
	assert_int_equal(freezer_held_count(freezer), 0);
	assert_true(target_runs(&target));
	assert_true(target_runs(&other));
	assert_int_equal(target_tracer(tids[1]), 0);
	freezer_destroy(freezer);
	target_end(&target);
	target_end(&other);
}

/* In a process of its own: seize the target and say so through the shared memory. */
static pid_t fork_tracer_of(const struct target *target)
{
	pid_t tracer = target_fork_process();
	if (tracer)
		return tracer;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	bool seized = ptrace(PTRACE_SEIZE, target->pid, NULL, NULL) == 0;
	atomic_store(&target->shared->ready, seized ? -1 : -2);
	for (;;)
		pause();
}

static bool is_traced(const struct target *target)
{
	return atomic_load(&target->shared->ready) < 0;
}

static void somebody_else_traces_it(void **state)
{
	(void)state;
	struct target target = target_start(3);
	pid_t tracer = fork_tracer_of(&target);
	assert_true(target_wait(is_traced, &target));
	assert_int_equal(atomic_load(&target.shared->ready), -1);
	struct freezer *freezer = create(target.pid);
	char expected[64];
	snprintf(expected, sizeof(expected), "is already traced by process %d (test_freeze",
		 (int)tracer);
	assert_error(freezer_stop_all(freezer), ERROR_BUSY, expected);
	assert_error(freezer_stop(freezer, &target.pid, 1), ERROR_BUSY, expected);
	assert_true(target_runs(&target));
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	check(freezer_stop_all(freezer));
	release(freezer);
	freezer_destroy(freezer);
	target_end(&target);
}

/* As an ordinary user on a process of root's. Gives the exit status of the attempt. */
static int try_as_nobody(pid_t pid)
{
	struct freezer_options options = {.pid = pid, .deadline_ns = 1000 * NS_PER_MS};
	struct freezer *freezer = NULL;
	struct error *error = freezer_create(&options, &freezer);
	if (!error)
		error = freezer_stop(freezer, &pid, 1);
	bool good = error && error->code == ERROR_PERMISSION &&
		    strstr(error->message, "ptrace refused (EPERM); it belongs to user id 0") &&
		    strstr(error->message, "(see NOTES in pyspy-capture(1))");
	if (!good)
		printf("# %s\n", error ? error->message : "no error");
	error_destroy(error);
	freezer_destroy(freezer);
	return good ? 0 : 1;
}

static void ordinary_user_is_refused(void **state)
{
	(void)state;
	target_try_as_nobody(try_as_nobody);
}

/* A program that handles SIGCHLD itself still learns of its children. */
static atomic_int children_heard;

static void hear_child(int signal)
{
	(void)signal;
	atomic_fetch_add(&children_heard, 1);
}

static void our_own_sigchld_still_comes(void **state)
{
	(void)state;
	struct sigaction action = {.sa_handler = hear_child}, previous;
	sigaction(SIGCHLD, &action, &previous);
	struct target target = target_start(20);
	struct freezer *freezer = create(target.pid);
	for (int i = 0; i < 50; i++) {
		int before = atomic_load(&children_heard);
		check(freezer_stop_all(freezer));
		pid_t child = target_fork_process();
		if (child == 0)
			_exit(0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		release(freezer);
		assert_true(atomic_load(&children_heard) > before);
	}
	freezer_destroy(freezer);
	target_end(&target);
	sigaction(SIGCHLD, &previous, NULL);
}

/* Waits for any child without end, as a careless program might: takes our stops away. */
static void *wait_for_all(void *argument)
{
	atomic_bool *end = argument;
	while (!atomic_load(end)) {
		if (waitpid(-1, NULL, WNOHANG | __WALL) <= 0)
			sched_yield();
	}
	return NULL;
}

static void somebody_else_here_waits(void **state)
{
	(void)state;
	struct target target = target_start(10);
	struct freezer *freezer = create(target.pid);
	pthread_t thread;
	atomic_bool end = false;
	struct target_sent sent = {0};
	assert_int_equal(pthread_create(&thread, NULL, wait_for_all, &end), 0);
	for (unsigned i = 0; i < 100; i++) {
		target_send_some(&target, &sent, i);
		check(freezer_stop_all(freezer));
		assert_int_equal(freezer_held_count(freezer), 10);
		release(freezer);
	}
	atomic_store(&end, true);
	pthread_join(thread, NULL);
	assert_true(target_runs(&target));
	assert_true(target_handled_all(&target, &sent));
	freezer_destroy(freezer);
	target_end(&target);
}

int main(int argc, char **argv)
{
	own_path = "/proc/self/exe";
	if (argc > 1 && strcmp(argv[1], "exec-target") == 0)
		run_exec_target();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stops_one_thread),
		cmocka_unit_test(adds_to_what_is_held),
		cmocka_unit_test(stops_two_hundred_threads),
		cmocka_unit_test(destroying_lets_go),
		cmocka_unit_test(threads_come_and_go),
		cmocka_unit_test(target_executes_programs),
		cmocka_unit_test(target_dies_while_frozen),
		cmocka_unit_test(no_such_process),
		cmocka_unit_test(thread_of_another_process),
		cmocka_unit_test(somebody_else_traces_it),
		cmocka_unit_test(ordinary_user_is_refused),
		cmocka_unit_test(our_own_sigchld_still_comes),
		cmocka_unit_test(somebody_else_here_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
