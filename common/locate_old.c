#include "common/locate_old.h"

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/interpreter_id.h"
#include "common/struct_view.h"

enum {
	WORD_BYTES = SCAN_WORD_BYTES,
	/* How far apart the variables of Python/pystate.c are looked for. */
	NEAR_BYTES = 256,
	/* The same for what nothing but its value tells: optimised at link time, the variables of
	 * all files are mixed. */
	CURRENT_NEAR_BYTES = 1 << 16,
	MAX_THREADS = 4096,
	/* Of one scan: words that look like pointers and lead to something. */
	MAX_CANDIDATES = 1 << 20,
};

bool is_old_python(struct python_version version)
{
	return version.major == 2 || (version.major == 3 && version.minor < 7);
}

static bool follow(struct memory *memory, uint64_t address, layout_offset offset, uint64_t *ret)
{
	return struct_read_pointer(memory, address, offset, ret) == MEMORY_OK &&
	       is_plausible_pointer(*ret);
}

/* Of dicts in the interpreter state: dict is a type, so its type is type, which is its own. */
static bool are_of_one_type(struct memory *memory, const struct python_layout *layout, uint64_t a,
			    uint64_t b)
{
	uint64_t type;
	uint64_t other;
	uint64_t metatype;
	uint64_t again;
	return follow(memory, a, layout->object.type, &type) &&
	       follow(memory, b, layout->object.type, &other) && type == other &&
	       follow(memory, type, layout->object.type, &metatype) && metatype != type &&
	       follow(memory, metatype, layout->object.type, &again) && again == metatype;
}

static bool is_interpreter(struct memory *memory, uint64_t interpreter,
			   const struct python_layout *layout)
{
	uint64_t thread;
	uint64_t back;
	uint64_t next;
	uint64_t previous = 0;
	uint64_t modules;
	uint64_t sysdict;
	return follow(memory, interpreter, layout->interpreter.threads_head, &thread) &&
	       thread != interpreter &&
	       struct_read_pointer(memory, thread, layout->thread.interp, &back) == MEMORY_OK &&
	       back == interpreter &&
	       (layout->thread.prev == LAYOUT_ABSENT ||
		struct_read_pointer(memory, thread, layout->thread.prev, &previous) == MEMORY_OK) &&
	       !previous &&
	       struct_read_pointer(memory, interpreter, layout->interpreter.next, &next) ==
		       MEMORY_OK &&
	       (!next || is_plausible_pointer(next)) &&
	       follow(memory, interpreter, layout->interpreter.modules, &modules) &&
	       follow(memory, interpreter, layout->interpreter.sysdict, &sysdict) &&
	       are_of_one_type(memory, layout, modules, sysdict);
}

bool validate_interpreters(struct memory *memory, uint64_t head, const struct python_layout *layout,
			   bool *ret_started)
{
	uint64_t interpreter;
	*ret_started = false;
	if (memory_read_u64(memory, head, &interpreter) != MEMORY_OK)
		return false;
	if (!interpreter)
		return true;
	*ret_started =
		is_plausible_pointer(interpreter) && is_interpreter(memory, interpreter, layout);
	return *ret_started;
}

/* What the scan has found so far. */
struct candidate {
	uint64_t head;
	int64_t older; /* interpreters that it leads to behind the first */
	uint64_t distance;
};

static void consider(struct memory *memory, uint64_t head, uint64_t interpreter, uint64_t near,
		     const struct python_layout *layout, struct candidate *best)
{
	struct candidate found = {.head = head};
	if (!is_interpreter(memory, interpreter, layout) ||
	    interpreter_id_read(memory, layout, interpreter, &found.older) != MEMORY_OK)
		return;
	if (near)
		found.distance = head > near ? head - near : near - head;
	if (!best->head || found.older > best->older ||
	    (found.older == best->older && found.distance < best->distance))
		*best = found;
}

static void scan_words(struct memory *memory, struct scan_range range, uint64_t near,
		       const struct python_layout *layout, struct candidate *best)
{
	CLEANUP(scan_pieces_deinit) struct scan_pieces pieces;
	size_t candidates = 0;
	scan_pieces_init(&pieces, memory, range);
	while (scan_pieces_next(&pieces, 0)) {
		for (size_t i = 0; i + WORD_BYTES <= pieces.size; i += WORD_BYTES) {
			uint64_t word = 0;
			bytes_field(pieces.data, pieces.size, i, WORD_BYTES, &word);
			/* What points into the range itself is a variable, no interpreter. */
			if (!is_plausible_pointer(word) ||
			    (word >= range.start && word < range.end))
				continue;
			if (candidates++ == MAX_CANDIDATES)
				return;
			consider(memory, pieces.address + i, word, near, layout, best);
		}
	}
}

bool scan_interpreters(struct memory *memory, struct scan_range range, uint64_t near,
		       const struct python_layout *layout, uint64_t *ret_head)
{
	struct candidate best = {0};
	if (near) {
		struct scan_range close = {
			.start = near > NEAR_BYTES ? near - NEAR_BYTES : 0,
			.end = near + NEAR_BYTES,
		};
		scan_words(memory, close, near, layout, &best);
	}
	if (!best.head)
		scan_words(memory, range, near, layout, &best);
	*ret_head = best.head;
	return best.head;
}

static bool is_thread_of(struct memory *memory, uint64_t thread, uint64_t interpreter,
			 const struct python_layout *layout)
{
	uint64_t next;
	if (struct_read_pointer(memory, thread, layout->thread.interp, &next) != MEMORY_OK ||
	    next != interpreter ||
	    struct_read_pointer(memory, interpreter, layout->interpreter.threads_head, &next) !=
		    MEMORY_OK)
		return false;
	for (size_t i = 0; next && i < MAX_THREADS; i++) {
		if (next == thread)
			return true;
		if (struct_read_pointer(memory, next, layout->thread.next, &next) != MEMORY_OK)
			return false;
	}
	return false;
}

uint64_t scan_current_thread(struct memory *memory, uint64_t head,
			     const struct python_layout *layout)
{
	uint64_t interpreter;
	uint64_t thread;
	/* From 3.2 on gil_last_holder keeps a thread that need not hold anything any more. */
	if (layout->major != 2 || memory_read_u64(memory, head, &interpreter) != MEMORY_OK)
		return 0;
	uint64_t address = head > CURRENT_NEAR_BYTES ? head - CURRENT_NEAR_BYTES : 0;
	for (; address <= head + CURRENT_NEAR_BYTES; address += WORD_BYTES) {
		if (address != head && memory_read_u64(memory, address, &thread) == MEMORY_OK &&
		    is_plausible_pointer(thread) &&
		    is_thread_of(memory, thread, interpreter, layout))
			return address;
	}
	return 0;
}
