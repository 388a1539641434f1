#include "analyze/native/native_symbol.h"

#include <dwarf.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/native/cython.h"
#include "analyze/native/perf_map_load.h"
#include "common/cleanup.h"
#include "common/copy_text.h"

enum {
	SYMBOL_MAX_BYTES = 1 << 16, /* longer ones are not demangled */
	PERF_MAP_GROWTH = 8,	    /* it is read again when it is 1/8 larger */
};

static void functions_destroy(struct native_functions *functions)
{
	for (size_t i = 0; i < functions->count; i++) {
		free(functions->items[i].symbol);
		free(functions->items[i].name);
		free(functions->items[i].filename);
	}
	free(functions);
}

static void forget_functions(struct address_map *map)
{
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->entries[i].address)
			functions_destroy(map->entries[i].value);
	}
	address_map_clear(map);
}

void native_symbols_deinit(struct native_symbols *symbols)
{
	forget_functions(&symbols->found);
	forget_functions(&symbols->made);
	address_map_deinit(&symbols->found);
	address_map_deinit(&symbols->made);
	perf_map_deinit(&symbols->perf_map);
	cython_source_deinit(&symbols->cython_source);
}

char *native_demangle(const char *symbol)
{
	/* C++: _Z…; Rust: _R… and _ZN…17h…E. Anything else could be mistaken for an old scheme. */
	CLEANUP_FREE char *plain = NULL;
	const char *version = strchr(symbol, '@');
	if (version && version != symbol) {
		/* Symbol versions that a linker left in names: start@@GLIBC_2.34. */
		plain = strndup(symbol, (size_t)(version - symbol));
		if (!plain)
			return NULL;
		symbol = plain;
	}
	bool mangled = symbol[0] == '_' && (symbol[1] == 'Z' || symbol[1] == 'R');
	char *name = NULL;
	bool tried = mangled && strnlen(symbol, SYMBOL_MAX_BYTES) < SYMBOL_MAX_BYTES;
	/* Not by cplus_demangle(), which ends the program when it runs out of memory. */
	if (tried)
		name = rust_demangle(symbol, DMGL_ANSI);
	if (tried && !name)
		name = cplus_demangle_v3(symbol, DMGL_ANSI);
	return name ? name : strdup(symbol);
}

static struct error *set_symbol(struct native_function *function, const char *symbol)
{
	struct error *error = copy_text(symbol, &function->symbol);
	if (error || !symbol)
		return error;
	CLEANUP_FREE char *demangled = native_demangle(symbol);
	if (!demangled)
		return &error_out_of_memory;
	function->is_cython = cython_is_function(demangled);
	function->is_wrapper = cython_is_wrapper(demangled);
	function->name = cython_name(demangled);
	if (!function->name)
		function->name = TAKE_POINTER(demangled);
	return NULL;
}

static struct native_function *add_function(struct native_functions *functions)
{
	return &functions->items[functions->count++];
}

/* Names of the symbol tables: .dynsym, .symtab, .gnu_debugdata. */
static struct error *find_symbol(const struct native_frame *frame, struct native_function *function)
{
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name = dwfl_module_addrinfo(frame->module->dwfl_module, frame->lookup, &offset,
						&symbol, NULL, NULL, NULL);
	if (!name || !*name)
		return NULL;
	/* Counted from the return address, as debuggers do. */
	function->offset = offset + (frame->pc - frame->lookup);
	return set_symbol(function, name);
}

static const char *die_symbol(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);
	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

/* Where in its caller an inlined function stands. */
static struct error *call_place(Dwarf_Die *unit, Dwarf_Die *inlined, struct native_function *caller)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line = 0;
	Dwarf_Word file = 0;
	Dwarf_Files *files;
	size_t count;
	if (!dwarf_attr(inlined, DW_AT_call_line, &attribute) ||
	    dwarf_formudata(&attribute, &line) != 0 || line > INT32_MAX)
		return NULL;
	caller->line = (int32_t)line;
	if (!dwarf_attr(inlined, DW_AT_call_file, &attribute) ||
	    dwarf_formudata(&attribute, &file) != 0 ||
	    dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
		return NULL;
	return copy_text(dwarf_filesrc(files, file, NULL, NULL), &caller->filename);
}

static struct error *own_place(Dwarf_Die *unit, uint64_t address, struct native_function *function)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number = 0;
	if (!line || dwarf_lineno(line, &number) != 0 || number < 0)
		return NULL;
	function->line = number;
	return copy_text(dwarf_linesrc(line, NULL, NULL), &function->filename);
}

/* The author's line instead of the generated one. */
static struct error *cython_line(struct native_symbols *symbols, const struct module *module,
				 Dwarf_Die *unit, struct native_function *function)
{
	Dwarf_Attribute attribute;
	const char *folder = NULL;
	if (dwarf_attr(unit, DW_AT_comp_dir, &attribute))
		folder = dwarf_formstring(&attribute);
	return symbols->target
		       ? cython_source_place(&symbols->cython_source, target_files(symbols->target),
					     module, folder, &function->filename, &function->line)
		       : NULL;
}

/* The scopes around an address, inlined functions among them, innermost first. */
static struct error *add_scopes(struct native_symbols *symbols, const struct module *module,
				Dwarf_Die *unit, uint64_t address, Dwarf_Die *scopes, int count,
				const struct native_function *symbol,
				struct native_functions *functions)
{
	Dwarf_Die *inlined = NULL; /* the function inside of the one at hand */
	for (int i = 0; i < count && functions->count < SYMBOL_MAX_INLINED; i++) {
		if (!is_function(&scopes[i]))
			continue;
		bool is_inlined = dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
		struct native_function *function = add_function(functions);
		function->inlined = is_inlined;
		struct error *error = set_symbol(function, die_symbol(&scopes[i]));
		if (!error)
			error = inlined ? call_place(unit, inlined, function)
					: own_place(unit, address, function);
		if (!error && function->is_cython)
			error = cython_line(symbols, module, unit, function);
		if (error)
			return error;
		inlined = &scopes[i];
		if (is_inlined)
			continue;
		function->offset = symbol->offset;
		return NULL;
	}
	return NULL;
}

/* Leaves `functions` empty if there is no debug information for the address. */
static struct error *find_scopes(struct native_symbols *symbols, const struct native_frame *frame,
				 const struct native_function *symbol,
				 struct native_functions *functions)
{
	Dwarf_Addr bias = 0;
	CLEANUP_FREE Dwarf_Die *scopes = NULL;
	Dwarf_Die *unit = dwfl_module_addrdie(frame->module->dwfl_module, frame->lookup, &bias);
	if (!unit)
		return NULL;
	/* Its scopes outside of an inlined function are those of the source, not of the caller: the
	 * innermost one's parents are (libdw.h). */
	int found = dwarf_getscopes(unit, frame->lookup - bias, &scopes);
	if (found <= 0)
		return NULL;
	CLEANUP_FREE Dwarf_Die *parents = NULL;
	int count = dwarf_getscopes_die(&scopes[0], &parents);
	if (count <= 0)
		return NULL;
	struct error *error = add_scopes(symbols, frame->module->module, unit, frame->lookup - bias,
					 parents, count, symbol, functions);
	if (!error && functions->count && functions->items[functions->count - 1].inlined)
		return set_symbol(add_function(functions), symbol->symbol);
	return error;
}

/* glibc, its dynamic linker, and musl, which is both. */
static bool is_c_library(const char *path)
{
	static const char *const prefixes[] = {
		"libc.so.", "libc-2.", "libpthread", "ld-linux", "ld-2.", "ld-musl-", "libc.musl-",
	};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/*
 * A perf map grows with what the process makes. To read it again for each function that is added
 * would cost more than all else: where the address is in it, it is good until it has grown by much.
 */
static struct error *renew_perf_map(struct native_symbols *symbols, uint64_t address)
{
	struct perf_map perf_map;
	if (!symbols->target)
		return NULL;
	if (!symbols->perf_map_size_is_new)
		symbols->perf_map_size = perf_map_size(symbols->target);
	symbols->perf_map_size_is_new = true;
	uint64_t size = symbols->perf_map_size;
	uint64_t known = symbols->perf_map_known;
	bool much = size < known || size - known > known / PERF_MAP_GROWTH;
	if (size == known || (!much && perf_map_find(&symbols->perf_map, address)))
		return NULL;
	struct error *error = perf_map_load(symbols->target, &perf_map);
	if (error)
		return error;
	forget_functions(&symbols->made);
	perf_map_deinit(&symbols->perf_map);
	symbols->perf_map = perf_map;
	symbols->perf_map_known = size;
	return NULL;
}

void native_symbols_next_sample(struct native_symbols *symbols)
{
	symbols->perf_map_size_is_new = false;
}

/* Code that the process has made itself. */
static struct error *find_made(struct native_symbols *symbols, const struct native_frame *frame,
			       struct native_function *function)
{
	const struct perf_map_entry *entry = perf_map_find(&symbols->perf_map, frame->lookup);
	if (!entry)
		return NULL;
	CLEANUP_FREE char *name = strndup(entry->name, entry->name_size);
	if (!name)
		return &error_out_of_memory;
	function->offset = frame->pc - entry->address;
	return set_symbol(function, name);
}

static struct error *find_functions(struct native_symbols *symbols,
				    const struct native_frame *frame,
				    struct native_functions *functions)
{
	struct native_function symbol = {0};
	if (!frame->module)
		return find_made(symbols, frame, add_function(functions));
	if (!frame->module->dwfl_module) {
		add_function(functions);
		return NULL;
	}
	struct error *error = find_symbol(frame, &symbol);
	if (!error && (symbols->c_library || !is_c_library(frame->module->module->path)))
		error = find_scopes(symbols, frame, &symbol, functions);
	if (error || functions->count) {
		free(symbol.symbol);
		free(symbol.name);
		return error;
	}
	*add_function(functions) = symbol;
	return NULL;
}

/* In as much memory as it takes: there are as many as addresses in the stacks. */
static struct error *find_new(struct native_symbols *symbols, const struct native_frame *frame,
			      struct native_functions **ret)
{
	enum { MAX = SYMBOL_MAX_INLINED + 1 };
	struct native_functions *functions =
		calloc(1, sizeof(*functions) + MAX * sizeof(functions->items[0]));
	if (!functions)
		return &error_out_of_memory;
	struct error *error = find_functions(symbols, frame, functions);
	if (error) {
		functions_destroy(functions);
		return error;
	}
	size_t size = sizeof(*functions) + functions->count * sizeof(functions->items[0]);
	struct native_functions *smaller = realloc(functions, size);
	*ret = smaller ? smaller : functions;
	return NULL;
}

struct error *native_symbols_find(struct native_symbols *symbols, const struct native_frame *frame,
				  const struct native_functions **ret)
{
	struct address_map *map = frame->module ? &symbols->found : &symbols->made;
	uint64_t key = native_symbols_key(frame);
	struct error *error = frame->module ? NULL : renew_perf_map(symbols, frame->lookup);
	if (error)
		return error;
	struct native_functions *functions = address_map_get(map, key);
	*ret = functions;
	if (functions)
		return NULL;
	error = find_new(symbols, frame, &functions);
	if (error)
		return error;
	*ret = functions;
	error = address_map_put(map, key, functions);
	if (error)
		functions_destroy(functions);
	return error;
}
