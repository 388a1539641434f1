"""A small program with the threads that real ones have: the target of scripts/demo.

Two threads compute, one takes work from a queue, one sleeps, one waits for input that never comes,
and the main thread waits a minute for them all. Python 3.8 or later. The comments "expect: NAME"
mark the lines on which scripts/demo must find the function NAME.
"""

import ctypes
import os
import queue
import sys
import threading
import time

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


def permit_tracing():
    """Let any process of this user trace this one, also under ptrace_scope 1 (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def is_prime(number):
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


def count_primes(limit):
    return sum(1 for number in range(2, limit) if is_prime(number))  # expect: count_primes


def compute(results):
    while True:
        results.put(count_primes(3000000))  # expect: compute


def consume(work):
    while True:
        item = work.get()  # expect: consume
        print("result", item, flush=True)


def nap():
    while True:
        time.sleep(3600)  # expect: nap


def wait_for_input(descriptor):
    return os.read(descriptor, 1)  # expect: wait_for_input


def main():
    permit_tracing()
    results = queue.Queue()
    read_end, _write_end = os.pipe()
    for name, function, arguments in [
        ("compute-1", compute, (results,)),
        ("compute-2", compute, (results,)),
        ("consumer", consume, (results,)),
        ("sleeper", nap, ()),
        ("reader", wait_for_input, (read_end,)),
    ]:
        threading.Thread(target=function, args=arguments, name=name, daemon=True).start()
    time.sleep(0.3)  # until the threads are where they will stay
    print("ready", flush=True)
    finished = threading.Event()
    finished.wait(60)  # expect: main


if __name__ == "__main__":
    sys.exit(main())
