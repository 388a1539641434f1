#include "common/python_dict.h"

#include <string.h>

#include "common/cursor.h"
#include "common/struct_view.h"

enum {
	ENTRY_MAX_BYTES = 24, /* hash, key, value */
	DICT_MAX_LOG2 = 40,   /* of a hash table's size */
	HEADER_MAX_BYTES = 32,
	WORD = sizeof(uint64_t),
};

struct memory *python_reader_memory(const struct python_reader *reader)
{
	return reader->keep ? reader->keep : reader->memory;
}

/*
 * Bytes of the hash table in front of the entries; 0 if that cannot be. Its width until 3.10 goes
 * by its size (DK_IXSIZE, Objects/dictobject.c), 3.11 tells the bytes (pycore_dict.h).
 */
static uint64_t index_bytes(const struct python_layout *layout, const struct struct_view *view)
{
	if (layout->dict_keys.size == LAYOUT_ABSENT) {
		uint64_t log2 = struct_view_field(view, layout->dict_keys.log2_index_bytes, 1);
		/* Twice as many as entries, of four bytes each. */
		return log2 <= DICT_MAX_LOG2 ? 1ULL << log2 : 0;
	}
	uint64_t size = struct_view_pointer(view, layout->dict_keys.size);
	if (size > 1ULL << DICT_MAX_LOG2)
		return 0;
	return size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
}

static bool has_hash(const struct python_layout *layout, const struct struct_view *view)
{
	return layout->dict_keys.kind == LAYOUT_ABSENT ||
	       struct_view_field(view, layout->dict_keys.kind, 1) == layout->dict_keys.general_kind;
}

/* A hash table whose slots are the entries: 2.x, and the keys of 3.3 to 3.5. */
static bool open_table(uint64_t entries, uint64_t slots, struct raw_dict *ret)
{
	if (!entries || !slots || slots > UINT32_MAX)
		return false;
	*ret = (struct raw_dict){
		.entries = entries,
		.entry_count = (uint32_t)slots,
		.entry_size = 3 * WORD,
		.key_offset = WORD,
		.is_open = true,
	};
	return true;
}

static bool read_open_keys(const struct python_reader *reader, uint64_t address,
			   struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	uint64_t slots;
	return struct_read_pointer(python_reader_memory(reader), address, layout->dict_keys.size,
				   &slots) == MEMORY_OK &&
	       open_table(address + layout->dict_keys.entries, slots, ret);
}

static bool read_keys(const struct python_reader *reader, uint64_t address, struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct struct_span span = {0};
	struct struct_view view;
	if (layout->dict_keys.entries != LAYOUT_ABSENT)
		return read_open_keys(reader, address, ret);
	if (layout->dict_keys.entry_count == LAYOUT_ABSENT)
		return false;
	struct_span_add(&span, layout->dict_keys.size, WORD);
	struct_span_add(&span, layout->dict_keys.log2_index_bytes, 1);
	struct_span_add(&span, layout->dict_keys.kind, 1);
	struct_span_add(&span, layout->dict_keys.entry_count, WORD);
	if (struct_view_read(python_reader_memory(reader), address, span, &view) != MEMORY_OK)
		return false;
	uint64_t count = struct_view_pointer(&view, layout->dict_keys.entry_count);
	uint64_t indices = index_bytes(layout, &view);
	if (count > UINT32_MAX || !indices)
		return false;
	uint32_t key_offset = has_hash(layout, &view) ? WORD : 0;
	*ret = (struct raw_dict){
		.entries = address + layout->dict_keys.indices + indices,
		.entry_count = (uint32_t)count,
		.entry_size = key_offset + 2 * WORD,
		.key_offset = key_offset,
	};
	return true;
}

/* How many values there are room for: told from 3.13 on, before as many as keys. */
static bool value_count(const struct python_reader *reader, uint64_t values, struct raw_dict *dict)
{
	const struct python_layout *layout = reader->layout;
	uint64_t capacity;
	dict->value_count = dict->entry_count;
	if (layout->dict_values.capacity == LAYOUT_ABSENT)
		return true;
	if (memory_read_integer(python_reader_memory(reader), values + layout->dict_values.capacity,
				1, &capacity) != MEMORY_OK)
		return false;
	if (capacity < dict->value_count)
		dict->value_count = (uint32_t)capacity;
	return true;
}

bool raw_dict_read_split(const struct python_reader *reader, uint64_t keys, uint64_t values,
			 struct raw_dict *ret)
{
	struct raw_dict dict;
	if (!keys || !values || reader->layout->dict_values.items == LAYOUT_ABSENT ||
	    !read_keys(reader, keys, &dict) || !value_count(reader, values, &dict))
		return false;
	dict.values = values + reader->layout->dict_values.items;
	*ret = dict;
	return true;
}

/* 2.x: a table that is pointed to, and is in the dict itself while it has few slots. */
static bool read_table(const struct python_reader *reader, uint64_t address, struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->dict.mask, WORD);
	struct_span_add(&span, layout->dict.table, WORD);
	if (struct_view_read(python_reader_memory(reader), address, span, &view) != MEMORY_OK)
		return false;
	uint64_t mask = struct_view_pointer(&view, layout->dict.mask);
	return mask < UINT32_MAX &&
	       open_table(struct_view_pointer(&view, layout->dict.table), mask + 1, ret);
}

bool raw_dict_read(const struct python_reader *reader, uint64_t address, struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct struct_span span = {0};
	struct struct_view view;
	if (address && layout->dict.table != LAYOUT_ABSENT)
		return read_table(reader, address, ret);
	if (!address || layout->dict.keys == LAYOUT_ABSENT)
		return false;
	struct_span_add(&span, layout->dict.keys, WORD);
	struct_span_add(&span, layout->dict.values, WORD);
	if (struct_view_read(python_reader_memory(reader), address, span, &view) != MEMORY_OK)
		return false;
	uint64_t keys = struct_view_pointer(&view, layout->dict.keys);
	uint64_t values = struct_view_pointer(&view, layout->dict.values);
	if (values)
		return raw_dict_read_split(reader, keys, values, ret);
	return keys && read_keys(reader, keys, ret);
}

/*
 * Equal pieces of memory, one behind the other: at once, or where that fails (a snapshot holds only
 * some of them) one by one. What could not be read is zero.
 */
static void read_pieces(struct memory *memory, uint64_t address, uint8_t *bytes, size_t size,
			size_t count)
{
	struct memory_request requests[DICT_BATCH];
	if (memory_read(memory, address, bytes, size * count) == MEMORY_OK)
		return;
	for (size_t i = 0; i < count; i++)
		requests[i] = (struct memory_request){
			.address = address + i * size, .buffer = bytes + i * size, .size = size};
	memory_read_many(memory, requests, count);
	for (size_t i = 0; i < count; i++) {
		if (requests[i].status != MEMORY_OK)
			memset(bytes + i * size, 0, size);
	}
}

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
	uint64_t word = 0;
	return bytes_field(bytes, offset + WORD, offset, WORD, &word) ? word : 0;
}

static size_t batch_count(const struct python_reader *reader, size_t first, size_t count)
{
	if (first >= count)
		return 0;
	size_t batch = count - first < DICT_BATCH ? count - first : DICT_BATCH;
	if (!reader->budget)
		return batch;
	if (batch > *reader->budget)
		batch = (size_t)*reader->budget;
	*reader->budget -= batch;
	return batch;
}

size_t raw_dict_entries(const struct python_reader *reader, const struct raw_dict *dict,
			size_t first, struct raw_dict_entry entries[DICT_BATCH])
{
	uint8_t bytes[DICT_BATCH * ENTRY_MAX_BYTES];
	size_t count =
		batch_count(reader, first, dict->values ? dict->value_count : dict->entry_count);
	if (!count)
		return 0;
	uint64_t address = dict->entries + first * dict->entry_size;
	read_pieces(reader->memory, address, bytes, dict->entry_size, count);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *entry = bytes + i * dict->entry_size;
		entries[i] = (struct raw_dict_entry){
			.address = address + i * dict->entry_size,
			.key = word_at(entry, dict->key_offset),
			.value = word_at(entry, dict->key_offset + WORD),
			.index = (uint32_t)(first + i),
		};
	}
	if (!dict->values)
		return count;
	read_pieces(reader->memory, dict->values + first * WORD, bytes, WORD, count);
	for (size_t i = 0; i < count; i++)
		entries[i].value = word_at(bytes, i * WORD);
	return count;
}

bool raw_dict_keep(const struct python_reader *reader, const struct raw_dict *dict,
		   const struct raw_dict_entry *entry)
{
	uint8_t bytes[ENTRY_MAX_BYTES];
	uint64_t value;
	if (!reader->keep)
		return true;
	if (memory_read(reader->keep, entry->address, bytes, dict->entry_size) != MEMORY_OK ||
	    word_at(bytes, dict->key_offset) != entry->key)
		return false;
	if (!dict->values)
		return word_at(bytes, dict->key_offset + WORD) == entry->value;
	return memory_read_u64(reader->keep, dict->values + entry->index * (uint64_t)WORD,
			       &value) == MEMORY_OK &&
	       value == entry->value;
}

/* The part of a str object that tells its length and where its characters are. */
static struct struct_span header_span(const struct python_layout *layout)
{
	struct struct_span span = {0};
	if (layout->name_kind == NAME_KIND_BYTES) {
		struct_span_add(&span, layout->bytes.length, WORD);
		return span;
	}
	struct_span_add(&span, layout->unicode.length, WORD);
	struct_span_add(&span, layout->unicode.state, sizeof(uint32_t));
	return span;
}

/* Whether the header is one of a compact ASCII str of this length, or of such a str of 2.x. (The
 * length of 2.x's unicode is at the same place, and its characters are elsewhere.) */
static bool header_fits(const struct python_layout *layout, struct struct_span span,
			const uint8_t *header, size_t length)
{
	uint32_t wanted = layout->unicode.compact_mask | layout->unicode.ascii_mask;
	uint64_t state = 0;
	uint64_t told = 0;
	if (layout->name_kind == NAME_KIND_BYTES)
		return bytes_field(header, span.size, 0, WORD, &told) && told == length;
	return bytes_field(header, span.size, layout->unicode.state - span.first, sizeof(uint32_t),
			   &state) &&
	       bytes_field(header, span.size, layout->unicode.length - span.first, WORD, &told) &&
	       (state & wanted) == wanted && told == length;
}

static bool has_characters(struct memory *memory, const struct python_layout *layout,
			   uint64_t address, const char *name)
{
	char characters[DICT_NAME_BYTES];
	size_t length = strlen(name);
	layout_offset offset = layout->name_kind == NAME_KIND_BYTES ? layout->bytes.contents
								    : layout->unicode.ascii_data;
	return memory_read(memory, address + offset, characters, length) == MEMORY_OK &&
	       memcmp(characters, name, length) == 0;
}

/* Keep the key, too: its header and characters. */
static bool keep_key(const struct python_reader *reader, uint64_t key, const char *name)
{
	uint8_t header[HEADER_MAX_BYTES];
	struct struct_span span = header_span(reader->layout);
	if (!reader->keep)
		return true;
	return memory_read(reader->keep, key + span.first, header, span.size) == MEMORY_OK &&
	       header_fits(reader->layout, span, header, strlen(name)) &&
	       has_characters(reader->keep, reader->layout, key, name);
}

/* The one of the entries whose key is `name`, or NULL. Of other keys, only the lengths are read. */
static const struct raw_dict_entry *find_key(const struct python_reader *reader,
					     const struct raw_dict_entry *entries, size_t count,
					     const char *name)
{
	uint8_t headers[DICT_BATCH][HEADER_MAX_BYTES];
	struct memory_request requests[DICT_BATCH];
	const struct raw_dict_entry *asked[DICT_BATCH];
	struct struct_span span = header_span(reader->layout);
	size_t asked_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!entries[i].key || !entries[i].value)
			continue;
		asked[asked_count] = &entries[i];
		requests[asked_count] = (struct memory_request){
			.address = entries[i].key + span.first,
			.buffer = headers[asked_count],
			.size = span.size,
		};
		asked_count++;
	}
	memory_read_many(reader->memory, requests, asked_count);
	for (size_t i = 0; i < asked_count; i++) {
		if (requests[i].status == MEMORY_OK &&
		    header_fits(reader->layout, span, headers[i], strlen(name)) &&
		    has_characters(reader->memory, reader->layout, asked[i]->key, name))
			return asked[i];
	}
	return NULL;
}

bool raw_dict_find(const struct python_reader *reader, const struct raw_dict *dict,
		   const char *name, uint64_t *ret)
{
	struct raw_dict_entry entries[DICT_BATCH];
	size_t count;
	if (strlen(name) > DICT_NAME_BYTES || dict->entry_count > DICT_MAX_ENTRIES ||
	    header_span(reader->layout).size > HEADER_MAX_BYTES)
		return false;
	for (size_t first = 0; (count = raw_dict_entries(reader, dict, first, entries));
	     first += count) {
		const struct raw_dict_entry *entry = find_key(reader, entries, count, name);
		if (!entry)
			continue;
		if (!raw_dict_keep(reader, dict, entry) || !keep_key(reader, entry->key, name))
			return false;
		*ret = entry->value;
		return true;
	}
	return false;
}
