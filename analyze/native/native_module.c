#include "analyze/native/native_module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/native/debug_file.h"
#include "common/cleanup.h"

enum { IMAGE_MAX_BYTES = 1 << 20 }; /* the vDSO has 8 KiB */

const char *native_module_source_name(enum native_module_source source)
{
	static const char *const names[] = {
		[NATIVE_SOURCE_NONE] = "not found",
		[NATIVE_SOURCE_FILE] = "file",
		[NATIVE_SOURCE_UNCHECKED] = "file, build-id unknown",
		[NATIVE_SOURCE_SNAPSHOT] = "snapshot",
		[NATIVE_SOURCE_MEMORY] = "memory",
		[NATIVE_SOURCE_MISMATCH] = "refused: another build-id",
	};
	return names[source];
}

/* Modules are reported with their file: libdwfl need not look for it. */
static int find_no_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
		       char **path, Elf **elf)
{
	(void)module, (void)data, (void)name, (void)base, (void)path, (void)elf;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_no_elf,
	.find_debuginfo = debug_file_find,
};

/* Gives the module's file, or -1. */
static int open_file(const struct native_modules *modules, struct native_module *module)
{
	CLEANUP(elf_file_destroyp) struct elf_file *file = NULL;
	struct build_id build_id = {0};
	const struct module *wanted = module->module;
	const struct module_files *files = target_files(modules->target);
	CLEANUP_CLOSE int fd = files->open(files, wanted);
	if (fd < 0)
		fd = debug_file_fetch_module(wanted);
	if (fd < 0)
		return -1;
	struct error *error = elf_file_open(fd, wanted->path, &file);
	if (!error && !wanted->build_id.size &&
	    target_file_agrees(modules->target, wanted, file, &module->bias)) {
		module->source = NATIVE_SOURCE_UNCHECKED;
		return take_fd(&fd);
	}
	if (error || !elf_file_build_id(file, &build_id) ||
	    !build_id_equal(&build_id, &wanted->build_id)) {
		error_destroy(error);
		module->source = NATIVE_SOURCE_MISMATCH;
		return -1;
	}
	module->source = NATIVE_SOURCE_FILE;
	return take_fd(&fd);
}

/* What the snapshot itself has. */
static struct error *open_image(const struct native_modules *modules, struct native_module *module,
				int *ret_fd)
{
	struct snapshot *snapshot = target_snapshot(modules->target);
	struct error *error =
		snapshot ? snapshot_module_image(snapshot, module->module, ret_fd) : NULL;
	if (!error && *ret_fd >= 0)
		module->source = NATIVE_SOURCE_SNAPSHOT;
	return error;
}

/* An image that is whole in the target's memory, as the vDSO is. Gives a file of it, or -1. */
static int open_memory(const struct native_modules *modules, struct native_module *module)
{
	uint64_t size = module->module->end - module->module->start;
	if (module->module->path[0] == '/' || size > IMAGE_MAX_BYTES)
		return -1;
	CLEANUP_FREE uint8_t *bytes = malloc(size);
	CLEANUP_CLOSE int fd = memfd_create("image", MFD_CLOEXEC);
	if (!bytes || fd < 0 ||
	    memory_read(target_memory(modules->target), module->module->start, bytes, size) !=
		    MEMORY_OK ||
	    write(fd, bytes, size) != (ssize_t)size)
		return -1;
	module->source = NATIVE_SOURCE_MEMORY;
	return take_fd(&fd);
}

static void find_eh_cfi(struct native_module *module)
{
	Dwarf_Addr bias = 0;
	module->eh_cfi = dwfl_module_eh_cfi(module->dwfl_module, &bias);
	module->eh_bias = bias;
}

/* Says to libdwfl whose separate debug file it will ask for. */
static void expect_debug_file(struct native_module *module, const struct module_files *files)
{
	void **userdata;
	module->debug_file = (struct debug_file_search){.files = files, .module = module->module};
	dwfl_module_info(module->dwfl_module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = &module->debug_file;
}

struct error *native_module_attach(struct native_module *module, const struct module_files *files,
				   int *fd)
{
	const char *path = module->module->path;
	module->dwfl = dwfl_begin(&callbacks);
	if (!module->dwfl)
		return &error_out_of_memory;
	dwfl_report_begin(module->dwfl);
	module->dwfl_module = dwfl_report_elf(module->dwfl, path, path, *fd, module->bias, true);
	if (module->dwfl_module) {
		(void)take_fd(fd); /* libdwfl's now */
		expect_debug_file(module, files);
	}
	dwfl_report_end(module->dwfl, NULL, NULL);
	if (module->dwfl_module)
		find_eh_cfi(module);
	else
		module->source = NATIVE_SOURCE_NONE;
	return NULL;
}

/* Files come first, for they have more than an image; where nothing tells whether it is the same
 * file, the image does. */
static struct error *module_open(const struct native_modules *modules, struct native_module *module)
{
	CLEANUP_CLOSE int fd = -1;
	bool image_first = !module->module->build_id.size;
	struct error *error = image_first ? open_image(modules, module, &fd) : NULL;
	if (!error && fd < 0)
		fd = open_file(modules, module);
	if (!error && fd < 0 && !image_first)
		error = open_image(modules, module, &fd);
	if (error)
		return error;
	if (fd < 0 && module->source == NATIVE_SOURCE_NONE)
		fd = open_memory(modules, module);
	return fd < 0 ? NULL : native_module_attach(module, target_files(modules->target), &fd);
}

void native_modules_deinit(struct native_modules *modules)
{
	for (size_t i = 0; modules->items && i < modules->modules.count; i++) {
		if (modules->items[i].dwfl)
			dwfl_end(modules->items[i].dwfl);
	}
	free(modules->items);
	modules_deinit(&modules->modules);
	*modules = (struct native_modules){0};
}

struct error *native_modules_init(struct native_modules *modules, struct target *target)
{
	*modules = (struct native_modules){.target = target};
	struct error *error = modules_copy(target_modules(target), &modules->modules);
	if (!error)
		modules->items = calloc(modules->modules.count + 1, sizeof(*modules->items));
	if (!error && !modules->items)
		error = &error_out_of_memory;
	if (error)
		native_modules_deinit(modules);
	return error;
}

struct error *native_modules_find(struct native_modules *modules, uint64_t address,
				  struct native_module **ret)
{
	const struct module *module = modules_find(&modules->modules, address);
	*ret = NULL;
	if (!module)
		return NULL;
	struct native_module *found = &modules->items[module - modules->modules.items];
	*ret = found;
	if (found->module)
		return NULL;
	found->module = module;
	found->bias = module->bias;
	return module_open(modules, found);
}

Dwarf_CFI *native_module_debug_cfi(struct native_module *module)
{
	Dwarf_Addr bias = 0;
	if (!module->debug_cfi_sought && module->dwfl_module) {
		module->debug_cfi_sought = true;
		module->debug_cfi = dwfl_module_dwarf_cfi(module->dwfl_module, &bias);
		module->debug_bias = bias;
	}
	return module->debug_cfi;
}
