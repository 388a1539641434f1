#include "tests/unit/cmocka_headers.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/proc.h"
#include "tests/unit/error_checks.h"
#include "tests/unit/live_target.h"

static void stat_with_a_wild_name(void **state)
{
	(void)state;
	static const char text[] =
		"12 (a) S 1 (\nb) T 34 12 12 0 -1 4194304 1 2 3 4 70 80 9 9 20 0 5 0 4242 0 0\n";
	struct proc_stat stat;
	assert_true(proc_stat_parse(text, sizeof(text) - 1, &stat));
	assert_string_equal(stat.name, "a) S 1 (\nb");
	assert_int_equal(stat.state, 'T');
	assert_int_equal(stat.parent_pid, 34);
	assert_int_equal(stat.flags, 4194304);
	assert_int_equal(stat.user_ticks, 70);
	assert_int_equal(stat.system_ticks, 80);
	assert_int_equal(stat.thread_count, 5);
	assert_int_equal(stat.start_ticks, 4242);
	for (size_t size = 0; size < sizeof(text) - 10; size++)
		assert_false(proc_stat_parse(text, size, &stat));
}

static void status_in_a_container(void **state)
{
	(void)state;
	static const char text[] = "Name:\tx\\nTgid:\t9\nState:\tS (sleeping)\nTgid:\t500\n"
				   "TracerPid:\t77\nUid:\t1000\t0\t0\t0\nNSpid:\t512\t40\t3\n";
	struct proc_status status;
	assert_true(proc_status_parse(text, sizeof(text) - 1, &status));
	assert_int_equal(status.process_id, 500);
	assert_int_equal(status.tracer_pid, 77);
	assert_int_equal(status.real_uid, 1000);
	assert_int_equal(status.innermost_id, 3);
	assert_true(status.nested);
	assert_int_equal(status.state, 'S');
	assert_false(proc_status_parse("Name:\tx\n", 8, &status));
}

static void own_process(void **state)
{
	(void)state;
	struct process_facts facts;
	struct utsname names;
	struct timespec now;
	char executable[4096];
	uname(&names);
	clock_gettime(CLOCK_REALTIME, &now);
	ssize_t size = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
	assert_true(size > 0);
	executable[size] = '\0';

	check(proc_process(getpid(), &facts));
	assert_int_equal(facts.pid, getpid());
	assert_int_equal(facts.parent_pid, getppid());
	assert_int_equal(facts.uid, getuid());
	assert_string_equal(facts.executable, executable);
	assert_string_equal(facts.command_name, "test_proc");
	assert_non_null(strstr(facts.command_line, "test_proc"));
	assert_string_equal(facts.root, "/");
	assert_string_equal(facts.host, names.nodename);
	assert_string_equal(facts.kernel, names.release);
	assert_false(facts.was_stopped);
	assert_true(facts.machine != MACHINE_UNKNOWN);
	uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000ULL;
	assert_true(facts.start_time_ns < now_ns + 2000000000ULL);
	assert_true(facts.start_time_ns > now_ns - 600ULL * 1000000000ULL);
	assert_true(facts.capture_time_ns >= now_ns);
	assert_true(proc_is_same(&facts));
	facts.start_ticks--;
	assert_false(proc_is_same(&facts));
	process_facts_deinit(&facts);
}

/* A copy of a program, started with these arguments; NULL-terminated. */
static pid_t spawn(const char *program, char *const arguments[])
{
	pid_t child = target_fork_process();
	if (child == 0) {
		target_prepare();
		execv(program, arguments);
		_exit(97);
	}
	return child;
}

static pid_t awaited_child;

/* exec(2) sets the name first, and the arguments some steps later. */
static bool has_executed(const struct target *unused)
{
	(void)unused;
	struct proc_stat stat;
	char path[32];
	char byte;
	if (proc_stat_read(AT_FDCWD, awaited_child, &stat) != 0 ||
	    strcmp(stat.name, "test_proc") == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)awaited_child);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool has_arguments = fd >= 0 && read(fd, &byte, 1) == 1;
	close(fd);
	return has_arguments;
}

static void command_line_of_another_program(void **state)
{
	(void)state;
	char *arguments[] = {(char[]){"sleep  er"}, (char[]){"1000"}, NULL};
	struct process_facts facts;
	awaited_child = spawn("/bin/sleep", arguments);
	assert_true(target_wait(has_executed, NULL));
	check(proc_process(awaited_child, &facts));
	assert_string_equal(facts.command_line, "sleep  er 1000");
	assert_string_equal(facts.command_name, "sleep");
	process_facts_deinit(&facts);
	kill(awaited_child, SIGKILL);
	waitpid(awaited_child, NULL, 0);
}

static void deleted_executable(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_proc_XXXXXX", path[64], command[128];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sleeper", folder);
	snprintf(command, sizeof(command), "cp /bin/sleep %s", path);
	assert_int_equal(system(command), 0);
	char *arguments[] = {path, (char[]){"1000"}, NULL};
	awaited_child = spawn(path, arguments);
	bool executed = target_wait(has_executed, NULL);
	unlink(path);
	rmdir(folder);
	assert_true(executed);
	struct process_facts facts;
	check(proc_process(awaited_child, &facts));
	assert_string_equal(facts.executable, path);
	assert_true(facts.machine != MACHINE_UNKNOWN);
	process_facts_deinit(&facts);
	kill(awaited_child, SIGKILL);
	waitpid(awaited_child, NULL, 0);
}

static void stopped_process(void **state)
{
	(void)state;
	struct target target = target_start(1);
	struct process_facts facts;
	kill(target.pid, SIGSTOP);
	assert_true(target_wait(target_is_stopped, &target));
	check(proc_process(target.pid, &facts));
	assert_true(facts.was_stopped);
	assert_int_equal(facts.parent_pid, getpid());
	process_facts_deinit(&facts);
	target_end(&target);
}

static void end_at_once(void)
{
}

static void processes_that_have_ended(void **state)
{
	(void)state;
	struct target target = target_start(1), zombie = target_fork(end_at_once);
	struct process_facts facts;
	struct mappings mappings;
	assert_true(target_wait(target_is_zombie, &zombie));
	assert_error(proc_process(zombie.pid, &facts), ERROR_NO_PROCESS, "zombie");
	assert_error(proc_mappings(zombie.pid, &mappings), ERROR_NO_PROCESS, "ended");

	check(proc_process(target.pid, &facts));
	kill(target.pid, SIGKILL);
	assert_true(target_wait(target_is_zombie, &target));
	assert_false(proc_is_same(&facts));
	target_end(&target);
	assert_false(proc_is_same(&facts));
	process_facts_deinit(&facts);
	target_end(&zombie);

	struct thread_list threads;
	int32_t machine;
	assert_error(proc_process(zombie.pid, &facts), ERROR_NO_PROCESS, "there is no process");
	assert_error(proc_threads(zombie.pid, &threads), ERROR_NO_PROCESS, "there is no process");
	assert_error(proc_mappings(zombie.pid, &mappings), ERROR_NO_PROCESS, "process");
	assert_error(proc_check_machine(zombie.pid, &machine), ERROR_NO_PROCESS, "no process");
	assert_error(proc_process(0, &facts), ERROR_NO_PROCESS, "there is no process 0");
	assert_error(proc_process(-4, &facts), ERROR_NO_PROCESS, "there is no process -4");
}

static void *outlive_main(void *argument)
{
	atomic_store(&target_shared->ready, 1);
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void end_main_thread(void)
{
	target_start_thread(outlive_main, 0);
	pthread_exit(NULL);
}

static void main_thread_that_has_ended(void **state)
{
	(void)state;
	struct target target = target_fork(end_main_thread);
	struct process_facts facts;
	assert_true(target_wait(target_is_zombie, &target));
	assert_error(proc_process(target.pid, &facts), ERROR_NO_PROCESS, "the main thread");
	target_end(&target);
}

static void thread_is_no_process(void **state)
{
	(void)state;
	struct target target = target_start(2);
	struct process_facts facts;
	char expected[32];
	snprintf(expected, sizeof(expected), "use --pid %d", (int)target.pid);
	assert_error(proc_process(atomic_load(&target.shared->tids[1]), &facts), ERROR_NO_PROCESS,
		     expected);
	target_end(&target);
}

static void kernel_thread(void **state)
{
	(void)state;
	struct proc_stat stat;
	struct process_facts facts;
	if (proc_stat_read(AT_FDCWD, 2, &stat) != 0 || !(stat.flags & PROC_FLAG_KERNEL_THREAD)) {
		printf("# skipped: process 2 is no kernel thread here\n");
		skip();
	}
	assert_error(proc_process(2, &facts), ERROR_NO_PROCESS, "is a kernel thread");
}

static struct thread_facts thread_of(const struct thread_list *list, int32_t tid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].tid == tid)
			return list->items[i];
	fail_msg("no thread %d", tid);
	return (struct thread_facts){0};
}

static void *named_thread(void *argument)
{
	prctl(PR_SET_NAME, "a (strange) one", 0, 0, 0);
	return target_thread(argument);
}

static void sleep_in_a_call(void)
{
	target_start_thread(named_thread, 1);
	atomic_store(&target_shared->tids[0], getpid());
	for (;;)
		target_sleep_us(1000000000);
}

static bool one_is_ready(const struct target *target)
{
	return atomic_load(&target->shared->ready) == 1 && target_state(target->pid) == 'S' &&
	       atomic_load(&target->shared->progress[1]) > 1000000;
}

static void threads_of_a_process(void **state)
{
	(void)state;
	struct target target = target_fork(sleep_in_a_call);
	struct thread_list list;
	assert_true(target_wait(one_is_ready, &target));
	check(proc_threads(target.pid, &list));
	assert_int_equal(list.count, 2);
	struct thread_facts sleeper = thread_of(&list, target.pid);
	struct thread_facts named = thread_of(&list, atomic_load(&target.shared->tids[1]));
	assert_int_equal(sleeper.state, 'S');
	assert_true(sleeper.system_call == SYS_clock_nanosleep ||
		    sleeper.system_call == SYS_nanosleep ||
		    sleeper.system_call == SYS_restart_syscall);
	assert_string_equal(named.name, "a (strange) one");
	assert_int_equal(named.state, 'R');
	assert_true(sleeper.has_system_call_argument);
	assert_int_equal(named.system_call, -1);
	assert_false(named.has_system_call_argument);
	assert_true(named.cpu_time_ns > 0);
	assert_true(named.container_tid > 0);
	thread_list_deinit(&list);
	target_end(&target);
}

static void mappings_and_their_files(void **state)
{
	(void)state;
	struct target target = target_start(1);
	struct mappings mappings;
	struct proc_module_files files;
	check(proc_mappings(target.pid, &mappings));
	const struct mapping *own = mappings_find(&mappings, (uint64_t)(uintptr_t)kernel_thread);
	assert_non_null(own);
	assert_non_null(strstr(own->path, "test_proc"));
	proc_module_files_init(&files, target.pid);
	struct module module = {
		.path = own->path,
		.start = own->start,
		.end = own->end,
		.inode = own->inode,
	};
	int fd = files.files.open(&files.files, &module);
	assert_true(fd >= 0);
	char magic[SELFMAG];
	assert_int_equal(pread(fd, magic, sizeof(magic), 0), SELFMAG);
	assert_memory_equal(magic, ELFMAG, SELFMAG);
	close(fd);

	/* Another file of that name now, or none: the mapped one is not opened by name. */
	module.inode++;
	assert_int_equal(files.files.open(&files.files, &module), -1);
	module.inode = 0;
	assert_int_equal(files.files.open(&files.files, &module), -1);
	mappings_deinit(&mappings);
	target_end(&target);
}

static void machine_of_a_process(void **state)
{
	(void)state;
	int32_t machine = MACHINE_UNKNOWN;
	check(proc_check_machine(getpid(), &machine));
#if defined(__x86_64__)
	assert_int_equal(machine, MACHINE_X86_64);
#elif defined(__aarch64__)
	assert_int_equal(machine, MACHINE_AARCH64);
#endif
}

/* As an ordinary user: what everyone may read of root's process, and what not. */
static int try_as_nobody(pid_t pid)
{
	struct process_facts facts;
	struct mappings mappings;
	struct error *errors[] = {proc_process(pid, &facts), proc_mappings(pid, &mappings)};
	int status = 0;
	for (size_t i = 0; i < 2; i++) {
		const struct error *error = errors[i];
		if (error && error->code == ERROR_PERMISSION &&
		    strstr(error->message, "it belongs to user id 0"))
			continue;
		printf("# %s\n", error ? error->message : "no error");
		status = 1;
	}
	error_destroy(errors[0]);
	error_destroy(errors[1]);
	return status;
}

static void another_users_process(void **state)
{
	(void)state;
	target_try_as_nobody(try_as_nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_with_a_wild_name),
		cmocka_unit_test(status_in_a_container),
		cmocka_unit_test(own_process),
		cmocka_unit_test(command_line_of_another_program),
		cmocka_unit_test(deleted_executable),
		cmocka_unit_test(stopped_process),
		cmocka_unit_test(processes_that_have_ended),
		cmocka_unit_test(main_thread_that_has_ended),
		cmocka_unit_test(thread_is_no_process),
		cmocka_unit_test(kernel_thread),
		cmocka_unit_test(threads_of_a_process),
		cmocka_unit_test(mappings_and_their_files),
		cmocka_unit_test(machine_of_a_process),
		cmocka_unit_test(another_users_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
