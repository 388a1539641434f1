/* The kernel's texts about a process or a thread: /proc/PID/stat and /proc/PID/status (proc(5)). */
#ifndef PYSPY_CAPTURE_PROC_STAT_H
#define PYSPY_CAPTURE_PROC_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "common/facts.h"

enum {
	PROC_NAME_SIZE = 64,		      /* kernel threads' names are longer than 16 bytes */
	PROC_FLAG_KERNEL_THREAD = 0x00200000, /* PF_KTHREAD, include/linux/sched.h */
};

struct proc_stat {
	char name[PROC_NAME_SIZE];
	char state; /* R, S, D, T, t, Z, X, … */
	int32_t parent_pid;
	uint32_t flags;	       /* PF_… */
	uint64_t user_ticks;   /* of sysconf(_SC_CLK_TCK) a second */
	uint64_t system_ticks; /* likewise */
	int32_t thread_count;
	uint64_t start_ticks; /* since boot */
};

struct proc_status {
	int32_t process_id;   /* Tgid: the process that a thread belongs to */
	int32_t innermost_id; /* last number of NSpid */
	bool nested;	      /* NSpid has more than one number */
	int32_t tracer_pid;   /* 0: none */
	uint32_t real_uid;
	char state;
};

/* Zombie or dead: nothing of it can be looked at any longer. */
static inline bool proc_state_ended(char state)
{
	return state == 'Z' || state == 'X' || state == 'x';
}

/* Parsers of the texts, which need no terminating NUL. False if the text is not what proc(5) says.
 */
bool proc_stat_parse(const char *text, size_t size, struct proc_stat *ret);
bool proc_status_parse(const char *text, size_t size, struct proc_status *ret);

/* User and system time, by ticks; 0 if their length is not known. */
uint64_t proc_stat_cpu_time_ns(const struct proc_stat *stat);

/* The text of /proc/TID/syscall: "running", or a number and arguments; -1 and no arguments if it
 * sleeps outside of a system call. Sets what `thread` says of it; NUL-terminated. */
void proc_system_call_parse(const char *text, struct thread_facts *thread);

/*
 * Read up to `limit` bytes of a file into `buffer`, replacing what is in it; a NUL follows, not
 * counted. Gives 0 or an errno. Relative paths are looked up in the folder `directory`.
 */
int proc_read_text(int directory, const char *path, size_t limit, struct buffer *buffer);

/* Target of a link, allocated; gives 0 or an errno. */
int proc_read_link(int directory, const char *path, char **ret);

/*
 * With AT_FDCWD: /proc/ID/stat. With a descriptor of /proc/PID or /proc/PID/task: of the folder ID
 * in it. Gives 0 or an errno; EPROTO if the text does not parse.
 */
int proc_stat_read(int directory, pid_t id, struct proc_stat *ret);
int proc_status_read(int directory, pid_t id, struct proc_status *ret);

#endif
