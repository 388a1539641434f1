/* What unwinding and symbols need of a module's file, taken out of it: module_image.h. */
#ifndef PYSPY_CAPTURE_MODULE_EXTRACT_H
#define PYSPY_CAPTURE_MODULE_EXTRACT_H

#include "common/modules.h"
#include "formats/module_image.h"

/*
 * Extract from the module's file, which `files` finds. `ret_found` is false if there is none, it is
 * another one than was mapped, or it is no ELF file that can be read; only running out of memory is
 * an error. `ret` is always to be deinitialised.
 */
struct error *module_extract(const struct module_files *files, const struct module *module,
			     struct module_image *ret, bool *ret_found);

#endif
