#include "common/module_name.h"

#include <stdlib.h>
#include <string.h>

#include "common/python_dict.h"

enum {
	/* Of all that one walk keeps; the names of modules beyond it are not known. */
	MODULE_CACHE_MAX_BYTES = 1 << 26,
	/* __name__, __doc__ and __package__ are the first three, in that order. */
	FIRST_KEYS = 4,
	MAX_SLOTS = 2048,
};

void raw_module_deinit(struct raw_module *module)
{
	raw_string_deinit(&module->name);
	raw_string_deinit(&module->package);
}

static void module_destroy(struct raw_module *module)
{
	if (!module)
		return;
	raw_module_deinit(module);
	free(module);
}

void module_cache_deinit(struct module_cache *cache)
{
	for (size_t i = 0; i < cache->modules.capacity; i++)
		module_destroy(cache->modules.entries[i].value);
	address_map_deinit(&cache->modules);
}

/* The value of one of the first `count` keys; of any where keys have no order, unless there are too
 * many. */
static bool find_early(const struct python_reader *reader, const struct raw_dict *dict,
		       uint64_t count, const char *key, uint64_t *ret)
{
	struct python_reader bounded = *reader;
	if (dict->is_open)
		count = MAX_SLOTS;
	bounded.budget = &count;
	return raw_dict_find(&bounded, dict, key, ret);
}

static bool is_main(const struct raw_string *name)
{
	static const char main_name[] = "__main__";
	return name->data && name->width == 1 && name->length == sizeof(main_name) - 1 &&
	       memcmp(name->data, main_name, name->length) == 0;
}

static struct error *module_read(const struct python_reader *reader, uint64_t globals,
				 struct raw_module *module)
{
	struct raw_dict dict;
	uint64_t value;
	struct error *error;
	if (!raw_dict_read(reader, globals, &dict) || dict.values)
		return NULL;
	/* Nearly always the very first: no other is read then. */
	if (!find_early(reader, &dict, 1, "__name__", &value) &&
	    !find_early(reader, &dict, FIRST_KEYS, "__name__", &value))
		return NULL;
	error = raw_string_read(reader->memory, reader->layout, value, &module->name);
	if (error || !is_main(&module->name))
		return error;
	if (!find_early(reader, &dict, FIRST_KEYS, "__package__", &value))
		return NULL;
	return raw_string_read(reader->memory, reader->layout, value, &module->package);
}

struct error *raw_module_read(struct memory *memory, const struct python_layout *layout,
			      uint64_t globals, struct raw_module *module)
{
	const struct python_reader reader = {.memory = memory, .layout = layout};
	return module_read(&reader, globals, module);
}

static size_t string_size_bytes(const struct raw_string *string)
{
	return string->length * string->width;
}

struct error *module_cache_get(struct module_cache *cache, struct memory *memory,
			       const struct python_layout *layout, uint64_t globals,
			       const struct raw_module **ret)
{
	*ret = NULL;
	if (!globals)
		return NULL;
	*ret = address_map_get(&cache->modules, globals);
	if (*ret || cache->size_bytes >= MODULE_CACHE_MAX_BYTES)
		return NULL;
	struct raw_module *module = calloc(1, sizeof(*module));
	if (!module)
		return &error_out_of_memory;
	struct error *error = raw_module_read(memory, layout, globals, module);
	if (!error)
		error = address_map_put(&cache->modules, globals, module);
	if (error) {
		module_destroy(module);
		return error;
	}
	cache->size_bytes += sizeof(*module) + string_size_bytes(&module->name) +
			     string_size_bytes(&module->package);
	*ret = module;
	return NULL;
}
