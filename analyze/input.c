#include "analyze/input.h"

#include <string.h>

#include "common/cleanup.h"

const char *input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

struct error *input_error(const char *path, struct error *error)
{
	const char *name = input_name(path);
	if (!error || strstr(error->message, name))
		return error;
	return error_prefix(error, "%s", name);
}

struct error *input_open(const struct analyze_options *options, const char *path,
			 struct target **ret)
{
	const struct target_options target_options = {
		.executable = options->executable,
		.sysroot = options->sysroot,
		.search_paths = options->search_paths.items,
		.search_roots = options->search_roots.items,
	};
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = target_open(path, &target_options, &target);
	if (error)
		return input_error(path, error);
	*ret = TAKE_POINTER(target);
	return NULL;
}
