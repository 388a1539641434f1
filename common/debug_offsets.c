/*
 * One list of fields for all versions; where each version has them is the generated schema. To add
 * a version: its headers to scripts/generate-layouts; a field that is new: DEBUG_FIELDS in
 * scripts/layout_fields.py, enum debug_field, and a row of `fields` below.
 */
#include "common/debug_offsets.h"

#include <inttypes.h>
#include <string.h>

#include "common/cursor.h"
#include "common/debug_offsets_schema.h"

enum {
	HEADER_BYTES = 24, /* cookie, version, free_threaded: at the same place in all versions */
	MAX_LARGE_BYTES = 16 << 20, /* of the runtime and of an interpreter */
	MAX_SMALL_BYTES = 1 << 20,
};

/* For a field that is needed to compute others, but is in no layout. */
#define NO_MEMBER    SIZE_MAX
#define MEMBER(name) offsetof(struct python_layout, name)

struct told_field {
	const char *name; /* as in _Py_DebugOffsets */
	size_t member;	  /* of struct python_layout, or NO_MEMBER */
	uint32_t max;	  /* of a structure's size; 0: it is an offset, in the structure of */
	enum debug_field size_field; /* this size */
	uint8_t width;	  /* bytes of the thing at the offset, which it is also aligned to */
	bool is_shared;	  /* others may lie at the same place: they are parts of it, or it is an end
			   */
	bool is_optional; /* zero is told for "this build has none" */
};

#define SIZE_OF(field, told_name, bound, where)                                                    \
	[DEBUG_FIELD_##field] = {.name = (told_name), .member = (where), .max = (bound)}
#define OFFSET_IN(field, told_name, size, bytes, where)                                            \
	[DEBUG_FIELD_##field] = {.name = (told_name),                                              \
				 .member = (where),                                                \
				 .size_field = DEBUG_FIELD_##size,                                 \
				 .width = (bytes)}
#define OFFSET_SHARED(field, told_name, size, bytes, where)                                        \
	[DEBUG_FIELD_##field] = {.name = (told_name),                                              \
				 .member = (where),                                                \
				 .size_field = DEBUG_FIELD_##size,                                 \
				 .width = (bytes),                                                 \
				 .is_shared = true}

/* clang-format off */
static const struct told_field fields[DEBUG_FIELD_COUNT] = {
	SIZE_OF(RUNTIME_SIZE, "runtime_state.size", MAX_LARGE_BYTES, MEMBER(runtime.size)),
	OFFSET_IN(RUNTIME_FINALIZING, "runtime_state.finalizing", RUNTIME_SIZE, 8,
		  MEMBER(runtime.finalizing)),
	OFFSET_IN(RUNTIME_INTERPRETERS_HEAD, "runtime_state.interpreters_head", RUNTIME_SIZE, 8,
		  MEMBER(runtime.interpreters_head)),

	SIZE_OF(INTERPRETER_SIZE, "interpreter_state.size", MAX_LARGE_BYTES,
		MEMBER(interpreter.size)),
	OFFSET_IN(INTERPRETER_ID, "interpreter_state.id", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.id)),
	OFFSET_IN(INTERPRETER_NEXT, "interpreter_state.next", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.next)),
	OFFSET_IN(INTERPRETER_THREADS_HEAD, "interpreter_state.threads_head", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.threads_head)),
	OFFSET_SHARED(INTERPRETER_GC, "interpreter_state.gc", INTERPRETER_SIZE, 8, NO_MEMBER),
	OFFSET_IN(INTERPRETER_MODULES, "interpreter_state.imports_modules", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.modules)),
	OFFSET_IN(INTERPRETER_SYSDICT, "interpreter_state.sysdict", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.sysdict)),
	OFFSET_IN(INTERPRETER_CEVAL_GIL, "interpreter_state.ceval_gil", INTERPRETER_SIZE, 8,
		  MEMBER(interpreter.gil)),
	OFFSET_SHARED(INTERPRETER_GIL, "interpreter_state.gil_runtime_state", INTERPRETER_SIZE, 8,
		  NO_MEMBER),
	OFFSET_IN(INTERPRETER_GIL_LOCKED, "interpreter_state.gil_runtime_state_locked",
		  INTERPRETER_SIZE, 4, NO_MEMBER),
	OFFSET_IN(INTERPRETER_GIL_HOLDER, "interpreter_state.gil_runtime_state_holder",
		  INTERPRETER_SIZE, 8, NO_MEMBER),
	OFFSET_IN(INTERPRETER_CODE_GENERATION, "interpreter_state.code_object_generation",
		  INTERPRETER_SIZE, 8, MEMBER(interpreter.code_object_generation)),

	SIZE_OF(THREAD_SIZE, "thread_state.size", MAX_SMALL_BYTES, MEMBER(thread.size)),
	OFFSET_IN(THREAD_PREV, "thread_state.prev", THREAD_SIZE, 8, MEMBER(thread.prev)),
	OFFSET_IN(THREAD_NEXT, "thread_state.next", THREAD_SIZE, 8, MEMBER(thread.next)),
	OFFSET_IN(THREAD_INTERP, "thread_state.interp", THREAD_SIZE, 8, MEMBER(thread.interp)),
	OFFSET_IN(THREAD_CURRENT_FRAME, "thread_state.current_frame", THREAD_SIZE, 8,
		  MEMBER(thread.frame)),
	OFFSET_IN(THREAD_BASE_FRAME, "thread_state.base_frame", THREAD_SIZE, 8,
		  MEMBER(thread.base_frame)),
	OFFSET_IN(THREAD_THREAD_ID, "thread_state.thread_id", THREAD_SIZE, 8,
		  MEMBER(thread.thread_id)),
	OFFSET_IN(THREAD_NATIVE_THREAD_ID, "thread_state.native_thread_id", THREAD_SIZE, 8,
		  MEMBER(thread.native_thread_id)),
	OFFSET_IN(THREAD_DATASTACK_CHUNK, "thread_state.datastack_chunk", THREAD_SIZE, 8,
		  MEMBER(thread.datastack_chunk)),
	/* `active` is a bit of the status' first byte. */
	OFFSET_IN(THREAD_STATUS, "thread_state.status", THREAD_SIZE, 4,
		  MEMBER(thread.active.offset)),
	OFFSET_IN(THREAD_HOLDS_GIL, "thread_state.holds_gil", THREAD_SIZE, 4,
		  MEMBER(thread.holds_gil.offset)),

	/* Our sizes of frames and code objects end where the variable part begins. */
	SIZE_OF(FRAME_SIZE, "interpreter_frame.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(FRAME_PREVIOUS, "interpreter_frame.previous", FRAME_SIZE, 8,
		  MEMBER(frame.previous)),
	OFFSET_IN(FRAME_EXECUTABLE, "interpreter_frame.executable", FRAME_SIZE, 8,
		  MEMBER(frame.code)),
	OFFSET_IN(FRAME_INSTR_PTR, "interpreter_frame.instr_ptr", FRAME_SIZE, 8,
		  MEMBER(frame.position)),
	OFFSET_IN(FRAME_LOCALSPLUS, "interpreter_frame.localsplus", FRAME_SIZE, 8,
		  MEMBER(frame.localsplus)),
	OFFSET_IN(FRAME_OWNER, "interpreter_frame.owner", FRAME_SIZE, 1, MEMBER(frame.owner)),
	OFFSET_IN(FRAME_STACKPOINTER, "interpreter_frame.stackpointer", FRAME_SIZE, 8,
		  MEMBER(frame.stackpointer)),
	[DEBUG_FIELD_FRAME_TLBC_INDEX] = {.name = "interpreter_frame.tlbc_index",
					  .member = MEMBER(frame.tlbc_index),
					  .size_field = DEBUG_FIELD_FRAME_SIZE, .width = 4,
					  .is_optional = true},

	SIZE_OF(CODE_SIZE, "code_object.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(CODE_FILENAME, "code_object.filename", CODE_SIZE, 8, MEMBER(code.filename)),
	OFFSET_IN(CODE_NAME, "code_object.name", CODE_SIZE, 8, MEMBER(code.name)),
	OFFSET_IN(CODE_QUALNAME, "code_object.qualname", CODE_SIZE, 8, MEMBER(code.qualname)),
	OFFSET_IN(CODE_LINETABLE, "code_object.linetable", CODE_SIZE, 8, MEMBER(code.line_table)),
	OFFSET_IN(CODE_FIRSTLINENO, "code_object.firstlineno", CODE_SIZE, 4,
		  MEMBER(code.first_line)),
	OFFSET_IN(CODE_ARGCOUNT, "code_object.argcount", CODE_SIZE, 4, MEMBER(code.argcount)),
	OFFSET_IN(CODE_LOCALSPLUSNAMES, "code_object.localsplusnames", CODE_SIZE, 8,
		  MEMBER(code.localsplusnames)),
	OFFSET_IN(CODE_LOCALSPLUSKINDS, "code_object.localspluskinds", CODE_SIZE, 8,
		  MEMBER(code.localspluskinds)),
	OFFSET_IN(CODE_ADAPTIVE, "code_object.co_code_adaptive", CODE_SIZE, 2,
		  MEMBER(code.instructions)),
	[DEBUG_FIELD_CODE_TLBC] = {.name = "code_object.co_tlbc", .member = MEMBER(code.tlbc),
				   .size_field = DEBUG_FIELD_CODE_SIZE, .width = 8,
				   .is_optional = true},

	SIZE_OF(OBJECT_SIZE, "pyobject.size", MAX_SMALL_BYTES, MEMBER(object.size)),
	OFFSET_IN(OBJECT_TYPE, "pyobject.ob_type", OBJECT_SIZE, 8, MEMBER(object.type)),
	SIZE_OF(TYPE_SIZE, "type_object.size", MAX_SMALL_BYTES, MEMBER(type.size)),
	OFFSET_IN(TYPE_NAME, "type_object.tp_name", TYPE_SIZE, 8, MEMBER(type.name)),
	OFFSET_IN(TYPE_FLAGS, "type_object.tp_flags", TYPE_SIZE, 8, MEMBER(type.flags)),
	SIZE_OF(TUPLE_SIZE, "tuple_object.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(TUPLE_ITEMS, "tuple_object.ob_item", TUPLE_SIZE, 8, MEMBER(tuple.items)),
	OFFSET_IN(TUPLE_LENGTH, "tuple_object.ob_size", TUPLE_SIZE, 8, MEMBER(tuple.length)),
	SIZE_OF(BYTES_SIZE, "bytes_object.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(BYTES_LENGTH, "bytes_object.ob_size", BYTES_SIZE, 8, MEMBER(bytes.length)),
	OFFSET_IN(BYTES_CONTENTS, "bytes_object.ob_sval", BYTES_SIZE, 1, MEMBER(bytes.contents)),
	SIZE_OF(UNICODE_SIZE, "unicode_object.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(UNICODE_STATE, "unicode_object.state", UNICODE_SIZE, 4, MEMBER(unicode.state)),
	OFFSET_IN(UNICODE_LENGTH, "unicode_object.length", UNICODE_SIZE, 8,
		  MEMBER(unicode.length)),
	/* These sizes are where the characters of an ASCII and of another compact string begin. */
	OFFSET_SHARED(UNICODE_ASCII_SIZE, "unicode_object.asciiobject_size", UNICODE_SIZE, 4,
		  MEMBER(unicode.ascii_data)),
	OFFSET_SHARED(UNICODE_COMPACT_SIZE, "unicode_object.compactunicodeobject_size", UNICODE_SIZE, 4,
		  MEMBER(unicode.compact_data)),
	SIZE_OF(GC_SIZE, "gc.size", MAX_SMALL_BYTES, NO_MEMBER),
	OFFSET_IN(GC_COLLECTING, "gc.collecting", GC_SIZE, 4, NO_MEMBER),
};
/* clang-format on */

/*
 * What no version tells, or not every one: as far from its neighbour in the same structure as in
 * the generated row. So a structure that grew before both of them still gives the right offset.
 */
static const struct {
	size_t member;
	size_t neighbour;
} completions[] = {
	{MEMBER(runtime.interpreters_main), MEMBER(runtime.interpreters_head)},
	{MEMBER(gil.switch_number), MEMBER(gil.locked)},
	{MEMBER(gil.cond), MEMBER(gil.locked)},
	{MEMBER(gil.mutex), MEMBER(gil.locked)},
	{MEMBER(thread.id), MEMBER(thread.native_thread_id)},
	{MEMBER(thread.datastack_top), MEMBER(thread.datastack_chunk)},
	{MEMBER(thread.holds_gil.offset), MEMBER(thread.active.offset)},
	{MEMBER(frame.globals), MEMBER(frame.previous)},
	{MEMBER(frame.locals), MEMBER(frame.previous)},
	{MEMBER(frame.stacktop), MEMBER(frame.position)},
	{MEMBER(code.kwonly_argcount), MEMBER(code.argcount)},
	{MEMBER(code.flags), MEMBER(code.argcount)},
	{MEMBER(unicode.compact_data), MEMBER(unicode.ascii_data)},
	{MEMBER(unicode.any_data), MEMBER(unicode.ascii_data)},
};

/* What a target tells. */
struct told {
	struct python_version version;
	char version_text[PYTHON_VERSION_TEXT_SIZE];
	uint64_t address; /* of _Py_DebugOffsets */
	bool free_threaded;
	const struct debug_offsets_schema *schema;
	uint64_t values[DEBUG_FIELD_COUNT];
};

static layout_offset get_member(const struct python_layout *layout, size_t member)
{
	layout_offset value;
	memcpy(&value, (const char *)layout + member, sizeof(value));
	return value;
}

static void set_member(struct python_layout *layout, size_t member, layout_offset value)
{
	memcpy((char *)layout + member, &value, sizeof(value));
}

static bool is_told(const struct told *told, size_t field)
{
	return told->schema->positions[field] && fields[field].name;
}

static struct error *check_size(const struct told *told, size_t field)
{
	uint64_t value = told->values[field];
	if (value > 0 && value <= fields[field].max)
		return NULL;
	return error_at(ERROR_FORMAT, told->address,
			"_Py_DebugOffsets of CPython %s: %s is %" PRIu64 ", not 1 to %" PRIu32,
			told->version_text, fields[field].name, value, fields[field].max);
}

static struct error *check_offset(const struct told *told, size_t field)
{
	const struct told_field *description = &fields[field];
	uint64_t value = told->values[field];
	uint64_t size = told->values[description->size_field];
	if (value % description->width != 0)
		return error_at(ERROR_FORMAT, told->address,
				"_Py_DebugOffsets of CPython %s: %s is %" PRIu64
				", not a multiple of %u",
				told->version_text, description->name, value, description->width);
	if (size < description->width || value > size - description->width)
		return error_at(ERROR_FORMAT, told->address,
				"_Py_DebugOffsets of CPython %s: %s is %" PRIu64
				", beyond the structure's %" PRIu64 " bytes",
				told->version_text, description->name, value, size);
	return NULL;
}

/* Fields of different structures that cannot but agree: they tell a schema that does not fit. */
static struct error *check_agreement(const struct told *told)
{
	const uint64_t *values = told->values;
	const char *what = NULL;
	if (values[DEBUG_FIELD_BYTES_LENGTH] != values[DEBUG_FIELD_TUPLE_LENGTH])
		what = "bytes_object.ob_size and tuple_object.ob_size";
	else if (values[DEBUG_FIELD_OBJECT_SIZE] != values[DEBUG_FIELD_BYTES_LENGTH])
		what = "pyobject.size and bytes_object.ob_size";
	else if (values[DEBUG_FIELD_INTERPRETER_GIL] > values[DEBUG_FIELD_INTERPRETER_GIL_LOCKED] ||
		 values[DEBUG_FIELD_INTERPRETER_GIL] > values[DEBUG_FIELD_INTERPRETER_GIL_HOLDER])
		what = "interpreter_state.gil_runtime_state and its fields";
	else if (values[DEBUG_FIELD_GC_COLLECTING] >
		 values[DEBUG_FIELD_INTERPRETER_SIZE] - values[DEBUG_FIELD_INTERPRETER_GC] - 4)
		what = "interpreter_state.gc and gc.collecting";
	if (!what)
		return NULL;
	return error_at(ERROR_FORMAT, told->address,
			"_Py_DebugOffsets of CPython %s: %s contradict each other",
			told->version_text, what);
}

static bool has_own_place(const struct told *told, size_t field)
{
	const struct told_field *description = &fields[field];
	return is_told(told, field) && !description->max && !description->is_shared &&
	       !(description->is_optional && !told->values[field]);
}

/* Two fields of one structure are never at the same place. */
static struct error *check_overlaps(const struct told *told)
{
	for (size_t i = 0; i < DEBUG_FIELD_COUNT; i++) {
		for (size_t j = i + 1; j < DEBUG_FIELD_COUNT && has_own_place(told, i); j++) {
			if (!has_own_place(told, j) || fields[i].size_field != fields[j].size_field)
				continue;
			uint64_t first = told->values[i];
			uint64_t second = told->values[j];
			if (first < second + fields[j].width && second < first + fields[i].width)
				return error_at(ERROR_FORMAT, told->address,
						"_Py_DebugOffsets of CPython %s: %s and %s overlap",
						told->version_text, fields[i].name, fields[j].name);
		}
	}
	return NULL;
}

static struct error *check_told(const struct told *told)
{
	for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++) {
		if (!is_told(told, field))
			continue;
		struct error *error =
			fields[field].max ? check_size(told, field) : check_offset(told, field);
		if (error)
			return error;
	}
	struct error *error = check_overlaps(told);
	return error ? error : check_agreement(told);
}

static const struct debug_offsets_schema *find_schema(struct python_version version)
{
	for (size_t i = 0; i < debug_offsets_schema_count; i++) {
		const struct debug_offsets_schema *schema = &debug_offsets_schemas[i];
		if (schema->major == version.major && schema->minor == version.minor &&
		    schema->micro_first <= version.micro && version.micro <= schema->micro_last)
			return schema;
	}
	return NULL;
}

static const struct debug_offsets_schema *newest_schema(void)
{
	const struct debug_offsets_schema *newest = &debug_offsets_schemas[0];
	for (size_t i = 1; i < debug_offsets_schema_count; i++) {
		if (debug_offsets_schemas[i].minor >= newest->minor)
			newest = &debug_offsets_schemas[i];
	}
	return newest;
}

/* Cookie, version and free_threaded, by which the schema is chosen. */
static struct error *read_header(struct memory *memory, uint64_t address, struct told *ret)
{
	uint8_t bytes[HEADER_BYTES];
	struct error *error = memory_error(memory_read(memory, address, bytes, sizeof(bytes)),
					   address, "_Py_DebugOffsets");
	if (error)
		return error;
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	const void *cookie = cursor_bytes(&cursor, strlen(DEBUG_OFFSETS_COOKIE));
	uint64_t version = cursor_u64(&cursor);
	uint64_t free_threaded = cursor_u64(&cursor);
	if (!cookie || memcmp(cookie, DEBUG_OFFSETS_COOKIE, strlen(DEBUG_OFFSETS_COOKIE)) != 0)
		return error_at(ERROR_NOT_FOUND, address, "no _Py_DebugOffsets");
	if (version > UINT32_MAX || version >> 24 != 3 || free_threaded > 1)
		return error_at(ERROR_FORMAT, address,
				"_Py_DebugOffsets: version 0x%" PRIx64 ", free_threaded %" PRIu64
				" cannot be",
				version, free_threaded);
	*ret = (struct told){
		.version = python_version_from_hex((uint32_t)version),
		.address = address,
		.free_threaded = free_threaded != 0,
	};
	python_version_format(ret->version, ret->version_text);
	ret->schema = find_schema(ret->version);
	return NULL;
}

static struct error *read_values(struct memory *memory, struct told *told)
{
	uint8_t bytes[DEBUG_OFFSETS_MAX_BYTES] = {0};
	size_t size = told->schema->size;
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	struct error *error = memory_error(memory_read(memory, told->address, bytes, size),
					   told->address, "_Py_DebugOffsets");
	if (error)
		return error;
	for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++)
		if (is_told(told, field) &&
		    !bytes_field(bytes, size, told->schema->positions[field], sizeof(uint64_t),
				 &told->values[field]))
			return error_at(ERROR_FORMAT, told->address,
					"the schema of CPython %s is longer than it says",
					told->version_text);
	return check_told(told);
}

static void apply_told(const struct told *told, struct python_layout *layout)
{
	const uint64_t *values = told->values;
	for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++) {
		if (!is_told(told, field) || fields[field].member == NO_MEMBER)
			continue;
		bool is_none = fields[field].is_optional && !values[field];
		/* Checked to be below MAX_LARGE_BYTES. */
		set_member(layout, fields[field].member,
			   is_none ? LAYOUT_ABSENT : (layout_offset)values[field]);
	}
	uint64_t gil = values[DEBUG_FIELD_INTERPRETER_GIL];
	layout->gil.locked = (layout_offset)(values[DEBUG_FIELD_INTERPRETER_GIL_LOCKED] - gil);
	layout->gil.last_holder = (layout_offset)(values[DEBUG_FIELD_INTERPRETER_GIL_HOLDER] - gil);
	layout->interpreter.gc_collecting = (layout_offset)(values[DEBUG_FIELD_INTERPRETER_GC] +
							    values[DEBUG_FIELD_GC_COLLECTING]);
	layout->frame.size = layout->frame.localsplus;
	layout->code.size = layout->code.instructions;
}

/* Whether the target itself told this member of the layout. */
static bool member_is_told(const struct told *told, size_t member)
{
	for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++)
		if (is_told(told, field) && fields[field].member == member)
			return true;
	return false;
}

static void complete(const struct told *told, const struct python_layout *row,
		     struct python_layout *layout)
{
	for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++) {
		size_t member = completions[i].member;
		layout_offset in_row = get_member(row, member);
		if (in_row == LAYOUT_ABSENT || member_is_told(told, member))
			continue;
		int64_t value = (int64_t)in_row +
				(int64_t)get_member(layout, completions[i].neighbour) -
				(int64_t)get_member(row, completions[i].neighbour);
		bool fits = value >= 0 && value <= MAX_LARGE_BYTES;
		set_member(layout, member, fits ? (layout_offset)value : LAYOUT_ABSENT);
	}
}

/* What is told, checked, over what the row has. */
static struct error *read_layout(struct memory *memory, struct told *told,
				 const struct python_layout *row,
				 struct python_version *ret_version, struct python_layout *ret)
{
	struct error *error = read_values(memory, told);
	if (error)
		return error;
	struct python_layout layout = *row;
	layout.micro_first = told->version.micro;
	layout.micro_last = told->version.micro;
	apply_told(told, &layout);
	complete(told, row, &layout);
	*ret_version = told->version;
	*ret = layout;
	return NULL;
}

struct error *debug_offsets_read(struct memory *memory, uint64_t runtime_address,
				 struct python_version *ret_version, struct python_layout *ret)
{
	struct told told = {0};
	struct error *error = read_header(memory, runtime_address, &told);
	if (error)
		return error;
	/* Debug builds cannot be told apart here; their used fields are where the release build has
	 * them (see python_layout_find). */
	const struct python_layout *row =
		python_layout_find(told.version, false, told.free_threaded);
	if (!told.schema || !row) {
		*ret_version = told.version;
		return error_at(ERROR_UNSUPPORTED, runtime_address,
				"no layout is known for CPython %s%s", told.version_text,
				told.free_threaded ? " (free-threaded)" : "");
	}
	return read_layout(memory, &told, row, ret_version, ret);
}

struct error *debug_offsets_assume(struct memory *memory, uint64_t runtime_address,
				   struct python_version *ret_version, struct python_layout *ret)
{
	struct told told = {0};
	const struct debug_offsets_schema *newest = newest_schema();
	struct error *error = read_header(memory, runtime_address, &told);
	if (error)
		return error;
	const struct python_version known = {
		.major = newest->major, .minor = newest->minor, .micro = newest->micro_first};
	const struct python_layout *row = python_layout_find(known, false, told.free_threaded);
	if (told.version.major != known.major || told.version.minor <= known.minor || !row)
		return error_at(ERROR_UNSUPPORTED, runtime_address,
				"CPython %s is not newer than those that are known",
				told.version_text);
	told.schema = newest;
	return read_layout(memory, &told, row, ret_version, ret);
}
