#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "capture/permission.h"
#include "capture/proc.h"
#include "common/cleanup.h"
#include "common/cursor.h"

int32_t proc_machine(void)
{
	return MACHINE_NATIVE;
}

static const char *machine_name(int32_t machine)
{
	switch (machine) {
	case MACHINE_X86_64:
		return "x86_64";
	case MACHINE_AARCH64:
		return "aarch64";
	default:
		return "another machine";
	}
}

static struct error *open_error(pid_t pid, int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ESRCH:
		return error_create(ERROR_NO_PROCESS, "there is no process %d that runs a program",
				    (int)pid);
	case EACCES:
	case EPERM:
		return permission_error(pid, "open the program of", "/proc/PID/exe", errnum);
	default:
		return error_errno(ERROR_IO, errnum, "cannot open /proc/%d/exe", (int)pid);
	}
}

/* The start of the ELF header is the same for 32 and 64 bits up to e_machine (elf(5)). */
struct error *proc_check_machine(pid_t pid, int32_t *ret_machine)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return open_error(pid, errno);
	unsigned char header[EI_NIDENT + 4] = {0};
	ssize_t size = pread(fd, header, sizeof(header), 0);
	struct cursor cursor = cursor_make(header, size > 0 ? (size_t)size : 0);
	const unsigned char *ident = cursor_bytes(&cursor, EI_NIDENT);
	cursor_skip(&cursor, 2); /* e_type */
	int32_t machine = cursor_u16(&cursor);
	if (!cursor_ok(&cursor) || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return error_create(ERROR_UNSUPPORTED, "the program of process %d is no ELF file",
				    (int)pid);
	if (ident[EI_CLASS] != ELFCLASS64)
		return error_create(ERROR_UNSUPPORTED,
				    "process %d is a 32-bit program; only 64-bit ones can be read",
				    (int)pid);
	if (machine != MACHINE_NATIVE)
		return error_create(ERROR_UNSUPPORTED,
				    "process %d is a program for %s (ELF machine %d); this "
				    "pyspy-capture is for %s",
				    (int)pid, machine_name(machine), (int)machine,
				    machine_name(MACHINE_NATIVE));
	*ret_machine = machine;
	return NULL;
}
