"""A target whose subinterpreters have two threads each that want their GIL and keep it.

    busy_interpreters.py FOLDER COUNT isolated|legacy

FOLDER/settled says that all have begun. From 3.12 on `isolated` ones have a GIL of their own.
"""

import os
import sys
import threading
import time

from interpreters_module import interpreters

SCRIPT = """
import os, sys, threading

def busy(path):
    open(path, "w").close()
    while not os.path.exists(%(go)r):
        pass
    sys.setswitchinterval(100000)
    while True:
        pass

threading.Thread(target=busy, args=(%(path)r + "-1",)).start()
busy(%(path)r + "-2")
"""


def create(kind):
    if sys.version_info >= (3, 13):
        return interpreters.create(kind)
    if sys.version_info >= (3, 9):  # before 3.12 only one that is not isolated may start threads
        return interpreters.create(isolated=kind == "isolated")
    return interpreters.create()


def run_in_interpreter(folder, number, kind):
    path = os.path.join(folder, "in-%d" % number)
    script = SCRIPT % {"path": path, "go": os.path.join(folder, "settled")}
    try:
        print("an interpreter ended: %s" % (interpreters.run_string(create(kind), script),))
    except Exception as error:  # pylint: disable=broad-except
        print("an interpreter failed: %r" % (error,))
    sys.stdout.flush()
    os._exit(1)


def main(folder, count, kind):
    for number in range(count):
        thread = threading.Thread(target=run_in_interpreter, args=(folder, number, kind))
        thread.daemon = True
        thread.start()
    paths = [os.path.join(folder, "in-%d-%d" % (n, i)) for n in range(count) for i in (1, 2)]
    while not all(map(os.path.exists, paths)):
        time.sleep(0.01)
    open(os.path.join(folder, "settled"), "w").close()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
