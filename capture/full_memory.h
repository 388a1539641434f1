/*
 * Level full: all private writable memory, and the headers of every mapped ELF file. Read while the
 * target stands still into an unlinked spool file (sparse, bounded buffers), written to the
 * snapshot after it runs again.
 */
#ifndef PYSPY_CAPTURE_FULL_MEMORY_H
#define PYSPY_CAPTURE_FULL_MEMORY_H

#include <sys/types.h>

#include "capture/freeze.h"
#include "common/facts.h"
#include "common/mappings.h"
#include "formats/snapshot_writer.h"

struct full_memory;

/*
 * Stop all threads, copy memory and registers to a spool file beside `output_path`, and let go. The
 * mappings are read while stopped (`ret_mappings`), the registers are put into `threads`.
 */
struct error *full_memory_capture(struct freezer *freezer, pid_t pid, struct memory *memory,
				  const char *output_path, struct thread_list *threads,
				  struct mappings *ret_mappings, struct sample_facts *ret_sample,
				  struct full_memory **ret);
struct error *full_memory_write(struct full_memory *full, struct snapshot_writer *writer);
void full_memory_destroy(struct full_memory *full);
void full_memory_destroyp(struct full_memory **full);

#endif
