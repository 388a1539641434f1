# coding: utf-8
"""A small target for fixtures and damaged input: three threads, almost no imports, no site.

    small.py FOLDER [abort]

With "abort" it does not wait for ever in the end, but aborts: the thread that does so holds the GIL.

Runs with `-S -E`. FOLDER/expected.py is the literal of what the interpreter says of itself: its
threads' stacks, the texts of local variables, and addresses of a few objects, for tests that damage them in a core. The main thread
writes it, then blocks at the line that it said it would.
"""

import sys
import time

try:
    import _thread
    TEXT = ascii
    NAME = u"na\xefve_\u043a\u043b\u044e\u0447"
except ImportError:  # 2.7
    import thread as _thread
    TEXT = repr
    NAME = "key"

SUPPORTED = sys.version_info[:2]
PLACES = {}  # name of an object: its address
LAST = [time.sleep, 10000000]  # what the main thread does in the end, and its arguments
STACKS = {}  # pthread ident: the operating system's id of the thread; 0 where Python does not know it
LOCALS = {}  # name of a variable of `consume`: the text of its value


def keep(name, value):
    PLACES[name] = id(value)


class Worker(object):
    def __init__(self, lock):
        self.lock = lock

    def run(self, depth):
        if depth:
            return self.run(depth - 1)
        return [
            self.wait(number)
            for number in (1,)
        ]

    def wait(self, number):
        keep("wait frame", sys._getframe())
        STACKS[_thread.get_ident()] = native_id()
        self.lock.acquire(
        )


def native_id():
    return _thread.get_native_id() if hasattr(_thread, "get_native_id") else 0


class Holder(object):
    def __init__(self):
        self.a = 1


def sleep(item):
    STACKS[_thread.get_ident()] = native_id()
    time.sleep(10000000)


# A function whose name has other characters, where it can.
exec("def %s(item):\n    sleep(item)\nkey = %s\n" % (NAME, NAME))


def generate(number):
    yield sorted([number], key=key)


def note_locals(values):
    for name, value in values.items():
        LOCALS[name] = repr(value)
    # The attributes are shown, too.
    LOCALS["instance"] = LOCALS["instance"][:-1] + " a=1>"


def consume():
    shared = 3

    def inner():
        return shared

    nothing, flag, small, big, real, imaginary = None, True, -5, 10 ** 30, 1.5, 1 + 2j
    text, wide, raw, array = "a'b\n\t\x7f", u"\xe9\u20ac\U0001f600", b"a\x00'", bytearray(b"xy")
    pair, items, table = (1,), [1, [2]], {"a": 1}
    group, frozen, error = set([1]), frozenset([2]), ValueError("x", 1)
    instance = Holder()
    items.append(items)
    note_locals(dict(locals()))
    for item in generate(1):
        pass


def start_worker():
    lock = _thread.allocate_lock()
    lock.acquire()
    Worker(lock).run(5)


def describe(frame, line=None):
    frames = []
    while frame is not None:
        code = frame.f_code
        frames.append({
            "name": code.co_name,
            "qualname": getattr(code, "co_qualname", None),
            "filename": code.co_filename,
            "line": line or frame.f_lineno or 0,
            "first_line": code.co_firstlineno,
        })
        frame, line = frame.f_back, None
    return frames


def report(folder):
    """Write the others' stacks and this one's, as it will stand in `stay`."""
    own = _thread.get_ident()
    threads = []
    for ident, frame in sys._current_frames().items():
        stack = describe(frame)
        if ident == own:
            # Here: report, main, <module>. Later: stay, main, <module>.
            code = stay.__code__
            stack[0].update(name=code.co_name, qualname=getattr(code, "co_qualname", None),
                            line=code.co_firstlineno + 2, first_line=code.co_firstlineno)
            stack[1]["line"] = main.__code__.co_firstlineno + 9
        threads.append({"ident": ident, "tid": STACKS.get(ident) or native_id(), "frames": stack})
    frame = None
    keep("wait code", Worker.wait.__code__)
    keep("run code", Worker.run.__code__)
    code = Worker.wait.__code__
    keep("wait name", getattr(code, "co_qualname", code.co_name))
    keep("file name", Worker.wait.__code__.co_filename)
    content = {"version": list(sys.version_info[:3]), "threads": threads, "places": PLACES, "locals": LOCALS}
    return TEXT(content)


def stay(folder, content):
    with open(folder + "/expected.py", "w") as file: file.write(content)  # noqa: E701
    LAST[0](*LAST[1:])


def main(folder):
    _thread.start_new_thread(start_worker, ())
    _thread.start_new_thread(consume, ())
    while len(STACKS) < 2:
        time.sleep(0.01)
    time.sleep(0.1)
    content = report(folder)
    # The line below is the ninth after `def main`.

    stay(folder, content)


if sys.argv[2:] == ["abort"]:
    import posix
    LAST[:] = [posix.abort]
main(sys.argv[1])
