#include "common/code_variables.h"

#include <stdlib.h>

#include "common/address_map.h"
#include "common/cleanup.h"
#include "common/struct_view.h"

/* Include/cpython/code.h; the bits of co_localspluskinds: Include/internal/pycore_code.h. */
enum {
	CO_VARARGS = 0x4,
	CO_VARKEYWORDS = 0x8,
	CO_FAST_CELL = 0x40,
	CO_FAST_FREE = 0x80,
	CODE_UNIT_BYTES = 2,
	ONE_BYTE_ARGUMENTS = 256, /* a larger argument has an EXTENDED_ARG before it */
};

struct code_variables_cache {
	struct memory *memory;
	const struct python_layout *layout;
	struct address_map codes; /* values are struct code_variables, owned */
	size_t size_bytes;
};

static void code_variables_destroy(struct code_variables *variables)
{
	if (!variables)
		return;
	for (size_t i = 0; i < variables->count; i++)
		raw_string_deinit(&variables->items[i].name);
	free(variables->items);
	free(variables);
}

struct error *code_variables_cache_create(struct memory *memory, const struct python_layout *layout,
					  struct code_variables_cache **ret)
{
	struct code_variables_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return &error_out_of_memory;
	cache->memory = memory;
	cache->layout = layout;
	*ret = cache;
	return NULL;
}

void code_variables_cache_destroy(struct code_variables_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->codes.capacity; i++)
		code_variables_destroy(cache->codes.entries[i].value);
	address_map_deinit(&cache->codes);
	free(cache);
}

/* A tuple of names, as addresses. */
struct name_table {
	uint64_t *names; /* owned */
	size_t count;	 /* of those that were read */
	size_t length;	 /* of the tuple */
};

static void name_table_deinit(struct name_table *table)
{
	free(table->names);
}

/* What of a tuple's or a bytes object's length can be; the tables of a code object are small. */
static bool is_possible_length(uint64_t length)
{
	enum { LENGTH_MAX = 1 << 24 };
	return length <= LENGTH_MAX;
}

static enum memory_status length_read(struct memory *memory, uint64_t address, layout_offset offset,
				      struct code_variables *variables, uint64_t *ret)
{
	enum memory_status status = struct_read_pointer(memory, address, offset, ret);
	if (status == MEMORY_OK && !is_possible_length(*ret))
		variables->malformed = true;
	return status;
}

/* Read a tuple of names; what is wrong with it is told in `variables`. */
static struct error *name_table_read(const struct code_variables_cache *cache, uint64_t address,
				     struct code_variables *variables, struct name_table *ret)
{
	const struct python_layout *layout = cache->layout;
	uint64_t length;
	enum memory_status status =
		length_read(cache->memory, address, layout->tuple.length, variables, &length);
	if (status != MEMORY_OK)
		variables->status = status;
	if (status != MEMORY_OK || variables->malformed)
		return NULL;
	size_t count = length < CODE_VARIABLES_MAX ? (size_t)length : CODE_VARIABLES_MAX;
	uint64_t *names = calloc(count + 1, sizeof(*names));
	if (!names)
		return &error_out_of_memory;
	if (count)
		status = memory_read(cache->memory, address + layout->tuple.items, names,
				     count * sizeof(*names));
	if (status != MEMORY_OK) {
		free(names);
		variables->status = status;
		return NULL;
	}
	variables->cut |= count < length;
	*ret = (struct name_table){.names = names, .count = count, .length = (size_t)length};
	return NULL;
}

/* Append a variable; its name must be a str, as the function's own name is. */
static struct error *append(const struct code_variables_cache *cache, const struct raw_code *code,
			    uint64_t name, const struct code_variable *variable,
			    struct code_variables *variables)
{
	if (variables->count == CODE_VARIABLES_MAX || variable->slot >= CODE_VARIABLES_MAX_SLOTS) {
		variables->cut = true;
		return NULL;
	}
	struct code_variable *item = &variables->items[variables->count];
	*item = *variable;
	struct error *error = raw_string_read(cache->memory, cache->layout, name, &item->name);
	if (error)
		return error;
	variables->count++;
	if (variable->slot >= variables->slot_count)
		variables->slot_count = variable->slot + 1;
	if (item->name.status != MEMORY_OK)
		return NULL;
	if (item->name.malformed || item->name.type != code->name.type)
		variables->malformed = true;
	return NULL;
}

/* How many of the first variables are arguments: Objects/frameobject.c, Python/getargs.c. */
static size_t count_arguments(const struct raw_code *code, size_t variable_count,
			      struct code_variables *variables)
{
	int64_t count = (int64_t)code->argument_count + (code->flags & CO_VARARGS ? 1 : 0) +
			(code->flags & CO_VARKEYWORDS ? 1 : 0);
	if (code->keyword_only_count > 0)
		count += code->keyword_only_count;
	if (code->argument_count >= 0 && code->keyword_only_count >= 0 &&
	    (uint64_t)count <= variable_count)
		return (size_t)count;
	variables->malformed = true;
	return 0;
}

static enum variable_kind kind_of(uint8_t bits)
{
	if (bits & CO_FAST_FREE)
		return VARIABLE_FREE;
	return bits & CO_FAST_CELL ? VARIABLE_CELL : VARIABLE_LOCAL;
}

/*
 * Where a function's code with free variables begins to make its cells: behind COPY_FREE_VARS
 * (insert_prefix_instructions(), Python/compile.c of 3.11, flowgraph.c later).
 */
static int64_t cells_begin(const uint8_t *kinds, size_t length)
{
	size_t free_count = 0;
	for (size_t i = 0; i < length; i++)
		free_count += (kinds[i] & CO_FAST_FREE) != 0;
	if (!free_count)
		return 0;
	return free_count < ONE_BYTE_ARGUMENTS ? CODE_UNIT_BYTES : 2 * CODE_UNIT_BYTES;
}

/* From 3.11 on: one table of names with their kinds, in the order of the slots. */
static struct error *read_with_kinds(const struct code_variables_cache *cache,
				     const struct raw_code *code, const struct name_table *names,
				     struct code_variables *variables)
{
	const struct python_layout *layout = cache->layout;
	uint64_t length;
	enum memory_status status = length_read(cache->memory, code->variable_kinds,
						layout->bytes.length, variables, &length);
	if (status == MEMORY_OK && length != names->length)
		variables->malformed = true;
	if (status != MEMORY_OK || variables->malformed) {
		variables->status = status;
		return NULL;
	}
	CLEANUP_FREE uint8_t *kinds = malloc(length + 1);
	if (!kinds)
		return &error_out_of_memory;
	variables->status = memory_read(
		cache->memory, code->variable_kinds + layout->bytes.contents, kinds, length);
	if (variables->status != MEMORY_OK)
		return NULL;
	size_t arguments = count_arguments(code, length, variables);
	int64_t instruction = cells_begin(kinds, length);
	struct error *error = NULL;
	for (size_t i = 0; i < names->count && !error && !variables->malformed; i++) {
		struct code_variable variable = {
			.kind = kind_of(kinds[i]),
			.is_argument = i < arguments,
			.slot = (uint32_t)i,
			.made_at = -1,
		};
		if (variable.kind == VARIABLE_CELL) {
			instruction += i < ONE_BYTE_ARGUMENTS ? 0 : CODE_UNIT_BYTES;
			variable.made_at = instruction;
			instruction += CODE_UNIT_BYTES;
		}
		error = append(cache, code, names->names[i], &variable, variables);
	}
	return error;
}

/* The place of a name in a table; its length if it is not there. Names are interned. */
static size_t find_name(const struct name_table *table, uint64_t name)
{
	size_t i = 0;
	while (i < table->count && table->names[i] != name)
		i++;
	return i;
}

/*
 * Until 3.10: locals, then cells, then cells of functions outside. An argument that is captured has
 * a name in both tables and is in the cell (co_cell2arg).
 */
static struct error *read_three_tables(const struct code_variables_cache *cache,
				       const struct raw_code *code, const struct name_table *locals,
				       struct code_variables *variables)
{
	CLEANUP(name_table_deinit) struct name_table cells = {0};
	CLEANUP(name_table_deinit) struct name_table frees = {0};
	struct error *error = name_table_read(cache, code->cell_names, variables, &cells);
	if (!error && variables->status == MEMORY_OK && !variables->malformed)
		error = name_table_read(cache, code->free_names, variables, &frees);
	if (error || variables->status != MEMORY_OK || variables->malformed)
		return error;
	size_t arguments = count_arguments(code, locals->length, variables);
	struct code_variable variable = {.made_at = -1};
	for (size_t i = 0; i < locals->count && !error && !variables->malformed; i++) {
		size_t cell = i < arguments ? find_name(&cells, locals->names[i]) : cells.count;
		bool is_cell = cell < cells.count;
		variable.kind = is_cell ? VARIABLE_CELL : VARIABLE_LOCAL;
		variable.is_argument = i < arguments;
		variable.slot = (uint32_t)(is_cell ? locals->length + cell : i);
		error = append(cache, code, locals->names[i], &variable, variables);
	}
	struct name_table captured = *locals;
	captured.count = arguments < locals->count ? arguments : locals->count;
	variable.is_argument = false;
	for (size_t i = 0; i < cells.count && !error && !variables->malformed; i++) {
		if (find_name(&captured, cells.names[i]) < captured.count)
			continue;
		variable.kind = VARIABLE_CELL;
		variable.slot = (uint32_t)(locals->length + i);
		error = append(cache, code, cells.names[i], &variable, variables);
	}
	for (size_t i = 0; i < frees.count && !error && !variables->malformed; i++) {
		variable.kind = VARIABLE_FREE;
		variable.slot = (uint32_t)(locals->length + cells.length + i);
		error = append(cache, code, frees.names[i], &variable, variables);
	}
	return error;
}

static struct error *variables_read(const struct code_variables_cache *cache,
				    const struct raw_code *code, struct code_variables *variables)
{
	CLEANUP(name_table_deinit) struct name_table names = {0};
	struct error *error = name_table_read(cache, code->variable_names, variables, &names);
	if (error || variables->status != MEMORY_OK || variables->malformed)
		return error;
	variables->items = calloc(CODE_VARIABLES_MAX, sizeof(*variables->items));
	if (!variables->items)
		return &error_out_of_memory;
	if (cache->layout->code.localspluskinds != LAYOUT_ABSENT)
		error = read_with_kinds(cache, code, &names, variables);
	else
		error = read_three_tables(cache, code, &names, variables);
	if (error)
		return error;
	struct code_variable *fitted =
		reallocarray(variables->items, variables->count + 1, sizeof(*variables->items));
	if (fitted)
		variables->items = fitted;
	return NULL;
}

static size_t variables_size_bytes(const struct code_variables *variables)
{
	size_t size = sizeof(*variables);
	for (size_t i = 0; i < variables->count; i++) {
		const struct raw_string *name = &variables->items[i].name;
		size += sizeof(variables->items[i]) + name->length * name->width;
	}
	return size;
}

struct error *code_variables_get(struct code_variables_cache *cache, const struct raw_code *code,
				 const struct code_variables **ret)
{
	static const struct code_variables one_too_many = {.cut = true};
	struct code_variables *variables = address_map_get(&cache->codes, code->address);
	if (!variables && cache->size_bytes >= CODE_VARIABLES_MAX_BYTES) {
		*ret = &one_too_many;
		return NULL;
	}
	if (!variables) {
		variables = calloc(1, sizeof(*variables));
		if (!variables)
			return &error_out_of_memory;
		struct error *error = variables_read(cache, code, variables);
		if (!error)
			error = address_map_put(&cache->codes, code->address, variables);
		if (error) {
			code_variables_destroy(variables);
			return error;
		}
		cache->size_bytes += variables_size_bytes(variables);
	}
	*ret = variables;
	return NULL;
}
