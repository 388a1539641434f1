# -*- coding: utf-8 -*-
"""Threads with names of every kind. FOLDER/names.json says what each is called, by its ident.

    thread_names.py FOLDER [MODULES]

With MODULES, as many are put into sys.modules before threading is.
"""

import json
import os
import sys
import time
import types

try:
    import _thread
except ImportError:
    import thread as _thread

for _number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 0):
    _module = types.ModuleType("package_%d.module_%d" % (_number % 50, _number))
    sys.modules[_module.__name__] = _module

import threading  # noqa: E402

NAMES = {}  # ident: name, or None


def make_daemon(**options):
    thread = threading.Thread(target=wait, **options)
    thread.daemon = True
    return thread


class Slotted(threading.Thread):
    __slots__ = ("one", "two")

    def __init__(self, **options):
        threading.Thread.__init__(self, **options)
        self.one = self.two = self.three = 1


class Deleting(threading.Thread):
    """Attributes in another order than the class's other instances have."""

    def __init__(self, **options):
        self.first_of_all = 1
        threading.Thread.__init__(self, **options)
        del self.first_of_all
        self.last_of_all = 2


def wait():
    time.sleep(10000000)


def make_threads():
    yield threading.Thread(target=wait)
    yield make_daemon(name="daemon")
    for name in ("naïve", "поток", "スレッド", "🧵 astral", "", "line\nbreak", "x" * 300):
        yield threading.Thread(target=wait, name=name)
    yield Slotted(target=wait, name="slotted")
    yield Deleting(target=wait, name="deleting")
    many = threading.Thread(target=wait, name="many attributes")
    for number in range(500):
        setattr(many, "attribute_%d" % number, number)
    yield many
    materialised = threading.Thread(target=wait, name="materialised")
    vars(materialised)["more"] = 1
    yield materialised
    replaced = threading.Thread(target=wait, name="replaced dict")
    replaced.__dict__ = dict(vars(replaced))
    yield replaced
    for number in range(70):  # more than one batch of entries
        yield threading.Thread(target=wait, name="crowd %d" % number)


def start_unnamed():
    def unnamed():
        NAMES[_thread.get_ident()] = None
        wait()

    _thread.start_new_thread(unnamed, ())


def main(folder):
    started = list(make_threads())
    for thread in started:
        thread.daemon = True
        thread.start()
    ended = threading.Thread(target=int)
    ended.start()
    ended.join()
    renamed = make_daemon(name="before")
    renamed.start()
    renamed.name = "renamed"
    start_unnamed()
    while None not in NAMES.values():
        time.sleep(0.01)
    for thread in started + [renamed, threading.current_thread()]:
        NAMES[thread.ident] = thread.name
    path = os.path.join(folder, "names.json")
    with open(path + ".new", "w") as file:
        json.dump(NAMES, file)
    os.rename(path + ".new", path)
    wait()


if __name__ == "__main__":
    main(sys.argv[1])
