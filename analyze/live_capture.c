#include "analyze/live_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/exit_status.h"
#include "common/option_values.h"

enum {
	MESSAGES_MAX_BYTES = 1 << 20,
	/* It ends at its next step; a step that blocks is cut short. */
	END_TRIES = 300,
	END_TRY_NS = 10 * 1000 * 1000,
};

static const char name[] = "pyspy-capture";

struct live_capture {
	pid_t pid; /* 0: it has ended */
	int fd;
	int messages_fd; /* a file in memory; -1: they go to standard error */
	int status;	 /* as a shell gives it */
	char *text;	 /* of the messages: lines are cut apart */
	struct string_list lines;
};

/* The places where it is sought, in this order. */
static const char *const places[] = {"", "../libexec/pyspy/", "../libexec/"};

/* The folder of this program, with a slash at its end. */
static bool find_own_folder(char *folder, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", folder, size - 1);
	if (length <= 0)
		return false;
	folder[length] = '\0';
	char *slash = strrchr(folder, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	return true;
}

static char *find_in_path(void)
{
	const char *path = getenv("PATH");
	while (path && *path) {
		size_t length = strcspn(path, ":");
		char *candidate;
		/* An empty part is the current folder, where nobody means it to be. */
		if (length && *path == '/' &&
		    asprintf(&candidate, "%.*s/%s", (int)length, path, name) >= 0) {
			if (access(candidate, X_OK) == 0)
				return candidate;
			free(candidate);
		}
		path += length + (path[length] == ':');
	}
	return NULL;
}

static struct error *find_program(char **ret)
{
	char folder[PATH_MAX];
	bool known = find_own_folder(folder, sizeof(folder));
	for (size_t i = 0; known && i < sizeof(places) / sizeof(places[0]); i++) {
		char *candidate;
		if (asprintf(&candidate, "%s%s%s", folder, places[i], name) < 0)
			return &error_out_of_memory;
		if (access(candidate, X_OK) == 0) {
			*ret = candidate;
			return NULL;
		}
		free(candidate);
	}
	*ret = find_in_path();
	if (*ret)
		return NULL;
	return error_create(ERROR_NOT_FOUND,
			    "a running process takes %s, and it is neither in %s, nor in %s%s, nor "
			    "in PATH; install it there, or capture a file with it and give that",
			    name, known ? folder : "the folder of this program",
			    known ? folder : "", places[1]);
}

/* The vector of arguments: borrowed texts in an array that is the caller's. */
static struct error *make_arguments(char *program, const char *const *arguments, const char *output,
				    char *number, char ***ret)
{
	size_t count = 0;
	size_t used = 0;
	while (arguments[count])
		count++;
	char **words = calloc(count + 4, sizeof(*words));
	if (!words)
		return &error_out_of_memory;
	words[used++] = program;
	words[used++] = (char *)(uintptr_t)output;
	words[used++] = number;
	for (size_t i = 0; i < count; i++)
		words[used++] = (char *)(uintptr_t)arguments[i];
	*ret = words;
	return NULL;
}

struct child {
	char **arguments;
	pid_t parent;
	int output;   /* the pipe's end to write to */
	int messages; /* -1: ours */
	enum live_output kind;
	int failed; /* to say by what execve(2) failed */
};

/* Two that read one terminal would each get some of its keys. */
static bool take_no_input(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return null >= 0 && dup2(null, STDIN_FILENO) >= 0;
}

/* In the child: only what is safe after fork(2). */
__attribute__((noreturn)) static void become(const struct child *child)
{
	sigset_t none;
	int flags = fcntl(child->output, F_GETFD);
	bool ready = true;
	/* Its end belongs to ours, however ours comes. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != child->parent)
		_exit(EXIT_STATUS_FAILED);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (child->kind == LIVE_OUTPUT_OTHER)
		ready = fcntl(child->output, F_SETFD, flags & ~FD_CLOEXEC) >= 0;
	else
		ready = dup2(child->output, STDOUT_FILENO) >= 0;
	if (child->kind == LIVE_OUTPUT_SCREEN && isatty(STDIN_FILENO))
		ready = ready && take_no_input();
	if (child->messages >= 0)
		ready = ready && dup2(child->messages, STDERR_FILENO) >= 0;
	if (ready)
		execv(child->arguments[0], child->arguments);
	int error = errno;
	(void)!write(child->failed, &error, sizeof(error));
	_exit(EXIT_STATUS_FAILED);
}

/* NULL if it runs the program. */
static struct error *start_child(struct live_capture *capture, struct child *child)
{
	int failed[2];
	if (pipe2(failed, O_CLOEXEC) != 0)
		return error_errno(ERROR_FAILED, errno, "cannot make a pipe");
	CLEANUP_CLOSE int failed_read = failed[0];
	child->failed = failed[1];
	child->parent = getpid();
	pid_t pid = fork();
	int fork_error = errno;
	if (!pid)
		become(child);
	close(failed[1]);
	if (pid < 0)
		return error_errno(ERROR_FAILED, fork_error, "cannot start %s", name);
	capture->pid = pid;
	int code;
	ssize_t got;
	do
		got = read(failed_read, &code, sizeof(code));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(code))
		return NULL;
	return error_errno(ERROR_FAILED, code, "cannot run %s", child->arguments[0]);
}

struct error *live_capture_start(const char *const *arguments, enum live_output output,
				 struct live_capture **ret)
{
	CLEANUP(live_capture_destroyp)
	struct live_capture *capture = calloc(1, sizeof(*capture));
	CLEANUP_FREE char *program = NULL;
	CLEANUP_FREE char **words = NULL;
	char number[16] = "-";
	int ends[2];
	if (!capture)
		return &error_out_of_memory;
	capture->fd = capture->messages_fd = -1;
	/* Who started this program may ignore it: its status would be lost, and that of a command
	 * that it starts. */
	signal(SIGCHLD, SIG_DFL);
	struct error *error = find_program(&program);
	if (error)
		return error;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(ERROR_FAILED, errno, "cannot make a pipe");
	capture->fd = ends[0];
	CLEANUP_CLOSE int write_end = ends[1];
	bool standard = output != LIVE_OUTPUT_OTHER;
	if (standard)
		capture->messages_fd = memfd_create("messages", MFD_CLOEXEC);
	else
		snprintf(number, sizeof(number), "%d", write_end);
	error = make_arguments(program, arguments, standard ? "--output" : "--output-fd", number,
			       &words);
	struct child child = {
		.arguments = words,
		.output = write_end,
		.messages = capture->messages_fd,
		.kind = output,
	};
	if (!error)
		error = start_child(capture, &child);
	if (!error)
		*ret = TAKE_POINTER(capture);
	return error;
}

static void close_pipe(struct live_capture *capture)
{
	if (capture->fd >= 0)
		close(capture->fd);
	capture->fd = -1;
}

static bool reap(struct live_capture *capture, int flags)
{
	int status = 0;
	pid_t pid;
	do
		pid = waitpid(capture->pid, &status, flags);
	while (pid < 0 && errno == EINTR);
	if (!pid)
		return false;
	capture->pid = 0;
	capture->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

/* For a moment. */
static bool wait_for_end(struct live_capture *capture)
{
	const struct timespec pause = {.tv_nsec = END_TRY_NS};
	for (int i = 0; i < END_TRIES; i++) {
		if (reap(capture, WNOHANG))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

void live_capture_destroy(struct live_capture *capture)
{
	if (!capture)
		return;
	close_pipe(capture);
	if (capture->pid) {
		kill(capture->pid, SIGTERM);
		if (!wait_for_end(capture)) {
			/* The kernel lets the target go. */
			kill(capture->pid, SIGKILL);
			reap(capture, 0);
		}
	}
	if (capture->messages_fd >= 0)
		close(capture->messages_fd);
	string_list_deinit(&capture->lines);
	free(capture->text);
	free(capture);
}

void live_capture_destroyp(struct live_capture **capture)
{
	live_capture_destroy(*capture);
}

int live_capture_fd(const struct live_capture *capture)
{
	return capture->fd;
}

void live_capture_interrupt(struct live_capture *capture)
{
	if (capture->pid)
		kill(capture->pid, SIGTERM); /* SIGINT can be ignored: nohup(1), shells */
}

/* The last of what it said, which tells why it ended: to be freed; NULL if there is nothing. */
static struct error *read_text(const struct live_capture *capture, char **ret, size_t *ret_size)
{
	off_t end = capture->messages_fd < 0 ? 0 : lseek(capture->messages_fd, 0, SEEK_END);
	*ret = NULL;
	*ret_size = 0;
	if (end <= 0)
		return NULL;
	off_t begin = end > MESSAGES_MAX_BYTES ? end - MESSAGES_MAX_BYTES : 0;
	size_t size = (size_t)(end - begin);
	*ret = calloc(size + 1, 1);
	if (!*ret)
		return &error_out_of_memory;
	ssize_t got = pread(capture->messages_fd, *ret, size, begin);
	*ret_size = got > 0 ? (size_t)got : 0;
	return NULL;
}

/* Cut what it said into lines. */
static struct error *read_messages(struct live_capture *capture)
{
	size_t size;
	struct error *error = read_text(capture, &capture->text, &size);
	char *rest = capture->text;
	char *line;
	while (!error && (line = strsep(&rest, "\n"))) {
		if (*line)
			error = string_list_append(&capture->lines, line);
	}
	return error;
}

struct error *live_capture_end(struct live_capture *capture, int *ret_status)
{
	struct error *error = NULL;
	close_pipe(capture);
	if (capture->pid) {
		/* A command can go on for long after its capture: as long as it does. */
		reap(capture, 0);
		error = read_messages(capture);
	}
	*ret_status = capture->status;
	return error;
}

bool live_capture_message(const struct live_capture *capture, size_t index,
			  enum live_message *ret_kind, const char **ret_text)
{
	static const struct {
		const char *prefix;
		enum live_message kind;
	} prefixes[] = {
		{"pyspy-capture: error: ", LIVE_MESSAGE_ERROR},
		{"pyspy-capture: warning: ", LIVE_MESSAGE_WARNING},
		{"pyspy-capture: ", LIVE_MESSAGE_NOTE},
		{"", LIVE_MESSAGE_NOTE},
	};
	if (index >= capture->lines.count)
		return false;
	const char *line = capture->lines.items[index];
	size_t i = 0;
	while (strncmp(line, prefixes[i].prefix, strlen(prefixes[i].prefix)) != 0)
		i++;
	*ret_kind = prefixes[i].kind;
	*ret_text = line + strlen(prefixes[i].prefix);
	return true;
}

void live_capture_print(const struct live_capture *capture)
{
	CLEANUP_FREE char *text = NULL;
	size_t size;
	struct error *error = read_text(capture, &text, &size);
	if (!error && size)
		fwrite(text, 1, size, stderr);
	error_destroy(error);
}

static enum error_code code_of(int status)
{
	static const enum error_code codes[] = {
		[EXIT_STATUS_USAGE] = ERROR_USAGE,
		[EXIT_STATUS_NO_PYTHON] = ERROR_NOT_PYTHON,
		[EXIT_STATUS_PERMISSION] = ERROR_PERMISSION,
	};
	bool known = status >= 0 && (size_t)status < sizeof(codes) / sizeof(codes[0]);
	return known && codes[status] ? codes[status] : ERROR_FAILED;
}

struct error *live_capture_failure(const struct live_capture *capture)
{
	const char *last = NULL;
	const char *text;
	enum live_message kind;
	for (size_t i = 0; live_capture_message(capture, i, &kind, &text); i++) {
		if (kind == LIVE_MESSAGE_ERROR)
			last = text;
	}
	if (last)
		return error_create(code_of(capture->status), "%s", last);
	if (capture->status > 128)
		return error_create(ERROR_FAILED, "%s was ended by signal %d", name,
				    capture->status - 128);
	return error_create(code_of(capture->status), "%s ended with status %d", name,
			    capture->status);
}
