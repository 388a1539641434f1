#include "capture/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "capture/permission.h"
#include "capture/proc_number.h"
#include "capture/proc_stat.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum {
	/* Longer command lines are cut: they are shown, never run. */
	COMMAND_LINE_LIMIT = 64 * 1024,
	/* Those of relatives are repeated with every thread that JSON tells of. */
	RELATIVE_COMMAND_LIMIT = 4096,
	/* A mapping has a line of about 100 bytes, and vm.max_map_count is 65530 as a rule. */
	MAPS_LIMIT = 256 * 1024 * 1024,
	STATM_LIMIT = 256,
};

#define NS_PER_SECOND 1000000000ULL

static void cleanup_bufferp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static struct error *ended_error(pid_t pid)
{
	return error_create(ERROR_NO_PROCESS, "process %d ended while it was looked at", (int)pid);
}

/* What an errno of a file of /proc/PID means for the process. */
static struct error *read_error(pid_t pid, const char *file, int errnum)
{
	char action[64];
	switch (errnum) {
	case ENOENT:
	case ESRCH:
		return ended_error(pid);
	case EACCES:
	case EPERM:
		snprintf(action, sizeof(action), "read /proc/PID/%s of", file);
		return permission_error(pid, action, "access", errnum);
	case ENOMEM:
		return &error_out_of_memory;
	case EPROTO:
		return error_create(ERROR_FORMAT, "/proc/%d/%s has an unknown form", (int)pid,
				    file);
	default:
		return error_errno(ERROR_IO, errnum, "cannot read /proc/%d/%s", (int)pid, file);
	}
}

/* No /proc/PID: there is no such process, or it is hidden (mount option hidepid, proc(5)). */
static struct error *missing_error(pid_t pid)
{
	if (kill(pid, 0) == 0 || errno == EPERM)
		return permission_error(pid, "see", "/proc (mounted with hidepid, or not at all)",
					EPERM);
	return error_create(ERROR_NO_PROCESS, "there is no process %d", (int)pid);
}

/* The descriptor stays bound to the process that has the id now (fs/proc/base.c, get_proc_task). */
static struct error *open_process(pid_t pid, int *ret)
{
	char path[32];
	if (pid <= 0)
		return error_create(ERROR_NO_PROCESS, "there is no process %d", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return missing_error(pid);
	if (fd < 0)
		return read_error(pid, "", errno);
	*ret = fd;
	return NULL;
}

/* NULL if it is a process that can be looked at. */
static struct error *check_kind(pid_t pid, const struct proc_stat *stat,
				const struct proc_status *status)
{
	if (status->process_id != pid)
		return error_create(ERROR_NO_PROCESS,
				    "%d is a thread of process %d, not a process; use --pid %d",
				    (int)pid, (int)status->process_id, (int)status->process_id);
	if (stat->flags & PROC_FLAG_KERNEL_THREAD)
		return error_create(ERROR_NO_PROCESS,
				    "process %d (%s) is a kernel thread: it runs no program",
				    (int)pid, stat->name);
	if (proc_state_ended(stat->state) && stat->thread_count > 1)
		return error_create(ERROR_NO_PROCESS,
				    "the main thread of process %d (%s) has ended, other threads "
				    "of it run on: its memory cannot be reached through it",
				    (int)pid, stat->name);
	if (proc_state_ended(stat->state))
		return error_create(ERROR_NO_PROCESS,
				    "process %d (%s) has ended: it is a zombie that its parent, "
				    "process %d, has not yet waited for",
				    (int)pid, stat->name, (int)stat->parent_pid);
	return NULL;
}

/* Arguments end with a NUL each (proc(5), /proc/PID/cmdline); programs that set their title may
 * leave many of them at the end. */
static struct error *read_command_line(pid_t pid, int directory, const char *name, size_t limit,
				       char **ret)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	int errnum = proc_read_text(directory, "cmdline", limit, &text);
	if (errnum)
		return read_error(pid, "cmdline", errnum);
	while (text.size && (text.data[text.size - 1] == '\0' || text.data[text.size - 1] == ' '))
		text.data[--text.size] = '\0';
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '\0')
			text.data[i] = ' ';
	char *line = NULL;
	if (text.size)
		line = strdup((const char *)text.data);
	else if (asprintf(&line, "[%s]", name) < 0)
		line = NULL;
	if (!line)
		return &error_out_of_memory;
	*ret = line;
	return NULL;
}

static void remove_suffix(char *text, const char *suffix)
{
	size_t size = strlen(text), suffix_size = strlen(suffix);
	if (size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0)
		text[size - suffix_size] = '\0';
}

/* Refused to those who may not trace the process: the first sign of a missing permission. */
static struct error *read_executable(pid_t pid, int directory, char **ret)
{
	char *path;
	int errnum = proc_read_link(directory, "exe", &path);
	if (errnum == ENOENT)
		return NULL; /* unknown: it is just ending */
	if (errnum)
		return read_error(pid, "exe", errnum);
	remove_suffix(path, " (deleted)");
	*ret = path;
	return NULL;
}

/*
 * The link tells the path of chroot(2), but always "/" for a process with a mount namespace of its
 * own; device and inode tell whether that is our root.
 */
static char *read_root(pid_t pid, int directory)
{
	struct stat theirs, ours;
	CLEANUP_FREE char *path = NULL;
	char *found = NULL;
	if (proc_read_link(directory, "root", &path) != 0)
		return NULL;
	bool same = fstatat(directory, "root", &theirs, 0) == 0 && stat("/", &ours) == 0 &&
		    theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
	if (same)
		return strdup("/");
	if (strcmp(path, "/") != 0)
		return TAKE_POINTER(path);
	if (asprintf(&found, "/proc/%d/root", (int)pid) < 0)
		return NULL;
	return found;
}

/* Field 22 of /proc/PID/stat counts from the boot of the reader's time namespace, as does
 * CLOCK_BOOTTIME (time_namespaces(7)). */
static uint64_t start_time_ns(uint64_t start_ticks)
{
	long hertz = sysconf(_SC_CLK_TCK);
	if (hertz <= 0)
		return 0;
	uint64_t boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	uint64_t seconds = start_ticks / (uint64_t)hertz, rest = start_ticks % (uint64_t)hertz;
	return boot + seconds * NS_PER_SECOND + rest * (NS_PER_SECOND / (uint64_t)hertz);
}

static void fill_from_stat(struct process_facts *facts, const struct proc_stat *stat,
			   const struct proc_status *status)
{
	facts->container_pid = status->nested ? status->innermost_id : 0;
	facts->parent_pid = stat->parent_pid;
	facts->uid = status->real_uid;
	facts->start_ticks = stat->start_ticks;
	facts->start_time_ns = start_time_ns(stat->start_ticks);
	facts->was_stopped = stat->state == 'T';
	facts->command_name = strdup(stat->name);
}

static void fill_from_host(struct process_facts *facts)
{
	struct utsname names;
	facts->capture_time_ns = clock_ns(CLOCK_REALTIME);
	if (uname(&names) != 0)
		return;
	facts->host = strdup(names.nodename);
	facts->kernel = strdup(names.release);
}

static struct error *fill_process(pid_t pid, int directory, struct process_facts *facts)
{
	struct proc_stat stat;
	struct proc_status status;
	/* Through one open folder, so that all of it is about one process. */
	CLEANUP_CLOSE int task = openat(directory, "task", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (task < 0)
		return read_error(pid, "task", errno);
	int errnum = proc_status_read(task, pid, &status);
	if (errnum)
		return read_error(pid, "status", errnum);
	errnum = proc_stat_read(task, pid, &stat);
	if (errnum)
		return read_error(pid, "stat", errnum);
	struct error *error = check_kind(pid, &stat, &status);
	if (error)
		return error;
	fill_from_stat(facts, &stat, &status);
	error = read_executable(pid, directory, &facts->executable);
	if (error)
		return error;
	error = read_command_line(pid, directory, stat.name, COMMAND_LINE_LIMIT,
				  &facts->command_line);
	if (error)
		return error;
	facts->root = read_root(pid, directory);
	error_destroy(proc_check_machine(pid, &facts->machine));
	return NULL;
}

struct error *proc_process(pid_t pid, struct process_facts *ret)
{
	CLEANUP_CLOSE int directory = -1;
	struct error *error = open_process(pid, &directory);
	if (error)
		return error;
	struct process_facts facts = {.pid = pid};
	error = fill_process(pid, directory, &facts);
	if (error) {
		process_facts_deinit(&facts);
		return error;
	}
	fill_from_host(&facts);
	*ret = facts;
	return NULL;
}

struct error *proc_relative(pid_t pid, struct process_facts *ret)
{
	CLEANUP_CLOSE int directory = -1;
	struct proc_stat stat;
	struct error *error = open_process(pid, &directory);
	if (error)
		return error;
	CLEANUP_CLOSE int task = openat(directory, "task", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (task < 0)
		return read_error(pid, "task", errno);
	int errnum = proc_stat_read(task, pid, &stat);
	if (errnum)
		return read_error(pid, "stat", errnum);
	if (proc_state_ended(stat.state) && stat.thread_count <= 1)
		return ended_error(pid);
	struct process_facts facts = {
		.pid = pid,
		.parent_pid = stat.parent_pid,
		.uid = UINT32_MAX,
		.start_ticks = stat.start_ticks,
		.start_time_ns = start_time_ns(stat.start_ticks),
		.command_name = strdup(stat.name),
	};
	error = facts.command_name ? read_command_line(pid, directory, stat.name,
						       RELATIVE_COMMAND_LIMIT, &facts.command_line)
				   : &error_out_of_memory;
	if (error) {
		process_facts_deinit(&facts);
		return error;
	}
	*ret = facts;
	return NULL;
}

bool proc_is_same(const struct process_facts *facts)
{
	struct proc_stat stat;
	return proc_stat_read(AT_FDCWD, facts->pid, &stat) == 0 &&
	       stat.start_ticks == facts->start_ticks && !proc_state_ended(stat.state);
}

bool proc_pages(pid_t pid, struct proc_pages *ret)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if (proc_read_text(AT_FDCWD, path, STATM_LIMIT, &text) != 0)
		return false;
	const char *at = (const char *)text.data;
	return proc_number_decimal(&at, &ret->mapped) && proc_number_decimal(&at, &ret->resident) &&
	       proc_number_decimal(&at, &ret->shared);
}

struct error *proc_mappings(pid_t pid, struct mappings *ret)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	int errnum = proc_read_text(AT_FDCWD, path, MAPS_LIMIT, &text);
	if (errnum)
		return read_error(pid, "maps", errnum);
	/* A process that has ended, but still has its /proc folder, maps nothing. */
	if (text.size == 0)
		return ended_error(pid);
	return error_prefix(mappings_parse((const char *)text.data, text.size, ret), "%s", path);
}
