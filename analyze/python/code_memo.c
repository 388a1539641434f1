#include "analyze/python/code_memo.h"

#include <stdlib.h>
#include <string.h>

void code_memo_init(struct code_memo *memo, struct recorded_memory *memory,
		    const struct python_layout *layout)
{
	*memo = (struct code_memo){.memory = memory, .layout = layout};
}

static uint64_t string_size(const struct raw_string *string)
{
	return string->length * string->width;
}

static uint64_t entry_size(const struct code_entry *entry)
{
	if (entry->kind == MEMO_MODULE)
		return sizeof(*entry) + string_size(&entry->module.name) +
		       string_size(&entry->module.package);
	return sizeof(*entry) + string_size(&entry->code.name) +
	       string_size(&entry->code.qualname) + string_size(&entry->code.filename) +
	       entry->code.line_table_size;
}

static void release_content(struct code_entry *entry)
{
	if (entry->kind == MEMO_MODULE) {
		raw_module_deinit(&entry->module);
		entry->module = (struct raw_module){0};
	} else {
		raw_code_deinit(&entry->code);
	}
}

static void destroy_entries(struct address_map *entries)
{
	for (size_t i = 0; i < entries->capacity; i++) {
		struct code_entry *entry = entries->entries[i].value;
		if (!entry)
			continue;
		release_content(entry);
		free(entry);
	}
	address_map_deinit(entries);
}

void code_memo_deinit(struct code_memo *memo)
{
	destroy_entries(&memo->codes);
	destroy_entries(&memo->modules);
	free(memo->touched);
	*memo = (struct code_memo){0};
}

/* The content of an entry, which has none; its footprint is that of this reading. */
static struct error *read_content(struct code_memo *memo, struct code_entry *entry)
{
	struct recorded_memory *recorded = memo->memory;
	footprint_clear(recorded->index, &entry->footprint);
	struct recorded_thing before = recorded_memory_begin(recorded, &entry->footprint, entry, 0);
	struct error *error = entry->kind == MEMO_MODULE
				      ? raw_module_read(&recorded->memory, memo->layout,
							entry->address, &entry->module)
				      : raw_code_read(&recorded->memory, memo->layout,
						      entry->address, &entry->code);
	recorded->thing = before;
	return error;
}

/* As in struct code_cache: all code objects are of one type. */
static void check_type(struct code_memo *memo, struct raw_code *code)
{
	if (!memo->type && raw_code_is_complete(code) && !code->malformed)
		memo->type = code->type;
	if (!memo->type || !code->type || code->type == memo->type)
		return;
	code->malformed = true;
	memo->is_suspect = true;
}

static struct error *make_entry(struct address_map *entries, enum memo_owner kind, uint64_t address,
				struct code_entry **ret)
{
	struct code_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return &error_out_of_memory;
	*entry = (struct code_entry){.kind = kind, .address = address};
	struct error *error = address_map_put(entries, address, entry);
	if (error)
		free(entry);
	else
		*ret = entry;
	return error;
}

static struct error *get(struct code_memo *memo, struct address_map *entries, enum memo_owner kind,
			 uint64_t address, const struct code_entry **ret)
{
	struct code_entry *entry = address_map_get(entries, address);
	struct error *error = entry ? NULL : make_entry(entries, kind, address, &entry);
	if (error)
		return error;
	if (!entry->is_read) {
		entry->serial = ++memo->serial;
		error = read_content(memo, entry);
		if (error)
			return error;
		entry->is_read = true;
		if (kind == MEMO_CODE)
			check_type(memo, &entry->code);
		memo->size_bytes += entry_size(entry);
	}
	*ret = entry;
	return NULL;
}

struct error *code_memo_code(struct code_memo *memo, uint64_t address,
			     const struct code_entry **ret)
{
	static const struct code_entry no_code = {.kind = MEMO_CODE,
						  .code.status = MEMORY_NOT_MAPPED};
	if (!address) {
		*ret = &no_code;
		return NULL;
	}
	return get(memo, &memo->codes, MEMO_CODE, address, ret);
}

struct error *code_memo_module(struct code_memo *memo, uint64_t globals,
			       const struct code_entry **ret)
{
	*ret = NULL;
	return globals ? get(memo, &memo->modules, MEMO_MODULE, globals, ret) : NULL;
}

void code_memo_touch(struct code_memo *memo, struct code_entry *entry)
{
	if (entry->touched)
		return;
	if (memo->touched_count == memo->touched_capacity) {
		size_t capacity = memo->touched_capacity ? memo->touched_capacity * 2 : 16;
		struct code_entry **touched =
			reallocarray(memo->touched, capacity, sizeof(struct code_entry *));
		if (!touched) {
			memo->touched_lost = true;
			return;
		}
		memo->touched = touched;
		memo->touched_capacity = capacity;
	}
	entry->touched = true;
	memo->touched[memo->touched_count++] = entry;
}

static bool same_bytes(const void *a, const void *b, size_t size)
{
	return !size || memcmp(a, b, size) == 0;
}

static bool same_string(const struct raw_string *a, const struct raw_string *b)
{
	return a->address == b->address && a->status == b->status && a->malformed == b->malformed &&
	       a->type == b->type && a->cut == b->cut && a->width == b->width &&
	       a->ascii == b->ascii && a->is_bytes == b->is_bytes && a->length == b->length &&
	       !a->data == !b->data &&
	       (!a->data || same_bytes(a->data, b->data, a->length * a->width));
}

/* What a frame's decoding does not use (variables, flags) may differ. */
static bool same_code(const struct raw_code *a, const struct raw_code *b)
{
	return a->status == b->status && a->malformed == b->malformed && a->type == b->type &&
	       same_string(&a->name, &b->name) && same_string(&a->qualname, &b->qualname) &&
	       same_string(&a->filename, &b->filename) && a->first_line == b->first_line &&
	       a->instructions_address == b->instructions_address &&
	       a->copies_address == b->copies_address &&
	       a->line_table_status == b->line_table_status &&
	       a->line_table_size == b->line_table_size && !a->line_table == !b->line_table &&
	       (!a->line_table || same_bytes(a->line_table, b->line_table, a->line_table_size));
}

static bool same_content(const struct code_entry *a, const struct code_entry *b)
{
	if (a->kind == MEMO_CODE)
		return same_code(&a->code, &b->code);
	return same_string(&a->module.name, &b->module.name) &&
	       same_string(&a->module.package, &b->module.package);
}

static struct error *refresh(struct code_memo *memo, struct code_entry *entry)
{
	struct code_entry before = *entry;
	if (entry->kind == MEMO_MODULE)
		entry->module = (struct raw_module){0};
	else
		entry->code = (struct raw_code){0};
	struct error *error = read_content(memo, entry);
	if (!error && entry->kind == MEMO_CODE)
		check_type(memo, &entry->code);
	memo->size_bytes += entry_size(entry) - entry_size(&before);
	entry->touched = false;
	entry->changed = error || !same_content(&before, entry);
	release_content(&before);
	return error;
}

struct error *code_memo_refresh(struct code_memo *memo, bool *ret_any)
{
	struct error *error = NULL;
	size_t changed = 0;
	for (size_t i = 0; i < memo->touched_count && !error; i++) {
		struct code_entry *entry = memo->touched[i];
		error = refresh(memo, entry);
		if (entry->changed)
			memo->touched[changed++] = entry;
	}
	memo->touched_count = changed;
	*ret_any = changed != 0;
	return error;
}

bool code_memo_is_changed(const struct address_map *entries, uint64_t address)
{
	const struct code_entry *entry = address_map_get(entries, address);
	return entry && entry->changed;
}

void code_memo_drop_changed(struct code_memo *memo)
{
	for (size_t i = 0; i < memo->touched_count; i++) {
		struct code_entry *entry = memo->touched[i];
		footprint_clear(memo->memory->index, &entry->footprint);
		memo->size_bytes -= entry_size(entry);
		release_content(entry);
		entry->is_read = false;
		entry->changed = false;
	}
	memo->touched_count = 0;
}
