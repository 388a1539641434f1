#include "common/code_object.h"

#include <stdlib.h>

#include "common/address_map.h"
#include "common/struct_view.h"

void raw_string_deinit(struct raw_string *string)
{
	free(string->data);
	*string = (struct raw_string){0};
}

static struct struct_span unicode_span(const struct python_layout *layout)
{
	struct struct_span span = {0};
	struct_span_add(&span, layout->object.type, sizeof(uint64_t));
	struct_span_add(&span, layout->unicode.length, sizeof(uint64_t));
	struct_span_add(&span, layout->unicode.state, sizeof(uint32_t));
	return span;
}

/*
 * Where a str keeps its characters: right behind its header if it is compact, behind a pointer else
 * (PEP 393; Include/cpython/unicodeobject.h). Strings made by PyUnicode_FromUnicode() before 3.12
 * are the ones that are not compact.
 */
static enum memory_status string_data_address(struct memory *memory,
					      const struct python_layout *layout, uint64_t address,
					      uint32_t state, uint64_t *ret)
{
	if (!(state & layout->unicode.compact_mask))
		return struct_read_pointer(memory, address, layout->unicode.any_data, ret);
	*ret = address + (state & layout->unicode.ascii_mask ? layout->unicode.ascii_data
							     : layout->unicode.compact_data);
	return MEMORY_OK;
}

/* A str of 2.x. */
static struct error *raw_bytes_read(struct memory *memory, const struct python_layout *layout,
				    uint64_t address, struct raw_string *ret)
{
	struct raw_string string = {.address = address, .width = 1, .is_bytes = true};
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->object.type, sizeof(uint64_t));
	struct_span_add(&span, layout->bytes.length, sizeof(uint64_t));
	enum memory_status status = struct_view_read(memory, address, span, &view);
	if (status != MEMORY_OK) {
		*ret = (struct raw_string){.address = address, .status = status};
		return NULL;
	}
	uint64_t length = struct_view_pointer(&view, layout->bytes.length);
	string.type = struct_view_pointer(&view, layout->object.type);
	string.malformed = length > INT64_MAX;
	string.cut = length > STRING_MAX_CHARACTERS;
	string.length = string.cut ? STRING_MAX_CHARACTERS : (size_t)length;
	if (string.malformed) {
		string.length = 0;
		*ret = string;
		return NULL;
	}
	string.data = malloc(string.length + 1);
	if (!string.data)
		return &error_out_of_memory;
	status = memory_read(memory, address + layout->bytes.contents, string.data, string.length);
	if (status != MEMORY_OK) {
		free(string.data);
		string = (struct raw_string){.address = address, .status = status};
	}
	*ret = string;
	return NULL;
}

struct error *raw_string_read(struct memory *memory, const struct python_layout *layout,
			      uint64_t address, struct raw_string *ret)
{
	struct raw_string string = {.address = address};
	struct struct_view view;
	uint64_t data_address;
	if (layout->name_kind == NAME_KIND_BYTES)
		return raw_bytes_read(memory, layout, address, ret);
	string.status = struct_view_read(memory, address, unicode_span(layout), &view);
	if (string.status != MEMORY_OK) {
		*ret = string;
		return NULL;
	}
	string.type = struct_view_pointer(&view, layout->object.type);
	uint32_t state = (uint32_t)struct_view_field(&view, layout->unicode.state, sizeof(state));
	uint32_t kind = state >> layout->unicode.kind_shift & layout->unicode.kind_mask;
	uint64_t length = struct_view_pointer(&view, layout->unicode.length);
	if ((kind != 1 && kind != 2 && kind != 4) || length > INT64_MAX) {
		string.malformed = true;
		*ret = string;
		return NULL;
	}
	string.width = (uint8_t)kind;
	string.ascii = state & layout->unicode.ascii_mask;
	string.cut = length > STRING_MAX_CHARACTERS;
	string.length = string.cut ? STRING_MAX_CHARACTERS : (size_t)length;
	string.data = malloc(string.length * string.width + 1);
	if (!string.data)
		return &error_out_of_memory;
	string.status = string_data_address(memory, layout, address, state, &data_address);
	if (string.status == MEMORY_OK)
		string.status = memory_read(memory, data_address, string.data,
					    string.length * string.width);
	if (string.status != MEMORY_OK) {
		free(string.data);
		string = (struct raw_string){.address = address, .status = string.status};
	}
	*ret = string;
	return NULL;
}

/* What is needed of a code object's fixed part; the reference count is left out. */
static struct struct_span code_span(const struct python_layout *layout)
{
	struct struct_span span = {0};
	const layout_offset pointers[] = {
		layout->object.type,	      layout->code.filename,	    layout->code.name,
		layout->code.qualname,	      layout->code.line_table,	    layout->code.varnames,
		layout->code.localsplusnames, layout->code.localspluskinds, layout->code.tlbc,
	};
	const layout_offset integers[] = {
		layout->code.first_line,
		layout->code.argcount,
		layout->code.kwonly_argcount,
		layout->code.flags,
	};
	for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++)
		struct_span_add(&span, pointers[i], sizeof(uint64_t));
	for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++)
		struct_span_add(&span, integers[i], sizeof(int32_t));
	return span;
}

static struct error *line_table_read(struct memory *memory, const struct python_layout *layout,
				     uint64_t address, struct raw_code *code)
{
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->bytes.length, sizeof(uint64_t));
	code->line_table_status = struct_view_read(memory, address, span, &view);
	if (code->line_table_status != MEMORY_OK)
		return NULL;
	uint64_t size = struct_view_pointer(&view, layout->bytes.length);
	if (size > LINE_TABLE_MAX_BYTES) {
		code->malformed = true;
		return NULL;
	}
	uint8_t *table = malloc(size + 1);
	if (!table)
		return &error_out_of_memory;
	code->line_table_status =
		memory_read(memory, address + layout->bytes.contents, table, size);
	if (code->line_table_status != MEMORY_OK) {
		free(table);
		return NULL;
	}
	code->line_table = table;
	code->line_table_size = size;
	return NULL;
}

/* The strings and the line table, behind the pointers of the fixed part. */
static struct error *code_read_parts(struct memory *memory, const struct python_layout *layout,
				     const struct struct_view *view, struct raw_code *code)
{
	struct {
		layout_offset offset;
		struct raw_string *string;
	} strings[] = {
		{layout->code.name, &code->name},
		{layout->code.qualname, &code->qualname},
		{layout->code.filename, &code->filename},
	};
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		if (strings[i].offset == LAYOUT_ABSENT)
			continue;
		struct error *error = raw_string_read(memory, layout,
						      struct_view_pointer(view, strings[i].offset),
						      strings[i].string);
		if (error)
			return error;
	}
	return line_table_read(memory, layout, struct_view_pointer(view, layout->code.line_table),
			       code);
}

bool raw_code_is_complete(const struct raw_code *code)
{
	return code->status == MEMORY_OK && code->name.status == MEMORY_OK &&
	       code->qualname.status == MEMORY_OK && code->filename.status == MEMORY_OK &&
	       code->line_table_status == MEMORY_OK;
}

/*
 * Whether what was read can be a code object: its names are objects of one type, which is not its
 * own. A pointer that went astray leads to objects of other kinds, whose fields there are something
 * else.
 */
static bool has_types_of_code(const struct raw_code *code, const struct python_layout *layout)
{
	if (layout->object.type == LAYOUT_ABSENT || !raw_code_is_complete(code))
		return true;
	if (layout->code.qualname != LAYOUT_ABSENT && code->qualname.type != code->name.type)
		return false;
	return code->type && code->name.type && code->type != code->name.type &&
	       code->filename.type == code->name.type;
}

static void code_read_variables(const struct python_layout *layout, const struct struct_view *view,
				struct raw_code *code)
{
	bool has_kinds = layout->code.localsplusnames != LAYOUT_ABSENT;
	code->variable_names = struct_view_pointer(view, has_kinds ? layout->code.localsplusnames
								   : layout->code.varnames);
	code->variable_kinds = struct_view_pointer(view, layout->code.localspluskinds);
	code->cell_names = struct_view_pointer(view, layout->code.cellvars);
	code->free_names = struct_view_pointer(view, layout->code.freevars);
	code->argument_count = struct_view_i32(view, layout->code.argcount);
	code->keyword_only_count = struct_view_i32(view, layout->code.kwonly_argcount);
	code->flags = (uint32_t)struct_view_i32(view, layout->code.flags);
}

struct error *raw_code_read(struct memory *memory, const struct python_layout *layout,
			    uint64_t address, struct raw_code *ret)
{
	struct raw_code code = {.address = address};
	struct struct_view view;
	code.status = struct_view_read(memory, address, code_span(layout), &view);
	if (code.status == MEMORY_OK) {
		code.type = struct_view_pointer(&view, layout->object.type);
		code.first_line = struct_view_i32(&view, layout->code.first_line);
		code_read_variables(layout, &view, &code);
		if (layout->code.instructions != LAYOUT_ABSENT)
			code.instructions_address = address + layout->code.instructions;
		code.copies_address = struct_view_pointer(&view, layout->code.tlbc);
		struct error *error = code_read_parts(memory, layout, &view, &code);
		if (error) {
			raw_code_deinit(&code);
			return error;
		}
		code.malformed |= code.name.malformed || code.filename.malformed ||
				  code.qualname.malformed || !has_types_of_code(&code, layout);
	}
	*ret = code;
	return NULL;
}

/* _PyCodeArray: the number of copies, then pointers to them (Include/cpython/code.h, 3.14, 3.15).
 */
enum memory_status raw_code_instructions(struct memory *memory, const struct raw_code *code,
					 int32_t index, uint64_t *ret)
{
	uint64_t count;
	*ret = code->instructions_address;
	if (!index || !code->copies_address)
		return MEMORY_OK;
	enum memory_status status = memory_read_u64(memory, code->copies_address, &count);
	if (status != MEMORY_OK)
		return status;
	if (index < 0 || (uint64_t)index >= count)
		return MEMORY_NOT_MAPPED;
	status = memory_read_u64(
		memory, code->copies_address + (1 + (uint64_t)index) * sizeof(uint64_t), ret);
	return status == MEMORY_OK && !*ret ? MEMORY_NOT_MAPPED : status;
}

void raw_code_deinit(struct raw_code *code)
{
	raw_string_deinit(&code->name);
	raw_string_deinit(&code->qualname);
	raw_string_deinit(&code->filename);
	free(code->line_table);
	*code = (struct raw_code){0};
}

struct code_cache {
	struct memory *memory;
	const struct python_layout *layout;
	struct address_map codes; /* values are struct raw_code, owned */
	size_t size_bytes;
	uint64_t type; /* ob_type of the first one: that of all */
};

static size_t raw_code_size_bytes(const struct raw_code *code)
{
	return sizeof(*code) + code->name.length * code->name.width +
	       code->qualname.length * code->qualname.width +
	       code->filename.length * code->filename.width + code->line_table_size;
}

struct error *code_cache_create(struct memory *memory, const struct python_layout *layout,
				struct code_cache **ret)
{
	struct code_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return &error_out_of_memory;
	cache->memory = memory;
	cache->layout = layout;
	*ret = cache;
	return NULL;
}

void code_cache_destroy(struct code_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->codes.capacity; i++) {
		struct raw_code *code = cache->codes.entries[i].value;
		if (code)
			raw_code_deinit(code);
		free(code);
	}
	address_map_deinit(&cache->codes);
	free(cache);
}

void code_cache_destroyp(struct code_cache **cache)
{
	code_cache_destroy(*cache);
}

struct error *code_cache_get(struct code_cache *cache, uint64_t address,
			     const struct raw_code **ret)
{
	/* Address 0 is never a code object; one shared answer serves all who ask for it. */
	static const struct raw_code no_code = {.status = MEMORY_NOT_MAPPED};
	static const struct raw_code one_too_many = {.malformed = true};
	if (!address) {
		*ret = &no_code;
		return NULL;
	}
	struct raw_code *code = address_map_get(&cache->codes, address);
	if (!code && cache->size_bytes >= CODE_CACHE_MAX_BYTES) {
		*ret = &one_too_many;
		return NULL;
	}
	if (!code) {
		code = calloc(1, sizeof(*code));
		if (!code)
			return &error_out_of_memory;
		struct error *error = raw_code_read(cache->memory, cache->layout, address, code);
		if (!error)
			error = address_map_put(&cache->codes, address, code);
		if (error) {
			raw_code_deinit(code);
			free(code);
			return error;
		}
		cache->size_bytes += raw_code_size_bytes(code);
		if (!cache->type && raw_code_is_complete(code) && !code->malformed)
			cache->type = code->type;
		code->malformed |= cache->type && code->type && code->type != cache->type;
	}
	*ret = code;
	return NULL;
}
