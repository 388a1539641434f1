/* The raw bytes of a code object: what the walk touches and the decoder reads. Nothing is decoded
 * here. */
#ifndef PYSPY_COMMON_CODE_OBJECT_H
#define PYSPY_COMMON_CODE_OBJECT_H

#include "common/buffer.h"
#include "common/memory.h"
#include "common/python_layout.h"

/* Bounds on what a target may make us read; longer ones are cut and marked. */
enum {
	STRING_MAX_CHARACTERS = 4096,
	LINE_TABLE_MAX_BYTES = 1 << 20,
	/* All that a walk keeps of code objects; those beyond it are given as malformed. */
	CODE_CACHE_MAX_BYTES = 1 << 28,
};

/* The characters of a str object as they lie in memory. In 2.x they are bytes. */
struct raw_string {
	uint64_t address;	   /* of the object */
	enum memory_status status; /* not MEMORY_OK: the rest is zero */
	bool malformed;		   /* bytes were readable but make no str */
	uint64_t type;		   /* ob_type */
	bool cut;		   /* longer than STRING_MAX_CHARACTERS */
	uint8_t width;		   /* bytes per character: 1, 2 or 4 */
	bool ascii;
	bool is_bytes; /* 2.x: of an encoding that is not told */
	size_t length; /* in characters */
	uint8_t *data; /* owned, length * width bytes */
};

void raw_string_deinit(struct raw_string *string);
/* Only running out of memory is an error. */
struct error *raw_string_read(struct memory *memory, const struct python_layout *layout,
			      uint64_t address, struct raw_string *ret);

struct raw_code {
	uint64_t address;
	enum memory_status status; /* of the fixed part; not MEMORY_OK: the rest is zero */
	bool malformed;		   /* readable, but cannot be a code object */
	uint64_t type;		   /* ob_type */
	struct raw_string name;
	struct raw_string qualname; /* address 0 where the version has none */
	struct raw_string filename;
	int32_t first_line;
	uint64_t instructions_address; /* first code unit; 0 where not in place */
	uint64_t copies_address;       /* of the threads' own copies of the code units; 0: none */
	/* Of its variables: tuples of names, their kinds as bytes, and how many are arguments. */
	uint64_t variable_names; /* co_localsplusnames or co_varnames */
	uint64_t variable_kinds; /* co_localspluskinds; 0 where there is none */
	uint64_t cell_names;	 /* co_cellvars, <= 3.10 */
	uint64_t free_names;	 /* co_freevars, <= 3.10 */
	int32_t argument_count;
	int32_t keyword_only_count;
	uint32_t flags;
	enum memory_status line_table_status;
	uint8_t *line_table; /* owned; NULL if unreadable or empty */
	size_t line_table_size;
};

/* Whether nothing of it was missing from memory. What is malformed was read all the same. */
bool raw_code_is_complete(const struct raw_code *code);

/*
 * Where the code units begin that a frame with this `tlbc_index` runs: free-threaded 3.14 and later
 * give each thread its own copy (co_tlbc), the first of which is the one in place. Not MEMORY_OK if
 * the copy is not there.
 */
enum memory_status raw_code_instructions(struct memory *memory, const struct raw_code *code,
					 int32_t index, uint64_t *ret)
	__attribute__((warn_unused_result));

struct error *raw_code_read(struct memory *memory, const struct python_layout *layout,
			    uint64_t address, struct raw_code *ret);
void raw_code_deinit(struct raw_code *code);

/* Code objects by address: each is read once in a walk. */
struct code_cache;
struct error *code_cache_create(struct memory *memory, const struct python_layout *layout,
				struct code_cache **ret);
void code_cache_destroy(struct code_cache *cache);
void code_cache_destroyp(struct code_cache **cache);
/* `ret` is borrowed from the cache. */
struct error *code_cache_get(struct code_cache *cache, uint64_t address,
			     const struct raw_code **ret);

#endif
