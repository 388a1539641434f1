/* What a snapshot's log says at one point of it, process by process: chunks are applied to it. */
#ifndef PYSPY_FORMATS_SNAPSHOT_STATE_H
#define PYSPY_FORMATS_SNAPSHOT_STATE_H

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/modules.h"
#include "formats/log_memory.h"
#include "formats/snapshot_step.h"

enum snapshot_list {
	SNAPSHOT_LIST_MAPS,
	SNAPSHOT_LIST_MODULES,
	SNAPSHOT_LIST_THREADS,
	SNAPSHOT_LIST_COUNT,
};

/* What facts are counted as: the lists, and the single records. */
enum snapshot_facts {
	SNAPSHOT_FACTS_PROCESS = SNAPSHOT_LIST_COUNT,
	SNAPSHOT_FACTS_PYTHON,
	SNAPSHOT_FACTS_COUNT,
};

/* Which of the facts were told again since somebody asked; of the memory its log tells. */
struct facts_touched {
	bool process; /* or its parents */
	bool maps;
	bool modules;
	bool python;
};

struct snapshot_process_state {
	struct process_facts facts;
	struct mappings mappings;
	struct modules modules;
	struct thread_list threads;
	struct python_location python;
	struct sample_facts sample;
	struct step_past *past; /* what steps go on from; NULL before the first after a SAMPLE */
	struct log_memory memory;
	uint32_t next_part[SNAPSHOT_LIST_COUNT];
	uint64_t facts_bytes[SNAPSHOT_FACTS_COUNT]; /* a list's number, or enum snapshot_facts */
	bool has_facts;				    /* a PROCESS chunk told of it */
	bool has_python;
	bool has_sample;
	int32_t pid;
	struct facts_touched touched;
	uint64_t family; /* what `family` of the state was when the parents were looked for */
};

/* An all-zero struct is the state at the beginning of an epoch. */
struct snapshot_state {
	struct snapshot_process_state **processes; /* ascending by pid */
	size_t count;
	size_t capacity;
	/* Of all processes, to keep within the bounds. */
	uint64_t facts_bytes;
	uint64_t image_bytes;
	uint64_t image_ranges;
	struct log_memory_budget budget; /* of the block that is being applied */
	uint64_t family;		 /* counts what is told of processes */
};

void snapshot_state_deinit(struct snapshot_state *state);

/* Call before the chunks of a block are applied. */
void snapshot_state_begin_block(struct snapshot_state *state);

/*
 * Apply a chunk. For a SAMPLE, `ret_sampled` is its process, else NULL. ERROR_FORMAT or
 * ERROR_UNSUPPORTED leave a state that must be given up.
 */
struct error *snapshot_state_apply(struct snapshot_state *state, const struct block_chunk *chunk,
				   struct snapshot_process_state **ret_sampled);

/* Count a record of `size` bytes among the facts of a kind; ERROR_FORMAT beyond the bounds. Forget
 * all that was counted of a kind. */
struct error *snapshot_state_count(struct snapshot_state *state,
				   struct snapshot_process_state *process, size_t facts,
				   size_t size);
void snapshot_state_uncount(struct snapshot_state *state, struct snapshot_process_state *process,
			    size_t facts);

/*
 * Put the chain of parents into the facts of a process, as far as the log tells of them, if that is
 * not done already. A log can say anything: a chain that comes back to itself ends there, and so
 * does one that is too long.
 */
struct error *snapshot_state_find_ancestors(const struct snapshot_state *state,
					    struct snapshot_process_state *process);

/* ERROR_FORMAT if there is more memory than the bounds allow. */
struct error *snapshot_state_check_memory(const struct snapshot_state *state);

/* Apply one operation on memory, within the bounds. */
struct error *snapshot_state_apply_operation(struct snapshot_state *state,
					     struct snapshot_process_state *process,
					     const struct memory_operation *operation);

/* Memory of a bulk frame. */
struct error *snapshot_state_add_bulk(struct snapshot_state *state, int32_t pid,
				      const struct range_entry *extent);

#endif
