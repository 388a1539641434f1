/*
 * What is known of a process besides its memory: read from /proc at capture, stored in a snapshot,
 * or taken from the notes of a core. Everything may be absent: 0, NULL or -1 as said.
 */
#ifndef PYSPY_COMMON_FACTS_H
#define PYSPY_COMMON_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum machine {
	MACHINE_UNKNOWN = 0,
	MACHINE_X86_64 = 62,   /* EM_X86_64 */
	MACHINE_AARCH64 = 183, /* EM_AARCH64 */
/* What this program itself was built for. */
#if defined(__x86_64__)
	MACHINE_NATIVE = MACHINE_X86_64,
#elif defined(__aarch64__)
	MACHINE_NATIVE = MACHINE_AARCH64,
#else
	MACHINE_NATIVE = MACHINE_UNKNOWN,
#endif
};

/* A process that another one comes from. */
struct ancestor {
	int32_t pid;
	char *command_line; /* NULL if unknown */
	char *command_name; /* comm; NULL if unknown */
};

/* A chain of parents: what goes on for longer is cut. */
enum { ANCESTORS_MAX = 64 };

struct process_facts {
	int32_t pid;	       /* as seen by who captured; 0 if unknown */
	int32_t container_pid; /* innermost number in NSpid; 0 if unknown or the same namespace */
	int32_t parent_pid;    /* 0 if unknown */
	int32_t machine;       /* enum machine */
	uint32_t uid;	       /* real user id; UINT32_MAX if unknown */
	char *command_line;    /* arguments joined by blanks; NULL if unknown */
	char *command_name;    /* comm, up to 15 bytes; NULL if unknown */
	char *executable;      /* as the target sees it; NULL if unknown */
	char *root;   /* target's root as the capturer sees it, "/" if the same; NULL if unknown */
	char *host;   /* nodename of uname(2) */
	char *kernel; /* release of uname(2) */
	uint64_t start_time_ns;	  /* wall clock, since 1970; 0 if unknown */
	uint64_t start_ticks;	  /* field 22 of /proc/PID/stat: with pid, the process's identity */
	uint64_t capture_time_ns; /* wall clock, since 1970: of the capture or of the core's file */
	bool was_stopped;	  /* in job-control stop when captured */
	bool only_gil; /* samples were taken while a GIL was held, and at no other time */
	/* Parent, its parent and so on, as far as they are known: made by who reads a file. */
	struct ancestor *ancestors;
	size_t ancestor_count;
	/* Cores only. */
	int32_t signal;	     /* that killed it; 0 if none or unknown */
	int32_t signal_code; /* si_code */
	bool has_fault_address;
	uint64_t fault_address; /* si_addr, for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
	int32_t sender_pid;	/* si_pid, for signals sent by kill(2) and the like; 0 if unknown */
};

void process_facts_deinit(struct process_facts *facts);
/* Append `from` to the chain of `facts`; nothing is done beyond ANCESTORS_MAX. */
struct error *process_facts_add_ancestor(struct process_facts *facts,
					 const struct process_facts *from);
void process_facts_clear_ancestors(struct process_facts *facts);
/* A copy of its own, strings too. */
struct error *process_facts_copy(const struct process_facts *facts, struct process_facts *ret);

enum { THREAD_NAME_SIZE = 16 };

/* One operating-system thread. */
struct thread_facts {
	int32_t tid;	       /* as seen by who captured */
	int32_t container_tid; /* innermost number in NSpid: what the target itself calls it */
	char state;	       /* letter of /proc/TID/stat just before the freeze; 0 if unknown */
	bool crashed;	       /* core: the thread that got the signal */
	char name[THREAD_NAME_SIZE]; /* comm, NUL-terminated */
	uint64_t cpu_time_ns;	     /* user and system time so far; 0 if unknown */
	int64_t system_call;	     /* number, or -1 if not in one or unknown */
	bool has_system_call_argument;
	uint64_t system_call_argument; /* the first one; of futex(2) the address it waits at */
	void *registers; /* the machine's NT_PRSTATUS register set; NULL if not captured */
	size_t registers_size;
};

/* A copy with registers of its own. */
struct error *thread_facts_copy(const struct thread_facts *thread, struct thread_facts *ret);

struct thread_list {
	struct thread_facts *items;
	size_t count;
	size_t capacity;
};

/* Append a copy of `thread`; takes ownership of its registers. */
struct error *thread_list_append(struct thread_list *list, const struct thread_facts *thread);
void thread_list_deinit(struct thread_list *list);

/* How the target was held while a sample was read (design, idea 5). */
enum freeze_way {
	FREEZE_NONE = 0,     /* --nonblocking: read while running, proven by reading again */
	FREEZE_HOLDER = 1,   /* the threads that hold a GIL were stopped */
	FREEZE_VERIFIED = 2, /* nobody held a GIL; read while running, proven by reading again */
	FREEZE_ALL = 3,	     /* all threads were stopped */
	FREEZE_WAYS = 4,
};

const char *freeze_way_name(enum freeze_way way);

enum capture_level {
	LEVEL_STACKS = 0, /* frames, code objects, thread states */
	LEVEL_LOCALS = 1, /* and a bounded walk of what locals reach */
	LEVEL_FULL = 2,	  /* all private writable memory and registers */
};

const char *capture_level_name(enum capture_level level);

/* What became of the samples of a run. */
struct sample_counts {
	uint64_t samples;	    /* that there are */
	uint64_t late;		    /* left out because their time had passed */
	uint64_t failed;	    /* that could not be taken */
	uint64_t dropped;	    /* left out because what was taken before was not written yet */
	uint64_t incomplete;	    /* of `samples`: something that belongs to them is missing */
	uint64_t ways[FREEZE_WAYS]; /* of `samples`, by how the target was held */
};

void sample_counts_add(struct sample_counts *counts, const struct sample_counts *more);

/* One sample of one process. */
struct sample_facts {
	int32_t pid;
	uint64_t time_ns;	  /* wall clock, since 1970 */
	uint64_t monotonic_ns;	  /* CLOCK_MONOTONIC, for distances between samples */
	uint64_t freeze_ns;	  /* how long a thread of the target stood still, at most */
	uint32_t threads_stopped; /* how many threads were stopped for it */
	uint32_t attempts;	  /* tries until the sample was consistent */
	enum freeze_way way;
	enum capture_level level;
	bool fallback; /* level is full because no Python was recognised */
	bool partial;  /* something that belongs to it could not be read */
};

#endif
