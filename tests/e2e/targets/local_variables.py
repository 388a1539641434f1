"""A target whose frames have variables of every sort, which the interpreter itself has written down.

    local_variables.py FOLDER THREADS DEPTH

Runs on Python 2.7 and 3.3 to 3.15. The main thread goes through a chain of functions, each with other
sorts of variables; THREADS - 1 others go down DEPTH functions of one sort. All then wait, and
FOLDER/expected.json has {"threads": {thread id: [frame, ...]}}: of each frame, innermost first, its
function's name and its variables, {name: {"addr", "arg", "kind", "repr"}}. FOLDER/settled is written
last.
"""

import json
import os
import sys
import threading
import time

from stacks import native_id, permit_tracing

EXPECTED = {}
LOCK = threading.Lock()
CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS = 0x1, 0x4, 0x8


def argument_names(code):
    count = code.co_argcount + getattr(code, "co_kwonlyargcount", 0)
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return code.co_varnames[:count]


def kind_of(code, name):
    if not code.co_flags & CO_OPTIMIZED:
        return "free" if name in code.co_freevars else "namespace"
    if name in code.co_freevars:
        return "free"
    return "cell" if name in code.co_cellvars else "local"


def variables(frame):
    code = frame.f_code
    if frame.f_locals is frame.f_globals:
        return {}
    arguments = argument_names(code)
    return {
        name: {
            "addr": id(value),
            "arg": name in arguments,
            "kind": kind_of(code, name),
            "repr": repr(value),
        }
        for name, value in frame.f_locals.items()
    }


def record():
    """Of the caller's callers, innermost first; the caller has no variables."""
    frame = sys._getframe(1)
    frames = [{"name": frame.f_code.co_name, "locals": {}}]
    frame = frame.f_back
    while frame is not None:
        frames.append({"name": frame.f_code.co_name, "locals": variables(frame)})
        frame = frame.f_back
    with LOCK:
        EXPECTED[native_id()] = frames


def block():
    record()
    time.sleep(10000000)


# --- the main thread's chain --------------------------------------------------------------------------


def with_arguments(positional, default=2, *args, **kwargs):
    plain = "text"
    unbound = None
    del unbound
    with_cells([1, 2.5, None], default)
    never = plain
    return never


def with_cells(captured_argument, other):
    captured = {"key": "value"}

    def inner(own):
        seen = (captured, captured_argument)
        with_comprehension((own, True))
        return seen

    del other
    inner("own\x1b[31m\n")


def with_comprehension(values):
    return [with_generator(value) for value in values[:1]]


def with_generator(value):
    def generate(first):
        second = -(2 ** 70)
        yield with_class_body(first, second)

    return next(generate(value))


def with_class_body(first, second):
    class Body(object):
        attribute = first
        number = 10 ** 6

        block_in_method = None
        with_method()

    return Body


class Owner(object):
    def method(self, argument):
        block()
        return argument


def with_method():
    class_name = Owner.__name__
    with_long_values(class_name)


def with_long_values(class_name):
    long_text = "x" * 400
    many = list(range(100000, 102000))
    pairs = {"key %d" % i: (i, [str(i)] * 3) for i in range(300)}
    deep = [1]
    for _ in range(50):
        deep = [deep, "level"]
    itself = []
    itself.append(itself)
    digits = 7 ** 900
    Owner().method(class_name)
    return long_text, many, pairs, deep, digits


if sys.version_info >= (3,):
    exec("""
def with_keyword_only(a, *, keyword, **rest):
    captured_keyword = lambda: keyword
    with_arguments(a, 3, "x", "y", z=complex(1, -2))
""")
else:
    def with_keyword_only(a, keyword, **rest):
        with_arguments(a, 3, "x", "y", z=complex(1, -2))


# --- the others' --------------------------------------------------------------------------------------


def descend(depth, label, shared):
    numbers = [depth, depth + 0.5]
    name = "%s at %d" % (label, depth)
    if depth <= 1:
        block()
    descend(depth - 1, label, shared)
    return numbers, name


def write(folder, name, content):
    with open(os.path.join(folder, name + ".new"), "w") as stream:
        stream.write(content)
    os.rename(os.path.join(folder, name + ".new"), os.path.join(folder, name))


def report(folder, count):
    while len(EXPECTED) < count:
        time.sleep(0.01)
    write(folder, "expected.json", json.dumps({"threads": EXPECTED}))
    write(folder, "settled", "")


def main():
    folder, threads, depth = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    permit_tracing()
    shared = {"one": 1, "list": ["x"] * 3}
    if threads > 100:
        threading.stack_size(1 << 18)
    for number in range(1, threads):
        thread = threading.Thread(target=descend, args=(depth, "thread-%d" % number, shared))
        thread.daemon = True
        thread.start()
    reporter = threading.Thread(target=report, args=(folder, threads))
    reporter.daemon = True
    reporter.start()
    with_keyword_only(1, keyword="only", **{"more": (1,)})


if __name__ == "__main__":
    main()
