/*
 * A small made-up CPython in a fake memory: a layout with simple offsets, and functions that put
 * interpreters, threads, frames, code objects and strings where a test wants them.
 */
#ifndef PYSPY_TESTS_FAKE_PYTHON_H
#define PYSPY_TESTS_FAKE_PYTHON_H

#include <stdio.h>
#include <string.h>

#include "common/locate.h"
#include "common/memory_image.h"
#include "tests/unit/cmocka_headers.h"

enum {
	FAKE_RUNTIME = 0x10000,
	FAKE_INTERPRETER = 0x20000,
	FAKE_THREADS = 0x30000, /* thread i at + 0x100 * i */
	FAKE_FRAMES = 0x40000,	/* frame i at + 0x80 * i */
	FAKE_CODES = 0x80000,	/* code i at + 0x100 * i */
	FAKE_STRINGS = 0xc0000,
};

static inline uint64_t fake_thread(unsigned i)
{
	return FAKE_THREADS + 0x100 * i;
}

static inline uint64_t fake_frame(unsigned i)
{
	return FAKE_FRAMES + 0x80 * i;
}

static inline uint64_t fake_code(unsigned i)
{
	return FAKE_CODES + 0x100 * i;
}

static inline void fake_bytes(struct memory_image *image, uint64_t address, const void *bytes,
			      size_t size)
{
	assert_null(memory_image_put(image, address, bytes, size));
}

static inline void fake_u64(struct memory_image *image, uint64_t address, uint64_t value)
{
	fake_bytes(image, address, &value, sizeof(value));
}

static inline void fake_u32(struct memory_image *image, uint64_t address, uint32_t value)
{
	fake_bytes(image, address, &value, sizeof(value));
}

/* Every field of the layout absent but those that the fake has: as an interpreter of 3.13. */
static inline struct python_location fake_location(void)
{
	struct python_location location = {
		.runtime_address = FAKE_RUNTIME,
		.version = {.major = 3, .minor = 13},
		.layout_known = true,
	};
	struct python_layout *layout = &location.layout;
	memset(layout, 0xff, sizeof(*layout));
	layout->frame_kind = FRAME_KIND_INTERPRETER;
	layout->position_kind = POSITION_INSTR_PTR;
	layout->line_table_kind = LINE_TABLE_LOCATIONS;
	layout->free_threaded = false;
	layout->runtime.interpreters_head = 8;
	layout->runtime.interpreters_main = 16;
	layout->interpreter.id = 0;
	layout->interpreter.next = 8;
	layout->interpreter.threads_head = 16;
	layout->interpreter.gil = 24;
	layout->gil.last_holder = 0;
	layout->gil.locked = 8;
	layout->gil.switch_number = 16;
	layout->thread.next = 0;
	layout->thread.interp = 8;
	layout->thread.frame = 16;
	layout->thread.thread_id = 24;
	layout->thread.native_thread_id = 32;
	layout->thread.holds_gil = (struct layout_bit){.offset = 40, .mask = 4};
	layout->frame.previous = 0;
	layout->frame.code = 8;
	layout->frame.position = 16;
	layout->frame.owner = 24;
	layout->frame.owner_cstack = 3;
	layout->frame.owner_interpreter = 255;
	layout->frame.reference_tag_mask = 1;
	layout->code.filename = 16;
	layout->code.name = 24;
	layout->code.qualname = 32;
	layout->code.line_table = 40;
	layout->code.first_line = 48;
	layout->code.instructions = 64;
	layout->bytes.length = 16;
	layout->bytes.contents = 24;
	layout->unicode.length = 16;
	layout->unicode.state = 24;
	layout->unicode.kind_shift = 2;
	layout->unicode.kind_mask = 7;
	layout->unicode.compact_mask = 0x20;
	layout->unicode.ascii_mask = 0x40;
	layout->unicode.ascii_data = 32;
	layout->unicode.compact_data = 48;
	layout->unicode.any_data = 48;
	return location;
}

/* What fake_location leaves out: dicts, as 3.13 has them. */
static inline void fake_dict_layout(struct python_layout *layout)
{
	layout->dict.keys = 16;
	layout->dict.values = 24;
	layout->dict_keys.log2_index_bytes = 1;
	layout->dict_keys.kind = 2;
	layout->dict_keys.entry_count = 8;
	layout->dict_keys.indices = 16;
	layout->dict_keys.general_kind = 0;
	layout->dict_values.capacity = 0;
	layout->dict_values.valid = 3;
	layout->dict_values.items = 8;
}

/* A compact ASCII str. */
static inline void fake_string(struct memory_image *image, uint64_t address, const char *text)
{
	fake_u64(image, address + 16, strlen(text));
	fake_u32(image, address + 24, 1 << 2 | 0x20 | 0x40);
	fake_bytes(image, address + 32, text, strlen(text));
}

/* Code object i, whose names end in its number; its line table says line `first_line` throughout.
 */
static inline void fake_put_code(struct memory_image *image, unsigned i, uint32_t first_line)
{
	static const uint8_t table[] = {0x80 | 13 << 3 | 7, 0};
	uint64_t strings = FAKE_STRINGS + 0x200 * i;
	char text[32];
	snprintf(text, sizeof(text), "function_%u", i);
	fake_string(image, strings, text);
	fake_string(image, strings + 0x80, "file.py");
	fake_u64(image, strings + 0x100 + 16, sizeof(table));
	fake_bytes(image, strings + 0x100 + 24, table, sizeof(table));
	fake_u64(image, fake_code(i) + 16, strings + 0x80);
	fake_u64(image, fake_code(i) + 24, strings);
	fake_u64(image, fake_code(i) + 32, strings);
	fake_u64(image, fake_code(i) + 40, strings + 0x100);
	fake_u32(image, fake_code(i) + 48, first_line);
}

static inline void fake_put_frame(struct memory_image *image, unsigned i, uint64_t previous,
				  uint64_t code, uint8_t owner)
{
	fake_u64(image, fake_frame(i), previous);
	fake_u64(image, fake_frame(i) + 8, code);
	fake_u64(image, fake_frame(i) + 16, code + 64 + 4);
	fake_bytes(image, fake_frame(i) + 24, &owner, 1);
}

static inline void fake_put_thread(struct memory_image *image, unsigned i, uint64_t next,
				   uint64_t frame)
{
	uint8_t holds_gil = i == 0 ? 4 : 0;
	fake_u64(image, fake_thread(i), next);
	fake_u64(image, fake_thread(i) + 8, FAKE_INTERPRETER);
	fake_u64(image, fake_thread(i) + 16, frame);
	fake_u64(image, fake_thread(i) + 24, 0x7f0000000000 + i);
	fake_u64(image, fake_thread(i) + 32, 1000 + i);
	fake_bytes(image, fake_thread(i) + 40, &holds_gil, 1);
}

/* The runtime and one interpreter, whose newest thread is `thread`. */
static inline void fake_put_interpreter(struct memory_image *image, uint64_t thread)
{
	enum { FAKE_GIL = FAKE_INTERPRETER + 0x100 };
	fake_u64(image, FAKE_RUNTIME + 8, FAKE_INTERPRETER);
	fake_u64(image, FAKE_RUNTIME + 16, FAKE_INTERPRETER);
	fake_u64(image, FAKE_INTERPRETER, 0);
	fake_u64(image, FAKE_INTERPRETER + 8, 0);
	fake_u64(image, FAKE_INTERPRETER + 16, thread);
	fake_u64(image, FAKE_INTERPRETER + 24, FAKE_GIL);
	fake_u64(image, FAKE_GIL, thread);
	fake_u64(image, FAKE_GIL + 8, 1);
	fake_u64(image, FAKE_GIL + 16, 7);
}

#endif
