"""The target of the sampling rows of scripts/bench: threads that count the work they have done.

    bench-work.py COUNTERS --threads N --depth N [--pipes]

COUNTERS is a file of 8 bytes for each thread, shared with whoever measures: what was done by when is
read from it without disturbing the program. With --pipes the threads stand in a ring and pass data on
through pipes, so that there is a system call to interrupt at every moment. Prints "ready" when all
threads are at their depth, then goes on until it is killed.
"""

import argparse
import ctypes
import mmap
import os
import signal
import threading

PR_SET_PDEATHSIG = 1
PR_SET_PTRACER = 0x59616D61
BLOCK = 500


def prepare():
    """Die with scripts/bench; be traceable by this user, also under ptrace_scope 1 (prctl(2))."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)


def compute(counters, index):
    while True:
        total = 0
        for number in range(BLOCK):
            total += number * number
        counters[index] += 1


def pass_on(counters, index, source, sink):
    while True:
        data = os.read(source, 64)
        counters[index] += len(data)
        os.write(sink, data)


def descend(frames, arrived, go, work, arguments):
    if frames > 1:
        descend(frames - 1, arrived, go, work, arguments)
        return
    arrived.release()
    go.wait()
    work(*arguments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("counters")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--depth", type=int, default=20, help="frames of each thread")
    parser.add_argument("--pipes", action="store_true")
    options = parser.parse_args()
    prepare()
    with open(options.counters, "r+b") as stream:
        counters = memoryview(mmap.mmap(stream.fileno(), 8 * options.threads)).cast("Q")
    pipes = [os.pipe() for _ in range(options.threads)] if options.pipes else []
    arrived = threading.Semaphore(0)
    go = threading.Event()
    threading.stack_size(1 << 20)
    for index in range(options.threads):
        work, arguments = compute, (counters, index)
        if options.pipes:
            sink = pipes[(index + 1) % options.threads][1]
            work, arguments = pass_on, (counters, index, pipes[index][0], sink)
        # threading's own three frames, and that of the work.
        given = (options.depth - 4, arrived, go, work, arguments)
        threading.Thread(target=descend, args=given, daemon=True).start()
    for _ in range(options.threads):
        arrived.acquire()
    for _, sink in pipes:
        os.write(sink, b"x" * 64)
    go.set()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
