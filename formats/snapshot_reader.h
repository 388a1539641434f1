/*
 * Reading a snapshot, whole or as far as it is whole. Nothing of a frame is used before its
 * checksum held. What was lost is told in `losses`, in words for the user.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_READER_H
#define PYSPY_FORMATS_SNAPSHOT_READER_H

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_roster.h"
#include "formats/snapshot_touched.h"

struct snapshot;

/* True if the bytes at the start of a file begin a snapshot (not any zstd file: the first frame
 * must hold our header). */
bool snapshot_recognize(int fd);

/*
 * Open from a descriptor: a file, or a pipe (which is spooled to an unlinked temporary file). The
 * descriptor stays the caller's. ERROR_FORMAT if it is no snapshot, ERROR_UNSUPPORTED for a newer
 * container version, ERROR_TRUNCATED if it ends before its first whole sample.
 */
struct error *snapshot_open(int fd, const char *name, struct snapshot **ret);
void snapshot_destroy(struct snapshot *snapshot);
void snapshot_destroyp(struct snapshot **snapshot);

size_t snapshot_sample_count(const struct snapshot *snapshot);

/* The processes that the file has samples of, in the order of the roster; at least one. */
size_t snapshot_process_count(const struct snapshot *snapshot);
const struct roster_entry *snapshot_process_entry(const struct snapshot *snapshot, size_t index);
/* Samples of a process; 0 if there are none. */
uint64_t snapshot_process_samples(const struct snapshot *snapshot, int32_t pid);

/* Whether there are any, as far as is known: of what is read forward, so far, or those that
 * snapshot_know_processes() found. */
bool snapshot_has_process(const struct snapshot *snapshot, int32_t pid);

/*
 * Select a sample of one process, by their indices; SNAPSHOT_LAST is its last one. ERROR_NOT_FOUND
 * if it has fewer. Cheap if the file has one process, or for the first and the last sample.
 */
#define SNAPSHOT_LAST UINT64_MAX
struct error *snapshot_select_of(struct snapshot *snapshot, size_t process, uint64_t number);
/* Which one of its process's samples was selected, and of how many. */
uint64_t snapshot_selected_number(const struct snapshot *snapshot);
uint64_t snapshot_selected_count(const struct snapshot *snapshot);

/* What is known, as of the selected sample, of all processes, also of those without samples: with
 * an index from 0 on; NULL behind the last. */
const struct process_facts *snapshot_known_process(const struct snapshot *snapshot, size_t index);

/* Everything below is as of the selected sample; the last one of the first process after opening.
 * Borrowed until the next select or destroy. */
struct error *snapshot_select(struct snapshot *snapshot, size_t index);
size_t snapshot_selected(const struct snapshot *snapshot);
const struct sample_facts *snapshot_sample(const struct snapshot *snapshot);
const struct process_facts *snapshot_process(const struct snapshot *snapshot);
const struct mappings *snapshot_mappings(const struct snapshot *snapshot);
const struct modules *snapshot_modules(const struct snapshot *snapshot);
const struct thread_list *snapshot_threads(const struct snapshot *snapshot);
/* NULL if capture recognised no Python; only address, version, method and module_path are set. */
const struct python_location *snapshot_python(const struct snapshot *snapshot);
struct memory *snapshot_memory(struct snapshot *snapshot);

/* What of the selected process can be another than it was when this was asked for the last time:
 * all of it at the first time, and after a step back. Borrowed as the rest is. */
void snapshot_take_touched(struct snapshot *snapshot, struct snapshot_touched *ret);

/* The image that the file has of a module, as a file of its own; -1 if it has none. Only running
 * out of memory is an error. */
struct error *snapshot_module_image(struct snapshot *snapshot, const struct module *module,
				    int *ret_fd);

/* How large that is now, of a file that is read forward; 0 if it has none. */
uint64_t snapshot_module_image_size(const struct snapshot *snapshot, const struct module *module);

/* What was lost: messages for the user, NULL-terminated; empty for a whole file. */
const char *const *snapshot_losses(const struct snapshot *snapshot);

/* Of a file: up to the end of its last whole frame. What is behind that, nobody can read. */
uint64_t snapshot_whole_bytes(const struct snapshot *snapshot);

/* For `info`. */
struct snapshot_statistics {
	uint32_t version;
	uint64_t file_bytes;
	uint64_t frames;
	uint64_t epochs;
	uint64_t memory_ranges; /* of the selected sample */
	uint64_t memory_bytes;
	uint64_t unknown_chunks;
	bool ended; /* has an end chunk */
	/* What the logs say became of their samples; without an end it is what they said last. */
	bool has_counts;
	struct sample_counts counts;
	uint64_t chunk_bytes[SNAPSHOT_CHUNK_COUNT]; /* by type, before they were compressed */
};

/* The name of a type of chunk. */
const char *snapshot_chunk_name(size_t type);
void snapshot_statistics(const struct snapshot *snapshot, struct snapshot_statistics *ret);

#endif
