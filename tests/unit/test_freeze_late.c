/* A thread that stops later than it may. */
#include "tests/unit/cmocka_headers.h"

#include "capture/left_behind.h"
#include "tests/unit/freezer_case.h"
#include "tests/unit/live_target.h"

/* `ready` of the target. */
enum { ASLEEP = 1, TO_WAKE = 2 };
enum { VFORK_SLEEP_MS = 60000, VFORK_DEADLINE_MS = 50 };

/* A parent is in uninterruptible sleep until its child of vfork(2) executes or ends; with memory of
 * its own, the child may do as it likes. */
static void run_vfork(void)
{
	target_handle_signals();
	atomic_store(&target_shared->ready, ASLEEP);
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		for (int i = 0; i < VFORK_SLEEP_MS && atomic_load(&target_shared->ready) != TO_WAKE;
		     i++)
			target_sleep_us(1000);
		_exit(0);
	}
	for (;;) {
		atomic_fetch_add(&target_shared->progress[0], 1);
		target_sleep_us(1000);
	}
}

static bool in_vfork(const struct target *target)
{
	return atomic_load(&target->shared->ready) == ASLEEP && target_state(target->pid) == 'D';
}

static struct target start_vfork_target(void)
{
	struct target target = target_fork(run_vfork);
	target.threads = 1;
	assert_true(target_wait(in_vfork, &target));
	return target;
}

static void wake(const struct target *target)
{
	atomic_store(&target->shared->ready, TO_WAKE);
}

static void gives_up_at_the_deadline(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	struct freezer *freezer = freezer_for(target.pid, VFORK_DEADLINE_MS);
	assert_error(freezer_stop_all(freezer), ERROR_BUSY, "did not stop within 50 ms");
	assert_int_equal(freezer_held_count(freezer), 0);
	/* It cannot be let go before it wakes up; the first call after that finds it. */
	wake(&target);
	struct error *error = freezer_stop_all(freezer);
	for (int i = 0; i < 100 && error && error->code == ERROR_BUSY; i++) {
		error_destroy(error);
		error = freezer_stop_all(freezer);
	}
	check(error);
	release(freezer);
	assert_true(target_runs(&target));
	freezer_destroy(freezer);
	target_end(&target);
}

/* A freezer that gave a sleeping thread up, with the thread still seized. */
static struct freezer *give_up(const struct target *target)
{
	struct freezer *freezer = freezer_for(target->pid, VFORK_DEADLINE_MS);
	assert_error(freezer_stop_all(freezer), ERROR_BUSY, "did not stop within 50 ms");
	assert_int_equal(target_tracer(target->pid), gettid());
	return freezer;
}

static bool is_settled(const struct target *target)
{
	(void)target;
	return !left_behind_settle();
}

static bool has_stopped(const struct target *target)
{
	return target_state(target->pid) == 't';
}

/* The signal that comes first when the thread wakes up is not lost. */
static void lets_go_after_the_freezer(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	struct target_sent sent = {0};
	freezer_destroy(give_up(&target));
	assert_true(left_behind_settle());
	target_send_some(&target, &sent, 0);
	wake(&target);
	assert_true(target_wait(has_stopped, &target));
	assert_true(target_wait(is_settled, &target));
	assert_int_equal(target_tracer(target.pid), 0);
	assert_true(target_runs(&target));
	assert_true(target_handled_all(&target, &sent));
	target_end(&target);
}

static void takes_over_from_the_freezer_before(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	freezer_destroy(give_up(&target));
	/* Not "is already traced". */
	struct freezer *freezer = give_up(&target);
	assert_false(left_behind_settle());
	freezer_destroy(freezer);
	assert_true(left_behind_settle());
	wake(&target);
	freezer = freezer_for(target.pid, 10000);
	check(freezer_stop_all(freezer));
	assert_int_equal(freezer_held_count(freezer), 1);
	release(freezer);
	freezer_destroy(freezer);
	assert_int_equal(target_tracer(target.pid), 0);
	assert_true(target_runs(&target));
	target_end(&target);
}

/* It is looked at until it has ended: what is no child of ours is reaped then. */
static void forgets_what_dies_after_the_freezer(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	freezer_destroy(give_up(&target));
	assert_true(left_behind_settle());
	kill(target.pid, SIGKILL);
	assert_true(target_wait(is_settled, &target));
	wake(&target);
	target_end(&target);
}

static void *destroy_elsewhere(void *argument)
{
	freezer_destroy(argument);
	assert_false(left_behind_settle());
	return NULL;
}

static void lets_go_after_another_thread_destroyed_it(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, destroy_elsewhere, give_up(&target)), 0);
	pthread_join(thread, NULL);
	assert_true(left_behind_settle());
	wake(&target);
	assert_true(target_wait(is_settled, &target));
	assert_int_equal(target_tracer(target.pid), 0);
	assert_true(target_runs(&target));
	target_end(&target);
}

static void *give_up_elsewhere(void *argument)
{
	freezer_destroy(give_up(argument));
	assert_true(left_behind_settle());
	return NULL;
}

/* The thread that holds it ends: the kernel lets go, and nothing of it is kept. */
static void the_end_of_the_thread_lets_go(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, give_up_elsewhere, &target), 0);
	pthread_join(thread, NULL);
	wake(&target);
	assert_false(left_behind_settle());
	assert_true(target_runs(&target));
	assert_int_equal(target_tracer(target.pid), 0);
	target_end(&target);
}

/* The tracer gives up, destroys the freezer and ends before the thread wakes up. */
static void tracer_ends_before_the_stop(void **state)
{
	(void)state;
	struct target target = start_vfork_target();
	pid_t tracer = target_fork_process();
	if (tracer == 0) {
		struct freezer *freezer = freezer_for(target.pid, VFORK_DEADLINE_MS);
		struct error *error = freezer_stop_all(freezer);
		uint64_t begin_ns = target_now_ns();
		freezer_destroy(freezer);
		bool quick = target_now_ns() - begin_ns < 400 * NS_PER_MS;
		_exit(error && error->code == ERROR_BUSY && quick ? 0 : 1);
	}
	int status = 0;
	waitpid(tracer, &status, 0);
	wake(&target);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(target_runs(&target));
	assert_int_equal(target_tracer(target.pid), 0);
	target_end(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_at_the_deadline),
		cmocka_unit_test(lets_go_after_the_freezer),
		cmocka_unit_test(takes_over_from_the_freezer_before),
		cmocka_unit_test(forgets_what_dies_after_the_freezer),
		cmocka_unit_test(lets_go_after_another_thread_destroyed_it),
		cmocka_unit_test(the_end_of_the_thread_lets_go),
		cmocka_unit_test(tracer_ends_before_the_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
