/* Writing a capture, process by process, as a whole snapshot. */
#ifndef PYSPY_CAPTURE_SNAPSHOT_FILE_H
#define PYSPY_CAPTURE_SNAPSHOT_FILE_H

#include "capture/full_memory.h"
#include "capture/native_pass.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/memory_image.h"
#include "common/output_file.h"
#include "formats/snapshot_writer.h"

/* All borrowed. */
struct snapshot_content {
	const struct process_facts *process;
	const struct mappings *mappings;
	const struct modules *modules;
	const struct python_location *location; /* NULL: none was found */
	const struct thread_list *threads;
	const struct memory_image *image; /* levels stacks and locals, or NULL */
	struct full_memory *full;	  /* level full, or NULL; used up */
	const struct sample_facts *sample;
	const struct native_pass *native; /* images of modules are wanted, or NULL */
};

/* Takes no ownership of `output`. */
struct error *snapshot_file_begin(struct output_file *output, struct snapshot_writer **ret);
/* Write all of one process. */
struct error *snapshot_file_add(struct snapshot_writer *writer,
				const struct snapshot_content *content);
/* Write what is known of it but its memory, the sample and, with native stacks, the modules that
 * these need. */
struct error *snapshot_file_add_facts(struct snapshot_writer *writer,
				      const struct snapshot_content *content);
/* Write only what changes from sample to sample: the threads, the memory and the sample itself; and
 * images of modules that the log does not have yet. */
struct error *snapshot_file_add_sample(struct snapshot_writer *writer,
				       const struct snapshot_content *content);
/* The end, and give the output its name. */
struct error *snapshot_file_finish(struct snapshot_writer *writer, struct output_file *output);

#endif
