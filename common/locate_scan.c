#include "common/locate_scan.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/debug_offsets.h"
#include "common/struct_view.h"

enum {
	PAGE_BYTES = 4096,
	WORD_BYTES = SCAN_WORD_BYTES,
	/* Py_GetVersion() keeps its text in char version[250] or [300] (Python/getversion.c). */
	VERSION_TEXT_MAX_BYTES = 320,
	/* Of one scan: 128 MiB of nothing but pointers. */
	MAX_CANDIDATES = 1 << 24,
};

/* What looks at a piece: gives the offset of a find, or `size` if there is none from `from` on. */
struct piece_search {
	size_t (*find)(const struct piece_search *search, const uint8_t *data, size_t size,
		       size_t from);
	size_t overlap_bytes; /* how much of a find can lie in the next piece */
	const struct python_layout *layout;
	bool many_interpreters;
};

void data_scan_init(struct data_scan *scan, struct memory *memory, struct scan_range range)
{
	*scan = (struct data_scan){.candidates_left = MAX_CANDIDATES};
	scan_pieces_init(&scan->pieces, memory, range);
}

void data_scan_deinit(struct data_scan *scan)
{
	scan_pieces_deinit(&scan->pieces);
}

/* The address of the next find. */
static bool scan_next(struct data_scan *scan, const struct piece_search *search, uint64_t *ret)
{
	struct scan_pieces *pieces = &scan->pieces;
	for (;;) {
		size_t from = 0;
		/* Pieces overlap. */
		if (scan->position > pieces->address)
			from = (size_t)(scan->position - pieces->address);
		size_t found = from < pieces->size
				       ? search->find(search, pieces->data, pieces->size, from)
				       : pieces->size;
		if (found < pieces->size) {
			*ret = pieces->address + found;
			scan->position = *ret + SCAN_WORD_BYTES;
			if (!scan->candidates_left)
				return false;
			scan->candidates_left--;
			return true;
		}
		if (!scan_pieces_next(pieces, search->overlap_bytes))
			return false;
	}
}

/* "3.11.7 (main, Dec  4 2023, 18:10:11) [GCC 12.2.0]": the shape around the version is what proves
 * it. */
static bool is_version_text(const uint8_t *text, size_t size)
{
	struct python_version version;
	size = size < VERSION_TEXT_MAX_BYTES ? size : VERSION_TEXT_MAX_BYTES;
	size_t length = python_version_parse((const char *)text, size, &version);
	if (!length || length + 2 > size || memcmp(text + length, " (", 2) != 0)
		return false;
	const uint8_t *end = memchr(text, 0, size);
	const uint8_t *close = end ? memchr(text, ')', (size_t)(end - text)) : NULL;
	return close && memchr(close, '[', (size_t)(end - close));
}

static size_t find_version_text(const struct piece_search *search, const uint8_t *data, size_t size,
				size_t from)
{
	(void)search;
	/* Look for " (", which is rarer than a digit, and step back over the version before it. */
	for (size_t i = from; i + 1 < size; i++) {
		const uint8_t *blank = memchr(data + i, ' ', size - 1 - i);
		if (!blank)
			break;
		i = (size_t)(blank - data);
		if (data[i + 1] != '(')
			continue;
		size_t start = i;
		while (start > from && i - start < PYTHON_VERSION_TEXT_SIZE &&
		       data[start - 1] > ' ' && data[start - 1] < 0x7f)
			start--;
		if (start < i && is_version_text(data + start, size - start))
			return start;
	}
	return size;
}

bool scan_version_text(struct memory *memory, struct scan_range range,
		       struct python_version *ret_version, uint64_t *ret_address)
{
	static const struct piece_search search = {
		.find = find_version_text,
		.overlap_bytes = VERSION_TEXT_MAX_BYTES,
	};
	CLEANUP(data_scan_deinit) struct data_scan scan;
	uint64_t address;
	char text[PYTHON_VERSION_TEXT_SIZE];
	data_scan_init(&scan, memory, range);
	if (!scan_next(&scan, &search, &address))
		return false;
	if (memory_read(memory, address, text, sizeof(text)) != MEMORY_OK ||
	    !python_version_parse(text, sizeof(text), ret_version))
		return false;
	*ret_address = address;
	return true;
}

static size_t find_cookie(const struct piece_search *search, const uint8_t *data, size_t size,
			  size_t from)
{
	(void)search;
	for (size_t i = from; i + WORD_BYTES <= size; i += WORD_BYTES) {
		if (memcmp(data + i, DEBUG_OFFSETS_COOKIE, WORD_BYTES) == 0)
			return i;
	}
	return size;
}

bool scan_cookie(struct data_scan *scan, uint64_t *ret_runtime)
{
	static const struct piece_search search = {
		.find = find_cookie,
		.overlap_bytes = WORD_BYTES,
	};
	return scan_next(scan, &search, ret_runtime);
}

bool is_plausible_pointer(uint64_t value)
{
	/* User space of x86_64 and aarch64 (4-level tables: 47 and 48 bits), never the first page.
	 */
	return value >= PAGE_BYTES && value < UINT64_C(1) << 48 && value % WORD_BYTES == 0;
}

static size_t find_interpreter_pointers(const struct piece_search *search, const uint8_t *data,
					size_t size, size_t from)
{
	size_t distance = search->layout->runtime.interpreters_main -
			  search->layout->runtime.interpreters_head;
	for (size_t i = from; i + distance + WORD_BYTES <= size; i += WORD_BYTES) {
		uint64_t head = 0;
		uint64_t main_interpreter = 0;
		bytes_field(data, size, i, WORD_BYTES, &head);
		if (!is_plausible_pointer(head))
			continue;
		bytes_field(data, size, i + distance, WORD_BYTES, &main_interpreter);
		if (head == main_interpreter ||
		    (search->many_interpreters && is_plausible_pointer(main_interpreter)))
			return i;
	}
	return size;
}

bool scan_interpreter_pointers(struct data_scan *scan, const struct python_layout *layout,
			       bool many_interpreters, uint64_t *ret_runtime)
{
	enum { DISTANCE_MAX_BYTES = 64 };
	uint64_t address;
	layout_offset head = layout->runtime.interpreters_head;
	layout_offset main_interpreter = layout->runtime.interpreters_main;
	if (head == LAYOUT_ABSENT || main_interpreter == LAYOUT_ABSENT ||
	    main_interpreter <= head || main_interpreter - head > DISTANCE_MAX_BYTES)
		return false;
	struct piece_search search = {
		.find = find_interpreter_pointers,
		.overlap_bytes = main_interpreter - head + WORD_BYTES,
		.layout = layout,
		.many_interpreters = many_interpreters,
	};
	if (!scan_next(scan, &search, &address))
		return false;
	*ret_runtime = address - head;
	return true;
}

/* A pointer field that must lead somewhere; false if it cannot be read or cannot be a pointer. */
static bool follow(struct memory *memory, uint64_t address, layout_offset offset, uint64_t *ret)
{
	return struct_read_pointer(memory, address, offset, ret) == MEMORY_OK &&
	       is_plausible_pointer(*ret);
}

/* Interpreters are numbered from 0, the main one (PyInterpreterState.id, pycore_interp.h). */
static bool has_interpreter_id(struct memory *memory, uint64_t interpreter,
			       const struct python_layout *layout, uint64_t highest)
{
	uint64_t id;
	return struct_read_pointer(memory, interpreter, layout->interpreter.id, &id) == MEMORY_OK &&
	       id <= highest;
}

/* The first of an interpreter's threads: points back to it, and has none before it. */
static bool is_first_thread(struct memory *memory, uint64_t thread, uint64_t interpreter,
			    const struct python_layout *layout)
{
	uint64_t back;
	uint64_t previous;
	return struct_read_pointer(memory, thread, layout->thread.interp, &back) == MEMORY_OK &&
	       back == interpreter &&
	       (layout->thread.prev == LAYOUT_ABSENT ||
		(struct_read_pointer(memory, thread, layout->thread.prev, &previous) == MEMORY_OK &&
		 previous == 0));
}

/*
 * The first thread of the newest interpreter or, where that has none, of the main one: from 3.13 on
 * an interpreter that nobody runs has no thread state. 0 if neither has one, false if what leads to
 * it is no pointer.
 */
static bool find_thread(struct memory *memory, uint64_t runtime, const struct python_layout *layout,
			uint64_t *ret_interpreter, uint64_t *ret_thread)
{
	const layout_offset places[] = {
		layout->runtime.interpreters_head,
		layout->runtime.interpreters_main,
	};
	*ret_thread = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !*ret_thread; i++) {
		if (places[i] == LAYOUT_ABSENT)
			continue;
		if (!follow(memory, runtime, places[i], ret_interpreter) ||
		    struct_read_pointer(memory, *ret_interpreter, layout->interpreter.threads_head,
					ret_thread) != MEMORY_OK)
			return false;
	}
	return true;
}

bool runtime_is_started(struct memory *memory, uint64_t runtime, const struct python_layout *layout)
{
	uint64_t interpreter;
	uint64_t thread;
	uint64_t back;
	return find_thread(memory, runtime, layout, &interpreter, &thread) &&
	       is_plausible_pointer(thread) &&
	       struct_read_pointer(memory, thread, layout->thread.interp, &back) == MEMORY_OK &&
	       back == interpreter;
}

bool validate_runtime(struct memory *memory, uint64_t runtime, const struct python_layout *layout,
		      bool *ret_started)
{
	uint64_t interpreter;
	uint64_t main_interpreter;
	uint64_t next;
	uint64_t thread;
	if (struct_read_pointer(memory, runtime, layout->runtime.interpreters_head, &interpreter) !=
	    MEMORY_OK)
		return false;
	*ret_started = false;
	if (!interpreter)
		return true;
	if (!is_plausible_pointer(interpreter) ||
	    !has_interpreter_id(memory, interpreter, layout, UINT32_MAX) ||
	    struct_read_pointer(memory, interpreter, layout->interpreter.next, &next) !=
		    MEMORY_OK ||
	    (next && !is_plausible_pointer(next)))
		return false;
	if (layout->runtime.interpreters_main != LAYOUT_ABSENT &&
	    !(follow(memory, runtime, layout->runtime.interpreters_main, &main_interpreter) &&
	      has_interpreter_id(memory, main_interpreter, layout, 0)))
		return false;
	if (!find_thread(memory, runtime, layout, &interpreter, &thread))
		return false;
	if (!thread)
		return true;
	*ret_started = is_plausible_pointer(thread) &&
		       is_first_thread(memory, thread, interpreter, layout);
	return *ret_started;
}
