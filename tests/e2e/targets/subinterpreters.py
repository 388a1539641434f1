"""A target with threads that run in subinterpreters. FOLDER/settled says that they stand still.

    subinterpreters.py FOLDER COUNT
"""

import os
import sys
import threading
import time

from interpreters_module import interpreters

SCRIPT = """
import os, time

def inner_%(number)d():
    with open(%(path)r, "w") as file:
        file.write("here")
    time.sleep(10000000)

def outer_%(number)d():
    inner_%(number)d()

outer_%(number)d()
"""


def run_in_interpreter(folder, number):
    identity = interpreters.create()
    script = SCRIPT % {"number": number, "path": os.path.join(folder, "in_%d" % number)}
    interpreters.run_string(identity, script)


def main(folder, count):
    for number in range(count):
        thread = threading.Thread(target=run_in_interpreter, args=(folder, number))
        thread.daemon = True
        thread.start()
    while not all(os.path.exists(os.path.join(folder, "in_%d" % n)) for n in range(count)):
        time.sleep(0.01)
    open(os.path.join(folder, "settled"), "w").close()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
