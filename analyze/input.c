#include "analyze/input.h"

#include <string.h>

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

struct target_options input_target_options(const struct analyze_options *options)
{
	return (struct target_options){
		.executable = options->executable,
		.sysroot = options->sysroot,
		.search_paths = options->search_paths.items,
		.search_roots = options->search_roots.items,
	};
}

struct error *input_open(const struct analyze_options *options, const char *path,
			 struct target **ret)
{
	const struct target_options target_options = input_target_options(options);
	return input_error(path, target_open(path, &target_options, ret));
}

struct error *input_open_forward(const struct analyze_options *options, const char *path,
				 struct target **ret)
{
	const struct target_options target_options = input_target_options(options);
	return input_error(path, target_open_forward(path, &target_options, ret));
}
