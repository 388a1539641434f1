/*
 * A profile: stacks of many samples as one tree, with what each of them weighs. What reads samples
 * fills it, formats render it. Its memory grows with the stacks that differ, not with the samples.
 */
#ifndef PYSPY_COMMON_PROFILE_H
#define PYSPY_COMMON_PROFILE_H

#include "common/buffer.h"
#include "common/hash_index.h"

/* Beyond these a profile is refused: numbers are of 32 bits. */
#define PROFILE_MAX_ITEMS (UINT32_C(1) << 30)
#define PROFILE_NONE	  UINT32_MAX

enum profile_frame_kind {
	PROFILE_FRAME_PYTHON = 0,
	PROFILE_FRAME_NATIVE,
	PROFILE_FRAME_GAP,
	PROFILE_FRAME_THREAD,  /* a root that names a thread */
	PROFILE_FRAME_PROCESS, /* a root that names a process */
	PROFILE_FRAME_ROOT,    /* of a thread's own tree; not shown. `line` is its number */
};

/* Texts are numbers of strings; 0 is the empty one. */
struct profile_frame {
	uint32_t name;
	uint32_t file; /* as it is shown */
	uint32_t path; /* the whole name; 0 if unknown */
	int32_t line;  /* 0: none */
	int32_t first_line;
	uint32_t kind; /* enum profile_frame_kind */
};

/* Whether they are of one function; with `by_line`, of one line of it. */
static inline bool profile_frames_agree(const struct profile_frame *a,
					const struct profile_frame *b, bool by_line)
{
	return a->name == b->name && a->file == b->file && a->path == b->path &&
	       a->kind == b->kind && (!by_line || a->line == b->line);
}

enum profile_unit {
	PROFILE_SAMPLES = 0,
	PROFILE_WALL, /* nanoseconds until the next sample */
	PROFILE_CPU,  /* nanoseconds that the thread was on a processor, where known */
	PROFILE_GIL,  /* nanoseconds of wall time while the thread held the GIL */
	PROFILE_UNITS,
};

struct profile_weight {
	uint64_t of[PROFILE_UNITS];
};

/* A place in a tree: a frame below those that called it. `parent` is a smaller number. */
struct profile_node {
	uint32_t parent; /* PROFILE_NONE: a root */
	uint32_t frame;
	struct profile_weight own;
};

/* A thread of a process, over all its samples. */
struct profile_thread {
	uint32_t process;
	uint32_t name;	    /* string; 0 if unknown */
	uint32_t root;	    /* node of its own tree; PROFILE_NONE: all threads share one */
	int32_t os_id;	    /* 0 if unknown */
	uint64_t thread_id; /* Python's */
	struct profile_weight total;
	uint64_t first_ns; /* wall clock of its first sample, and of its last */
	uint64_t last_ns;
};

struct profile_process {
	int32_t pid;
	int32_t parent_pid;
	uint32_t host;	  /* string */
	uint32_t command; /* string: its command line */
	uint64_t start_ticks;
	uint64_t samples;
};

struct profile {
	struct buffer texts; /* each ends in 0 */
	uint32_t *text_offsets;
	size_t text_count;
	size_t text_capacity;
	struct hash_index text_index;
	struct profile_frame *frames;
	size_t frame_count;
	size_t frame_capacity;
	struct hash_index frame_index;
	struct profile_node *nodes;
	size_t node_count;
	size_t node_capacity;
	struct hash_index node_index;
	struct profile_process *processes;
	size_t process_count;
	size_t process_capacity;
	struct profile_thread *threads;
	size_t thread_count;
	size_t thread_capacity;
	struct hash_index thread_index;
	struct profile_weight total;
	uint64_t samples;  /* of processes: a sample has many threads */
	uint64_t first_ns; /* wall clock; 0: nothing is known */
	uint64_t last_ns;
};

struct error *profile_init(struct profile *profile);
void profile_deinit(struct profile *profile);

/* Each gives the number of what is equal, which is put in if it is new. */
struct error *profile_text(struct profile *profile, const char *text, uint32_t *ret);
struct error *profile_frame(struct profile *profile, const struct profile_frame *frame,
			    uint32_t *ret);
struct error *profile_node(struct profile *profile, uint32_t parent, uint32_t frame, uint32_t *ret);
/* By pid, start and host; by process, Python's id and the system's;
 * `ret_new` tells whether it was not there. */
struct error *profile_process(struct profile *profile, const struct profile_process *process,
			      uint32_t *ret);
struct error *profile_thread(struct profile *profile, const struct profile_thread *thread,
			     bool *ret_new, uint32_t *ret);

/* Borrowed until the next text is put in. */
const char *profile_text_of(const struct profile *profile, uint32_t number);

/*
 * What a frame is called in collapsed stacks and graphs: "name (file:line)", as in py-spy. ';' and
 * line breaks, which end frames and stacks there, come as other characters. Appended.
 */
struct error *profile_label(const struct profile *profile, uint32_t frame, struct buffer *ret);

void profile_weight_add(struct profile_weight *sum, const struct profile_weight *weight);

#endif
