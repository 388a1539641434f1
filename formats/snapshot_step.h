/*
 * Steps: samples of a run, each said as what is different from the sample of the process before it.
 * A STEPS chunk holds many. pyspy-snapshot(5) specifies them.
 *
 * Writer and reader hold the same past of a process, and change it in the same way, so that what is
 * usual costs a few bits: the distance of samples, the calls that threads wait in, the place in
 * memory that is changed next.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_STEP_H
#define PYSPY_FORMATS_SNAPSHOT_STEP_H

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/facts.h"
#include "common/hash_index.h"
#include "formats/snapshot_block.h"
#include "formats/snapshot_shelf.h"

enum {
	STEP_SITUATIONS = 64,
	STEP_PLACES = 1024,
	STEP_PLACE_BYTES = 32, /* what a place has at most */
	STEP_VALUES = 8,       /* that a place had, and will have again */
	STEP_VALUE_MIN = 2,    /* bytes: of less than this nothing is to be won */
	STEP_VALUE_MAX = 8,
	STEP_TIME_UNIT_NS = 1000,
	STEP_CPU_UNIT_NS = 100000,
	/* Wall and monotonic clock are taken to run alike, until they differ by so much. */
	STEP_WALL_TOLERANCE_NS = 50000,
};

/* What a thread does, as far as the kernel tells: many threads do the same. */
struct step_situation {
	int64_t system_call;
	uint64_t argument;
	bool has_argument;
	char state;
};

struct step_situations {
	struct step_situation items[STEP_SITUATIONS];
	uint32_t count;
	uint32_t next; /* the one that is replaced next */
};

/* Bytes that were changed before. */
struct step_place {
	uint64_t address;
	uint32_t size;
	uint16_t value_count;
	uint16_t value_next; /* the one that is replaced next */
	uint8_t values[STEP_VALUES][STEP_VALUE_MAX];
};

/* When there is no room for one more, all are forgotten. */
struct step_places {
	struct step_place *items;
	size_t count;
	size_t capacity;
	uint64_t position;	 /* end of the last memory operation */
	uint64_t number;	 /* behind the last extents that were hidden or shown */
	struct hash_index index; /* of who writes */
};

/* All zero is an empty one. */
struct step_past {
	struct sample_facts sample;
	int64_t pace; /* usual distance of samples, in units of time; 0: not known */
	struct step_places places;
	struct snapshot_shelf shelf;
	struct step_situations situations;
};

/* A SAMPLE chunk was written or read: steps go on from it. */
void step_past_begin(struct step_past *past, const struct sample_facts *sample);
void step_past_deinit(struct step_past *past);
/* About what it holds, hidden memory included: it counts as memory of the epoch. */
uint64_t step_past_bytes(const struct step_past *past);

/* The sample's own facts. Encoding sets STEP_FACTS in the head if it is needed, and decoding goes
 * by it. What the past has afterwards is what a reader gets: times are rounded. */
struct error *step_sample_encode(struct buffer *buffer, struct step_past *past,
				 const struct sample_facts *sample, uint64_t *head);
/* Malformed input fails the cursor. */
void step_sample_decode(struct cursor *cursor, struct step_past *past, uint64_t head);

/*
 * What leads from `list` to `now`; `list` then is what a reader gets: processor time is rounded.
 * `ret_records` is whether entries came, went or were replaced.
 */
struct error *step_threads_encode(struct buffer *buffer, struct step_situations *situations,
				  struct thread_list *list, const struct thread_list *now,
				  bool *ret_records);
struct error *step_threads_decode(struct cursor *cursor, struct step_situations *situations,
				  struct thread_list *list, bool *ret_records);

enum step_memory_kind {
	STEP_MEMORY_PATCH = 0,
	STEP_MEMORY_PUT = 1,
	STEP_MEMORY_DROP = 2,
	STEP_MEMORY_HIDE = 3,	    /* what has no number gets one */
	STEP_MEMORY_HIDE_AGAIN = 4, /* by numbers */
	STEP_MEMORY_SHOW = 5,	    /* by numbers */
};

struct step_operation {
	enum step_memory_kind kind;
	uint64_t address;
	uint64_t size;
	const uint8_t *bytes; /* of PATCH and PUT, in place */
	uint64_t number;      /* of HIDE_AGAIN and SHOW: the first extent's, and how many */
	uint64_t count;
};

struct error *step_memory_append(struct buffer *buffer, struct step_places *places,
				 const struct step_operation *operation);
/* The next operation; `ret_any` is false at the end, or with the cursor failed. */
struct error *step_memory_next(struct cursor *cursor, struct step_places *places,
			       struct step_operation *ret, bool *ret_any);

#endif
