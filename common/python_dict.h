/*
 * Lookups in a target's dict objects (Objects/dictobject.c): combined and split tables of all
 * versions. From 3.6 on entries are in the order in which they came; before, they are the slots of
 * the hash table, in no order, empty ones among them. A key's hash is not known here, so entries
 * are gone through as they lie. Whatever the memory holds, a lookup ends, and gives nothing or a
 * value that was read with its key.
 */
#ifndef PYSPY_COMMON_PYTHON_DICT_H
#define PYSPY_COMMON_PYTHON_DICT_H

#include "common/memory.h"
#include "common/python_layout.h"

enum {
	DICT_MAX_ENTRIES = 1 << 16, /* a dict with more of them is not searched through */
	DICT_BATCH = 64,	    /* entries that are read at once */
};

/*
 * Where a lookup reads. A search goes over many entries; with `keep`, a recorder, only what leads
 * to what was found is read through that, a second time, and must be the same. So a capture holds
 * little, and a search over what was captured passes over the gaps and finds the same.
 */
struct python_reader {
	struct memory *memory;
	struct memory *keep; /* NULL: nothing is to be kept */
	const struct python_layout *layout;
	uint64_t *budget; /* entries that may still be looked at; NULL: as many as there are */
};

/* Where everything is read that is no search. */
struct memory *python_reader_memory(const struct python_reader *reader);

/* A table of keys, and where the values are. */
struct raw_dict {
	uint64_t entries;     /* address of the first */
	uint32_t entry_count; /* used ones, deleted ones included */
	uint32_t entry_size;  /* bytes */
	uint32_t key_offset;  /* in an entry; the value is behind it */
	uint64_t values;      /* split table: address of the first value; else 0 */
	uint32_t value_count;
	bool is_open; /* <= 3.5: slots, of which at least a third is empty */
};

struct raw_dict_entry {
	uint64_t address; /* of the entry */
	uint64_t key;	  /* 0: a deleted entry, one that could not be read, an empty slot */
	uint64_t value;	  /* 0: none; a deleted slot has a key and no value */
	uint32_t index;
};

/* False if there is none that can be read. */
bool raw_dict_read(const struct python_reader *reader, uint64_t address, struct raw_dict *ret)
	__attribute__((warn_unused_result));

/* The same of a table of keys whose values (PyDictValues) are elsewhere. */
bool raw_dict_read_split(const struct python_reader *reader, uint64_t keys, uint64_t values,
			 struct raw_dict *ret) __attribute__((warn_unused_result));

/* Up to DICT_BATCH entries from number `first` on; gives how many: 0 at the end, or when the budget
 * is spent. */
size_t raw_dict_entries(const struct python_reader *reader, const struct raw_dict *dict,
			size_t first, struct raw_dict_entry entries[DICT_BATCH]);

/* Read the entry once more, to be kept; false if it is not the same any more. */
bool raw_dict_keep(const struct python_reader *reader, const struct raw_dict *dict,
		   const struct raw_dict_entry *entry) __attribute__((warn_unused_result));

/* The value of a str key of ASCII characters, at most DICT_NAME_BYTES of them. */
enum { DICT_NAME_BYTES = 32 };
bool raw_dict_find(const struct python_reader *reader, const struct raw_dict *dict,
		   const char *name, uint64_t *ret) __attribute__((warn_unused_result));

#endif
