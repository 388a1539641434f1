#include "analyze/target_files.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/root_file.h"

/* A search for one module's file. */
struct file_search {
	const struct target_files *files;
	const struct module *module;
	int fallback; /* the first file that was there, but has another build-id; -1 if none */
};

/* Without alternatives the caller's own check is enough. */
static bool build_id_decides(const struct file_search *search)
{
	const struct target_files *files = search->files;
	return search->module->build_id.size &&
	       (files->executable || files->search_paths || files->search_roots);
}

/* A file of another machine is not what the target had mapped, whatever its path. */
static bool has_machine(int fd, const struct target_files *files)
{
	uint8_t header[sizeof(Elf64_Ehdr)];
	uint64_t machine;
	int32_t expected = target_process(files->target)->machine;
	ssize_t size = pread(fd, header, sizeof(header), 0);
	return expected == MACHINE_UNKNOWN || size <= 0 ||
	       !bytes_field(header, (size_t)size, offsetof(Elf64_Ehdr, e_machine), 2, &machine) ||
	       machine == (uint64_t)expected;
}

/* Gives a file that fits, or -1. */
static int try_file(struct file_search *search, const char *root, const char *path)
{
	CLEANUP_CLOSE int fd = root_file_open(root, path);
	if (fd < 0 || !has_machine(fd, search->files))
		return -1;
	if (!build_id_decides(search) || module_file_has_build_id(fd, search->module))
		return take_fd(&fd);
	if (search->fallback < 0)
		search->fallback = take_fd(&fd);
	return -1;
}

static int try_folders(struct file_search *search)
{
	const char *slash = strrchr(search->module->path, '/');
	for (char **folder = search->files->search_paths; folder && *folder; folder++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s/%s", *folder, slash + 1) < 0) {
			path = NULL;
			return -1;
		}
		int fd = try_file(search, NULL, path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int try_roots(struct file_search *search)
{
	for (char **root = search->files->search_roots; root && *root; root++) {
		int fd = try_file(search, *root, search->module->path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* The module that is the program: named so by the facts, else the first. */
static bool is_program(const struct target_files *files, const struct module *module)
{
	const struct process_facts *process = target_process(files->target);
	const struct modules *modules = target_modules(files->target);
	for (size_t i = 0; process->executable && i < modules->count; i++) {
		if (strcmp(modules->items[i].path, process->executable) == 0)
			return strcmp(module->path, process->executable) == 0;
	}
	return modules->count && module->start == modules->items[0].start;
}

static int files_open(const struct module_files *base, const struct module *module)
{
	const struct target_files *files = (const struct target_files *)base;
	struct file_search search = {.files = files, .module = module, .fallback = -1};
	int fd = files->first ? files->first->open(files->first, module) : -1;
	if (fd >= 0)
		return fd;
	if (files->executable && is_program(files, module))
		fd = try_file(&search, NULL, files->executable);
	/* "[vdso]" and the like have no file. */
	if (fd < 0 && module->path[0] == '/') {
		fd = try_file(&search, files->sysroot, module->path);
		if (fd < 0)
			fd = try_folders(&search);
		if (fd < 0)
			fd = try_roots(&search);
	}
	if (fd < 0)
		return search.fallback;
	if (search.fallback >= 0)
		close(search.fallback);
	return fd;
}

bool target_files_root(const struct module_files *base, size_t index, const char **ret)
{
	const struct target_files *files = (const struct target_files *)base;
	*ret = files->sysroot;
	if (!index)
		return true;
	for (size_t i = 0; files->search_roots && files->search_roots[i]; i++) {
		if (i + 1 == index) {
			*ret = files->search_roots[i];
			return true;
		}
	}
	return false;
}

static void list_free(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

static bool list_copy(const char *const *list, char ***ret)
{
	size_t count = 0;
	if (!list || !*list)
		return true;
	while (list[count])
		count++;
	char **copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return false;
	*ret = copy;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(list[i]);
		if (!copy[i])
			return false;
	}
	return true;
}

static bool text_copy(const char *text, char **ret)
{
	if (!text)
		return true;
	*ret = strdup(text);
	return *ret;
}

struct error *target_files_init(struct target_files *files, const struct target *target,
				const struct target_options *options)
{
	*files = (struct target_files){.files.open = files_open, .target = target};
	if (!options)
		return NULL;
	if (!text_copy(options->executable, &files->executable) ||
	    !text_copy(options->sysroot, &files->sysroot) ||
	    !list_copy(options->search_paths, &files->search_paths) ||
	    !list_copy(options->search_roots, &files->search_roots)) {
		target_files_deinit(files);
		return &error_out_of_memory;
	}
	return NULL;
}

void target_files_deinit(struct target_files *files)
{
	free(files->executable);
	free(files->sysroot);
	list_free(files->search_paths);
	list_free(files->search_roots);
	*files = (struct target_files){0};
}
