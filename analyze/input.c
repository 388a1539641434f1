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

struct native_options input_native_options(const struct analyze_options *options)
{
	return (struct native_options){
		.all = options->native_all,
		.last = options->native_last,
		.internal = options->native_internal,
	};
}

enum model_lines input_lines(const struct analyze_options *options)
{
	if (options->no_line_numbers)
		return MODEL_LINES_NONE;
	return options->first_lines ? MODEL_LINES_FIRST : MODEL_LINES_LAST;
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
