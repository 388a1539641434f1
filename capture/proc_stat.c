#include "capture/proc_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/proc_number.h"
#include "common/cleanup.h"

enum {
	READ_STEP = 4096,
	STAT_LIMIT = 4096,
	/* The line of supplementary groups alone can have 65536 numbers (NGROUPS_MAX). */
	STATUS_LIMIT = 1 << 20,
};

int proc_read_text(int directory, const char *path, size_t limit, struct buffer *buffer)
{
	CLEANUP_CLOSE int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	buffer_clear(buffer);
	for (;;) {
		size_t step = limit - buffer->size < READ_STEP ? limit - buffer->size : READ_STEP;
		if (buffer_reserve(buffer, step + 1))
			return ENOMEM;
		ssize_t got = step ? read(fd, buffer->data + buffer->size, step) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			break;
		buffer->size += (size_t)got;
	}
	buffer->data[buffer->size] = '\0';
	return 0;
}

int proc_read_link(int directory, const char *path, char **ret)
{
	/* The kernel builds a link of /proc in one page (fs/proc/base.c, do_proc_readlink). */
	char target[PATH_MAX + 1];
	ssize_t size = readlinkat(directory, path, target, PATH_MAX);
	if (size < 0)
		return errno;
	target[size] = '\0';
	char *copy = strdup(target);
	if (!copy)
		return ENOMEM;
	*ret = copy;
	return 0;
}

/* What follows the name: from field 3 on; flags are 9, times 14 and 15, threads 20, start 22
 * (proc(5)). */
static bool read_fields(const char *text, struct proc_stat *ret)
{
	int64_t parent_pid, thread_count;
	uint64_t flags;
	const char *at = text + strspn(text, " ");
	if (!*at)
		return false;
	ret->state = *at++;
	if (!proc_number_signed(&at, &parent_pid) || !proc_number_skip(&at, 4) ||
	    !proc_number_decimal(&at, &flags) || !proc_number_skip(&at, 4) ||
	    !proc_number_decimal(&at, &ret->user_ticks) ||
	    !proc_number_decimal(&at, &ret->system_ticks) || !proc_number_skip(&at, 4) ||
	    !proc_number_signed(&at, &thread_count) || !proc_number_skip(&at, 1) ||
	    !proc_number_decimal(&at, &ret->start_ticks))
		return false;
	ret->parent_pid = (int32_t)parent_pid;
	ret->flags = (uint32_t)flags;
	ret->thread_count = (int32_t)thread_count;
	return true;
}

bool proc_stat_parse(const char *text, size_t size, struct proc_stat *ret)
{
	/* The name is not escaped and may hold anything, ')' and newlines too; what follows it is
	 * numbers. */
	const char *open = memchr(text, '(', size);
	const char *close = memrchr(text, ')', size);
	if (!open || !close || close < open)
		return false;
	char fields[STAT_LIMIT];
	size_t fields_size = size - (size_t)(close + 1 - text);
	if (fields_size >= sizeof(fields))
		return false;
	memcpy(fields, close + 1, fields_size);
	fields[fields_size] = '\0';

	struct proc_stat stat = {0};
	if (!read_fields(fields, &stat))
		return false;
	size_t name_size = (size_t)(close - open - 1);
	if (name_size >= sizeof(stat.name))
		name_size = sizeof(stat.name) - 1;
	memcpy(stat.name, open + 1, name_size);
	*ret = stat;
	return true;
}

/* What follows "KEY:" at the start of a line, or NULL. `text` is NUL-terminated. */
static const char *status_value(const char *text, const char *key)
{
	size_t size = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, size) == 0 && line[size] == ':')
			return line + size + 1;
	}
	return NULL;
}

static bool status_number(const char *text, const char *key, long *ret)
{
	const char *value = status_value(text, key);
	if (!value)
		return false;
	char *end;
	long number = strtol(value, &end, 10);
	if (end == value)
		return false;
	*ret = number;
	return true;
}

/* "NSpid:\t22187\t1": as seen from outside first, as seen by itself last. */
static void parse_nested_ids(const char *text, struct proc_status *ret)
{
	const char *value = status_value(text, "NSpid"); /* since Linux 4.1 */
	for (unsigned count = 0; value; count++) {
		char *end;
		while (*value == '\t' || *value == ' ')
			value++;
		if (*value < '0' || *value > '9')
			return;
		ret->innermost_id = (int32_t)strtol(value, &end, 10);
		ret->nested = count > 0;
		value = end;
	}
}

bool proc_status_parse(const char *text, size_t size, struct proc_status *ret)
{
	CLEANUP_FREE char *copy = strndup(text, size);
	if (!copy)
		return false;
	long process_id, tracer, uid;
	const char *state = status_value(copy, "State");
	if (!state || !status_number(copy, "Tgid", &process_id) ||
	    !status_number(copy, "TracerPid", &tracer) || !status_number(copy, "Uid", &uid))
		return false;
	struct proc_status status = {
		.process_id = (int32_t)process_id,
		.tracer_pid = (int32_t)tracer,
		.real_uid = (uint32_t)uid,
		.state = state[strspn(state, " \t")],
	};
	parse_nested_ids(copy, &status);
	*ret = status;
	return true;
}

static void cleanup_bufferp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static int read_file_of(int directory, pid_t id, const char *name, size_t limit,
			struct buffer *buffer)
{
	char path[64];
	const char *folder = directory == AT_FDCWD ? "/proc/" : "";
	snprintf(path, sizeof(path), "%s%d/%s", folder, (int)id, name);
	return proc_read_text(directory, path, limit, buffer);
}

uint64_t proc_stat_cpu_time_ns(const struct proc_stat *stat)
{
	long hertz = sysconf(_SC_CLK_TCK);
	if (hertz <= 0)
		return 0;
	return (stat->user_ticks + stat->system_ticks) * (UINT64_C(1000000000) / (uint64_t)hertz);
}

void proc_system_call_parse(const char *text, struct thread_facts *thread)
{
	int64_t number;
	uint64_t argument;
	thread->system_call = -1;
	thread->has_system_call_argument = false;
	thread->system_call_argument = 0;
	if (!proc_number_signed(&text, &number) || number < 0)
		return;
	thread->system_call = number;
	thread->has_system_call_argument = proc_number_hexadecimal(&text, &argument);
	if (thread->has_system_call_argument)
		thread->system_call_argument = argument;
}

int proc_stat_read(int directory, pid_t id, struct proc_stat *ret)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	int errnum = read_file_of(directory, id, "stat", STAT_LIMIT, &text);
	if (errnum)
		return errnum;
	return proc_stat_parse((const char *)text.data, text.size, ret) ? 0 : EPROTO;
}

int proc_status_read(int directory, pid_t id, struct proc_status *ret)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	int errnum = read_file_of(directory, id, "status", STATUS_LIMIT, &text);
	if (errnum)
		return errnum;
	return proc_status_parse((const char *)text.data, text.size, ret) ? 0 : EPROTO;
}
