"""Runs in the interpreter under test: reads its own memory at the offsets of its layout and compares
with what Python itself says. The argument is the program that prints layouts (test_debug_offsets).
Exit status 77: this interpreter cannot look at its own memory.
"""
import gc
import os
import subprocess
import sys
import threading
import time
import types

try:
    import ctypes
except ImportError:
    print("%s has no ctypes" % sys.executable)
    sys.exit(77)

MINOR = sys.version_info[1]
FREE_THREADED = hasattr(sys, "_is_gil_enabled") and "t" in getattr(sys, "abiflags", "")
RUNTIME = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
ctypes.pythonapi.PyThreadState_Get.argtypes = ()
ABSENT = -1


def word(address):
    return ctypes.c_uint64.from_address(address).value


def half(address):
    return ctypes.c_int32.from_address(address).value


def byte(address):
    return ctypes.c_uint8.from_address(address).value


class Layout:
    """Offsets by name, and the checks; each check fails by an AssertionError that names it."""

    def __init__(self, lines):
        self.fields = {}
        for line in lines.splitlines():
            name, value = line.split()
            self.fields[name] = int(value)
        self.tags = self.fields["frame.reference_tag_mask"]

    def __getitem__(self, name):
        return self.fields[name]

    def has(self, name):
        return self.fields[name] != ABSENT

    def at(self, address, name):
        assert self.has(name), name
        return word(address + self[name])

    def int_at(self, address, name):
        assert self.has(name), name
        return half(address + self[name])

    # Objects, as code_object.c reads them.

    def text(self, address):
        state = half(address + self["unicode.state"]) & 0xFFFFFFFF
        length = self.at(address, "unicode.length")
        kind = state >> self["unicode.kind_shift"] & self["unicode.kind_mask"]
        if not state & self["unicode.compact_mask"]:
            data = self.at(address, "unicode.any_data")
        elif state & self["unicode.ascii_mask"]:
            data = address + self["unicode.ascii_data"]
        else:
            data = address + self["unicode.compact_data"]
        raw = ctypes.string_at(data, length * kind)
        return raw.decode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind])

    def bytes_of(self, address):
        size = self.at(address, "bytes.length")
        return ctypes.string_at(address + self["bytes.contents"], size)

    def tuple_of(self, address):
        count = self.at(address, "tuple.length")
        return [word(address + self["tuple.items"] + 8 * i) for i in range(count)]

    def is_set(self, address, name):
        return byte(address + self[name + ".offset"]) & self[name + ".mask"] != 0


def equal(what, found, expected):
    assert found == expected, "%s: found %r, expected %r" % (what, found, expected)


def check_objects(layout):
    class Text(str):
        pass

    samples = ["", "plain ascii", "l\xe4tin", "\u0416 two bytes", "\U0001f40d four bytes", "x" * 5000]
    for sample in samples:
        equal("str", layout.text(id(sample)), sample)
        derived = Text(sample)  # not compact
        equal("str subclass", layout.text(id(derived)), sample)
    equal("bytes", layout.bytes_of(id(b"some\0bytes")), b"some\0bytes")
    items = (1, "two", b"three")
    equal("tuple", layout.tuple_of(id(items)), [id(item) for item in items])
    for kind in (int, str, Text, types.CodeType, types.FrameType):
        name = ctypes.string_at(layout.at(id(kind), "type.name")).decode()
        equal("tp_name", name.rpartition(".")[2], kind.__name__)
        equal("tp_flags", layout.at(id(kind), "type.flags"), kind.__flags__)
    equal("ob_type", layout.at(id(samples), "object.type"), id(list))


def sample_code():
    free = 1

    def outer(first, second=2, *rest, keyword=3, **more):
        local = free
        return first, second, rest, keyword, more, local, lambda: local

    return outer.__code__


def check_code(layout, code):
    address = id(code)
    equal("co_name", layout.text(layout.at(address, "code.name")), code.co_name)
    equal("co_filename", layout.text(layout.at(address, "code.filename")), code.co_filename)
    table = code.co_lnotab if MINOR <= 9 else code.co_linetable
    equal("line table", layout.bytes_of(layout.at(address, "code.line_table")), table)
    equal("firstlineno", layout.int_at(address, "code.first_line"), code.co_firstlineno)
    equal("argcount", layout.int_at(address, "code.argcount"), code.co_argcount)
    equal("kwonly", layout.int_at(address, "code.kwonly_argcount"), code.co_kwonlyargcount)
    equal("flags", layout.int_at(address, "code.flags"), code.co_flags)
    if MINOR <= 10:
        names = [layout.text(item) for item in layout.tuple_of(layout.at(address, "code.varnames"))]
        equal("co_varnames", names, list(code.co_varnames))
        equal("co_code", layout.bytes_of(layout.at(address, "code.code")), code.co_code)
        return
    equal("co_qualname", layout.text(layout.at(address, "code.qualname")), code.co_qualname)
    names = layout.tuple_of(layout.at(address, "code.localsplusnames"))
    names = [layout.text(item) for item in names]
    known = set(code.co_varnames + code.co_cellvars + code.co_freevars)
    equal("localsplusnames", set(names), known)
    equal("varnames", [name for name in names if name in code.co_varnames], list(code.co_varnames))
    kinds = layout.bytes_of(layout.at(address, "code.localspluskinds"))
    equal("localspluskinds", len(kinds), len(names))
    if code.co_freevars:
        # The first instruction is COPY_FREE_VARS, which is never replaced by a specialised one.
        start = ctypes.string_at(address + layout["code.instructions"], 2)
        equal("instructions", start, code.co_code[:2])


def frames_of(layout, thread):
    """Addresses of the thread's frames, innermost first, shims too."""
    if layout.has("cframe.current_frame"):
        address = layout.at(layout.at(thread, "thread.cframe"), "cframe.current_frame")
    else:
        address = layout.at(thread, "thread.frame")
    addresses = []
    while address:
        addresses.append(address)
        assert len(addresses) < 1000, "frames form a cycle"
        address = layout.at(address, "frame.previous")
    return addresses


def is_shim(layout, address):
    if not layout.has("frame.owner"):
        return False
    owner = byte(address + layout["frame.owner"])
    return owner in (layout["frame.owner_cstack"], layout["frame.owner_interpreter"])


def expected_lasti(layout, address, code):
    if MINOR <= 9:
        return layout.int_at(address, "frame.position")
    if MINOR == 10:
        return 2 * layout.int_at(address, "frame.position")
    return layout.at(address, "frame.position") - (code + layout["code.instructions"])


def check_frames(layout, thread):
    frame = sys._getframe()
    found = [
        (layout.at(address, "frame.code") & ~layout.tags, address)
        for address in frames_of(layout, thread)
        if not is_shim(layout, address)
    ]
    codes = [code for code, _ in found]
    begin = codes.index(id(frame.f_code))
    found = found[begin:]
    while frame:
        code, address = found.pop(0)
        equal("f_code", code, id(frame.f_code))
        equal("f_globals", layout.at(address, "frame.globals"), id(frame.f_globals))
        if frame is not sys._getframe():
            check_lasti(layout, frame, address, code)
        if MINOR <= 10:
            equal("frame object", address, id(frame))
        frame = frame.f_back
    equal("frames beyond the last", found, [])
    last = frames_of(layout, thread)[-1]
    if layout.has("thread.base_frame"):
        equal("base_frame", layout.at(thread, "thread.base_frame"), last)
    if MINOR >= 12:
        assert is_shim(layout, last), "the outermost frame is no shim"


def check_lasti(layout, frame, address, code):
    if FREE_THREADED and MINOR >= 14:
        return  # the position is in the thread's own copy of the bytecode
    equal("f_lasti of " + frame.f_code.co_name, expected_lasti(layout, address, code), frame.f_lasti)


def check_locals(layout, thread, argument):
    frame = sys._getframe()
    names = frame.f_code.co_varnames
    address = next(
        address
        for address in frames_of(layout, thread)
        if layout.at(address, "frame.code") & ~layout.tags == id(frame.f_code)
    )
    slot = address + layout["frame.localsplus"] + 8 * names.index("argument")
    equal("localsplus", word(slot) & ~layout.tags, id(argument))
    if layout.has("frame.owner"):
        equal("owner", byte(address + layout["frame.owner"]), layout["frame.owner_thread"])


def check_generator(layout, thread):
    def generator():
        code = id(sys._getframe().f_code)
        yield [
            byte(address + layout["frame.owner"])
            for address in frames_of(layout, thread)
            if layout.at(address, "frame.code") & ~layout.tags == code
        ]

    if layout.has("frame.owner"):
        equal("generator's owner", next(generator()), [layout["frame.owner_generator"]])


def check_threads(layout, thread, interpreter):
    equal("main interpreter", layout.at(RUNTIME, "runtime.interpreters_main"), interpreter)
    equal("finalizing", layout.at(RUNTIME, "runtime.finalizing"), 0)
    equal("interpreter's id", layout.at(interpreter, "interpreter.id"), 0)
    equal("next interpreter", layout.at(interpreter, "interpreter.next"), 0)
    equal("sys.modules", layout.at(interpreter, "interpreter.modules"), id(sys.modules))
    equal("sysdict", layout.at(interpreter, "interpreter.sysdict"), id(sys.__dict__))
    listed, previous = [], 0
    address = layout.at(interpreter, "interpreter.threads_head")
    while address:
        equal("prev", layout.at(address, "thread.prev"), previous)
        equal("interp", layout.at(address, "thread.interp"), interpreter)
        listed.append(address)
        previous, address = address, layout.at(address, "thread.next")
    assert thread in listed, "this thread is not in the list"
    equal("number of threads", len(listed), threading.active_count())
    assert 0 < layout.at(thread, "thread.id") < 100, "thread's id"
    equal("thread_id", layout.at(thread, "thread.thread_id"), threading.get_ident())
    if layout.has("thread.native_thread_id"):
        native = layout.at(thread, "thread.native_thread_id")
        equal("native_thread_id", native, threading.get_native_id())
    if layout.has("thread.datastack_chunk"):
        chunk = layout.at(thread, "thread.datastack_chunk")
        # _PyStackChunk: previous, size, top, data (cpython/pystate.h).
        limit = chunk + word(chunk + 8)
        assert chunk < layout.at(thread, "thread.datastack_top") <= limit, "datastack_top"
    return [other for other in listed if other != thread]


def check_gil(layout, thread, interpreter, others):
    if FREE_THREADED:
        return
    if layout.has("runtime.gil"):
        gil = RUNTIME + layout["runtime.gil"]
    else:
        gil = layout.at(interpreter, "interpreter.gil")
    equal("gil.locked", layout.int_at(gil, "gil.locked"), 1)
    equal("gil.last_holder", layout.at(gil, "gil.last_holder"), thread)
    before = layout.at(gil, "gil.switch_number")
    time.sleep(0.05)
    switches = layout.at(gil, "gil.switch_number") - before
    assert 1 <= switches < 1000, "switch_number grew by %d" % switches
    if layout.has("runtime.tstate_current"):
        equal("tstate_current", layout.at(RUNTIME, "runtime.tstate_current"), thread)
    for name in ("thread.active", "thread.holds_gil"):
        if not layout.has(name + ".offset"):
            continue
        equal(name, layout.is_set(thread, name), True)
        for other in others:
            equal(name + " of another", layout.is_set(other, name), False)


def check_collecting(layout, interpreter):
    if layout.has("runtime.gc_collecting"):
        where = RUNTIME, "runtime.gc_collecting"
    else:
        where = interpreter, "interpreter.gc_collecting"
    seen = []

    def callback(phase, _info):
        if phase == "start":
            seen.append(layout.int_at(*where))

    gc.callbacks.append(callback)
    gc.collect()
    gc.callbacks.remove(callback)
    equal("gc.collecting", seen, [1])
    equal("gc.collecting after", layout.int_at(*where), 0)


def check_code_generation(layout, interpreter):
    if not layout.has("interpreter.code_object_generation"):
        return
    name = "interpreter.code_object_generation"
    before = layout.at(interpreter, name)
    for i in range(10):
        compile("%d" % i, "gone", "eval")
    grown = layout.at(interpreter, name) - before
    assert 10 <= grown < 100, "code_object_generation grew by %d" % grown


def check_traced_line(layout):
    """<= 3.10: f_lineno is the line while the frame is traced; f_trace says so up to 3.9."""
    if MINOR > 10:
        return
    found = []

    def trace(frame, event, _argument):
        if event == "line":
            found.append((layout.int_at(id(frame), "frame.lineno"), frame.f_lineno))
            if layout.has("frame.trace"):
                found.append((layout.at(id(frame), "frame.trace"), id(trace)))
        return trace

    def traced():
        first = 1
        return first

    sys.settrace(trace)
    traced()
    sys.settrace(None)
    assert len(found) >= 2, "nothing was traced"
    for is_, expected in found:
        equal("f_lineno or f_trace while tracing", is_, expected)


def check_all(layout):
    thread = ctypes.pythonapi.PyThreadState_Get()
    interpreter = layout.at(RUNTIME, "runtime.interpreters_head")
    check_objects(layout)
    check_code(layout, sample_code())
    check_code(layout, check_all.__code__)
    check_frames(layout, thread)
    check_locals(layout, thread, object())
    check_generator(layout, thread)
    others = check_threads(layout, thread, interpreter)
    check_gil(layout, thread, interpreter, others)
    check_collecting(layout, interpreter)
    check_code_generation(layout, interpreter)
    check_traced_line(layout)


def ask(oracle, arguments, stdin=b""):
    process = subprocess.Popen([oracle] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output = process.communicate(stdin)[0].decode()
    assert process.returncode == 0, "%s: %s" % (arguments, output)
    return Layout(output)


def main(oracle):
    done = threading.Event()
    worker = threading.Thread(target=done.wait)
    busy = threading.Thread(target=lambda: [time.sleep(0.001) for _ in range(200)])
    worker.start()
    busy.start()
    try:
        check_all(ask(oracle, ["--row", "%x" % sys.hexversion, "%d" % FREE_THREADED]))
        if MINOR >= 13:
            check_all(ask(oracle, ["--offsets"], ctypes.string_at(RUNTIME, 2048)))
    finally:
        done.set()
        worker.join()
        busy.join()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
