/*
 * The ELF files behind the modules of a target, opened with libdwfl when the first address in them
 * is asked for: call frame information, symbols, inlined functions, source lines.
 */
#ifndef PYSPY_ANALYZE_NATIVE_NATIVE_MODULE_H
#define PYSPY_ANALYZE_NATIVE_NATIVE_MODULE_H

#include <elfutils/libdwfl.h>

#include "analyze/native/debug_file.h"
#include "analyze/target.h"

/* Where what is known of a module came from. */
enum native_module_source {
	NATIVE_SOURCE_NONE = 0,	 /* no file was found: no symbols, no call frame information */
	NATIVE_SOURCE_FILE,	 /* a file with the module's build-id */
	NATIVE_SOURCE_UNCHECKED, /* a file that fits; the module's build-id is not known */
	NATIVE_SOURCE_SNAPSHOT,	 /* the image that was captured with --native */
	NATIVE_SOURCE_MEMORY,	 /* the image in the target's memory (the vDSO) */
	NATIVE_SOURCE_MISMATCH,	 /* as none: the file that was found has another build-id */
};

const char *native_module_source_name(enum native_module_source source);

struct native_module {
	const struct module *module;
	enum native_module_source source;
	uint64_t bias; /* by the file, where the module's is a guess */
	Dwfl *dwfl;    /* NULL if there is no file */
	Dwfl_Module *dwfl_module;
	struct debug_file_search debug_file;
	/* libdw's call frame information, borrowed; NULL if there is none. */
	Dwarf_CFI *eh_cfi;
	uint64_t eh_bias;
	Dwarf_CFI *debug_cfi;
	uint64_t debug_bias;
	bool debug_cfi_sought;
};

struct native_modules {
	struct target *target;	     /* borrowed */
	struct modules modules;	     /* a copy: a target's are others with each sample */
	struct native_module *items; /* as many as modules.count; those with a NULL `module` were
					never asked for */
};

/* The target is borrowed, and must live longer. What was opened stays good for as long as its
 * modules are equal to these. */
struct error *native_modules_init(struct native_modules *modules, struct target *target);
void native_modules_deinit(struct native_modules *modules);

/*
 * Read a module from a file that is proven to be its own; `fd` is -1 afterwards if it was taken
 * over. Separate debug files are sought among `files`; NULL: there are none. What cannot be read
 * leaves the module without dwfl_module.
 */
struct error *native_module_attach(struct native_module *module, const struct module_files *files,
				   int *fd);

/* The module that holds the address, opened; NULL if there is none. Only running out of memory is
 * an error: what cannot be opened has no dwfl_module. */
struct error *native_modules_find(struct native_modules *modules, uint64_t address,
				  struct native_module **ret);

/* Call frame information of .debug_frame, sought at the first call. */
Dwarf_CFI *native_module_debug_cfi(struct native_module *module);

#endif
