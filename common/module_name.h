/*
 * What the module of a frame is called: __name__ in the frame's globals, and __package__ for the
 * program's own module, whose __name__ is __main__. Nothing is decoded here. Both are among the
 * first keys of a module's dict (PyModule_NewObject(), Objects/moduleobject.c), and only those are
 * looked at: it costs a frozen target a few reads for each module.
 */
#ifndef PYSPY_COMMON_MODULE_NAME_H
#define PYSPY_COMMON_MODULE_NAME_H

#include "common/address_map.h"
#include "common/code_object.h"

struct raw_module {
	struct raw_string name;	   /* without data if there is none that can be read */
	struct raw_string package; /* the same; only where `name` is __main__ */
};

void raw_module_deinit(struct raw_module *module);
/* The module whose dict is at `globals`, all zero before. Only running out of memory is an error.
 */
struct error *raw_module_read(struct memory *memory, const struct python_layout *layout,
			      uint64_t globals, struct raw_module *module);

/* Modules by the address of their dict: each is read once in a walk. All zero is empty. */
struct module_cache {
	struct address_map modules; /* values are struct raw_module, owned */
	size_t size_bytes;
};

void module_cache_deinit(struct module_cache *cache);

/*
 * `ret` is borrowed from the cache; NULL if nothing is known. What cannot be read is no gap: the
 * name of a module is no part of a stack. Only running out of memory is an error.
 */
struct error *module_cache_get(struct module_cache *cache, struct memory *memory,
			       const struct python_layout *layout, uint64_t globals,
			       const struct raw_module **ret);

#endif
