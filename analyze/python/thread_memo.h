/*
 * A thread's stack from one sample to the next. Its frames are held outermost first, each with the
 * memory that it was read from: when some of that is touched, the frames outside of it still hold,
 * and a walk from the innermost one on ends where it meets them.
 */
#ifndef PYSPY_ANALYZE_PYTHON_THREAD_MEMO_H
#define PYSPY_ANALYZE_PYTHON_THREAD_MEMO_H

#include "analyze/python/frame_table.h"
#include "analyze/python/memo_owner.h"
#include "analyze/python/recorded_memory.h"

/* Parts of its footprints besides its links, which are counted from 0. */
#define THREAD_PART_HEADER UINT32_MAX
#define THREAD_PART_FRESH  (UINT32_MAX - 1)

/* A frame of the target, shims and hidden ones too. */
struct stack_link {
	uint64_t address;
	struct footprint footprint;
	/* What it was read from besides that; 0: nothing. */
	uint64_t code;
	uint64_t globals;
	uint32_t shown;	 /* frames of the model up to and with it */
	bool is_shim;	 /* or what is not known to be anything else */
	bool is_partial; /* it or one outside of it is a gap */
};

struct stack_links {
	struct stack_link *items;
	size_t count;
	size_t capacity;
};

/* Frames of the model, innermost first, at the end of their storage: inner ones come and go. */
struct stack_frames_shown {
	struct model_frame *items; /* their strings are the table's, or the memo's */
	uint32_t *numbers;	   /* in the table; FRAME_NUMBER_NONE: a gap of the walk */
	size_t count;
	size_t capacity;
};

/* What a thread is called but for its name; no padding. */
struct thread_identity {
	uint64_t thread_id;
	int32_t os_id;
	int32_t container_id;
	char os_name[THREAD_NAME_SIZE];
};

struct thread_memo {
	enum memo_owner kind; /* MEMO_THREAD */
	uint32_t slot;
	uint64_t address; /* of the thread state */
	uint64_t stamp;	  /* of the memo: never given twice */
	uint64_t version; /* of its frames */
	uint64_t walk;	  /* the last one that met it */
	size_t kept;	  /* outermost frames that are as they were in the version before */
	struct footprint header;
	bool is_known;	 /* it was walked to its end */
	bool is_touched; /* since */
	bool is_met;	 /* its thread state could be read */
	bool has_gap;	 /* in its list of frames */
	size_t clean;	 /* links that were not touched, if it was */
	uint64_t next;	 /* thread state */
	struct walk_thread walked;
	struct stack_links links; /* outermost first */
	struct stack_frames_shown frames;
	char **gaps; /* texts of frames */
	size_t gap_count;
	struct model_thread model; /* `frames` and their storage are above */
	size_t listed;		   /* in the operating system's list */
	uint64_t identity;	   /* counts what it is called */
	struct thread_identity called;
	uint64_t names; /* what the list of names was when its name was looked for */
	int64_t named_interpreter;
	uint64_t named_id;
};

/* A walk over one thread that is not known; the same is used for one after another. All zero. */
struct thread_walk {
	struct thread_memo *memo;
	struct footprint_index *index;
	struct stack_links links;   /* innermost first, those that were walked */
	size_t reported;	    /* links of them whose frame has come */
	struct model_frame *frames; /* innermost first */
	uint32_t *numbers;
	size_t count;
	size_t capacity;
	size_t tail; /* links of the memo that hold */
};

void thread_walk_deinit(struct thread_walk *walk);

struct thread_memo *thread_memo_create(uint64_t address);
void thread_memo_destroy(struct thread_memo *memo, struct footprint_index *index);

/* Begin: what was touched is forgotten. */
void thread_walk_begin(struct thread_walk *walk, struct thread_memo *memo);
/* A frame comes: `ret` is one that holds, with all outside of it, or NULL and `recorded` notes what
 * is read from here on for the new one. */
struct error *thread_walk_frame(struct thread_walk *walk, struct recorded_memory *recorded,
				uint64_t address, const struct stack_link **ret);
/* The link that is being read; NULL: none. */
struct stack_link *thread_walk_link(struct thread_walk *walk);
/* The frame at `address` is this one. Its strings are borrowed. */
struct error *thread_walk_shown(struct thread_walk *walk, uint64_t address,
				const struct model_frame *frame, uint32_t number);
/* The frame at `address` is none that is shown. */
void thread_walk_hidden(struct thread_walk *walk, uint64_t address);
/* A gap; its text is the memo's. */
struct error *thread_walk_gap(struct thread_walk *walk, const struct model_frame *frame);
/* Put what was walked in front of what holds. */
struct error *thread_walk_end(struct thread_walk *walk);

/* Some memory that it was read from was touched. */
void thread_memo_touch(struct thread_memo *memo, uint32_t part);

#endif
