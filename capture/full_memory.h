/*
 * Level full: all private memory that the target wrote, the headers of every mapped ELF file, and
 * what of such files Python's objects need: the names of types.
 * Read while the target stands still into an unlinked spool file (bounded buffers), written to the
 * snapshot after it runs again.
 */
#ifndef PYSPY_CAPTURE_FULL_MEMORY_H
#define PYSPY_CAPTURE_FULL_MEMORY_H

#include <sys/types.h>

#include "capture/freeze.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"
#include "formats/snapshot_writer.h"

struct full_memory;

struct full_memory_options {
	pid_t pid;
	struct freezer *freezer;
	struct memory *memory;			/* live */
	const char *output_path;		/* the spool file is made beside it */
	const struct python_location *location; /* NULL if no Python was found */
};

/*
 * Stop all threads, copy memory and registers, and let go, after an error too. `threads` is what
 * proc_threads() gave just before: registers are put into it, and threads that are new since.
 */
struct error *full_memory_capture(const struct full_memory_options *options,
				  struct thread_list *threads, struct full_memory **ret);
void full_memory_destroy(struct full_memory *full);
void full_memory_destroyp(struct full_memory **full);

/* As they were while the target stood still. Borrowed. */
const struct mappings *full_memory_mappings(const struct full_memory *full);
const struct modules *full_memory_modules(const struct full_memory *full);
const struct sample_facts *full_memory_sample(const struct full_memory *full);

struct full_memory_size {
	uint64_t ranges;
	uint64_t bytes;	     /* all, zero pages too */
	uint64_t unreadable; /* bytes that should be there, but could not be read */
};
struct full_memory_size full_memory_size(const struct full_memory *full);

/* Write the memory, once: what was written is forgotten. */
struct error *full_memory_write(struct full_memory *full, struct snapshot_writer *writer);

#endif
