"""A target whose threads stand in native code of every kind, called from Python and calling back.

    native_calls.py FOLDER [LIBRARY]

LIBRARY is built from native_library.cc by the test. FOLDER/settled is made when all threads are about
to wait.
"""

import ctypes
import functools
import json
import os
import re
import select
import sys
import threading
import time

FOREVER = 1000000
LIBC = ctypes.CDLL(None)
KEEP = []


def wait():
    time.sleep(FOREVER)


def comparison():
    """C calls back into Python."""
    compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def compare(left, right):
        wait()

    callback = compare_type(compare)
    items = (ctypes.c_int * 4)(4, 3, 2, 1)
    KEEP.append((callback, items))
    LIBC.qsort(items, 4, 4, callback)


def comparison_in_comparison():
    compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    items = (ctypes.c_int * 2)(2, 1)

    def inner(left, right):
        wait()

    def outer(left, right):
        LIBC.qsort(items, 2, 4, callbacks[1])

    callbacks = [compare_type(outer), compare_type(inner)]
    KEEP.append((callbacks, items))
    LIBC.qsort(items, 2, 4, callbacks[0])


def key_of_sort():
    def key(item):
        wait()

    sorted([2, 1], key=key)


class Slots(object):
    def __getattr__(self, name):
        wait()

    def __len__(self):
        wait()

    def __lt__(self, other):
        wait()

    def __del__(self):
        wait()


def attribute():
    return Slots().missing


def length():
    return len(Slots())


def less():
    return Slots() < Slots()


def finalizer():
    thing = Slots()
    del thing


def substitution():
    re.sub("a", lambda match: wait(), "a")


def reduction():
    functools.reduce(lambda left, right: wait(), [1, 2])


def encoder():
    json.dumps({"a": [object()]}, default=lambda thing: wait())


def generator():
    def produce():
        wait()
        yield 1

    def relay():
        for item in produce():
            yield item

    return sum(relay())


def poll():
    ends = os.pipe()
    KEEP.append(ends)
    select.select([ends[0]], [], [])


def lock():
    one = threading.Lock()
    one.acquire()
    one.acquire()


def recursion(depth=60):
    if depth:
        return recursion(depth - 1)
    return wait()


def alternating(depth=12):
    """Each level is called by C."""
    if depth:
        return list(map(alternating, [depth - 1]))
    return wait()


def through_library(name):
    library = ctypes.CDLL(sys.argv[2])
    callback_type = ctypes.CFUNCTYPE(None)
    callback = callback_type(wait)
    KEEP.append(callback)
    getattr(library, name)(callback)


SCENARIOS = [
    comparison,
    comparison_in_comparison,
    key_of_sort,
    attribute,
    length,
    less,
    finalizer,
    substitution,
    reduction,
    encoder,
    generator,
    poll,
    lock,
    recursion,
    alternating,
]


def main():
    folder = sys.argv[1]
    scenarios = list(SCENARIOS)
    if len(sys.argv) > 2:
        for name in ("call_in_class", "call_in_lambda", "call_in_template", "call_without_frame"):
            scenarios.append(functools.partial(through_library, name))
    for scenario in scenarios:
        thread = threading.Thread(target=scenario)
        thread.daemon = True
        thread.start()
    with open(os.path.join(folder, "settled.new"), "w") as stream:
        stream.write(str(len(scenarios)))
    os.rename(os.path.join(folder, "settled.new"), os.path.join(folder, "settled"))
    wait()


main()
