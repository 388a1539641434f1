/* The layout fields that tests go through by name. */
#ifndef PYSPY_TESTS_LAYOUT_VALUES_H
#define PYSPY_TESTS_LAYOUT_VALUES_H

#include <string.h>

#include "common/python_layout.h"

struct layout_value {
	const char *name;
	size_t member;
};

#define LAYOUT_VALUE(field)                                                                        \
	{                                                                                          \
#field, offsetof(struct python_layout, field)                                      \
	}

/* clang-format off */
static const struct layout_value layout_values[] = {
	LAYOUT_VALUE(runtime.interpreters_head), LAYOUT_VALUE(runtime.interpreters_main),
	LAYOUT_VALUE(runtime.finalizing), LAYOUT_VALUE(runtime.tstate_current),
	LAYOUT_VALUE(runtime.gil), LAYOUT_VALUE(interpreter.id), LAYOUT_VALUE(interpreter.next),
	LAYOUT_VALUE(interpreter.threads_head), LAYOUT_VALUE(interpreter.gil),
	LAYOUT_VALUE(interpreter.gc_collecting), LAYOUT_VALUE(interpreter.modules),
	LAYOUT_VALUE(interpreter.sysdict), LAYOUT_VALUE(interpreter.code_object_generation),
	LAYOUT_VALUE(gil.last_holder), LAYOUT_VALUE(gil.locked), LAYOUT_VALUE(gil.switch_number),
	LAYOUT_VALUE(gil.cond), LAYOUT_VALUE(gil.mutex), LAYOUT_VALUE(runtime.gc_collecting),
	LAYOUT_VALUE(thread.prev), LAYOUT_VALUE(thread.next), LAYOUT_VALUE(thread.interp),
	LAYOUT_VALUE(thread.frame), LAYOUT_VALUE(thread.cframe), LAYOUT_VALUE(thread.thread_id),
	LAYOUT_VALUE(thread.native_thread_id), LAYOUT_VALUE(thread.id),
	LAYOUT_VALUE(thread.datastack_chunk), LAYOUT_VALUE(thread.datastack_top),
	LAYOUT_VALUE(thread.active.offset), LAYOUT_VALUE(thread.active.mask),
	LAYOUT_VALUE(thread.holds_gil.offset), LAYOUT_VALUE(thread.holds_gil.mask),
	LAYOUT_VALUE(thread.base_frame), LAYOUT_VALUE(cframe.current_frame),
	LAYOUT_VALUE(frame.size), LAYOUT_VALUE(frame.previous), LAYOUT_VALUE(frame.code),
	LAYOUT_VALUE(frame.position), LAYOUT_VALUE(frame.lineno), LAYOUT_VALUE(frame.trace),
	LAYOUT_VALUE(frame.globals), LAYOUT_VALUE(frame.owner), LAYOUT_VALUE(frame.is_entry),
	LAYOUT_VALUE(frame.localsplus), LAYOUT_VALUE(frame.stacktop),
	LAYOUT_VALUE(frame.stackpointer), LAYOUT_VALUE(frame.state), LAYOUT_VALUE(code.size),
	LAYOUT_VALUE(code.filename), LAYOUT_VALUE(code.name), LAYOUT_VALUE(code.qualname),
	LAYOUT_VALUE(code.line_table), LAYOUT_VALUE(code.first_line), LAYOUT_VALUE(code.argcount),
	LAYOUT_VALUE(code.kwonly_argcount), LAYOUT_VALUE(code.flags),
	LAYOUT_VALUE(code.localsplusnames), LAYOUT_VALUE(code.localspluskinds),
	LAYOUT_VALUE(code.varnames), LAYOUT_VALUE(code.instructions), LAYOUT_VALUE(code.code),
	LAYOUT_VALUE(code.tlbc), LAYOUT_VALUE(frame.tlbc_index), LAYOUT_VALUE(object.size), LAYOUT_VALUE(object.type),
	LAYOUT_VALUE(type.size), LAYOUT_VALUE(type.name), LAYOUT_VALUE(type.flags),
	LAYOUT_VALUE(tuple.items), LAYOUT_VALUE(tuple.length), LAYOUT_VALUE(bytes.length),
	LAYOUT_VALUE(bytes.contents), LAYOUT_VALUE(unicode.length), LAYOUT_VALUE(unicode.state),
	LAYOUT_VALUE(unicode.kind_shift), LAYOUT_VALUE(unicode.kind_mask),
	LAYOUT_VALUE(unicode.compact_mask), LAYOUT_VALUE(unicode.ascii_mask),
	LAYOUT_VALUE(unicode.ascii_data), LAYOUT_VALUE(unicode.compact_data),
	LAYOUT_VALUE(unicode.any_data),
	LAYOUT_VALUE(type.basic_size), LAYOUT_VALUE(type.dict_offset),
	LAYOUT_VALUE(type.cached_keys), LAYOUT_VALUE(instance.managed_dict_before),
	LAYOUT_VALUE(instance.managed_values_before), LAYOUT_VALUE(instance.managed_values_tag),
	LAYOUT_VALUE(module.dict), LAYOUT_VALUE(integer.length), LAYOUT_VALUE(integer.digits),
	LAYOUT_VALUE(dict.keys), LAYOUT_VALUE(dict.values), LAYOUT_VALUE(dict_keys.size),
	LAYOUT_VALUE(dict_keys.log2_index_bytes), LAYOUT_VALUE(dict_keys.kind),
	LAYOUT_VALUE(dict_keys.entry_count), LAYOUT_VALUE(dict_keys.indices),
	LAYOUT_VALUE(dict_values.capacity), LAYOUT_VALUE(dict_values.valid),
	LAYOUT_VALUE(dict_values.items),
};
/* clang-format on */

enum { LAYOUT_VALUES = sizeof(layout_values) / sizeof(layout_values[0]) };

static inline uint32_t layout_value(const struct python_layout *layout, size_t i)
{
	uint32_t value;
	memcpy(&value, (const char *)layout + layout_values[i].member, sizeof(value));
	return value;
}

#endif
