/* Modules: the ELF files that a target has mapped, each with its load bias and build-id. */
#ifndef PYSPY_COMMON_MODULES_H
#define PYSPY_COMMON_MODULES_H

#include "common/elf_file.h"
#include "common/mappings.h"
#include "common/memory.h"

struct module {
	char *path;	/* as the target sees it */
	uint64_t start; /* lowest mapped address */
	uint64_t end;	/* highest, exclusive */
	uint64_t bias;	/* address in the target = address in the file + bias */
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	bool deleted;
	struct build_id build_id; /* read from the target's memory; size 0 if unknown */
	/* Writable data, .bss included: where a scan looks. */
	uint64_t data_start;
	uint64_t data_end;
};

struct modules {
	struct module *items; /* ascending by start */
	size_t count;
	size_t capacity;
};

void modules_deinit(struct modules *modules);
struct error *modules_append(struct modules *modules, const struct module *module);
/* `ret` must be empty. */
struct error *modules_copy(const struct modules *modules, struct modules *ret);
/* The same modules at the same addresses. */
bool modules_equal(const struct modules *a, const struct modules *b);
const struct module *modules_find(const struct modules *modules, uint64_t address);

/*
 * Group the mappings into modules; headers, program headers and build-ids are read from memory.
 * A module whose header cannot be read is kept with what the mappings tell.
 */
struct error *modules_from_mappings(const struct mappings *mappings, struct memory *memory,
				    struct modules *ret);

/*
 * How a module's file is opened: a live target through /proc/PID/map_files and /proc/PID/root, a
 * core or snapshot by the path under a sysroot. Gives a descriptor, or -1 if there is no such file.
 */
struct module_files {
	int (*open)(const struct module_files *files, const struct module *module);
};

/* Whether the file is an ELF file with the module's build-id. */
bool module_file_has_build_id(int fd, const struct module *module);

/*
 * Open a module's file, if it is there and its build-id does not differ from the one in memory.
 * NULL in `ret` and no error if it is not there; `ret_mismatch` says that one was refused.
 */
struct error *module_open_file(const struct module_files *files, const struct module *module,
			       struct elf_file **ret, bool *ret_mismatch);

#endif
