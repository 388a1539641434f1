"""What scripts/generate-layouts probes in CPython's headers: the fields and where each version has
them.

Rules are (first minor, last minor, what to probe); a version without a rule has no such field.
Minor versions are those of Python 3; PYTHON_2 stands for 2.7.
"""

PYTHON_2 = -1
MINORS = (PYTHON_2, *range(3, 16))

# 3.3 to 3.5 have no headers that could be had: their structures are told by gdb from builds with debug
# information, in scripts/layout-facts. What is not there is as in 3.6 (see AS_IN_3_6).
FACTS_MINORS = range(3, 6)

# Minor version: first micro versions of rows, where a used field moved inside a minor version. In
# 3.7.4 the garbage collector's heads in the runtime became longer (bpo-27987: "long double dummy" in
# _gc_head, Include/objimpl.h), and what is behind them moved: the row of 3.7.0 is made from the
# headers of 3.7.16 with 3.7.3's "double dummy". None did from 3.8 on: the headers of 3.9.2 and 3.9.18, 3.11.2 and 3.11.7, 3.13.0 and 3.13.5 give the
# same rows, and the tables of other tools that are made from every release give one layout each for
# 3.8.0-3.9.19, 3.10.0-3.10.13, 3.11.0-3.11.8 and 3.12.0-3.12.3, and one runtime layout each for
# 3.8.0-3.8.19, 3.9.0-3.10.14 and 3.11.0-3.11.9 (github.com/parca-dev/runtime-data, pkg/python).
MICRO_SPLITS = {7: (4,)}

# Flavours: name in the table, defines, minor versions that have it.
FLAVOURS = (
    ("release", (), MINORS),
    ("debug", ("-DPy_DEBUG=1",), (PYTHON_2, *range(6, 16))),
    ("free-threaded", ("-DPy_GIL_DISABLED=1",), range(13, 16)),
    ("free-threaded debug", ("-DPy_GIL_DISABLED=1", "-DPy_DEBUG=1"), range(13, 16)),
)

INCLUDES = """
#ifdef WIDE_MUTEX
/* glibc's pthread_mutex_t has 48 bytes on aarch64, 40 on x86_64 (and so has musl's on both):
 * sysdeps/aarch64/nptl/bits/pthreadtypes-arch.h of glibc. */
#include <pthread.h>
struct wide_mutex {
    long words[6];
};
#define pthread_mutex_t struct wide_mutex
#endif
#include <Python.h>
#include <frameobject.h>
#include <datetime.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#if PY_VERSION_HEX < 0x03070000
#include <code.h>
#include <longintrepr.h>
#elif PY_VERSION_HEX < 0x03080000
#include "internal/pystate.h"
#elif PY_VERSION_HEX < 0x03090000
#include "internal/pycore_pystate.h"
#include "internal/pycore_gil.h"
#include "code.h"
#else
#include "internal/pycore_runtime.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_gil.h"
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_frame.h"
#include "internal/pycore_code.h"
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe.h"
#include "internal/pycore_stackref.h"
#endif
#if PY_VERSION_HEX >= 0x030a0000
#include "internal/pycore_moduleobject.h"
#elif PY_VERSION_HEX < 0x03000000
/* Objects/moduleobject.c */
typedef struct {
    PyObject_HEAD
    PyObject *md_dict;
} PyModuleObject;
#else
/* Objects/moduleobject.c of 3.6 to 3.9: not in a header. */
typedef struct {
    PyObject_HEAD
    PyObject *md_dict;
    struct PyModuleDef *md_def;
    void *md_state;
    PyObject *md_weaklist;
    PyObject *md_name;
} PyModuleObject;
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
#else
/* Objects/dict-common.h of 3.6 to 3.10: not installed. */
struct _dictkeysobject {
    Py_ssize_t dk_refcnt;
    Py_ssize_t dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable;
    Py_ssize_t dk_nentries;
    char dk_indices[];
};
#endif
/* How far before an object a function says that something is. */
#define BYTES_BEFORE(function) ({ \\
    static PyTypeObject type = {.tp_flags = Py_TPFLAGS_MANAGED_DICT}; \\
    static struct { void *before[8]; PyObject object; } space; \\
    space.object.ob_type = &type; \\
    (char *)&space.object - (char *)function(&space.object); })
"""


def at(struct, member):
    return "offset", "(unsigned long)offsetof(%s, %s)" % (struct, member)


def wide(struct, member):
    """The same where pthread_mutex_t is longer."""
    return "wide", "(unsigned long)offsetof(%s, %s)" % (struct, member)


def size(struct):
    return "offset", "(unsigned long)sizeof(%s)" % struct


def value(expression):
    return "value", "(unsigned long)(%s)" % expression


def name(identifier):
    return "name", identifier


def bit(struct, assignment):
    return "bit", (struct, assignment)


def state_word(assignment):
    """The 32-bit word at PyASCIIObject.state after `assignment` to a zeroed one."""
    return "value", "state_word(({PyASCIIObject object = {0}; %s; object;}))" % assignment


def count_shift(member):
    return "value", "(unsigned long)__builtin_ctz(%s)" % state_word(all_ones(member))[1]


def shifted(member):
    word = state_word(all_ones(member))[1]
    return "value", "(unsigned long)(%s >> __builtin_ctz(%s))" % (word, word)


def all_ones(member):
    # A bit field keeps the low bits of what is stored, -1 sets all of them.
    return "object.state.%s = (unsigned)-1" % member


RUNTIME, INTERPRETER, THREAD = "_PyRuntimeState", "PyInterpreterState", "PyThreadState"
FRAME_OBJECT, FRAME, CODE = "PyFrameObject", "_PyInterpreterFrame", "PyCodeObject"
GIL = "struct _gil_runtime_state"
TYPE, KEYS_OBJECT, VALUES = "PyTypeObject", "struct _dictkeysobject", "struct _dictvalues"
# What is taken off the address of values to tell it from that of a dict.
VALUES_TAG = ("({PyDictOrValues word; _PyDictOrValues_SetValues(&word, (PyDictValues *)64); "
              "64 - (unsigned long)word.values;})")

# Field of struct python_layout: (first minor, last minor, what to probe); absent otherwise.
FIELDS = {
    "frame_kind": [(PYTHON_2, 10, name("FRAME_KIND_OBJECT")), (11, 99, name("FRAME_KIND_INTERPRETER"))],
    "position_kind": [
        (PYTHON_2, 9, name("POSITION_LASTI_BYTES")),
        (10, 10, name("POSITION_LASTI_UNITS")),
        (11, 12, name("POSITION_PREV_INSTR")),
        (13, 99, name("POSITION_INSTR_PTR")),
    ],
    "line_table_kind": [
        (PYTHON_2, 5, name("LINE_TABLE_LNOTAB_UNSIGNED")),
        (6, 9, name("LINE_TABLE_LNOTAB")),
        (10, 10, name("LINE_TABLE_PEP626")),
        (11, 99, name("LINE_TABLE_LOCATIONS")),
    ],
    "name_kind": [
        (PYTHON_2, PYTHON_2, name("NAME_KIND_BYTES")),
        (0, 99, name("NAME_KIND_UNICODE")),
    ],
    "runtime.size": [(7, 99, size(RUNTIME))],
    "runtime.interpreters_head": [
        (PYTHON_2, 6, value("0")),
        (7, 99, at(RUNTIME, "interpreters.head")),
    ],
    "runtime.interpreters_main": [(7, 99, at(RUNTIME, "interpreters.main"))],
    "runtime.finalizing": [(7, 8, at(RUNTIME, "finalizing")), (9, 99, at(RUNTIME, "_finalizing"))],
    "runtime.tstate_current": [(7, 11, at(RUNTIME, "gilstate.tstate_current"))],
    "runtime.tstate_current_wide": [(7, 11, wide(RUNTIME, "gilstate.tstate_current"))],
    "runtime.gil": [(7, 11, at(RUNTIME, "ceval.gil"))],
    "runtime.gc_collecting": [(7, 8, at(RUNTIME, "gc.collecting"))],
    "interpreter.size": [(PYTHON_2, 99, size(INTERPRETER))],
    "interpreter.id": [(7, 99, at(INTERPRETER, "id"))],
    "interpreter.next": [(PYTHON_2, 99, at(INTERPRETER, "next"))],
    "interpreter.threads_head": [
        (PYTHON_2, 10, at(INTERPRETER, "tstate_head")),
        (11, 99, at(INTERPRETER, "threads.head")),
    ],
    "interpreter.gil": [(12, 99, at(INTERPRETER, "ceval.gil"))],
    "interpreter.gc_collecting": [(9, 99, at(INTERPRETER, "gc.collecting"))],
    "interpreter.modules": [
        (PYTHON_2, 11, at(INTERPRETER, "modules")),
        (12, 99, at(INTERPRETER, "imports.modules")),
    ],
    "interpreter.sysdict": [(PYTHON_2, 99, at(INTERPRETER, "sysdict"))],
    "interpreter.code_object_generation": [(14, 99, at(INTERPRETER, "_code_object_generation"))],
    "gil.last_holder": [(7, 99, at(GIL, "last_holder"))],
    "gil.locked": [(7, 99, at(GIL, "locked"))],
    "gil.switch_number": [(7, 99, at(GIL, "switch_number"))],
    "gil.cond": [(7, 99, at(GIL, "cond"))],
    "gil.mutex": [(7, 99, at(GIL, "mutex"))],
    "thread.size": [(PYTHON_2, 99, size(THREAD))],
    "thread.prev": [(4, 99, at(THREAD, "prev"))],
    "thread.next": [(PYTHON_2, 99, at(THREAD, "next"))],
    "thread.interp": [(PYTHON_2, 99, at(THREAD, "interp"))],
    "thread.frame": [(PYTHON_2, 10, at(THREAD, "frame")), (13, 99, at(THREAD, "current_frame"))],
    "thread.cframe": [(11, 12, at(THREAD, "cframe"))],
    "thread.thread_id": [(PYTHON_2, 99, at(THREAD, "thread_id"))],
    "thread.native_thread_id": [(11, 99, at(THREAD, "native_thread_id"))],
    "thread.id": [(7, 99, at(THREAD, "id"))],
    "thread.datastack_chunk": [(11, 99, at(THREAD, "datastack_chunk"))],
    "thread.datastack_top": [(11, 99, at(THREAD, "datastack_top"))],
    "thread.active": [(12, 99, bit(THREAD, "object._status.active = 1"))],
    "thread.holds_gil": [
        (13, 13, bit(THREAD, "object._status.holds_gil = 1")),
        (14, 99, bit(THREAD, "object.holds_gil = 1")),
    ],
    "thread.base_frame": [(15, 99, at(THREAD, "base_frame"))],
    "cframe.current_frame": [(11, 12, at("_PyCFrame", "current_frame"))],
    "cframe.previous": [(11, 12, at("_PyCFrame", "previous"))],
    "frame.size": [(PYTHON_2, 10, at(FRAME_OBJECT, "f_localsplus")), (11, 99, at(FRAME, "localsplus"))],
    "frame.previous": [(PYTHON_2, 10, at(FRAME_OBJECT, "f_back")), (11, 99, at(FRAME, "previous"))],
    "frame.code": [
        (PYTHON_2, 10, at(FRAME_OBJECT, "f_code")),
        (11, 12, at(FRAME, "f_code")),
        (13, 99, at(FRAME, "f_executable")),
    ],
    "frame.position": [
        (PYTHON_2, 10, at(FRAME_OBJECT, "f_lasti")),
        (11, 12, at(FRAME, "prev_instr")),
        (13, 99, at(FRAME, "instr_ptr")),
    ],
    "frame.lineno": [(PYTHON_2, 10, at(FRAME_OBJECT, "f_lineno"))],
    "frame.trace": [(PYTHON_2, 9, at(FRAME_OBJECT, "f_trace"))],
    "frame.globals": [(PYTHON_2, 10, at(FRAME_OBJECT, "f_globals")), (11, 99, at(FRAME, "f_globals"))],
    "frame.locals": [(PYTHON_2, 10, at(FRAME_OBJECT, "f_locals")), (11, 99, at(FRAME, "f_locals"))],
    "frame.owner": [(11, 99, at(FRAME, "owner"))],
    "frame.is_entry": [(11, 11, at(FRAME, "is_entry"))],
    "frame.localsplus": [
        (PYTHON_2, 10, at(FRAME_OBJECT, "f_localsplus")),
        (11, 99, at(FRAME, "localsplus")),
    ],
    "frame.stacktop": [(11, 13, at(FRAME, "stacktop"))],
    "frame.stackpointer": [
        (PYTHON_2, 9, at(FRAME_OBJECT, "f_stacktop")),
        (14, 99, at(FRAME, "stackpointer")),
    ],
    "frame.state": [(10, 10, at(FRAME_OBJECT, "f_state"))],
    "frame.tlbc_index": [],  # set below for free-threaded builds
    "frame.owner_thread": [(11, 99, value("FRAME_OWNED_BY_THREAD"))],
    "frame.owner_generator": [(11, 99, value("FRAME_OWNED_BY_GENERATOR"))],
    "frame.owner_frame_object": [(11, 99, value("FRAME_OWNED_BY_FRAME_OBJECT"))],
    "frame.owner_cstack": [(12, 14, value("FRAME_OWNED_BY_CSTACK"))],
    "frame.owner_interpreter": [(14, 99, value("FRAME_OWNED_BY_INTERPRETER"))],
    "frame.reference_tag_mask": [(14, 99, value("Py_TAG_BITS"))],
    "code.size": [(PYTHON_2, 10, size(CODE)), (11, 99, at(CODE, "co_code_adaptive"))],
    "code.filename": [(PYTHON_2, 99, at(CODE, "co_filename"))],
    "code.name": [(PYTHON_2, 99, at(CODE, "co_name"))],
    "code.qualname": [(11, 99, at(CODE, "co_qualname"))],
    "code.line_table": [(PYTHON_2, 9, at(CODE, "co_lnotab")), (10, 99, at(CODE, "co_linetable"))],
    "code.first_line": [(PYTHON_2, 99, at(CODE, "co_firstlineno"))],
    "code.argcount": [(PYTHON_2, 99, at(CODE, "co_argcount"))],
    "code.kwonly_argcount": [(0, 99, at(CODE, "co_kwonlyargcount"))],
    "code.flags": [(PYTHON_2, 99, at(CODE, "co_flags"))],
    "code.localsplusnames": [(11, 99, at(CODE, "co_localsplusnames"))],
    "code.localspluskinds": [(11, 99, at(CODE, "co_localspluskinds"))],
    "code.varnames": [(PYTHON_2, 10, at(CODE, "co_varnames"))],
    "code.cellvars": [(PYTHON_2, 10, at(CODE, "co_cellvars"))],
    "code.freevars": [(PYTHON_2, 10, at(CODE, "co_freevars"))],
    "code.instructions": [(11, 99, at(CODE, "co_code_adaptive"))],
    "code.code": [(PYTHON_2, 10, at(CODE, "co_code"))],
    "code.tlbc": [],  # set below for free-threaded builds
    "object.size": [(PYTHON_2, 99, size("PyObject"))],
    "object.type": [(PYTHON_2, 99, at("PyObject", "ob_type"))],
    "type.size": [(PYTHON_2, 99, size("PyTypeObject"))],
    "type.name": [(PYTHON_2, 99, at("PyTypeObject", "tp_name"))],
    "type.flags": [(PYTHON_2, 99, at("PyTypeObject", "tp_flags"))],
    "type.basic_size": [(PYTHON_2, 99, at(TYPE, "tp_basicsize"))],
    "type.dict_offset": [(PYTHON_2, 99, at(TYPE, "tp_dictoffset"))],
    "type.cached_keys": [(11, 99, at("PyHeapTypeObject", "ht_cached_keys"))],
    "type.dict": [(PYTHON_2, 99, at(TYPE, "tp_dict"))],
    "type.base": [(PYTHON_2, 99, at(TYPE, "tp_base"))],
    "type.repr": [(PYTHON_2, 99, at(TYPE, "tp_repr"))],
    "type.qualname": [(0, 99, at("PyHeapTypeObject", "ht_qualname"))],
    "instance.managed_dict_flag": [(11, 99, value("Py_TPFLAGS_MANAGED_DICT"))],
    "instance.inline_values_flag": [(13, 99, value("Py_TPFLAGS_INLINE_VALUES"))],
    "instance.managed_dict_before": [
        (11, 11, value("BYTES_BEFORE(_PyObject_ManagedDictPointer)")),
        (12, 12, value("BYTES_BEFORE(_PyObject_DictOrValuesPointer)")),
        (13, 99, value("BYTES_BEFORE(_PyObject_ManagedDictPointer)")),
    ],
    "instance.managed_values_before": [(11, 11, value("BYTES_BEFORE(_PyObject_ValuesPointer)"))],
    "instance.managed_values_tag": [(12, 12, value(VALUES_TAG))],
    "module.dict": [(PYTHON_2, 99, at("PyModuleObject", "md_dict"))],
    "module.name": [(4, 99, at("PyModuleObject", "md_name"))],
    "integer.length": [
        (PYTHON_2, 11, at("PyVarObject", "ob_size")),
        (12, 99, at("PyLongObject", "long_value.lv_tag")),
    ],
    "integer.digits": [
        (PYTHON_2, 11, at("PyLongObject", "ob_digit")),
        (12, 99, at("PyLongObject", "long_value.ob_digit")),
    ],
    "integer.length_shift": [(12, 99, value("_PyLong_NON_SIZE_BITS"))],
    "integer.digit_bits": [(PYTHON_2, 99, value("PyLong_SHIFT"))],
    "integer.plain": [(PYTHON_2, PYTHON_2, at("PyIntObject", "ob_ival"))],
    "classic.instance_class": [(PYTHON_2, PYTHON_2, at("PyInstanceObject", "in_class"))],
    "classic.instance_dict": [(PYTHON_2, PYTHON_2, at("PyInstanceObject", "in_dict"))],
    "classic.class_name": [(PYTHON_2, PYTHON_2, at("PyClassObject", "cl_name"))],
    "dict.keys": [(3, 99, at("PyDictObject", "ma_keys"))],
    "dict.values": [(3, 99, at("PyDictObject", "ma_values"))],
    "dict.used": [(PYTHON_2, 99, at("PyDictObject", "ma_used"))],
    "dict.size": [(PYTHON_2, 99, size("PyDictObject"))],
    "dict.table": [(PYTHON_2, PYTHON_2, at("PyDictObject", "ma_table"))],
    "dict.mask": [(PYTHON_2, PYTHON_2, at("PyDictObject", "ma_mask"))],
    "dict_keys.size": [(3, 10, at(KEYS_OBJECT, "dk_size"))],
    "dict_keys.log2_index_bytes": [(11, 99, at(KEYS_OBJECT, "dk_log2_index_bytes"))],
    "dict_keys.kind": [(11, 99, at(KEYS_OBJECT, "dk_kind"))],
    "dict_keys.entry_count": [(6, 99, at(KEYS_OBJECT, "dk_nentries"))],
    "dict_keys.indices": [(6, 99, at(KEYS_OBJECT, "dk_indices"))],
    "dict_keys.entries": [(3, 5, at(KEYS_OBJECT, "dk_entries"))],
    "dict_keys.general_kind": [(11, 99, value("DICT_KEYS_GENERAL"))],
    "dict_values.capacity": [(13, 99, at(VALUES, "capacity"))],
    "dict_values.valid": [(13, 99, at(VALUES, "valid"))],
    "dict_values.items": [(3, 10, value("0")), (11, 99, at(VALUES, "values"))],
    "cell.contents": [(PYTHON_2, 99, at("PyCellObject", "ob_ref"))],
    "tuple.items": [(PYTHON_2, 99, at("PyTupleObject", "ob_item"))],
    "tuple.length": [(PYTHON_2, 99, at("PyVarObject", "ob_size"))],
    "bytes.length": [(PYTHON_2, 99, at("PyVarObject", "ob_size"))],
    "bytes.contents": [(PYTHON_2, 99, at("PyBytesObject", "ob_sval"))],
    "object_parts.real": [(PYTHON_2, 99, at("PyFloatObject", "ob_fval"))],
    "object_parts.complex": [(PYTHON_2, 99, at("PyComplexObject", "cval"))],
    "object_parts.list_items": [(PYTHON_2, 99, at("PyListObject", "ob_item"))],
    "object_parts.bytearray_data": [
        (PYTHON_2, 3, at("PyByteArrayObject", "ob_bytes")),
        (4, 99, at("PyByteArrayObject", "ob_start")),
    ],
    "object_parts.set_used": [(PYTHON_2, 99, at("PySetObject", "used"))],
    "object_parts.set_last_slot": [(PYTHON_2, 99, at("PySetObject", "mask"))],
    "object_parts.set_table": [(PYTHON_2, 99, at("PySetObject", "table"))],
    "object_parts.slice_start": [(PYTHON_2, 99, at("PySliceObject", "start"))],
    "object_parts.cell": [(PYTHON_2, 99, at("PyCellObject", "ob_ref"))],
    "object_parts.function_name": [
        (PYTHON_2, PYTHON_2, at("PyFunctionObject", "func_name")),
        (0, 99, at("PyFunctionObject", "func_qualname")),
    ],
    "object_parts.function_code": [(PYTHON_2, 99, at("PyFunctionObject", "func_code"))],
    "object_parts.method_function": [(PYTHON_2, 99, at("PyMethodObject", "im_func"))],
    "object_parts.method_self": [(PYTHON_2, 99, at("PyMethodObject", "im_self"))],
    "object_parts.builtin_definition": [(PYTHON_2, 99, at("PyCFunctionObject", "m_ml"))],
    "object_parts.builtin_self": [(PYTHON_2, 99, at("PyCFunctionObject", "m_self"))],
    "object_parts.generator_name": [(5, 99, at("PyGenObject", "gi_qualname"))],
    "object_parts.exception_arguments": [(PYTHON_2, 99, at("PyBaseExceptionObject", "args"))],
    "datetime.date": [(PYTHON_2, 99, at("PyDateTime_Date", "data"))],
    "datetime.datetime": [(PYTHON_2, 99, at("PyDateTime_DateTime", "data"))],
    "datetime.datetime_zone": [(PYTHON_2, 99, at("PyDateTime_DateTime", "tzinfo"))],
    "datetime.time": [(PYTHON_2, 99, at("PyDateTime_Time", "data"))],
    "datetime.time_zone": [(PYTHON_2, 99, at("PyDateTime_Time", "tzinfo"))],
    "datetime.delta": [(PYTHON_2, 99, at("PyDateTime_Delta", "days"))],
    "unicode.length": [
        (PYTHON_2, PYTHON_2, at("PyUnicodeObject", "length")),
        (0, 99, at("PyASCIIObject", "length")),
    ],
    "unicode.state": [(0, 99, at("PyASCIIObject", "state"))],
    "unicode.kind_shift": [(0, 99, count_shift("kind"))],
    "unicode.kind_mask": [(0, 99, shifted("kind"))],
    "unicode.compact_mask": [(0, 99, state_word(all_ones("compact")))],
    "unicode.ascii_mask": [(0, 99, state_word(all_ones("ascii")))],
    "unicode.ascii_data": [(0, 99, size("PyASCIIObject"))],
    "unicode.compact_data": [(0, 99, size("PyCompactUnicodeObject"))],
    "unicode.any_data": [
        (PYTHON_2, PYTHON_2, at("PyUnicodeObject", "str")),
        (0, 99, at("PyUnicodeObject", "data")),
    ],
}
FREE_THREADED_FIELDS = {
    "code.tlbc": [(14, 99, at(CODE, "co_tlbc"))],
    "frame.tlbc_index": [(14, 99, at(FRAME, "tlbc_index"))],
}

# What scripts/layout-facts calls structures that have several names.
FACTS_STRUCTURES = {
    "PyThreadState": "struct _ts",
    "PyFrameObject": "struct _frame",
    "PyTypeObject": "struct _typeobject",
    "PyLongObject": "struct _longobject",
}

# Fields of 3.3 to 3.5 that no facts tell: in these versions' sources the structures are as 3.6 has
# them, up to the field. (PyDateTime_DateTime and PyDateTime_Time have no `fold` before tzinfo, which
# lies where it does because of its alignment; 3.3's PyByteArrayObject has other fields in front of
# ob_bytes, of the same size as later in front of ob_start.)
AS_IN_3_6 = (
    "module.dict", "module.name", "cell.contents", "integer.digit_bits", "object_parts.complex",
    "object_parts.bytearray_data", "object_parts.slice_start", "object_parts.cell",
    "object_parts.builtin_definition", "object_parts.builtin_self",
    "object_parts.exception_arguments", "datetime.date", "datetime.datetime",
    "datetime.datetime_zone", "datetime.time", "datetime.time_zone", "datetime.delta",
    "unicode.kind_shift", "unicode.kind_mask", "unicode.compact_mask", "unicode.ascii_mask",
)

# Fields that are no offsets: what stands there when the version has no such thing.
ABSENT_VALUES = {
    "frame.owner_thread": "255",
    "frame.owner_generator": "255",
    "frame.owner_frame_object": "255",
    "frame.owner_cstack": "255",
    "frame.owner_interpreter": "255",
    "frame.reference_tag_mask": "0",
    "instance.managed_dict_flag": "0",
    "instance.inline_values_flag": "0",
    "instance.managed_dict_before": "0",
    "instance.managed_values_before": "0",
    "instance.managed_values_tag": "0",
    "integer.length_shift": "0",
    "integer.digit_bits": "0",
    "dict_keys.general_kind": "0",
    "unicode.kind_shift": "0",
    "unicode.kind_mask": "0",
    "unicode.compact_mask": "0",
    "unicode.ascii_mask": "0",
    "thread.active": "{LAYOUT_ABSENT, 0}",
    "thread.holds_gil": "{LAYOUT_ABSENT, 0}",
}
KEYS = {"major", "minor", "micro_first", "micro_last", "debug_build", "free_threaded"}

# Fields of _Py_DebugOffsets that are read, by the enumerator's name in debug_offsets_schema.h.
DEBUG_FIELDS = {
    "VERSION": [(13, 99, "version")],
    "FREE_THREADED": [(13, 99, "free_threaded")],
    "RUNTIME_SIZE": [(13, 99, "runtime_state.size")],
    "RUNTIME_FINALIZING": [(13, 99, "runtime_state.finalizing")],
    "RUNTIME_INTERPRETERS_HEAD": [(13, 99, "runtime_state.interpreters_head")],
    "INTERPRETER_SIZE": [(13, 99, "interpreter_state.size")],
    "INTERPRETER_ID": [(13, 99, "interpreter_state.id")],
    "INTERPRETER_NEXT": [(13, 99, "interpreter_state.next")],
    "INTERPRETER_THREADS_HEAD": [(13, 99, "interpreter_state.threads_head")],
    "INTERPRETER_GC": [(13, 99, "interpreter_state.gc")],
    "INTERPRETER_MODULES": [(13, 99, "interpreter_state.imports_modules")],
    "INTERPRETER_SYSDICT": [(13, 99, "interpreter_state.sysdict")],
    "INTERPRETER_CEVAL_GIL": [(13, 99, "interpreter_state.ceval_gil")],
    "INTERPRETER_GIL": [(13, 99, "interpreter_state.gil_runtime_state")],
    "INTERPRETER_GIL_LOCKED": [(13, 99, "interpreter_state.gil_runtime_state_locked")],
    "INTERPRETER_GIL_HOLDER": [(13, 99, "interpreter_state.gil_runtime_state_holder")],
    "INTERPRETER_CODE_GENERATION": [(14, 99, "interpreter_state.code_object_generation")],
    "THREAD_SIZE": [(13, 99, "thread_state.size")],
    "THREAD_PREV": [(13, 99, "thread_state.prev")],
    "THREAD_NEXT": [(13, 99, "thread_state.next")],
    "THREAD_INTERP": [(13, 99, "thread_state.interp")],
    "THREAD_CURRENT_FRAME": [(13, 99, "thread_state.current_frame")],
    "THREAD_BASE_FRAME": [(15, 99, "thread_state.base_frame")],
    "THREAD_THREAD_ID": [(13, 99, "thread_state.thread_id")],
    "THREAD_NATIVE_THREAD_ID": [(13, 99, "thread_state.native_thread_id")],
    "THREAD_DATASTACK_CHUNK": [(13, 99, "thread_state.datastack_chunk")],
    "THREAD_STATUS": [(13, 99, "thread_state.status")],
    "THREAD_HOLDS_GIL": [(15, 99, "thread_state.holds_gil")],
    "FRAME_SIZE": [(13, 99, "interpreter_frame.size")],
    "FRAME_PREVIOUS": [(13, 99, "interpreter_frame.previous")],
    "FRAME_EXECUTABLE": [(13, 99, "interpreter_frame.executable")],
    "FRAME_INSTR_PTR": [(13, 99, "interpreter_frame.instr_ptr")],
    "FRAME_LOCALSPLUS": [(13, 99, "interpreter_frame.localsplus")],
    "FRAME_OWNER": [(13, 99, "interpreter_frame.owner")],
    "FRAME_STACKPOINTER": [(14, 99, "interpreter_frame.stackpointer")],
    "FRAME_TLBC_INDEX": [(14, 99, "interpreter_frame.tlbc_index")],
    "CODE_SIZE": [(13, 99, "code_object.size")],
    "CODE_FILENAME": [(13, 99, "code_object.filename")],
    "CODE_NAME": [(13, 99, "code_object.name")],
    "CODE_QUALNAME": [(13, 99, "code_object.qualname")],
    "CODE_LINETABLE": [(13, 99, "code_object.linetable")],
    "CODE_FIRSTLINENO": [(13, 99, "code_object.firstlineno")],
    "CODE_ARGCOUNT": [(13, 99, "code_object.argcount")],
    "CODE_LOCALSPLUSNAMES": [(13, 99, "code_object.localsplusnames")],
    "CODE_LOCALSPLUSKINDS": [(13, 99, "code_object.localspluskinds")],
    "CODE_ADAPTIVE": [(13, 99, "code_object.co_code_adaptive")],
    "CODE_TLBC": [(14, 99, "code_object.co_tlbc")],
    "OBJECT_SIZE": [(13, 99, "pyobject.size")],
    "OBJECT_TYPE": [(13, 99, "pyobject.ob_type")],
    "TYPE_SIZE": [(13, 99, "type_object.size")],
    "TYPE_NAME": [(13, 99, "type_object.tp_name")],
    "TYPE_FLAGS": [(13, 99, "type_object.tp_flags")],
    "TUPLE_SIZE": [(13, 99, "tuple_object.size")],
    "TUPLE_ITEMS": [(13, 99, "tuple_object.ob_item")],
    "TUPLE_LENGTH": [(13, 99, "tuple_object.ob_size")],
    "BYTES_SIZE": [(13, 99, "bytes_object.size")],
    "BYTES_LENGTH": [(13, 99, "bytes_object.ob_size")],
    "BYTES_CONTENTS": [(13, 99, "bytes_object.ob_sval")],
    "UNICODE_SIZE": [(13, 99, "unicode_object.size")],
    "UNICODE_STATE": [(13, 99, "unicode_object.state")],
    "UNICODE_LENGTH": [(13, 99, "unicode_object.length")],
    "UNICODE_ASCII_SIZE": [(13, 99, "unicode_object.asciiobject_size")],
    "UNICODE_COMPACT_SIZE": [(15, 99, "unicode_object.compactunicodeobject_size")],
    "GC_SIZE": [(13, 99, "gc.size")],
    "GC_COLLECTING": [(13, 99, "gc.collecting")],
}

# Of no consequence when they differ between two micro versions: the sizes of the runtime and the
# interpreter, which grow behind the fields that are used, and from 3.13 on the places in the
# interpreter, which the target tells by itself (imports.modules moved in 3.14.5).
SIZES = {"runtime.size", "interpreter.size"}


def of_no_consequence(minor, field):
    return field in SIZES or (minor >= 13 and field.startswith("interpreter."))
