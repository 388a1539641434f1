/* Any bytes as a perf map, as C code that Cython made, and as a symbol. */
#include <stdlib.h>
#include <string.h>

#include "analyze/native/cython.h"
#include "analyze/native/native_symbol.h"
#include "formats/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_map(const uint8_t *data, size_t size)
{
	struct perf_map map;
	if (perf_map_parse((const char *)data, size, &map))
		__builtin_trap();
	for (size_t i = 0; i < map.count && i < 64; i++) {
		const struct perf_map_entry *entry = perf_map_find(&map, map.entries[i].address);
		/* Of those that begin there, or before, one is the last. */
		if (!entry || entry->address > map.entries[i].address ||
		    entry->name_size > PERF_MAP_NAME_MAX)
			__builtin_trap();
	}
	perf_map_deinit(&map);
}

static void use_code(const uint8_t *data, size_t size)
{
	const char *file;
	size_t file_size;
	int32_t line;
	for (int32_t i = 1; i < 64; i++) {
		if (cython_place((const char *)data, size, i, &file, &file_size, &line) &&
		    (!file_size || line <= 0 || file + file_size > (const char *)data + size))
			__builtin_trap();
	}
}

static void use_symbol(const uint8_t *data, size_t size)
{
	char *symbol = strndup((const char *)data, size);
	if (!symbol)
		return;
	char *name = native_demangle(symbol);
	char *python = cython_name(symbol);
	if (!name || (python && !cython_is_function(symbol)))
		__builtin_trap();
	free(name);
	free(python);
	free(symbol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	use_map(data, size);
	use_code(data, size);
	use_symbol(data, size);
	return 0;
}
