/*
 * libpyspy: the stacks of Python processes, of core files and of snapshots, from C.
 *
 * The library has no global state, prints nothing, never exits, and installs no signal handler.
 * Handles (struct pyspy, struct pyspy_sampler) are independent of each other: different ones can be
 * used in different threads at the same time, one handle by one thread at a time. What a handle
 * gives (traces, samples, process information, errors) does not depend on it any longer, can be
 * read by several threads, and is freed by who got it.
 *
 * Errors are objects: a function that can fail gives NULL for success, or an error that the caller
 * frees with pyspy_error_free(). Results come through the last parameter, `ret`, which is untouched
 * on failure. A handle can be used after an error as before it.
 *
 * Texts are UTF-8, end with a NUL, and are of the target: nothing in them may be trusted. A text
 * that is not known is NULL. Times are in nanoseconds unless the name says otherwise.
 *
 * Structures grow at their end only. Those that the caller makes begin with `size`, set by the
 * function that fills in the defaults; those that the library makes begin with `size`, too: a field
 * is there if it lies within it. They are only reached by pointers that the library gives, so that
 * a program keeps working with a newer library.
 *
 * Stopping threads of a process for a moment sends SIGCHLD to this program, as ptrace(2) says; a
 * wait for any child (waitpid(-1, …)) in another thread can see their stops. Where the program
 * handles SIGCHLD, it gets one for children of its own that end meanwhile.
 *
 * More in libpyspy(3).
 */
#ifndef PYSPY_H
#define PYSPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PYSPY_API __attribute__((visibility("default")))

/* The version of the library, "0.1.0". Static. */
PYSPY_API const char *pyspy_version(void);

/* Errors. */

enum pyspy_code {
	PYSPY_OK = 0,
	PYSPY_FAILED = 1,	 /* anything without a code of its own */
	PYSPY_OUT_OF_MEMORY = 2, /* of this program */
	PYSPY_NOT_FOUND = 3,	 /* what was asked for is not there */
	PYSPY_USAGE = 4,	 /* an argument or a configuration is wrong */
	PYSPY_PERMISSION = 5,	 /* the kernel refused */
	PYSPY_NO_PROCESS = 6,	 /* there is no such process, or it ended */
	PYSPY_NOT_PYTHON = 7,	 /* no Python was recognised */
	PYSPY_UNSUPPORTED = 8,	 /* recognised, but not what this version can handle */
	PYSPY_FORMAT = 9,	 /* bytes of a file or a process contradict their format */
	PYSPY_TRUNCATED = 10,	 /* a file ends too early */
	PYSPY_MEMORY_GAP = 11,	 /* memory of the target could not be read */
	PYSPY_IO = 12,		 /* a system call on a file failed */
	PYSPY_BUSY = 13,	 /* bounded attempts or a time are spent; trying again may help */
};

struct pyspy_error;

/* NULL is PYSPY_OK. */
PYSPY_API enum pyspy_code pyspy_error_code(const struct pyspy_error *error);
/* One line without a newline: the thing, the reason, the way out. Lives as long as the error. */
PYSPY_API const char *pyspy_error_message(const struct pyspy_error *error);
/* errno of the call that failed; 0 if there is none. */
PYSPY_API int pyspy_error_errno(const struct pyspy_error *error);
/* NULL is fine. */
PYSPY_API void pyspy_error_free(struct pyspy_error *error);
/* "permission" for PYSPY_PERMISSION; "unknown" for what is no code. Static. */
PYSPY_API const char *pyspy_code_name(enum pyspy_code code);

/* Configuration. */

enum pyspy_lock {
	PYSPY_LOCK = 0,	    /* hold the process for as short as it can be proven to be enough */
	PYSPY_NON_BLOCKING, /* never hold it; what moves too fast to be read is PYSPY_BUSY */
	/* The caller holds all its threads still (SIGSTOP, a cgroup's freezer, ptrace). */
	PYSPY_ALREADY_LOCKED,
};

enum pyspy_lines {
	PYSPY_LINES_NONE = 0, /* line is 0 */
	PYSPY_LINES_FIRST,    /* of the function */
	PYSPY_LINES_LAST,     /* of the instruction that was executed last */
};

/* What a report can be made as by pyspy-analyze(1). */
enum pyspy_format {
	PYSPY_FORMAT_FLAMEGRAPH = 0,
	PYSPY_FORMAT_RAW, /* collapsed stacks */
	PYSPY_FORMAT_SPEEDSCOPE,
	PYSPY_FORMAT_CHROMETRACE,
	PYSPY_FORMAT_PPROF,
	PYSPY_FORMAT_HTML,
	PYSPY_FORMAT_NDJSON,
	PYSPY_FORMAT_TEXT,
};

#define PYSPY_UNLIMITED UINT64_MAX

enum {
	PYSPY_PATHS_MAX = 16,
	PYSPY_TIDS_MAX = 32,
};

/*
 * Made by pyspy_config_init(). Texts and arrays are borrowed: they must live as long as the
 * structure is used, but not as long as a handle that was made with it.
 */
struct pyspy_config {
	size_t size; /* set by pyspy_config_init() */

	/* What is looked at: used by who makes a handle, and by pyspy_config_from_arguments(). */
	int32_t pid;	       /* 0: none */
	const char *core_file; /* a core or a snapshot; NULL: none */
	/* NULL-terminated; NULL: none. For who makes the handle, too: the library starts nothing,
	 * the caller starts it, and names its process in pyspy_open() or pyspy_sampler_create(). */
	char *const *command;

	/* How it is read. */
	enum pyspy_lock lock; /* PYSPY_LOCK */
	bool native;	      /* false; native frames among Python's. Not with PYSPY_NON_BLOCKING or
				 PYSPY_ALREADY_LOCKED: registers are those of threads that are held */
	bool subprocesses;    /* false; a sampler also samples the processes that come from it */
	bool gil_only;	      /* false; only threads that hold the GIL */
	bool include_idle;    /* false; a sampler gives idle threads too. pyspy_get_traces() always
				 does: `active` tells */
	unsigned locals; /* 0: no local variables; N: up to 128 × N characters of each value */
	enum pyspy_lines lines; /* PYSPY_LINES_LAST */
	uint64_t sampling_rate; /* 100, samples per second: 1 to 1000000 */
	uint64_t duration_ns;	/* PYSPY_UNLIMITED; a sampler ends after it */

	/* How it is shown: what pyspy_frame_text() does, and for programs to follow. */
	bool show_line_numbers;	  /* false */
	bool full_filenames;	  /* false: the part inside of the package */
	bool include_thread_ids;  /* false; traces end in a frame "thread (ID)" */
	bool hide_progress;	  /* false */
	bool capture_output;	  /* true: the output of `command` is not shown */
	bool json;		  /* false */
	enum pyspy_format format; /* PYSPY_FORMAT_FLAMEGRAPH */
	const char *output;	  /* NULL: a name is made */
	double refresh_seconds;	  /* 1.0 */

	/* Where files of a core's or snapshot's modules are sought; NULL: where they were. A
	 * process has its files itself. */
	const char *executable;
	const char *sysroot;

	/* And where else: each is a folder, or several with colons between them; NULL behind the
	 * last if there are less. None. */
	const char *search_paths[PYSPY_PATHS_MAX]; /* the files are in them */
	const char *search_roots[PYSPY_PATHS_MAX]; /* they have their whole paths below them */

	/* How it is read. */
	size_t tid_count;	       /* 0: all threads; else only those with one of these ids: */
	uint64_t tids[PYSPY_TIDS_MAX]; /* the operating system's, that in the container, Python's */
	bool exhaustive;	       /* false; every way to find the interpreter, slow ones too */
	bool native_all;	       /* false; as native, and threads that run no Python, too */
	bool native_last;     /* false; as native, but only inside of the newest Python frame */
	bool native_internal; /* false; as native, and the interpreter's own functions, too */
	uint64_t wait_ns; /* 0; for so long opening a process is tried again while no started Python
			     is found in it. Not with subprocesses in a sampler: it begins, and
			     takes the process in as soon as it is Python */
};

/* Fill in the defaults. `size` is sizeof(struct pyspy_config) of the caller. */
PYSPY_API void pyspy_config_init(struct pyspy_config *config, size_t size);

/* PYSPY_USAGE if values are out of their range or contradict each other; every function that takes
 * a configuration checks it so. */
PYSPY_API struct pyspy_error *pyspy_config_check(const struct pyspy_config *config);

/*
 * Fill in the defaults, then what a command line of py-spy or pyspy-analyze says: argv[1…] with or
 * without "record", "report", "top" or "dump" in front. Of the first two lines are shown, and the
 * output of a command is not captured unless --capture says so; then progress is hidden, which
 * would be drawn over that. For a command wait_ns is 10 s unless --wait says another.
 *
 * PYSPY_USAGE names what is wrong, also an option that is no part of a configuration: those that
 * choose and weigh the samples of reports (--from, --to, --include, --exclude, --weight, --sample,
 * --speed, --source), and --kill, --quiet, --verbose, --no-color, --version and --help. `config`
 * borrows from argv, and is checked.
 */
PYSPY_API struct pyspy_error *pyspy_config_from_arguments(int argc, char *const *argv,
							  struct pyspy_config *config, size_t size);

/* "flamegraph", "raw", "collapsed", "speedscope", …, in any case; PYSPY_USAGE lists them. */
PYSPY_API struct pyspy_error *pyspy_format_from_name(const char *name, enum pyspy_format *ret);
/* NULL for what is no format. Static. */
PYSPY_API const char *pyspy_format_name(enum pyspy_format format);

/* Stack traces. */

enum pyspy_frame_kind {
	PYSPY_FRAME_PYTHON = 0,
	PYSPY_FRAME_NATIVE,  /* `module` is its file's name */
	PYSPY_FRAME_GAP,     /* frames could not be read here: `name` says why */
	PYSPY_FRAME_THREAD,  /* "thread (ID)", of include_thread_ids */
	PYSPY_FRAME_PROCESS, /* of pyspy_process_frame() */
};

struct pyspy_local {
	size_t size;
	const char *name;
	const char *type; /* of the value; NULL if unknown */
	const char *text; /* of the value; NULL if it could not be read, or is not set */
	const char *gap;  /* why it could not be read; NULL if nothing is missing */
	uint64_t address; /* of the value; 0 if unknown */
	bool is_argument;
};

struct pyspy_frame {
	size_t size;
	enum pyspy_frame_kind kind;
	int32_t line;		    /* as the configuration says; 0: none, or unknown */
	const char *name;	    /* of the function: qualified where Python knows that (3.11) */
	const char *filename;	    /* as the code object has it */
	const char *short_filename; /* the part inside of the package */
	const char *module;	    /* native module; NULL for a Python frame */
	const char *python_module;  /* __name__ of the function's globals */
	int32_t first_line;	    /* of the function; 0: unknown */
	int32_t end_line;	    /* of what is evaluated; 0: unknown, as before 3.11 */
	int32_t column;	    /* where in `line` that begins: UTF-8 bytes from 0; -1: unknown */
	int32_t end_column; /* where in `end_line` it ends; -1: unknown */
	bool is_entry;	    /* called from C: below it is a native frame */
	bool inlined;	    /* native: into the frame outside of it */
	uint64_t address;   /* native: of the instruction; else 0 */
	size_t local_count; /* of pyspy_frame_local() */
};

struct pyspy_process_info;

struct pyspy_trace {
	size_t size;
	int32_t pid;
	int32_t os_thread_id; /* 0 if unknown */
	uint64_t thread_id;   /* Python's: pthread_self() */
	const char *thread_name;
	bool active; /* it runs, or can: not waiting in the operating system */
	bool owns_gil;
	bool waits_for_gil;    /* known to */
	bool collects_garbage; /* known to */
	bool is_inferred;      /* `active` is told by registers or frames, as in a core */
	bool is_partial;       /* something of it could not be read */
	size_t frame_count;    /* of pyspy_trace_frame() */
	const struct pyspy_process_info *process; /* lives as long as the traces */
};

/* A list of traces, of one or more processes at one time. */
struct pyspy_traces;

PYSPY_API size_t pyspy_traces_count(const struct pyspy_traces *traces);
/* NULL behind the last. These and what they point to live as long as the list. */
PYSPY_API const struct pyspy_trace *pyspy_traces_get(const struct pyspy_traces *traces,
						     size_t index);
/* What could not be read outside of any thread, and what is to be said of it; NULL behind the last.
 */
PYSPY_API const char *pyspy_traces_note(const struct pyspy_traces *traces, size_t index);
/* When they were taken: since 1970; 0 if unknown. */
PYSPY_API uint64_t pyspy_traces_time_ns(const struct pyspy_traces *traces);
/* How long a thread of the process stood still for it, at most; 0 for files. */
PYSPY_API uint64_t pyspy_traces_freeze_ns(const struct pyspy_traces *traces);
/* NULL is fine. */
PYSPY_API void pyspy_traces_free(struct pyspy_traces *traces);

/* Frames from the innermost, 0, on; NULL behind the last. */
PYSPY_API const struct pyspy_frame *pyspy_trace_frame(const struct pyspy_trace *trace,
						      size_t index);
/* Arguments first; NULL behind the last. */
PYSPY_API const struct pyspy_local *pyspy_frame_local(const struct pyspy_frame *frame,
						      size_t index);

/* "idle", "active" or "active+gil". Static. */
PYSPY_API const char *pyspy_trace_status(const struct pyspy_trace *trace);

/*
 * Texts are written as by snprintf(3): at most `size` bytes with the NUL, and the result is the
 * number of bytes that the whole text takes without it.
 */

/* The operating system's id in decimal, or where it is unknown Python's in hexadecimal. */
PYSPY_API size_t pyspy_trace_thread_id_text(const struct pyspy_trace *trace, char *text,
					    size_t size);
/* "name (file:line)" as the configuration shows file names and lines; NULL: its defaults. */
PYSPY_API size_t pyspy_frame_text(const struct pyspy_frame *frame,
				  const struct pyspy_config *config, char *text, size_t size);

/* Processes. */

struct pyspy_process_info {
	size_t size;
	int32_t pid;
	int32_t parent_pid;			 /* 0 if unknown */
	const char *command_line;		 /* arguments joined by blanks */
	const char *command_name;		 /* up to 15 bytes */
	const char *executable;			 /* as the process sees it */
	const struct pyspy_process_info *parent; /* NULL if unknown or none; lives as long */
};

/* `process PID:"command line"` as the frame that stands for the process: outermost of its stacks.
 * Lives as long as the information. */
PYSPY_API const struct pyspy_frame *pyspy_process_frame(const struct pyspy_process_info *process);

/* A handle on a process, a core or a snapshot. */

struct pyspy;

/*
 * Look at a process, find its Python, and prove by a first reading that its stacks can be had.
 * `config` NULL: the defaults. With a `pid` of 0, config->pid or config->core_file says what to
 * open. PYSPY_NO_PROCESS, PYSPY_PERMISSION, PYSPY_NOT_PYTHON, PYSPY_UNSUPPORTED, PYSPY_USAGE, and
 * PYSPY_BUSY for a Python that is just starting or ending.
 */
PYSPY_API struct pyspy_error *pyspy_open(int32_t pid, const struct pyspy_config *config,
					 struct pyspy **ret);
/*
 * The same for a process that is starting: after a failure that may pass it is tried again, up to
 * `retries` times, 20 ms apart, and at least for wait_ns, until a stack with a frame could be read.
 */
PYSPY_API struct pyspy_error *pyspy_open_retry(int32_t pid, const struct pyspy_config *config,
					       unsigned retries, struct pyspy **ret);
/* A core or a snapshot, compressed or not. Of a snapshot the first process and its last sample are
 * selected. */
PYSPY_API struct pyspy_error *pyspy_open_file(const char *path, const struct pyspy_config *config,
					      struct pyspy **ret);
/* NULL is fine. */
PYSPY_API void pyspy_close(struct pyspy *spy);

/*
 * The stacks of all threads now, or of what is selected in a file; with gil_only of those that hold
 * the GIL, and then PYSPY_UNSUPPORTED where that cannot be known; with tids of those, and then
 * PYSPY_NOT_FOUND if there is none of them. PYSPY_NO_PROCESS once the process
 * has ended; after PYSPY_BUSY the next call may succeed. A process that has begun to run another
 * program (execve) is looked at anew.
 */
PYSPY_API struct pyspy_error *pyspy_get_traces(struct pyspy *spy, struct pyspy_traces **ret);

/* The process and its parents, as they were when it was opened; freed by the caller. */
PYSPY_API struct pyspy_error *pyspy_get_process(struct pyspy *spy, struct pyspy_process_info **ret);
PYSPY_API void pyspy_process_free(struct pyspy_process_info *process);

/* Whether the process that was opened lives: the same one, not another with its number; false for
 * files. */
PYSPY_API bool pyspy_is_alive(struct pyspy *spy);

/* "3.12.1" of the interpreter; lives until the next call with this handle. */
PYSPY_API const char *pyspy_python_version(struct pyspy *spy);

/* In files: the processes that there are samples of, and the samples of the selected one; 1 for a
 * process, and for a core. */
PYSPY_API size_t pyspy_process_count(struct pyspy *spy);
PYSPY_API size_t pyspy_sample_count(struct pyspy *spy);
/* Both from 0 on; PYSPY_NOT_FOUND beyond the last. After an error nothing is selected until a
 * selection succeeds. */
PYSPY_API struct pyspy_error *pyspy_select(struct pyspy *spy, size_t process, size_t sample);

/* Sampling. */

struct pyspy_sampler;

/* What failed of one process in one sample. */
struct pyspy_process_error {
	size_t size;
	int32_t pid;
	enum pyspy_code code;
	const char *message;
};

struct pyspy_sample {
	size_t size;
	const struct pyspy_traces *traces; /* of all processes; lives as long as the sample */
	size_t error_count;		   /* of pyspy_sample_error() */
	uint64_t late_ns;		   /* how long after its time it was taken; 0: in time */
	uint64_t missed; /* samples that were left out before it, because their time had passed */
	uint64_t index;	 /* from 0 on, of those that were taken */
};

/*
 * Begin to sample a process in a thread in the background, config->sampling_rate times a second,
 * until it ends, or the duration is over. While Python starts it is tried again 20 times, 20 ms
 * apart; 5 times for processes that come from it. With subprocesses the process itself need not be
 * Python, or can become it later, and sampling ends when all have ended. Errors as of pyspy_open();
 * what keeps a process that comes from it from being sampled is an error of one sample, once.
 *
 * Samples that are not asked for yet are kept, up to 128; then sampling waits, and what it leaves
 * out is counted as missed.
 */
PYSPY_API struct pyspy_error *pyspy_sampler_create(int32_t pid, const struct pyspy_config *config,
						   struct pyspy_sampler **ret);
/* Ends the sampling; NULL is fine. */
PYSPY_API void pyspy_sampler_destroy(struct pyspy_sampler *sampler);

/*
 * Wait for the next sample, for `timeout_ms` at most; below 0: as long as it takes. At the end
 * `ret` is set to NULL, which is no error; what ended it before its time is given as an error
 * first. PYSPY_BUSY if there was none in time.
 */
PYSPY_API struct pyspy_error *pyspy_sampler_next(struct pyspy_sampler *sampler, int timeout_ms,
						 struct pyspy_sample **ret);
/* "3.12.1" of the process that was named; NULL if it was no Python at the beginning. Lives as long
 * as the sampler. */
PYSPY_API const char *pyspy_sampler_python_version(struct pyspy_sampler *sampler);

/* NULL behind the last. Lives as long as the sample. */
PYSPY_API const struct pyspy_process_error *pyspy_sample_error(const struct pyspy_sample *sample,
							       size_t index);
/* NULL is fine. */
PYSPY_API void pyspy_sample_free(struct pyspy_sample *sample);

#ifdef __cplusplus
}
#endif

#endif
