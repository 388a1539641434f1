/*
 * The one model that every input becomes and every output renders: processes, interpreters,
 * threads, frames. Decoders fill it, formats render it. All strings are UTF-8, owned by the model.
 */
#ifndef PYSPY_COMMON_MODEL_H
#define PYSPY_COMMON_MODEL_H

#include "common/facts.h"
#include "common/python_version.h"

enum model_frame_kind {
	MODEL_FRAME_PYTHON = 0,
	MODEL_FRAME_GAP,    /* something here could not be read: `gap` says what */
	MODEL_FRAME_NATIVE, /* `module`, `address`, `offset`, `inlined` and `found_by` mean
			       something */
};

enum model_local_kind {
	MODEL_LOCAL_PLAIN = 0,
	MODEL_LOCAL_CELL,      /* shared with functions inside of this one */
	MODEL_LOCAL_FREE,      /* of a function outside of this one */
	MODEL_LOCAL_NAMESPACE, /* of a class body */
};

/* A variable of a frame, and its value. */
struct model_local {
	char *name;
	enum model_local_kind kind;
	bool is_argument;
	uint64_t address; /* of the value; 0 if unknown */
	char *type;	  /* NULL if unknown */
	char *repr;	  /* NULL if there is a gap */
	char *gap;	  /* why there is no value: "could not be read (not captured)"; else NULL */
};

struct model_frame {
	enum model_frame_kind kind;
	char *name;	      /* co_name */
	char *qualified_name; /* co_qualname; NULL where the version has none */
	char *filename;
	char *short_filename; /* NULL if none could be derived */
	char *module;	      /* native module: NULL for a Python frame */
	char *python_module;  /* __name__ of the frame's globals; NULL if unknown */
	int32_t line;	      /* 0 if unknown */
	int32_t first_line;   /* of the function, co_firstlineno; 0 if unknown */
	int32_t end_line;     /* of what is being evaluated; 0 if unknown, as it is before 3.11 */
	char *source;	      /* the text of `line`; NULL if unknown or not asked for */
	bool source_escaped;  /* some of its bytes were no characters: columns do not fit it */
	bool has_columns;     /* the next two are known */
	int32_t column;	      /* where in `line` that begins: UTF-8 bytes, from 0 */
	int32_t end_column;   /* where in `end_line` it ends */
	bool is_entry;
	bool is_shim_entry;
	bool has_locals;	    /* they were asked for */
	struct model_local *locals; /* arguments first */
	size_t local_count;
	size_t local_capacity;
	char *locals_gap; /* why some or all of them are missing; NULL if none is */
	/* Python: a place on the native stack, in the frame of the evaluation loop that runs this
	 * one and those that it called; 0 if unknown. */
	uint64_t entry_address;
	/* Native. */
	uint64_t address;     /* of the instruction */
	uint64_t offset;      /* of it in the function, bytes */
	bool inlined;	      /* into the frame outside of it */
	const char *found_by; /* how the frame was found; static */
	char *gap; /* for MODEL_FRAME_GAP: "frame at 0x… could not be read (not captured)" */
};

enum model_activity {
	MODEL_ACTIVITY_UNKNOWN = 0,
	MODEL_ACTIVE,
	MODEL_IDLE,
};

/* What the activity of a thread was told by. */
enum model_activity_source {
	MODEL_SOURCE_NONE = 0,
	MODEL_SOURCE_SYSTEM,	/* the operating system's state of the thread, or the GIL's owner */
	MODEL_SOURCE_REGISTERS, /* inferred: whether they stand in a system call that waits */
	MODEL_SOURCE_FRAMES,	/* inferred: what the innermost frame is known to do */
};

enum model_answer {
	MODEL_UNKNOWN = 0,
	MODEL_NO,
	MODEL_YES,
};

struct model_thread {
	int64_t interpreter_id;
	uint64_t thread_id;	     /* pthread_t */
	int32_t os_thread_id;	     /* as the capturer sees it; 0 if unknown */
	int32_t container_thread_id; /* as the target sees it; 0 if unknown or the same */
	char *name;		     /* NULL if unknown */
	char *os_name;		     /* comm; NULL if unknown */
	enum model_activity activity;
	enum model_activity_source activity_source;
	int64_t system_call; /* that it waits in: number, or -1 if in none or unknown */
	bool owns_gil;
	bool owns_gil_known;
	enum model_answer waits_for_gil;
	enum model_answer collects_garbage; /* it owns the GIL of an interpreter that collects */
	bool crashed;
	struct model_frame *frames; /* innermost first */
	size_t frame_count;
	size_t frame_capacity;
};

struct model_process {
	char *input; /* the file it was read from, as the user named it; NULL if not to be shown */
	struct process_facts facts; /* owned */
	bool is_core;
	struct python_version version;
	bool version_known;
	/* No layout is known for it: it was shown with that of another minor version. */
	bool version_unknown_layout;
	bool free_threaded;
	char *executable;	  /* what runs Python, for the version's line; NULL if unknown */
	char *interpreter_module; /* path of the module that holds the interpreter; NULL if unknown
				   */
	struct model_thread *threads;
	size_t thread_count;
	size_t thread_capacity;
	/* Threads of the operating system that no interpreter knows: they have no frames. */
	struct model_thread *other_threads;
	size_t other_count;
	size_t other_capacity;
	/* False if some thread state's thread is not known: it can be one of the others. */
	bool others_certain;
	/* Steps up to the nearest parent that the same file has a sample of; 0: there is none. */
	size_t parent_distance;
	/* What could not be read outside of any thread, what was lost of the file: for the user. */
	char **notes;
	size_t note_count;
	size_t note_capacity;
	/* Snapshots. */
	bool has_sample;
	struct sample_facts sample;
	size_t sample_index; /* from 0 */
	size_t sample_count;
	/* Of the run that the sample is of, with all of its processes. */
	bool has_counts;
	bool run_ended; /* else the counts are what the run told last */
	struct sample_counts counts;
};

void model_process_deinit(struct model_process *process);
void model_thread_deinit(struct model_thread *thread);
/* Append an element with nothing known and give it; borrowed until the next append. */
struct error *model_process_add_thread(struct model_process *process, struct model_thread **ret);
struct error *model_process_add_other(struct model_process *process, struct model_thread **ret);
/* As py-spy shows no thread that runs no Python. */
void model_process_drop_others(struct model_process *process);
void model_frame_deinit(struct model_frame *frame);
struct error *model_thread_add_frame(struct model_thread *thread, struct model_frame **ret);
struct error *model_frame_add_local(struct model_frame *frame, struct model_local **ret);
struct error *model_process_add_note(struct model_process *process, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What a frame and a thread are called in a result. py-spy shows a function's qualified name where
 * the version has it (3.11), and so must who reads its output find it in ours. The operating
 * system's name stands in for an unknown thread's name if it is not just the program's, which every
 * thread inherits. Borrowed; NULL if unknown.
 */
const char *model_frame_display_name(const struct model_frame *frame);
const char *model_thread_display_name(const struct model_process *process,
				      const struct model_thread *thread);

/* Not told by the operating system. */
bool model_thread_is_inferred(const struct model_thread *thread);

/* Which line a frame has. */
enum model_lines {
	MODEL_LINES_LAST = 0, /* of the instruction that was executed last */
	MODEL_LINES_FIRST,    /* of the function */
	MODEL_LINES_NONE,     /* 0 */
};

/* The line that a frame has then. */
int32_t model_frame_line(const struct model_frame *frame, enum model_lines lines);

/* Put another line into every frame, which has then neither an end nor columns; native frames keep
 * theirs, or have none. */
void model_process_set_lines(struct model_process *process, enum model_lines lines);

/* When it was so: wall clock since 1970, 0 if unknown. */
uint64_t model_process_time_ns(const struct model_process *process);

/* True if anything in the model is a gap or a note of loss: the exit status is then 3. */
bool model_process_is_partial(const struct model_process *process);

#endif
