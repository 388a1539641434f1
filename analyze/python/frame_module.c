#include "analyze/python/frame_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/short_filename.h"
#include "analyze/python/text.h"
#include "common/cleanup.h"

/* A str, of the type that the code object's names have; anything can be a value of globals. */
static bool is_text(const struct raw_string *string, const struct raw_code *code)
{
	return string->data && !string->malformed && !string->cut &&
	       string->type == code->name.type;
}

/*
 * The name by which the program's own module would be imported: `python3 -m package.module` tells
 * the package, and the file's name the rest. NULL if out of memory.
 */
static char *main_module_name(const char *filename, const char *package)
{
	const char *slash = strrchr(filename, '/');
	const char *base = slash ? slash + 1 : filename;
	int length = (int)strcspn(base, ".");
	char *name;
	if (asprintf(&name, "%s%s%.*s", package, *package ? "." : "", length, base) < 0)
		return NULL;
	return name;
}

/* The dotted name that leads to the frame's file; `ret` stays NULL if there is none. */
static struct error *import_name(const struct walk_frame *walked, const struct model_frame *frame,
				 char **ret)
{
	const struct raw_module *module = walked->module;
	CLEANUP_FREE char *package = NULL;
	struct error *error = NULL;
	if (!module || !frame->python_module)
		return NULL;
	if (strcmp(frame->python_module, "__main__") != 0) {
		*ret = strdup(frame->python_module);
		return *ret ? NULL : &error_out_of_memory;
	}
	if (is_text(&module->package, walked->code))
		error = python_text(&module->package, &package);
	if (error)
		return error;
	*ret = main_module_name(frame->filename, package ? package : "");
	return *ret ? NULL : &error_out_of_memory;
}

struct error *frame_module_decode(const struct walk_frame *walked, struct model_frame *ret)
{
	CLEANUP_FREE char *name = NULL;
	struct error *error = NULL;
	if (walked->module && is_text(&walked->module->name, walked->code))
		error = python_text(&walked->module->name, &ret->python_module);
	if (!error)
		error = import_name(walked, ret, &name);
	if (error)
		return error;
	ret->short_filename = strdup(short_filename(ret->filename, name));
	return ret->short_filename ? NULL : &error_out_of_memory;
}
