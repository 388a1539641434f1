/* What was decoded of a process in the samples before, and decoding one more of them. */
#ifndef PYSPY_ANALYZE_PYTHON_PROCESS_MEMO_H
#define PYSPY_ANALYZE_PYTHON_PROCESS_MEMO_H

#include "analyze/python/code_memo.h"
#include "analyze/python/incremental_decode.h"
#include "analyze/python/os_threads.h"
#include "analyze/python/thread_memo.h"
#include "common/thread_names.h"

/* Which are there, in the order of the walk. */
struct thread_set {
	struct thread_memo **items;
	size_t count;
	size_t capacity;
};

struct process_memo {
	bool is_valid; /* what is below is of the sample before */
	uint64_t stamp;
	uint64_t facts;
	struct model_process model; /* its threads' content is the memos' */
	bool has_facts;
	uint64_t start_ticks;
	int32_t machine;
	struct footprint_index index;
	struct recorded_memory memory;
	/* Where the interpreter is. */
	enum memo_owner location_owner;
	struct footprint location_footprint;
	struct python_location location;
	bool is_located;
	bool location_touched;
	/* Names of threads. */
	enum memo_owner names_owner;
	struct footprint names_footprint;
	struct thread_name_list names;
	uint64_t names_serial; /* 0: not read */
	bool names_touched;
	struct code_memo codes;
	struct frame_table frames;
	struct os_threads os_threads;
	bool has_os_threads;
	struct address_map by_address; /* values are struct thread_memo, owned */
	struct thread_set met;
	struct decoded_thread *decoded;
	size_t decoded_capacity;
	uint32_t *free_slots;
	size_t free_count;
	size_t slot_count;
	uint64_t walk_number;
	uint64_t thread_stamp; /* the last that was given */
	bool gil_is_shared;    /* one mark tells who owns the GIL */
	struct thread_walk walk;
};

struct process_memo *process_memo_create(void);
/* NULL is fine. */
void process_memo_destroy(struct process_memo *memo);

/* Forget all of it. */
void process_memo_forget(struct process_memo *memo);
/* As incremental_decode; after an error everything is forgotten but what is given. */
struct error *process_memo_decode(struct process_memo *memo, struct target *target,
				  const struct incremental_options *options,
				  struct decoded_process *ret);

#endif
