/* Facts of a live process from /proc (proc(5)). */
#ifndef PYSPY_CAPTURE_PROC_H
#define PYSPY_CAPTURE_PROC_H

#include <sys/types.h>

#include "common/facts.h"
#include "common/mappings.h"
#include "common/modules.h"

/* ERROR_NO_PROCESS for none, a zombie or a kernel thread (the message says which),
 * ERROR_PERMISSION. */
struct error *proc_process(pid_t pid, struct process_facts *ret);
/*
 * The little that everybody may know of a process: pid, parent, start, command name and line. For
 * those that are not captured themselves. ERROR_NO_PROCESS if it has ended.
 */
struct error *proc_relative(pid_t pid, struct process_facts *ret);
/* Names, states, container ids, system call and cpu time of all threads. */
struct error *proc_threads(pid_t pid, struct thread_list *ret);
struct error *proc_mappings(pid_t pid, struct mappings *ret);

/* Of /proc/PID/statm (proc(5)). */
struct proc_pages {
	uint64_t mapped;
	uint64_t resident;
	uint64_t shared; /* resident, of files */
};

/* False if it cannot be told. */
bool proc_pages(pid_t pid, struct proc_pages *ret);
/* True while the process is the one that `facts` were read from (start_ticks). */
bool proc_is_same(const struct process_facts *facts);
/* Opens through /proc/PID/map_files, then /proc/PID/root + path, checked by device and inode. */
struct proc_module_files {
	struct module_files files; /* first member */
	pid_t pid;
};
void proc_module_files_init(struct proc_module_files *files, pid_t pid);
/* The kind of machine that this program runs on, and can capture from. */
int32_t proc_machine(void);
/* ERROR_UNSUPPORTED for a 32-bit or foreign process. */
struct error *proc_check_machine(pid_t pid, int32_t *ret_machine);

#endif
