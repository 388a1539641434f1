/*
 * What native stacks need of a process: while it stands still, the registers of its threads and the
 * part of their stacks that is in use; afterwards, from the files of the modules that these
 * mention, what unwinding them takes.
 */
#ifndef PYSPY_CAPTURE_NATIVE_PASS_H
#define PYSPY_CAPTURE_NATIVE_PASS_H

#include "capture/freeze.h"
#include "common/facts.h"
#include "common/mappings.h"
#include "common/memory_image.h"
#include "common/modules.h"
#include "formats/snapshot_writer.h"

enum {
	NATIVE_STACK_MAX_BYTES = 16 << 20,   /* of one thread */
	NATIVE_STACKS_MAX_BYTES = 128 << 20, /* of all threads */
};

struct native_pass {
	const struct mappings *mappings; /* borrowed, as are the next three */
	struct memory *memory;
	struct freezer *freezer;
	struct thread_list *threads; /* gets the registers */
	/* What was copied: bytes of `bytes`. */
	struct memory_request *stacks;
	size_t stack_count;
	uint8_t *bytes;
	uint64_t size_bytes;
	size_t missing; /* threads whose registers or stack could not be read */
};

void native_pass_deinit(struct native_pass *pass);

/* With all threads stopped; what an earlier call copied is forgotten. Only running out of memory is
 * an error. */
struct error *native_pass_copy(struct native_pass *pass);

/* Put the stacks, and the vDSO, into `image`. */
struct error *native_pass_put(const struct native_pass *pass, struct memory_image *image);

/* Write the images of the modules that the registers and stacks mention, and that the log does not
 * have yet. */
struct error *native_pass_write(const struct native_pass *pass, const struct modules *modules,
				const struct module_files *files, struct snapshot_writer *writer);

#endif
