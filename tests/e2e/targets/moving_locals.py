"""A target whose local variables change all the time, and always fit each other.

    moving_locals.py FOLDER THREADS SECONDS

In each thread `before` and `pair` are the same object or follow each other, as do `pair` and `text`;
their text is made new each time, so that memory that was read while it changed gives another.
"""

import os
import sys
import threading
import time


def change(name, stop):
    number = 0
    before = pair = (0, "0", [0])
    text = "number 0"
    while time.time() < stop:
        for _ in range(1000):
            number += 1
            text = "number %d" % number
            pair = (number, str(number), [number])
            before = pair
    return name, before, text


def main(folder, threads, seconds):
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(0.0005)
    for number in range(threads):
        thread = threading.Thread(target=change, args=("thread %d" % number, time.time() + seconds))
        thread.daemon = True
        thread.start()
    with open(os.path.join(folder, "started.new"), "w"):
        pass
    os.rename(os.path.join(folder, "started.new"), os.path.join(folder, "started"))
    time.sleep(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
