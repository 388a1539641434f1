"""The target of scripts/bench: threads of some depth, and memory that was touched.

Prints "ready" when all threads are at their depth, then waits to be killed.
"""

import argparse
import ctypes
import mmap
import os
import signal
import threading
import time

PR_SET_PDEATHSIG = 1
PR_SET_PTRACER = 0x59616D61


def prepare():
    """Die with scripts/bench; be traceable by this user, also under ptrace_scope 1 (prctl(2))."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)


def start_ticker(library, path):
    """Start the thread that measures stops, with the file as its shared memory."""
    with open(path, "r+b") as stream:
        shared = mmap.mmap(stream.fileno(), mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    status = ctypes.CDLL(library).ticker_start(ctypes.c_void_p(address))
    if status:
        raise OSError(status, os.strerror(status))
    return shared


def compute():
    total = 0
    while True:
        for number in range(1000):
            total += number * number


def descend(frames, busy, arrived, go):
    # Five variables with what is in a program's frames, besides the arguments.
    name = "frame %d" % frames  # noqa: F841
    numbers = [frames, frames + 0.5, None]  # noqa: F841
    options = {"depth": frames, "name": name}  # noqa: F841
    many = range(frames)  # noqa: F841
    pair = (numbers, options)  # noqa: F841
    if frames > 1:
        descend(frames - 1, busy, arrived, go)
        return
    arrived.release()
    go.wait()
    if busy:
        compute()
    while True:
        time.sleep(3600)


def touched(size_bytes):
    """Memory whose every page is there and holds something."""
    block = os.urandom(1 << 20)
    return bytearray(block) * (size_bytes >> 20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--depth", type=int, default=20, help="frames of each thread")
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--ticker", help="the shared library and its file, LIBRARY:FILE")
    options = parser.parse_args()
    prepare()
    memory = touched(options.bytes)
    shared = None
    if options.ticker:
        shared = start_ticker(*options.ticker.split(":", 1))
    arrived = threading.Semaphore(0)
    go = threading.Event()
    # threading's own three frames, and compute's or none.
    frames = options.depth - 3 - options.busy
    for _ in range(options.threads):
        arguments = (frames, options.busy, arrived, go)
        threading.Thread(target=descend, args=arguments, daemon=True).start()
    for _ in range(options.threads):
        arrived.acquire()
    go.set()
    time.sleep(0.5)
    print("ready", flush=True)
    threading.Event().wait()
    return len(memory) + bool(shared)


if __name__ == "__main__":
    main()
