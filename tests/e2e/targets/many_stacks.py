"""A target whose stacks are different each time: more than a page can show.

    many_stacks.py FOLDER THREADS SECONDS
"""

import os
import random
import sys
import threading
import time

DEPTH = 240


def bottom():
    end = time.time() + 0.002
    while time.time() < end:
        sum(range(50))


def step_0(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_1(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_2(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_3(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_4(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_5(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_6(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


def step_7(n):
    if n:
        return random.choice(STEPS)(n - 1)
    return bottom()


STEPS = [globals()["step_%d" % number] for number in range(8)]


def run(stop):
    while time.time() < stop:
        step_0(DEPTH)


if __name__ == "__main__":
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(0.001)
    until = time.time() + float(sys.argv[3])
    for _ in range(int(sys.argv[2])):
        thread = threading.Thread(target=run, args=(until,))
        thread.daemon = True
        thread.start()
    open(os.path.join(sys.argv[1], "started"), "w").close()
    time.sleep(until - time.time())
