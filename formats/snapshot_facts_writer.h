/* The chunks that describe processes, encoded, and kept to be repeated at the start of every epoch.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FACTS_WRITER_H
#define PYSPY_FORMATS_SNAPSHOT_FACTS_WRITER_H

#include "common/buffer.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_record.h"

enum { FACTS_SLOTS = 5 }; /* rows of slot_types */

struct process_slots {
	int32_t pid;
	struct buffer chunks[FACTS_SLOTS]; /* whole chunks, with their headers */
};

/* An all-zero struct knows no process. */
struct facts_writer {
	struct process_slots *processes;
	size_t count;
	size_t capacity;
	struct buffer payload; /* scratch */
	struct buffer record;  /* scratch */
};

void facts_writer_deinit(struct facts_writer *facts);

/* Encode one record, or a list of them, as the chunks of `type`, which replace those that were kept
 * for the process. `ret` is borrowed. */
struct error *facts_writer_record(struct facts_writer *facts, enum snapshot_chunk type, int32_t pid,
				  const struct record_table *table, const void *object,
				  const struct buffer **ret);
struct error *facts_writer_list(struct facts_writer *facts, enum snapshot_chunk type, int32_t pid,
				const struct record_table *table, const void *items,
				size_t item_size, size_t count, const struct buffer **ret);

/* Keep nothing but the PROCESS chunk of a process. Gives about how many bytes a reader has of it.
 */
size_t facts_writer_retire(struct facts_writer *facts, int32_t pid);

void facts_writer_forget(struct facts_writer *facts, int32_t pid);

#endif
