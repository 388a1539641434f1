/*
 * The walk: interpreters, their threads, their frames, their code objects, by offsets. It says
 * which ranges a stack needs; capture records through it and analysis decodes through it, so that
 * what was captured is what is read. It never fails on what the target's memory holds: it reports
 * gaps.
 */
#ifndef PYSPY_COMMON_WALK_H
#define PYSPY_COMMON_WALK_H

#include "common/code_object.h"
#include "common/gc_state.h"
#include "common/locate.h"
#include "common/memory.h"
#include "common/module_name.h"
#include "common/thread_id.h"

/* Bounds; beyond them a gap is reported. */
enum {
	WALK_MAX_INTERPRETERS = 1024,
	WALK_MAX_THREADS = 65536,	 /* of one process */
	WALK_MAX_FRAMES = 1 << 18,	 /* of one thread */
	WALK_MAX_TOTAL_FRAMES = 1 << 22, /* of one process */
};

/* Beyond all code: no line is found for it. */
#define WALK_POSITION_UNKNOWN INT64_MAX

struct walk_interpreter {
	uint64_t address;
	int64_t id;
	uint64_t gil_address;	  /* 0: none (free-threaded) or unknown */
	int32_t gil_locked;	  /* -1 unknown */
	uint64_t gil_last_holder; /* thread state; means the owner only while locked */
	enum gc_state gc_state;
};

struct walk_thread {
	uint64_t address; /* PyThreadState */
	const struct walk_interpreter *interpreter;
	uint64_t thread_id;		    /* pthread_t */
	struct thread_id_candidates os_ids; /* what its OS thread id can be */
	bool owns_gil; /* proven by the owner's mark, not by last_holder alone */
	bool owns_gil_known;
	uint64_t first_frame; /* 0: runs no Python */
	/* 3.11 and 3.12: the C frame that leads to it, and the one before; 0: none was read. */
	uint64_t cframe;
	uint64_t previous_cframe;
};

struct walk_frame {
	uint64_t address;
	uint64_t code_address;
	const struct raw_code *code;	 /* borrowed, for the time of the walk; never NULL */
	const struct raw_module *module; /* the same; NULL if unknown */
	/* Offset of the current instruction in the code object, bytes; negative: not started;
	 * WALK_POSITION_UNKNOWN: what it counts from could not be read. */
	int64_t instruction_offset;
	int32_t traced_line;   /* <= 3.9 with f_trace set: f_lineno is the line; else 0 */
	bool is_entry;	       /* first frame of its run of the evaluation loop */
	bool is_shim_entry;    /* entered from C: a shim frame is outside of it, or nothing */
	uint64_t shim_address; /* of that shim frame, which is on the native stack; 0: none */
};

enum walk_gap_kind {
	WALK_GAP_MEMORY = 1, /* could not be read */
	WALK_GAP_CYCLE,	     /* a list or stack that comes back to itself */
	WALK_GAP_BOUND,	     /* longer than the bounds allow */
	WALK_GAP_WILD,	     /* readable, but not what it must be */
};

/* What the gap is in: everything further on in that list is missing, the lists outside of it go on.
 */
enum walk_scope {
	WALK_SCOPE_INTERPRETERS = 1,
	WALK_SCOPE_THREADS,
	WALK_SCOPE_FRAMES, /* of the thread that was reported last */
};

struct walk_gap {
	enum walk_gap_kind kind;
	enum walk_scope scope;
	uint64_t address;
	enum memory_status status; /* for WALK_GAP_MEMORY */
	const char *what;	   /* "frame", "thread state", … */
};

/* Called in this order: interpreter, its thread, that thread's frames innermost first, next thread,
 * … */
struct walk_visitor {
	void *context;
	struct error *(*interpreter)(void *context, const struct walk_interpreter *interpreter);
	struct error *(*thread)(void *context, const struct walk_thread *thread);
	struct error *(*frame)(void *context, const struct walk_frame *frame);
	struct error *(*gap)(void *context, const struct walk_gap *gap);
};

/* Any callback may be NULL. An error of a callback ends the walk and is given on. */
struct error *walk_python(struct memory *memory, const struct python_location *location,
			  const struct walk_visitor *visitor);

enum walk_known {
	WALK_UNKNOWN = 0,
	WALK_KNOWN,
	WALK_MET, /* this walk has been at it already */
};

/*
 * For who walks the same process again and again, and knows what of its memory is as it was: what
 * is told to be known is passed over, and what is read in between is read for what was named last.
 * All callbacks must be there.
 */
struct walk_memo {
	void *context;
	/* The thread state at thread->address comes. If it is known, with all of its stack,
	 * `ret_next` is the one behind it. Of the thread its interpreter is set, and who owns the
	 * GIL where that is not told by the thread state itself. */
	struct error *(*thread)(void *context, const struct walk_thread *thread,
				enum walk_known *ret, uint64_t *ret_next);
	/* The thread that was not known has been walked; `next` is the one behind it. */
	struct error *(*thread_end)(void *context, uint64_t next);
	/* The frame at `address` comes. If it is known, with all that are outside of it, whether it
	 * is a shim. */
	struct error *(*frame)(void *context, uint64_t address, bool *ret_known, bool *ret_shim);
	/* Borrowed until the walk ends. */
	struct error *(*code)(void *context, uint64_t address, const struct raw_code **ret);
	struct error *(*module)(void *context, uint64_t globals, const struct raw_module **ret);
};

struct error *walk_python_again(struct memory *memory, const struct python_location *location,
				const struct walk_visitor *visitor, const struct walk_memo *memo);

#endif
