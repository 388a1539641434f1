/*
 * Separate debug files of modules: by build-id and by debug link, below each folder that stands for
 * the root of the target's system, and from debuginfod where the user has named servers. A file is
 * used only if it is proven to belong to the module: by the build-id, or by the link's checksum for
 * modules that have none.
 */
#ifndef PYSPY_ANALYZE_NATIVE_DEBUG_FILE_H
#define PYSPY_ANALYZE_NATIVE_DEBUG_FILE_H

#include <elfutils/libdwfl.h>

#include "analyze/target.h"

struct debug_file_search {
	const struct module_files *files; /* borrowed, as is the module; NULL: there are none */
	const struct module *module;
	bool refused; /* a file was where it should be, but is another module's */
};

/*
 * A find_debuginfo callback of libdwfl, whose userdata is a struct debug_file_search. Unlike
 * libdwfl's own, it looks below the roots of the target, and loads libdebuginfod with all that that
 * needs only where DEBUGINFOD_URLS is set.
 */
int debug_file_find(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    const char *file_name, const char *link, GElf_Word checksum, char **ret_path);

/* The module's own file from debuginfod, or -1. Asks only where DEBUGINFOD_URLS is set. */
int debug_file_fetch_module(const struct module *module);

#endif
