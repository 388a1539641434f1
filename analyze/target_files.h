/* Where the files of a core's or snapshot's modules are sought: --exe, the path itself or under
 * --sysroot, --lib-search-path, --lib-search-root. */
#ifndef PYSPY_ANALYZE_TARGET_FILES_H
#define PYSPY_ANALYZE_TARGET_FILES_H

#include "analyze/target.h"

struct target_files {
	struct module_files files;	  /* first member */
	const struct target *target;	  /* whose modules they are: borrowed */
	const struct module_files *first; /* asked before all others; borrowed, or NULL */
	char *executable;
	char *sysroot;
	char **search_paths; /* NULL-terminated */
	char **search_roots; /* NULL-terminated */
};

/* Options are copied. */
struct error *target_files_init(struct target_files *files, const struct target *target,
				const struct target_options *options);
void target_files_deinit(struct target_files *files);

/* The folders that stand for the root of the target's system, in the order in which they are
 * sought; NULL is this system's own. `files` is what target_files() gives. False behind the last
 * one. */
bool target_files_root(const struct module_files *files, size_t index, const char **ret)
	__attribute__((warn_unused_result));

#endif
