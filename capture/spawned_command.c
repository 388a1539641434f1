#include "capture/spawned_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/interrupt.h"
#include "capture/invoking_user.h"
#include "common/cleanup.h"

struct spawned_command {
	char *const *argv;
	pid_t pid;
	int gate;   /* a byte lets it go on; closed without, it ends */
	int answer; /* errno of what failed; closed by execve(2) without one */
	bool ended;
	int status; /* of waitpid(2) */
};

/* What a child tells: where it failed, and why. */
struct failure {
	bool of_exec;
	int errnum;
};

struct child {
	char *const *argv;
	const struct invoking_user *user;
	int output_fd;
	int gate;
	int gate_other; /* its other end, which is this program's alone */
	int answer;
	sigset_t mask; /* to begin with */
};

static void __attribute__((noreturn)) fail(const struct child *child, bool of_exec, int errnum)
{
	const struct failure failure = {.of_exec = of_exec, .errnum = errnum};
	/* Nobody is there to tell of a failure of this. */
	if (write(child->answer, &failure, sizeof(failure)) < 0)
		_exit(SPAWN_STATUS_FAILED);
	_exit(SPAWN_STATUS_FAILED);
}

/* In the child; what is open but the standard three closes itself. */
static void __attribute__((noreturn)) become_command(const struct child *child)
{
	char go;
	interrupt_restore();
	sigprocmask(SIG_SETMASK, &child->mask, NULL);
	close(child->gate_other);
	ssize_t size;
	do
		size = read(child->gate, &go, 1);
	while (size < 0 && errno == EINTR);
	if (size != 1)
		_exit(SPAWN_STATUS_FAILED);
	if (child->output_fd >= 0 && (dup2(child->output_fd, STDOUT_FILENO) < 0 ||
				      dup2(child->output_fd, STDERR_FILENO) < 0))
		fail(child, false, errno);
	int errnum = invoking_user_become(child->user);
	if (errnum)
		fail(child, false, errnum);
	execvp(child->argv[0], child->argv);
	fail(child, true, errno);
}

/* All signals wait meanwhile: a handler of ours in the child would not know that it is there. */
static pid_t fork_child(struct child *child)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &child->mask);
	pid_t pid = fork();
	if (pid == 0)
		become_command(child);
	int errnum = errno;
	sigprocmask(SIG_SETMASK, &child->mask, NULL);
	errno = errnum;
	return pid;
}

static struct error *spawn(struct spawned_command *command, int output_fd,
			   const struct invoking_user *user)
{
	CLEANUP_CLOSE int gate = -1;
	CLEANUP_CLOSE int answer = -1;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(ERROR_FAILED, errno, "cannot make a pipe");
	gate = ends[0];
	command->gate = ends[1];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(ERROR_FAILED, errno, "cannot make a pipe");
	command->answer = ends[0];
	answer = ends[1];
	struct child child = {
		.argv = command->argv,
		.user = user,
		.output_fd = output_fd,
		.gate = gate,
		.gate_other = command->gate,
		.answer = answer,
	};
	pid_t pid = fork_child(&child);
	if (pid < 0)
		return error_errno(ERROR_FAILED, errno, "cannot start a process");
	command->pid = pid;
	return NULL;
}

struct error *spawned_command_create(char *const *argv, int output_fd, struct spawned_command **ret)
{
	CLEANUP(invoking_user_deinit) struct invoking_user user = {0};
	CLEANUP(spawned_command_destroyp)
	struct spawned_command *command = calloc(1, sizeof(*command));
	if (!command)
		return &error_out_of_memory;
	command->argv = argv;
	command->gate = command->answer = -1;
	interrupt_expect_command();
	struct error *error = invoking_user_find(&user);
	if (!error)
		error = spawn(command, output_fd, &user);
	if (error)
		return error;
	*ret = TAKE_POINTER(command);
	return NULL;
}

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Reap it; what is certain to end soon is waited for. */
static void reap(struct spawned_command *command)
{
	while (waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
		continue;
	command->ended = true;
}

void spawned_command_destroy(struct spawned_command *command)
{
	if (!command)
		return;
	bool waits = command->pid && command->gate >= 0;
	close_once(&command->gate);
	close_once(&command->answer);
	if (waits && !command->ended)
		reap(command);
	free(command);
}

void spawned_command_destroyp(struct spawned_command **command)
{
	spawned_command_destroy(*command);
}

pid_t spawned_command_pid(const struct spawned_command *command)
{
	return command->pid;
}

static struct error *not_started(const struct spawned_command *command,
				 const struct failure *failure, int *ret_status)
{
	const char *name = command->argv[0];
	*ret_status = SPAWN_STATUS_FAILED;
	if (!failure->of_exec)
		return error_errno(ERROR_FAILED, failure->errnum, "cannot start %s", name);
	*ret_status =
		failure->errnum == ENOENT ? SPAWN_STATUS_NOT_FOUND : SPAWN_STATUS_NOT_EXECUTABLE;
	return error_errno(ERROR_FAILED, failure->errnum, "cannot run %s", name);
}

struct error *spawned_command_exec(struct spawned_command *command, int *ret_status)
{
	struct failure failure;
	ssize_t size;
	/* Should it have died already, the answer says so. */
	if (write(command->gate, "", 1) != 1)
		*ret_status = SPAWN_STATUS_FAILED;
	close_once(&command->gate);
	do
		size = read(command->answer, &failure, sizeof(failure));
	while (size < 0 && errno == EINTR);
	close_once(&command->answer);
	if (size != sizeof(failure))
		return NULL;
	reap(command);
	return not_started(command, &failure, ret_status);
}

bool spawned_command_poll(struct spawned_command *command)
{
	if (!command->ended)
		command->ended = waitpid(command->pid, &command->status, WNOHANG) == command->pid;
	return command->ended;
}

int spawned_command_signal(const struct spawned_command *command)
{
	return WIFSIGNALED(command->status) ? WTERMSIG(command->status) : 0;
}

int spawned_command_status(const struct spawned_command *command)
{
	int number = spawned_command_signal(command);
	return number ? 128 + number : WEXITSTATUS(command->status);
}

void spawned_command_kill(struct spawned_command *command, int number)
{
	/* Not reaped, so that the number is still its own. */
	if (!spawned_command_poll(command))
		kill(command->pid, number);
}
