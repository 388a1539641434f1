/*
 * Any input as one thing: memory, mappings, modules, threads, facts. Opened from a snapshot, a
 * core, a compressed core, a pipe. Content decides what it is, not the name.
 */
#ifndef PYSPY_ANALYZE_TARGET_H
#define PYSPY_ANALYZE_TARGET_H

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"
#include "formats/elf_core.h"
#include "formats/snapshot_forward.h"

enum target_kind {
	TARGET_CORE = 1,
	TARGET_SNAPSHOT,
	TARGET_LIVE, /* one sample of a live process, handed over in parts */
};

/* What a target is made of; all borrowed. */
struct target_parts {
	struct memory *memory;
	const struct mappings *mappings;
	const struct modules *modules;
	const struct thread_list *threads;
	const struct process_facts *process;
	const struct python_location *location; /* NULL: to be found */
	const struct sample_facts *sample;	/* NULL: of a core */
	const struct module_files *files;	/* asked before paths are tried; NULL: none */
};

struct target_options {
	const char *executable;		 /* --exe, or NULL */
	const char *sysroot;		 /* --sysroot, or NULL */
	const char *const *search_paths; /* --lib-search-path folders, NULL-terminated, or NULL */
	const char *const *search_roots; /* --lib-search-root folders, NULL-terminated, or NULL */
};

struct target;

/* `path` "-" is standard input. */
struct error *target_open(const char *path, const struct target_options *options,
			  struct target **ret);
/*
 * Of a process that is sampled by this program. The parts are borrowed, and so is the structure
 * itself: what it points to may be another sample's with each use.
 */
struct error *target_from_parts(const struct target_parts *parts, struct target **ret);
/* The same for a descriptor, which stays the caller's. */
struct error *target_open_descriptor(int fd, const char *name, const struct target_options *options,
				     struct target **ret);
void target_destroy(struct target *target);
void target_destroyp(struct target **target);

/*
 * Open to go through the samples in their order, each once, with target_next: a snapshot is read
 * forward, also as it comes through a pipe. This waits for the first one. A core has one sample.
 */
struct error *target_open_forward(const char *path, const struct target_options *options,
				  struct target **ret);
/* The same for a descriptor, which stays the caller's, that gives a snapshot; nothing is waited
 * for. `name` is what messages and target_path call it. */
struct error *target_open_stream(int fd, const char *name, const struct target_options *options,
				 struct target **ret);
/* Go to the first sample now, as target_open_forward does; target_next gives it then. An error if
 * there is none. */
struct error *target_begin(struct target *target);
/* As snapshot_next and snapshot_try_next. Everything below is then as of that sample; processes are
 * those of the samples so far. */
struct error *target_next(struct target *target, bool *ret_any);
/* Call a function in each target_next, and, `starved`, whenever it would have to wait for a stream:
 * then the function waits for a while instead. It gives false to have the stream taken for ended.
 */
typedef bool (*target_wait_function)(void *context, struct target *target, bool starved);
void target_set_wait(struct target *target, target_wait_function wait, void *context);
struct error *target_try_next(struct target *target, enum snapshot_status *ret);
/* Whether there may be samples behind an error that target_next gave. */
bool target_can_go_on(const struct target *target);

/*
 * The processes in it: those that a snapshot has samples of, the first one selected; one for a
 * core. Everything below is as of the selected one. `sample` is one of its samples, from 1 on, 0
 * the last.
 */
size_t target_process_count(const struct target *target);
struct error *target_select(struct target *target, size_t process, uint64_t sample);
/* Find out which processes the part of a file has that is not read yet; of a stream that cannot be
 * known. */
struct error *target_know_processes(struct target *target);
/* Whether a process is one of them. */
bool target_has_process(const struct target *target, int32_t pid);

enum target_kind target_kind(const struct target *target);
const char *target_path(const struct target *target);
struct memory *target_memory(struct target *target);
const struct mappings *target_mappings(const struct target *target);
const struct modules *target_modules(const struct target *target);
const struct thread_list *target_threads(const struct target *target);
const struct process_facts *target_process(const struct target *target);
/* How to open modules' files here. */
const struct module_files *target_files(const struct target *target);
/* What a snapshot's capture found, or NULL. */
const struct python_location *target_python_hint(const struct target *target);
/* False for a core that does not tell which files were mapped. */
bool target_names_files(const struct target *target);
/* Whether a file can be that of a module without a build-id, as far as the input tells; and then
 * its load bias. */
bool target_file_agrees(struct target *target, const struct module *module,
			const struct elf_file *file, uint64_t *ret_bias);
/* Losses of the file, NULL-terminated. */
const char *const *target_losses(const struct target *target);
/* The sample that is selected; NULL for a core. */
const struct sample_facts *target_sample(const struct target *target);
/* When it was taken, or the core written: wall clock since 1970, 0 if unknown. */
uint64_t target_time_ns(const struct target *target);
/* The snapshot behind it, or NULL for a core or a live process. */
struct snapshot *target_snapshot(struct target *target);

#endif
