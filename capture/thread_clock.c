#include "capture/thread_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_SIZE = 4096 };

static int open_file(pid_t pid, pid_t tid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

void thread_clock_files_close(struct thread_clock_files *files)
{
	if (files->tid) {
		close_file(files->counts);
		close_file(files->call);
	}
	*files = (struct thread_clock_files){0};
}

/* False also if the thread has ended since it was opened. */
static bool read_file(int fd, char *text, size_t size)
{
	ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

static bool read_switches(int fd, char *counts, size_t size)
{
	char status[STATUS_SIZE];
	if (!read_file(fd, status, sizeof(status)))
		return false;
	const char *numbers = strstr(status, "\nvoluntary_ctxt_switches:");
	if (!numbers || strlen(numbers) >= size)
		return false;
	memcpy(counts, numbers, strlen(numbers) + 1);
	return true;
}

static bool read_counts(const struct thread_clock_files *files, char *counts, size_t size)
{
	return files->switches ? read_switches(files->counts, counts, size)
			       : read_file(files->counts, counts, size);
}

static bool counts_nothing(const char *schedstat)
{
	return strncmp(schedstat, "0 0 0", 5) == 0;
}

/*
 * The kernel makes sure that the thread has left its CPU before it tells of its system call
 * (lib/syscall.c, task_current_syscall); a state that is not "running" would not do: it is set
 * before the thread leaves, which then can change its mind.
 */
static bool is_off_cpu(const struct thread_clock_files *files)
{
	char call[256];
	return read_file(files->call, call, sizeof(call)) && strncmp(call, "running", 7) != 0;
}

static bool open_files(pid_t pid, pid_t tid, struct thread_clock_files *files,
		       struct thread_clock *clock)
{
	thread_clock_files_close(files);
	*files = (struct thread_clock_files){
		.tid = tid,
		.counts = open_file(pid, tid, "schedstat"),
		.call = open_file(pid, tid, "syscall"),
	};
	if (read_counts(files, clock->counts, sizeof(clock->counts)) &&
	    !counts_nothing(clock->counts))
		return true;
	close_file(files->counts);
	files->counts = open_file(pid, tid, "status");
	files->switches = true;
	return read_counts(files, clock->counts, sizeof(clock->counts));
}

void thread_clock_begin(pid_t pid, pid_t tid, struct thread_clock_files *files,
			struct thread_clock *ret)
{
	struct thread_clock clock = {0};
	bool counted = files->tid == tid && read_counts(files, clock.counts, sizeof(clock.counts));
	if (!counted)
		counted = open_files(pid, tid, files, &clock);
	/* After the counts: what runs after this moment changes them. */
	clock.known = counted && is_off_cpu(files);
	*ret = clock;
}

bool thread_clock_stood(const struct thread_clock *clock, const struct thread_clock_files *files)
{
	struct thread_clock now = {0};
	if (!clock->known || (files->switches && !is_off_cpu(files)))
		return false;
	return read_counts(files, now.counts, sizeof(now.counts)) &&
	       strcmp(now.counts, clock->counts) == 0;
}
