/*
 * Code objects and modules that were read, from one sample to the next. Those whose memory was
 * touched are read again: what came out the same is kept, the others are other objects.
 */
#ifndef PYSPY_ANALYZE_PYTHON_CODE_MEMO_H
#define PYSPY_ANALYZE_PYTHON_CODE_MEMO_H

#include "analyze/python/memo_owner.h"
#include "analyze/python/recorded_memory.h"
#include "common/address_map.h"
#include "common/code_object.h"
#include "common/module_name.h"

struct code_entry {
	enum memo_owner kind; /* MEMO_CODE or MEMO_MODULE */
	uint64_t address;     /* of the code object, or of the module's dict */
	uint64_t serial;      /* never given twice; that of what was read */
	bool is_read;	      /* else nothing is known of what is there */
	bool touched;
	bool changed; /* it is another object now */
	struct footprint footprint;
	union {
		struct raw_code code;
		struct raw_module module;
	};
};

struct code_memo {
	struct recorded_memory *memory;
	const struct python_layout *layout;
	struct address_map codes;   /* values are struct code_entry, owned */
	struct address_map modules; /* the same */
	struct code_entry **touched;
	size_t touched_count;
	size_t touched_capacity;
	bool touched_lost; /* not all that were touched could be noted */
	uint64_t serial;
	uint64_t size_bytes;
	uint64_t type;	 /* ob_type of the first code object: that of all */
	bool is_suspect; /* code objects of several types were seen: nothing of it is certain */
};

/* Both borrowed. */
void code_memo_init(struct code_memo *memo, struct recorded_memory *memory,
		    const struct python_layout *layout);
void code_memo_deinit(struct code_memo *memo);

/* Address 0 gives a shared entry that is no code object; a module NULL. */
struct error *code_memo_code(struct code_memo *memo, uint64_t address,
			     const struct code_entry **ret);
struct error *code_memo_module(struct code_memo *memo, uint64_t globals,
			       const struct code_entry **ret);

void code_memo_touch(struct code_memo *memo, struct code_entry *entry);
/* Read again what was touched. `ret_any`: some are other objects, and marked as changed until they
 * are dropped. */
struct error *code_memo_refresh(struct code_memo *memo, bool *ret_any);
void code_memo_drop_changed(struct code_memo *memo);
/* Whether what is at an address was found to be another object. */
bool code_memo_is_changed(const struct address_map *entries, uint64_t address);

#endif
