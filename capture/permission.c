#include "capture/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/proc_number.h"
#include "capture/proc_stat.h"
#include "common/buffer.h"
#include "common/cleanup.h"

/* Longest explanation: three reasons of less than 100 characters each. */
enum { REASON_MAX = 400 };
/* A digit and a line break. */
enum { SCOPE_LIMIT = 16 };

static int yama_scope(void)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	int64_t scope;
	/* Without the file there is no Yama in this kernel. */
	if (proc_read_text(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", SCOPE_LIMIT, &text) != 0)
		return -1;
	const char *at = (const char *)text.data;
	return proc_number_signed(&at, &scope) ? (int)scope : -1;
}

/*
 * PR_SET_DUMPABLE(2const): the files of a process that is not dumpable belong to root. So does
 * everything of a process that runs as root, which is told apart by its own user id.
 */
static bool is_not_dumpable(pid_t pid, uint32_t uid)
{
	char path[64];
	struct stat status;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return uid != 0 && stat(path, &status) == 0 && status.st_uid == 0;
}

__attribute__((format(printf, 3, 4))) static void add_reason(char *reasons, size_t size,
							     const char *format, ...)
{
	size_t used = strlen(reasons);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reasons + used, size - used, format, arguments);
	va_end(arguments);
}

static void describe_process(pid_t pid, char *reasons, size_t size)
{
	struct proc_status status;
	if (proc_status_read(AT_FDCWD, pid, &status) != 0)
		return;
	if (status.real_uid != geteuid() && geteuid() != 0)
		add_reason(reasons, size, "; it belongs to user id %u", status.real_uid);
	else if (is_not_dumpable(pid, status.real_uid))
		add_reason(reasons, size, "; it is not dumpable (see PR_SET_DUMPABLE(2const))");
}

/* A way out for each value of kernel.yama.ptrace_scope (Documentation/admin-guide/LSM/Yama.rst). */
static const char *const yama_ways[] = {
	[0] = "run as root or add CAP_SYS_PTRACE",
	[1] = "run as root, add CAP_SYS_PTRACE, or let the program permit it with "
	      "prctl(PR_SET_PTRACER)",
	[2] = "run as root or add CAP_SYS_PTRACE",
	[3] = "no process may attach to another until the next boot",
};

struct error *permission_error(pid_t pid, const char *action, const char *call, int errnum)
{
	char reasons[REASON_MAX] = "";
	describe_process(pid, reasons, sizeof(reasons));
	int scope = yama_scope();
	if (scope > 0)
		add_reason(reasons, sizeof(reasons), "; kernel.yama.ptrace_scope is %d", scope);
	const char *way = yama_ways[scope >= 0 && scope <= 3 ? scope : 0];
	if (geteuid() == 0 && scope < 3)
		way = "add CAP_SYS_PTRACE (root lacks it in most containers)";
	struct error *error = error_create(
		ERROR_PERMISSION,
		"cannot %s process %d: %s refused (%s)%s; %s (see NOTES in pyspy-capture(1))",
		action, (int)pid, call, errnum == EACCES ? "EACCES" : "EPERM", reasons, way);
	if (!error->is_static)
		error->errnum = errnum;
	return error;
}
