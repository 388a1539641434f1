/*
 * Writing a snapshot: a log of chunks in zstd frames, forward only. The format is specified in
 * pyspy-snapshot(5). Chunks are gathered into a frame until it reaches its bound or is flushed.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_WRITER_H
#define PYSPY_FORMATS_SNAPSHOT_WRITER_H

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory_image.h"
#include "common/modules.h"
#include "common/output_file.h"
#include "formats/module_image.h"

struct snapshot_writer;

/* Takes no ownership of `output`. Begins the first epoch with the header chunk. */
struct error *snapshot_writer_create(struct output_file *output, struct snapshot_writer **ret);
/*
 * From here on, of the images of a process only what is different from the one before is written
 * (within an epoch), and what is not in them is dropped. The writer then holds a copy of each
 * process's image, so this is for logs of many samples. All memory must be given as images.
 */
void snapshot_writer_write_changes(struct snapshot_writer *writer);
void snapshot_writer_destroy(struct snapshot_writer *writer);
void snapshot_writer_destroyp(struct snapshot_writer **writer);

struct error *snapshot_writer_process(struct snapshot_writer *writer,
				      const struct process_facts *facts);
struct error *snapshot_writer_mappings(struct snapshot_writer *writer, int32_t pid,
				       const struct mappings *mappings);
struct error *snapshot_writer_modules(struct snapshot_writer *writer, int32_t pid,
				      const struct modules *modules);
/* What locating found, so that analysis need not search; never for full fallback. */
struct error *snapshot_writer_python(struct snapshot_writer *writer, int32_t pid,
				     const struct python_location *location);
struct error *snapshot_writer_threads(struct snapshot_writer *writer, int32_t pid,
				      const struct thread_list *threads);
/* A process that will have no more samples: of its facts only the PROCESS chunk is repeated from
 * here on, which tells of it as the parent of others. */
struct error *snapshot_writer_retire(struct snapshot_writer *writer, int32_t pid);
/* A process that is gone: its facts are not repeated any more. */
struct error *snapshot_writer_forget(struct snapshot_writer *writer, int32_t pid);
/*
 * Bytes of memory as they are from here on in the log; any size, split as needed. The memory of a
 * process is given whole before each of its samples: the log may forget what was there before.
 */
struct error *snapshot_writer_memory(struct snapshot_writer *writer, int32_t pid, uint64_t address,
				     const void *bytes, size_t size);
/* All ranges of an image. */
struct error *snapshot_writer_image(struct snapshot_writer *writer, int32_t pid,
				    const struct memory_image *image);
/* Whether the log has the image of a module. */
bool snapshot_writer_has_module_image(const struct snapshot_writer *writer,
				      const struct module *module);
/* How much of the perf map of a process the log has. */
uint64_t snapshot_writer_perf_map_bytes(const struct snapshot_writer *writer, int32_t pid);
/* What unwinding needs of a module's file: once in a log is enough. Of a perf map, what is not in
 * the log yet, or, beginning with its first byte, all of it. */
struct error *snapshot_writer_module_image(struct snapshot_writer *writer,
					   const struct module_image *image);
/* A sample: closes over the memory and threads that were written before it. */
struct error *snapshot_writer_sample(struct snapshot_writer *writer,
				     const struct sample_facts *sample);
/* Write out what is gathered, so that a reader of the file sees it. */
struct error *snapshot_writer_flush(struct snapshot_writer *writer);
/* Samples that are not there. */
struct snapshot_missed {
	uint64_t late;	  /* left out because their time had passed */
	uint64_t failed;  /* that could not be taken */
	uint64_t dropped; /* left out because those before were not written yet */
};

/* What the log tells of them at its end, and now and then before, for who reads a log that has no
 * end. */
void snapshot_writer_count_missed(struct snapshot_writer *writer,
				  const struct snapshot_missed *missed);
/* Bytes in the file, and those that are gathered for the next frame, which will be fewer. */
uint64_t snapshot_writer_size_bytes(const struct snapshot_writer *writer);
/* The end chunk, and the last frame. The output is not committed. */
struct error *snapshot_writer_finish(struct snapshot_writer *writer);

#endif
