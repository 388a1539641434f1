"""A program with threads that counts its signals: exactly, on Python 3. Runs on 2.7 too.

    signal_counter.py FOLDER [THREADS]

Python's own handlers run later and merge signals that come close together; but the C handler below
them writes one byte for each signal to the wakeup descriptor, and that is here the file FOLDER/signals,
opened to append. Its bytes are the signals' numbers, its size is their count. (Python 2 writes zeros, and
none while an earlier signal waits for its Python handler: there the count is not exact.)

FOLDER/progress holds a number of 8 bytes for each thread, which it counts up while it runs.
"""

import mmap
import os
import signal
import struct
import sys
import threading
import time

FOLDER = sys.argv[1]
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
COUNTED = [signal.SIGUSR1] + [signal.SIGRTMIN + offset for offset in range(4)]


def ignore(number, frame):
    pass


def shared_counters():
    path = os.path.join(FOLDER, "progress")
    with open(path, "wb") as file:
        file.write(b"\0" * 8 * THREADS)
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 8 * THREADS)


def count_up(counters, index):
    """One thread computes, the others compute a little and sleep."""
    turn = 0
    while True:
        turn += 1
        counters[8 * index : 8 * index + 8] = struct.pack("<Q", turn)
        deeper(20)
        if index != 1:
            time.sleep(0.001 + 0.0005 * index)


def deeper(levels):
    return sum(range(50)) if levels == 0 else deeper(levels - 1)


def main():
    counters = shared_counters()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
    signal.set_wakeup_fd(os.open(os.path.join(FOLDER, "signals"), flags))
    for number in COUNTED:
        signal.signal(number, ignore)
    for index in range(1, THREADS):
        thread = threading.Thread(target=count_up, args=(counters, index))
        thread.daemon = True
        thread.start()
    ready = os.path.join(FOLDER, "ready")
    with open(ready + ".new", "w") as file:
        file.write("%d\n" % os.getpid())
    os.rename(ready + ".new", ready)
    count_up(counters, 0)


main()
