/* Why the kernel refuses to let one process look at another, in words that lead out of it. */
#ifndef PYSPY_CAPTURE_PERMISSION_H
#define PYSPY_CAPTURE_PERMISSION_H

#include <sys/types.h>

#include "common/error.h"

/*
 * An ERROR_PERMISSION: "cannot ACTION process PID: CALL refused (EPERM); …", with what can be found
 * out about the reason (another user's process, not dumpable, Yama's ptrace_scope) and the way out.
 * `action` is, for example, "attach to"; `errnum` is EPERM or EACCES.
 */
struct error *permission_error(pid_t pid, const char *action, const char *call, int errnum);

#endif
