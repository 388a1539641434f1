/*
 * Finding the interpreter in a target: by the symbols of the files it has mapped, by the .PyRuntime
 * section, by a validated scan of writable data. Used by capture and by analysis alike.
 */
#ifndef PYSPY_COMMON_LOCATE_H
#define PYSPY_COMMON_LOCATE_H

#include "common/memory.h"
#include "common/modules.h"
#include "common/python_layout.h"

enum locate_method {
	LOCATE_SYMBOL = 1, /* .dynsym or .symtab */
	LOCATE_SECTION,	   /* .PyRuntime */
	LOCATE_SCAN,	   /* validated scan */
	LOCATE_HINT,	   /* the snapshot said so, and it was checked */
};

const char *locate_method_name(enum locate_method method);

struct python_location {
	uint64_t runtime_address; /* of _PyRuntime; before 3.7 of interp_head */
	/* Before 3.7: of _PyThreadState_Current, which tells who holds the GIL; 0 if unknown. */
	uint64_t current_thread_address;
	enum locate_method method;
	struct python_version version;
	struct python_layout layout; /* a copy: rows or the target's own offsets */
	bool layout_known;	     /* false: version recognised, but no layout for it */
	bool layout_assumed; /* the version is not known: `layout` is of another minor version, and
				was proven on this target */
	bool layout_differs; /* the target tells other offsets than are known for its version */
	char *module_path;   /* file that holds the interpreter; NULL if unknown */
	uint64_t version_address; /* of the "3.12.1 (main, …" text in the target; 0 if unknown */
};

void python_location_deinit(struct python_location *location);

struct locate_options {
	struct memory *memory;
	const struct modules *modules;
	const struct mappings *mappings;    /* NULL, or where to scan if modules do not tell */
	const struct module_files *files;   /* NULL: no files, memory only */
	const struct python_location *hint; /* NULL, or what a snapshot's capture found */
	int32_t machine;		    /* enum machine, of the target */
	bool assume_layout; /* of the newest version that is known, for newer ones: analysis only */
	bool exhaustive;    /* scan every module, not only likely ones */
};

/*
 * ERROR_NOT_PYTHON if no interpreter was recognised, with a message that says what was tried;
 * ERROR_BUSY if one is there but not initialised yet; ERROR_UNSUPPORTED (with `ret` filled, and
 * layout_known false) for a version without a layout.
 */
struct error *locate_python(const struct locate_options *options, struct python_location *ret);

#endif
