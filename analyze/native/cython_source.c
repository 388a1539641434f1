#include "analyze/native/cython_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/native/cython.h"
#include "analyze/target_files.h"
#include "common/cleanup.h"
#include "common/root_file.h"

void cython_source_deinit(struct cython_source *source)
{
	free(source->path);
	free(source->text);
	*source = (struct cython_source){0};
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name);
	return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

static struct error *read_text(struct cython_source *source, int fd)
{
	struct stat status;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > CYTHON_SOURCE_MAX_BYTES)
		return NULL;
	CLEANUP_FREE char *text = malloc((size_t)status.st_size + 1);
	if (!text)
		return &error_out_of_memory;
	size_t size = 0;
	ssize_t got = 1;
	while (got > 0 && size < (size_t)status.st_size) {
		got = pread(fd, text + size, (size_t)status.st_size - size, (off_t)size);
		size += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return NULL;
	source->text = TAKE_POINTER(text);
	source->size = size;
	return NULL;
}

static struct error *read_path(struct cython_source *source, const struct module_files *files,
			       const char *path)
{
	const char *root;
	struct error *error = NULL;
	for (size_t i = 0; !error && !source->text && target_files_root(files, i, &root); i++) {
		CLEANUP_CLOSE int fd = root_file_open(root, path);
		if (fd >= 0)
			error = read_text(source, fd);
	}
	return error;
}

/* Where it was compiled, then beside the module. */
static struct error *read_source(struct cython_source *source, const struct module_files *files,
				 const struct module *module, const char *folder,
				 const char *filename)
{
	CLEANUP_FREE char *compiled = NULL;
	CLEANUP_FREE char *beside = NULL;
	const char *slash = strrchr(module->path, '/');
	const char *name = strrchr(filename, '/');
	bool is_absolute = filename[0] == '/';
	if (asprintf(&compiled, "%s/%s", folder && !is_absolute ? folder : "", filename) < 0) {
		compiled = NULL;
		return &error_out_of_memory;
	}
	struct error *error = folder || is_absolute ? read_path(source, files, compiled) : NULL;
	if (error || source->text || !slash || module->path[0] != '/')
		return error;
	if (asprintf(&beside, "%.*s/%s", (int)(slash - module->path), module->path,
		     name ? name + 1 : filename) < 0) {
		beside = NULL;
		return &error_out_of_memory;
	}
	return read_path(source, files, beside);
}

struct error *cython_source_place(struct cython_source *source, const struct module_files *files,
				  const struct module *module, const char *folder, char **filename,
				  int32_t *line)
{
	const char *file;
	size_t file_size;
	int32_t number;
	bool is_generated = *filename && *line > 0 &&
			    (has_suffix(*filename, ".c") || has_suffix(*filename, ".cpp"));
	if (!is_generated || !files)
		return NULL;
	if (!source->path || strcmp(source->path, *filename) != 0) {
		cython_source_deinit(source);
		struct error *error = read_source(source, files, module, folder, *filename);
		if (error)
			return error;
		source->path = strdup(*filename);
		if (!source->path)
			return &error_out_of_memory;
	}
	if (!source->text ||
	    !cython_place(source->text, source->size, *line, &file, &file_size, &number))
		return NULL;
	char *author = strndup(file, file_size);
	if (!author)
		return &error_out_of_memory;
	free(*filename);
	*filename = author;
	*line = number;
	return NULL;
}
