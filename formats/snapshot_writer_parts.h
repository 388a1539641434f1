/* What the parts of the writer share: blocks and epochs, memory, and steps of runs. */
#ifndef PYSPY_FORMATS_SNAPSHOT_WRITER_PARTS_H
#define PYSPY_FORMATS_SNAPSHOT_WRITER_PARTS_H

#include "formats/snapshot_block.h"
#include "formats/snapshot_facts_writer.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_frame.h"
#include "formats/snapshot_held.h"
#include "formats/snapshot_images.h"
#include "formats/snapshot_writer.h"

struct snapshot_writer {
	struct output_file *output; /* borrowed */
	struct frame_encoder *encoder;
	struct facts_writer facts;
	struct buffer block; /* empty, or a header and chunks */
	bool bulk;	     /* the block is a bulk block */
	uint32_t log_number;
	uint32_t epoch;
	uint32_t frame;
	uint32_t ordinary;
	/* Memory operations that are not in the block yet, all of one process. */
	struct buffer memory;
	int32_t memory_pid;
	uint64_t memory_position;
	/* Or steps that are not in it yet, and how many entries their lists have that are counted
	   (SNAPSHOT_LIST_ENTRIES_MAX). */
	struct buffer steps;
	int32_t steps_pid; /* of the last one */
	uint64_t steps_entries;
	uint64_t steps_moved_bytes; /* that they hide and show (SNAPSHOT_COPY_MAX) */
	struct buffer step;
	struct buffer scratch;
	/* When to begin an epoch. */
	bool sampled; /* nothing was put since the last sample */
	bool epoch_has_bulk;
	uint64_t epoch_bytes;
	uint64_t epoch_first_bytes;   /* in the file: its first frame */
	uint64_t epoch_written_bytes; /* in the file: all of its frames */
	uint64_t written_bytes;	      /* in the file */
	uint64_t epoch_began_ns;
	struct sample_counts counts;
	uint64_t counts_written_ns;    /* when they were told last */
	struct snapshot_images images; /* what the log has of them: no parts */
	bool only_changes;
	struct snapshot_held held; /* with only_changes: what the epoch has */
};

/* Have a block of the kind with room for `size` bytes, or a fresh one. */
struct error *writer_need_room(struct snapshot_writer *writer, bool bulk, size_t size);
size_t writer_block_limit(bool bulk);

/* Put what is gathered into the block. */
struct error *writer_close_memory(struct snapshot_writer *writer);
struct error *writer_close_steps(struct snapshot_writer *writer);

/* The memory of a process is given anew for each of its samples, so that this is where the log can
 * forget what it has: begin an epoch if it is time. */
struct error *writer_before_memory(struct snapshot_writer *writer);

/* Gather an operation for a MEMORY chunk; a PATCH is of bytes that all change. */
struct error *writer_add_operation(struct snapshot_writer *writer, int32_t pid,
				   const struct memory_operation *operation);

/* Chunks that say all, and their counterparts that say what is different. */
struct error *writer_threads_whole(struct snapshot_writer *writer, int32_t pid,
				   const struct thread_list *threads);
struct error *writer_threads_changes(struct snapshot_writer *writer, int32_t pid,
				     const struct thread_list *threads);
struct error *writer_sample_whole(struct snapshot_writer *writer,
				  const struct sample_facts *sample);
struct error *writer_sample_changes(struct snapshot_writer *writer,
				    const struct sample_facts *sample);
struct error *writer_image_changes(struct snapshot_writer *writer, int32_t pid,
				   const struct memory_image *image);

#endif
