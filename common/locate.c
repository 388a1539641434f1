#include "common/locate.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/facts.h"
#include "common/locate_layout.h"
#include "common/locate_old.h"
#include "common/locate_scan.h"

const char *locate_method_name(enum locate_method method)
{
	static const char *const names[] = {
		[LOCATE_SYMBOL] = "symbol",
		[LOCATE_SECTION] = "section",
		[LOCATE_SCAN] = "scan",
		[LOCATE_HINT] = "capture",
	};
	if (method < LOCATE_SYMBOL || method > LOCATE_HINT)
		return "unknown";
	return names[method];
}

void python_location_deinit(struct python_location *location)
{
	free(location->module_path);
	*location = (struct python_location){0};
}

/* Remember the first reason why what was recognised cannot be read. */
static void search_unsupported(struct locate_search *search, struct error *error)
{
	if (search->unsupported)
		error_destroy(error);
	else
		search->unsupported = error;
}

static struct scan_range module_data(const struct module *module)
{
	return (struct scan_range){.start = module->data_start, .end = module->data_end};
}

/* PY_VERSION_HEX as the interpreter exports it from 3.11 on (Py_Version, Python/getversion.c). */
static bool version_by_symbol(struct memory *memory, const struct module *module,
			      const struct elf_file *file, struct python_version *ret)
{
	struct elf_symbol symbol;
	uint8_t bytes[4];
	if (!elf_file_symbol(file, "Py_Version", &symbol))
		return false;
	if (memory_read(memory, symbol.address + module->bias, bytes, sizeof(bytes)) != MEMORY_OK &&
	    elf_file_read_only_bytes(file, symbol.address, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	*ret = python_version_from_hex((uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
				       (uint32_t)bytes[1] << 8 | bytes[0]);
	return ret->major == 2 || ret->major == 3;
}

/* The version of the interpreter in `module`; major 0 if nothing tells. `file` may be NULL. */
static struct python_version module_version(struct locate_search *search,
					    const struct module *module,
					    const struct elf_file *file, uint64_t *ret_address)
{
	struct python_version version = {0};
	*ret_address = 0;
	if ((file && version_by_symbol(search->options->memory, module, file, &version)) ||
	    scan_version_text(search->options->memory, module_data(module), &version,
			      ret_address)) {
		search->seen_version = true;
		search->version = version;
		return version;
	}
	return (struct python_version){0};
}

/* Complete a location that was found in `module`, which may be NULL. */
static struct error *location_finish(struct python_location *location, uint64_t runtime,
				     enum locate_method method, const struct module *module)
{
	location->runtime_address = runtime;
	location->method = method;
	if (module && module->path) {
		location->module_path = strdup(module->path);
		if (!location->module_path)
			return &error_out_of_memory;
	}
	return NULL;
}

/* The row of a version before 3.7 by which interp_head is somewhere in the range, and where. */
static const struct python_layout *find_interpreters(struct locate_search *search,
						     struct scan_range range, uint64_t near,
						     struct python_version version,
						     uint64_t *ret_head)
{
	for (int debug = 0; debug <= 1; debug++) {
		const struct python_layout *row = python_layout_find(version, debug, false);
		if (row && row->debug_build == debug &&
		    scan_interpreters(search->options->memory, range, near, row, ret_head))
			return row;
	}
	return NULL;
}

/* Before 3.7. ERROR_NOT_FOUND if the file of `module` does not tell. */
static struct error *locate_old_by_file(struct locate_search *search, const struct module *module,
					const struct elf_file *file, struct python_location *ret)
{
	struct python_location location = {0};
	struct elf_symbol current;
	struct elf_symbol head;
	uint64_t address;
	enum locate_method method = LOCATE_SYMBOL;
	if (!elf_file_symbol(file, "_PyThreadState_Current", &current))
		return &error_not_found;
	struct python_version version =
		module_version(search, module, file, &location.version_address);
	if (!version.major || !is_old_python(version))
		return &error_not_found;
	location.current_thread_address = current.address + module->bias;
	if (elf_file_symbol(file, "interp_head", &head)) {
		address = head.address + module->bias;
	} else {
		method = LOCATE_SCAN;
		if (!find_interpreters(search, module_data(module), location.current_thread_address,
				       version, &address))
			return &error_not_found;
	}
	struct error *error = layout_for_runtime(search, address, version, &location);
	if (!error)
		error = location_finish(&location, address, method, module);
	if (!error)
		*ret = location;
	return error;
}

/* ERROR_NOT_FOUND if the file of `module` does not tell. */
static struct error *locate_by_file(struct locate_search *search, const struct module *module,
				    struct python_location *ret)
{
	static const struct {
		enum locate_method method;
		bool (*find)(const struct elf_file *, const char *, struct elf_symbol *);
		const char *name;
	} ways[] = {
		{LOCATE_SYMBOL, elf_file_symbol, "_PyRuntime"},
		{LOCATE_SECTION, elf_file_section, ".PyRuntime"},
	};
	CLEANUP(elf_file_destroyp) struct elf_file *file = NULL;
	bool mismatch = false;
	struct error *error = module_open_file(search->options->files, module, &file, &mismatch);
	search->seen_mismatch |= mismatch;
	if (error || !file)
		return error ? error : &error_not_found;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct elf_symbol symbol;
		struct python_location location = {0};
		if (!ways[i].find(file, ways[i].name, &symbol))
			continue;
		uint64_t runtime = symbol.address + module->bias;
		struct python_version version =
			module_version(search, module, file, &location.version_address);
		error = layout_for_runtime(search, runtime, version, &location);
		if (!error)
			error = location_finish(&location, runtime, ways[i].method, module);
		if (!error)
			*ret = location;
		if (!error || error->code != ERROR_NOT_FOUND)
			return error;
	}
	return locate_old_by_file(search, module, file, ret);
}

/* Copies of the cookie there are few. One whose version is not known costs more: all frames can be
 * looked at to see whether a layout fits. */
enum { FALSE_COOKIES_MAX = 1 << 16, UNSUPPORTED_COOKIE_COST = 1 << 8 };

/* Scan one range for the cookie of 3.13 and later. */
static struct error *scan_for_cookie(struct locate_search *search, struct scan_range range,
				     const struct module *module, struct python_location *ret)
{
	CLEANUP(data_scan_deinit) struct data_scan scan;
	uint64_t runtime;
	uint64_t text_address = 0;
	struct python_version version = {0};
	bool looked = !module; /* of all memory, only a module's data is its own */
	data_scan_init(&scan, search->options->memory, range);
	while (search->false_cookies < FALSE_COOKIES_MAX && scan_cookie(&scan, &runtime)) {
		struct python_location location = {0};
		search->false_cookies++;
		if (!looked &&
		    !scan_version_text(search->options->memory, range, &version, &text_address))
			text_address = 0;
		looked = true;
		struct error *error = layout_for_runtime(search, runtime, version, &location);
		location.version_address = text_address;
		if (!error)
			error = location_finish(&location, runtime, LOCATE_SCAN, module);
		if (!error) {
			*ret = location;
			return NULL;
		}
		/* A copy of the offsets that leads nowhere (a core's note, a string) is passed
		 * over. */
		if (error->code == ERROR_OUT_OF_MEMORY)
			return error;
		if (error->code == ERROR_UNSUPPORTED) {
			search->false_cookies += UNSUPPORTED_COOKIE_COST;
			search_unsupported(search, error);
		} else {
			error_destroy(error);
		}
	}
	return &error_not_found;
}

/* Scan one range for interp_head of a version before 3.7. */
static struct error *scan_for_interpreters(struct locate_search *search, struct scan_range range,
					   const struct module *module,
					   struct python_version version,
					   struct python_location *ret)
{
	struct python_location location = {0};
	uint64_t head = 0;
	const struct python_layout *row = find_interpreters(search, range, 0, version, &head);
	if (!row && python_layout_find(version, false, false))
		return &error_not_found;
	if (row)
		location.current_thread_address =
			scan_current_thread(search->options->memory, head, row);
	struct error *error = layout_for_runtime(search, row ? head : 0, version, &location);
	if (!error)
		error = location_finish(&location, head, LOCATE_SCAN, module);
	if (!error)
		*ret = location;
	return error;
}

/* Scan one range for _PyRuntime's pointers to interpreters, by the layout of a version that is
 * known. */
static struct error *scan_for_pointers(struct locate_search *search, struct scan_range range,
				       const struct module *module, struct python_version version,
				       struct python_location *ret)
{
	const struct python_layout *row = python_layout_find(version, false, false);
	if (is_old_python(version))
		return scan_for_interpreters(search, range, module, version, ret);
	if (!row)
		return &error_not_found;
	for (int many = 0; many <= 1; many++) {
		CLEANUP(data_scan_deinit) struct data_scan scan;
		uint64_t runtime;
		data_scan_init(&scan, search->options->memory, range);
		while (scan_interpreter_pointers(&scan, row, many, &runtime)) {
			struct python_location location = {0};
			bool started = false;
			if (!validate_runtime(search->options->memory, runtime, row, &started) ||
			    !started)
				continue;
			struct error *error =
				layout_for_runtime(search, runtime, version, &location);
			if (!error)
				error = location_finish(&location, runtime, LOCATE_SCAN, module);
			if (!error) {
				*ret = location;
				return NULL;
			}
			if (error->code != ERROR_NOT_FOUND)
				return error;
		}
	}
	return &error_not_found;
}

static struct error *locate_by_scan(struct locate_search *search, struct scan_range range,
				    const struct module *module, struct python_location *ret)
{
	struct python_version version = {0};
	uint64_t version_address = 0;
	if (range.start >= range.end)
		return &error_not_found;
	struct error *error = scan_for_cookie(search, range, module, ret);
	if (!error || error->code != ERROR_NOT_FOUND)
		return error;
	if (scan_version_text(search->options->memory, range, &version, &version_address)) {
		search->seen_version = true;
		search->version = version;
	} else {
		/* The text can lie in another range than the runtime. */
		version = search->version;
	}
	if (!version.major)
		return &error_not_found;
	error = scan_for_pointers(search, range, module, version, ret);
	if (!error)
		ret->version_address = version_address;
	return error;
}

/*
 * What is looked at first: libpython, then programs named after Python, then the executable, and
 * what has no name (cores without NT_FILE, as qemu-user writes them).
 */
static int module_likelihood(const struct module *module, bool is_first)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;
	const char *name = slash ? slash + 1 : module->path;
	if (name && strncmp(name, "libpython", strlen("libpython")) == 0)
		return 3;
	if (name && strstr(name, "python"))
		return 2;
	return is_first || !name || !*name ? 1 : 0;
}

typedef struct error *(*locate_step)(struct locate_search *search, const struct module *module,
				     struct python_location *ret);

static struct error *locate_module_by_scan(struct locate_search *search,
					   const struct module *module, struct python_location *ret)
{
	return locate_by_scan(search, module_data(module), module, ret);
}

/* Try `step` on the modules of at least likelihood `lowest` and at most `highest`, likely ones
 * first. */
static struct error *locate_in_modules(struct locate_search *search, locate_step step, int highest,
				       int lowest, struct python_location *ret)
{
	const struct modules *modules = search->options->modules;
	for (int likelihood = highest; likelihood >= lowest; likelihood--) {
		for (size_t i = 0; i < modules->count; i++) {
			const struct module *module = &modules->items[i];
			if (module_likelihood(module, i == 0) != likelihood)
				continue;
			struct error *error = step(search, module, ret);
			if (!error || error->code == ERROR_OUT_OF_MEMORY)
				return error;
			if (error->code == ERROR_UNSUPPORTED)
				search_unsupported(search, error);
			else
				error_destroy(error);
		}
	}
	return &error_not_found;
}

/* Cores that name no files can leave it unknown which mappings are a module's. */
static bool any_module_data(const struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		if (modules->items[i].data_start < modules->items[i].data_end)
			return true;
	}
	return false;
}

/* The last resort: every private writable mapping. */
static struct error *locate_in_mappings(struct locate_search *search, struct python_location *ret)
{
	const struct mappings *mappings = search->options->mappings;
	for (size_t i = 0; mappings && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct scan_range range = {.start = mapping->start, .end = mapping->end};
		if (!(mapping->flags & MAPPING_WRITE) || mapping->flags & MAPPING_SHARED)
			continue;
		struct error *error = locate_by_scan(search, range, NULL, ret);
		if (!error || error->code == ERROR_OUT_OF_MEMORY)
			return error;
		error_destroy(error);
	}
	return &error_not_found;
}

static struct error *locate_by_hint(struct locate_search *search, struct python_location *ret)
{
	const struct python_location *hint = search->options->hint;
	struct python_location location = {
		.version_address = hint->version_address,
		.current_thread_address = hint->current_thread_address,
	};
	search->trusted = true;
	struct error *error =
		layout_for_runtime(search, hint->runtime_address, hint->version, &location);
	search->trusted = false;
	if (error)
		return error;
	if (hint->module_path) {
		location.module_path = strdup(hint->module_path);
		if (!location.module_path)
			return &error_out_of_memory;
	}
	location.runtime_address = hint->runtime_address;
	location.method = hint->method ? hint->method : LOCATE_HINT;
	*ret = location;
	return NULL;
}

/* The ways, cheap ones first. */
static struct error *locate_all_ways(struct locate_search *search, struct python_location *ret)
{
	enum { MOST_LIKELY = 3, LIKELY = 1, ANY = 0 };
	const struct locate_options *options = search->options;
	struct error *error = &error_not_found;
	if (options->hint)
		error = locate_by_hint(search, ret);
	if (error && error->code == ERROR_NOT_FOUND && options->files)
		error = locate_in_modules(search, locate_by_file, MOST_LIKELY, LIKELY, ret);
	if (error && error->code == ERROR_NOT_FOUND)
		error = locate_in_modules(search, locate_module_by_scan, MOST_LIKELY, LIKELY, ret);
	/* An interpreter that is embedded in a library of another name. */
	if (error && error->code == ERROR_NOT_FOUND && options->files && !search->seen_runtime)
		error = locate_in_modules(search, locate_by_file, ANY, ANY, ret);
	if (error && error->code == ERROR_NOT_FOUND && options->exhaustive)
		error = locate_in_modules(search, locate_module_by_scan, ANY, ANY, ret);
	if (error && error->code == ERROR_NOT_FOUND &&
	    (options->exhaustive || !any_module_data(options->modules)))
		error = locate_in_mappings(search, ret);
	return error;
}

/* Why nothing was found, as far as it can be told. Consumes search->unsupported. */
static struct error *search_failure(struct locate_search *search)
{
	struct error *unsupported = search->unsupported;
	search->unsupported = NULL;
	if (unsupported)
		return unsupported;
	if (search->seen_runtime)
		return error_create(ERROR_BUSY, "Python is there, but it is not initialised (it is "
						"starting or ending)");
	if (search->seen_version) {
		char text[PYTHON_VERSION_TEXT_SIZE];
		python_version_format(search->version, text);
		return error_create(ERROR_UNSUPPORTED,
				    "CPython %s was recognised by its version text, but its "
				    "interpreter state could not be found%s",
				    text, search->options->exhaustive ? "" : "; try --exhaustive");
	}
	return error_create(ERROR_NOT_PYTHON,
			    "no Python interpreter found in %zu modules, by symbols, by the "
			    ".PyRuntime section, or by scanning%s%s",
			    search->options->modules->count,
			    search->seen_mismatch ? "; files with another build-id were refused"
						  : "",
			    search->options->exhaustive ? "" : "; try --exhaustive");
}

/* Layouts are of machines with 64 bits and the least significant byte first, whose C compilers
 * agree on how structures are laid out. */
static struct error *check_machine(int32_t machine)
{
	if (machine == MACHINE_UNKNOWN || machine == MACHINE_X86_64 || machine == MACHINE_AARCH64)
		return NULL;
	return error_create(ERROR_UNSUPPORTED,
			    "the process ran on a machine that is not supported (ELF machine %d); "
			    "x86_64 (62) and aarch64 (183) are",
			    machine);
}

struct error *locate_python(const struct locate_options *options, struct python_location *ret)
{
	struct locate_search search = {.options = options};
	struct error *error = check_machine(options->machine);
	if (error)
		return error;
	error = locate_all_ways(&search, ret);
	if (error && error->code == ERROR_NOT_FOUND) {
		error_destroy(error);
		error = search_failure(&search);
	}
	if (error && error->code == ERROR_UNSUPPORTED && search.seen_version)
		ret->version = search.version;
	error_destroy(search.unsupported);
	return error;
}
