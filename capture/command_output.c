#include "capture/command_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	READ_BYTES = 32 * 1024,
	TAKE_STEP_NS = 2 * 1000 * 1000,
	TAKE_STEPS = 500,
	/* Before close_range(2), Linux 5.9. */
	CLOSE_UP_TO = 1024,
};

/* Shared with the reader. */
struct ring {
	_Atomic uint64_t written; /* bytes so far; byte N is at N % COMMAND_OUTPUT_KEPT */
	atomic_bool busy;	  /* bytes may have left the pipe that are not counted yet */
	char bytes[COMMAND_OUTPUT_KEPT];
};

struct command_output {
	struct ring *ring;
	int reading;
	int writing; /* -1: the command has it */
	pid_t reader;
};

static void keep(struct ring *ring, const char *bytes, size_t size)
{
	uint64_t written = atomic_load(&ring->written);
	for (size_t done = 0; done < size;) {
		size_t at = (size_t)(written % COMMAND_OUTPUT_KEPT);
		size_t part = size - done;
		if (part > COMMAND_OUTPUT_KEPT - at)
			part = COMMAND_OUTPUT_KEPT - at;
		memcpy(&ring->bytes[at], bytes + done, part);
		written += part;
		done += part;
	}
	atomic_store(&ring->written, written);
}

/* Standard input is the pipe; nothing else stays open, so that no reader of ours waits for us. */
static void leave_all_but(int fd)
{
	dup2(fd, STDIN_FILENO);
	int null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
#ifdef SYS_close_range
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
		return;
#endif
	for (int i = STDERR_FILENO + 1; i < CLOSE_UP_TO; i++)
		close(i);
}

/* In the reader. It is for the command, and ends with it: no signal of a terminal or a session ends
 * it before. */
static void __attribute__((noreturn)) read_all(int fd, struct ring *ring)
{
	char bytes[READ_BYTES];
	ssize_t size;
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	setsid();
	prctl(PR_SET_NAME, "pyspy-output", 0, 0, 0);
	leave_all_but(fd);
	if (chdir("/") != 0)
		_exit(1);
	do {
		struct pollfd poller = {.fd = STDIN_FILENO, .events = POLLIN};
		atomic_store(&ring->busy, false);
		poll(&poller, 1, -1);
		atomic_store(&ring->busy, true);
		size = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (size > 0)
			keep(ring, bytes, (size_t)size);
	} while (size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN)));
	atomic_store(&ring->busy, false);
	_exit(0);
}

void command_output_destroy(struct command_output *output)
{
	if (!output)
		return;
	if (output->ring)
		munmap(output->ring, sizeof(*output->ring));
	if (output->reading >= 0)
		close(output->reading);
	if (output->writing >= 0)
		close(output->writing);
	free(output);
}

void command_output_destroyp(struct command_output **output)
{
	command_output_destroy(*output);
}

static struct error *start_reader(struct command_output *output)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(ERROR_IO, errno, "cannot make a pipe");
	output->reading = ends[0];
	output->writing = ends[1];
	output->ring = mmap(NULL, sizeof(*output->ring), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (output->ring == MAP_FAILED) {
		output->ring = NULL;
		return &error_out_of_memory;
	}
	output->reader = fork();
	if (output->reader < 0)
		return error_errno(ERROR_FAILED, errno, "cannot start a process");
	if (output->reader == 0)
		read_all(output->reading, output->ring);
	return NULL;
}

struct error *command_output_create(struct command_output **ret)
{
	CLEANUP(command_output_destroyp)
	struct command_output *output = calloc(1, sizeof(*output));
	if (!output)
		return &error_out_of_memory;
	output->reading = output->writing = -1;
	struct error *error = start_reader(output);
	if (error)
		return error;
	*ret = TAKE_POINTER(output);
	return NULL;
}

int command_output_fd(const struct command_output *output)
{
	return output->writing;
}

void command_output_started(struct command_output *output)
{
	close(output->writing);
	output->writing = -1;
}

/* First the pipe, then the reader: what is in neither is in the ring. */
static bool is_drained(const struct command_output *output)
{
	int waiting = 0;
	return ioctl(output->reading, FIONREAD, &waiting) != 0 ||
	       (waiting == 0 && !atomic_load(&output->ring->busy));
}

struct error *command_output_take(struct command_output *output, char **ret, size_t *ret_size)
{
	const struct timespec step = {.tv_nsec = TAKE_STEP_NS};
	for (int i = 0; i < TAKE_STEPS && !is_drained(output); i++)
		nanosleep(&step, NULL);
	uint64_t written = atomic_load(&output->ring->written);
	size_t size = written < COMMAND_OUTPUT_KEPT ? (size_t)written : COMMAND_OUTPUT_KEPT;
	char *bytes = malloc(size + 1);
	if (!bytes)
		return &error_out_of_memory;
	uint64_t from = written - size;
	for (size_t i = 0; i < size; i++)
		bytes[i] = output->ring->bytes[(from + i) % COMMAND_OUTPUT_KEPT];
	*ret = bytes;
	*ret_size = size;
	return NULL;
}
