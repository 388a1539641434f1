"""Threads that begin and end all the time, so that idents and objects' memory are used again.

    thread_churn.py FOLDER [LENGTH]

Each is called as the function that it runs, and lives for up to 36 ms times LENGTH (1); at 0 it ends as soon
as it has given up the GIL. FOLDER/settled says that they have begun.
"""

import os
import sys
import threading
import time

KINDS = 97
LENGTH = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
FUNCTIONS = []


def make_function(number):
    space = {"time": time}
    exec("def task_%d():\n    time.sleep(%r)\n" % (number, LENGTH * (number % 7) ** 2 / 1000.0), space)
    return space["task_%d" % number]


def churn(first):
    number = first
    while True:
        function = FUNCTIONS[number % KINDS]
        thread = threading.Thread(target=function, name=function.__name__)
        thread.start()
        thread.join()
        number += 1


def main(folder):
    FUNCTIONS.extend(make_function(number) for number in range(KINDS))
    for number in range(4):
        thread = threading.Thread(target=churn, args=(number * 25,), name="churn")
        thread.daemon = True
        thread.start()
    open(os.path.join(folder, "settled"), "w").close()
    time.sleep(10000000)


if __name__ == "__main__":
    main(sys.argv[1])
