/*
 * Where the fields of CPython's structures are, for one version and build. Offsets are in bytes
 * from the start of the structure; LAYOUT_ABSENT where this version has no such field.
 *
 * Rows for 2.7 and 3.3-3.12 are generated from each version's headers, or from what gdb told of
 * them (scripts/generate-layouts, output python_layout_tables.c). From 3.13 on a row is read from
 * the target's own _Py_DebugOffsets (debug_offsets.c), and completed from a generated row for what
 * that does not tell.
 */
#ifndef PYSPY_COMMON_PYTHON_LAYOUT_H
#define PYSPY_COMMON_PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/python_version.h"

#define LAYOUT_ABSENT UINT32_MAX

typedef uint32_t layout_offset;

/* How the frames of a version are made. */
enum frame_kind {
	FRAME_KIND_OBJECT = 1,	/* <= 3.10: PyFrameObject linked by f_back */
	FRAME_KIND_INTERPRETER, /* >= 3.11: _PyInterpreterFrame linked by previous */
};

/* What an instruction position of a frame means, and in which unit. */
enum position_kind {
	POSITION_LASTI_BYTES = 1, /* <= 3.9: f_lasti counts bytes */
	POSITION_LASTI_UNITS,	  /* 3.10: f_lasti counts 2-byte code units */
	POSITION_PREV_INSTR,	  /* 3.11-3.12: pointer to the last instruction */
	POSITION_INSTR_PTR,	  /* >= 3.13: pointer to the current or next instruction */
};

/* How co_linetable/co_lnotab is encoded. */
enum line_table_kind {
	LINE_TABLE_LNOTAB = 1,	    /* 3.6-3.9, Objects/lnotab_notes.txt */
	LINE_TABLE_PEP626,	    /* 3.10 */
	LINE_TABLE_LOCATIONS,	    /* >= 3.11, Objects/locations.md */
	LINE_TABLE_LNOTAB_UNSIGNED, /* <= 3.5: lines only go up */
};

/* What names of code, attributes and modules are made of. */
enum name_kind {
	NAME_KIND_UNICODE = 1, /* 3.x: str, as PEP 393 lays it out */
	NAME_KIND_BYTES,       /* 2.x: str, which is bytes; its fields are in `bytes` */
};

/* A field of less than a byte: (byte at offset) & mask. */
struct layout_bit {
	layout_offset offset;
	uint32_t mask;
};

struct python_layout {
	/* Which interpreters the row is for. */
	uint8_t major;
	uint8_t minor;
	uint8_t micro_first; /* inclusive */
	uint8_t micro_last;  /* inclusive; 255 for all later ones */
	bool debug_build;
	bool free_threaded;

	enum frame_kind frame_kind;
	enum position_kind position_kind;
	enum line_table_kind line_table_kind;
	enum name_kind name_kind;

	/* Before 3.7 there is no such structure: interpreters_head is 0, and the address of the
	 * runtime is that of interp_head (Python/pystate.c). */
	struct {
		layout_offset size;
		layout_offset interpreters_head;
		layout_offset interpreters_main;
		layout_offset finalizing;
		layout_offset tstate_current;	   /* 3.7-3.11: gilstate.tstate_current */
		layout_offset tstate_current_wide; /* the same with glibc on aarch64, whose mutexes
						      are longer */
		layout_offset gil;		   /* 3.7-3.11: ceval.gil, embedded; else absent */
		layout_offset gc_collecting; /* 3.7-3.8: gc.collecting; then the interpreter's */
	} runtime;

	struct {
		layout_offset size;
		layout_offset id; /* >= 3.7; before, see interpreter_id_read() */
		layout_offset next;
		layout_offset threads_head;
		layout_offset gil;	     /* >= 3.12: pointer to the GIL in use (ceval.gil) */
		layout_offset gc_collecting; /* >= 3.9, int */
		layout_offset modules;	     /* sys.modules dict */
		layout_offset sysdict;
		layout_offset code_object_generation; /* >= 3.14 */
	} interpreter;

	struct {
		layout_offset last_holder;
		layout_offset locked; /* int, -1 uninitialised */
		layout_offset switch_number;
		layout_offset cond;  /* what threads wait for that want the GIL */
		layout_offset mutex; /* behind it: its first word is what they lock around that */
	} gil;

	struct {
		layout_offset size;
		layout_offset prev; /* >= 3.4 */
		layout_offset next;
		layout_offset interp;
		layout_offset frame;  /* <= 3.10: PyFrameObject *; >= 3.13: current_frame */
		layout_offset cframe; /* 3.11-3.12: _PyCFrame *; 3.10's CFrame has no frame in it */
		layout_offset thread_id;	/* pthread_t */
		layout_offset native_thread_id; /* >= 3.11 */
		layout_offset id;
		layout_offset datastack_chunk;
		layout_offset datastack_top;
		struct layout_bit active;    /* 3.12+: _status.active */
		struct layout_bit holds_gil; /* 3.13+ */
		layout_offset base_frame;    /* 3.15+: pointer to the bottom frame, never shown */
	} thread;

	/* 3.11-3.12: _PyCFrame. */
	struct {
		layout_offset current_frame;
		layout_offset previous;
	} cframe;

	/* PyFrameObject (<= 3.10) or _PyInterpreterFrame (>= 3.11). */
	struct {
		layout_offset size; /* of the fixed part: up to localsplus */
		layout_offset previous;
		layout_offset code;	/* f_code, f_executable */
		layout_offset position; /* f_lasti, prev_instr, instr_ptr */
		layout_offset lineno;	/* f_lineno, <= 3.10: right only while tracing */
		layout_offset trace;	/* f_trace, <= 3.9: non-NULL makes f_lineno the line */
		layout_offset globals;
		layout_offset locals;	/* f_locals: NULL in most frames of functions */
		layout_offset owner;	/* >= 3.11 */
		layout_offset is_entry; /* 3.11: char is_entry */
		layout_offset localsplus;
		layout_offset stacktop;	    /* 3.11-3.13: int, counts from localsplus */
		layout_offset stackpointer; /* <= 3.9 f_stacktop, >= 3.14: pointer to the top */
		layout_offset state;	    /* 3.10: f_state */
		layout_offset tlbc_index;   /* free-threaded 3.14+: int32_t, of code.tlbc */
		uint8_t owner_thread;	    /* values of `owner`; 255 if there is no such value */
		uint8_t owner_generator;
		uint8_t owner_frame_object;
		uint8_t owner_cstack;	    /* shim that marks an entry of the evaluation loop */
		uint8_t owner_interpreter;  /* 3.14+: base frame of the interpreter */
		uint8_t reference_tag_mask; /* 3.14+: tag bits in `code`'s low bits; else 0 */
	} frame;

	struct {
		layout_offset size; /* of the fixed part */
		layout_offset filename;
		layout_offset name;
		layout_offset qualname;	  /* >= 3.11 */
		layout_offset line_table; /* co_lnotab, co_linetable: a bytes object */
		layout_offset first_line;
		layout_offset argcount;
		layout_offset kwonly_argcount;
		layout_offset flags;
		layout_offset localsplusnames; /* >= 3.11 */
		layout_offset localspluskinds; /* >= 3.11 */
		layout_offset varnames;	       /* <= 3.10 */
		layout_offset cellvars;	       /* <= 3.10 */
		layout_offset freevars;	       /* <= 3.10 */
		layout_offset instructions;    /* >= 3.11: co_code_adaptive, in place */
		layout_offset code;	       /* <= 3.10: co_code, a bytes object */
		layout_offset tlbc;	       /* free-threaded 3.14+: co_tlbc; else absent */
	} code;

	struct {
		layout_offset size;
		layout_offset type; /* ob_type */
	} object;

	struct {
		layout_offset size; /* fixed part */
		layout_offset name; /* tp_name */
		layout_offset flags;
		layout_offset basic_size;
		layout_offset dict_offset; /* tp_dictoffset: signed, of instances */
		layout_offset cached_keys; /* >= 3.11: ht_cached_keys of a heap type */
		layout_offset dict;	   /* tp_dict */
		layout_offset base;	   /* tp_base */
		layout_offset repr;	   /* tp_repr */
		layout_offset qualname;	   /* ht_qualname of a heap type */
	} type;

	/* Attributes of instances that have no dict of their own (yet): Objects/dictobject.c,
	 * _PyObject_GetInstanceAttribute(), _PyObject_TryGetInstanceAttribute(). */
	struct {
		uint32_t managed_dict_flag;	/* >= 3.11: in tp_flags; else 0 */
		uint32_t inline_values_flag;	/* >= 3.13 */
		uint32_t managed_dict_before;	/* >= 3.11: the dict's pointer, bytes before the
						   object */
		uint32_t managed_values_before; /* 3.11: the values' pointer */
		uint32_t managed_values_tag;	/* 3.12: low bits of the dict's pointer that make it
						   the values' */
	} instance;

	struct {
		layout_offset dict; /* md_dict */
		layout_offset name; /* md_name */
	} module;

	struct {
		layout_offset length;  /* ob_size; >= 3.12: lv_tag */
		layout_offset digits;  /* 32-bit words */
		uint32_t length_shift; /* length is word >> shift, what is below is zero if positive
					*/
		uint32_t digit_bits;
		layout_offset plain; /* 2.x: ob_ival of an int; the others are long's */
	} integer;

	/* 2.x: instances of classes that are no types (classobject.h). */
	struct {
		layout_offset instance_class; /* in_class */
		layout_offset instance_dict;  /* in_dict */
		layout_offset class_name;     /* cl_name */
	} classic;

	struct {
		layout_offset keys;   /* >= 3.3: ma_keys */
		layout_offset values; /* >= 3.3: ma_values: NULL unless the table is split */
		layout_offset used;   /* ma_used */
		layout_offset size;   /* where fields of subtypes begin */
		layout_offset table;  /* 2.x: ma_table, of {hash, key, value} */
		layout_offset mask;   /* 2.x: ma_mask: one less than there are entries */
	} dict;

	struct {
		layout_offset size;		/* <= 3.10: dk_size, of the hash table */
		layout_offset log2_index_bytes; /* >= 3.11 */
		layout_offset kind;		/* >= 3.11: dk_kind */
		layout_offset entry_count;	/* >= 3.6: dk_nentries */
		layout_offset indices;		/* >= 3.6 */
		layout_offset entries;		/* 3.3-3.5: dk_entries, dk_size of them; later
						   they are behind the indices */
		uint32_t general_kind; /* >= 3.11: of entries with hash; those of other kinds have
					  none */
	} dict_keys;

	/* A split table's values: an array (<= 3.10) or PyDictValues. */
	struct {
		layout_offset capacity; /* >= 3.13, a byte */
		layout_offset valid;	/* >= 3.13, a byte */
		layout_offset items;
	} dict_values;

	struct {
		layout_offset contents; /* ob_ref */
	} cell;

	struct {
		layout_offset items;  /* ob_item */
		layout_offset length; /* ob_size */
	} tuple;

	struct {
		layout_offset length;	/* ob_size */
		layout_offset contents; /* ob_sval */
	} bytes;

	/* What objects of the other builtin types are made of. Pointers, unless said otherwise. */
	struct {
		layout_offset real;	      /* double */
		layout_offset complex;	      /* two doubles */
		layout_offset list_items;     /* the length is where a tuple's is */
		layout_offset bytearray_data; /* ob_start; the length is where a bytes' is */
		layout_offset set_used;	      /* integer */
		layout_offset set_last_slot;  /* integer */
		layout_offset set_table;      /* of {key, hash} */
		layout_offset slice_start;    /* stop and step are behind it */
		layout_offset cell;
		layout_offset function_name; /* func_qualname; 2.7: func_name */
		layout_offset function_code; /* __code__ */
		layout_offset method_function;
		layout_offset method_self;
		layout_offset builtin_definition; /* PyMethodDef */
		layout_offset builtin_self;
		layout_offset generator_name; /* gi_qualname; 2.7: absent */
		layout_offset exception_arguments;
	} object_parts;

	/* Objects of _datetime (datetime.h): packed bytes, hastzinfo is the byte before them. */
	struct {
		layout_offset date;
		layout_offset datetime;
		layout_offset datetime_zone; /* tzinfo: there only if hastzinfo is set */
		layout_offset time;
		layout_offset time_zone;
		layout_offset delta; /* three 32-bit integers */
	} datetime;

	struct {
		layout_offset length;
		layout_offset state;	    /* read as one 32-bit word, for the masks below */
		uint32_t kind_shift;	    /* kind is (word >> kind_shift) & kind_mask */
		uint32_t kind_mask;	    /* after the shift */
		uint32_t compact_mask;	    /* word & compact_mask */
		uint32_t ascii_mask;	    /* word & ascii_mask */
		layout_offset ascii_data;   /* sizeof(PyASCIIObject) */
		layout_offset compact_data; /* sizeof(PyCompactUnicodeObject) */
		/* PyUnicodeObject.data.any, not compact strings; 2.x: `str`, of Py_UNICODE, whose
		 * size is up to the build. */
		layout_offset any_data;
	} unicode;
};

/* The generated rows. */
extern const struct python_layout python_layout_rows[];
extern const size_t python_layout_row_count;

/* The row for a version and build, or NULL. A debug build without a row of its own has the release
 * build's. */
const struct python_layout *python_layout_find(struct python_version version, bool debug_build,
					       bool free_threaded);

#endif
