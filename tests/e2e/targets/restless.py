"""Stacks that change in all the ways that they can: what one sample has in common with the next differs.

    restless.py FOLDER THREADS

Threads that go down and up, generators that come and go in the middle of a stack, code that is made, run
and thrown away, threads that begin and end, a thread that stands still, globals that change all the time.
FOLDER/settled says that they have begun. Runs on 2.7, too.
"""

import os
import sys
import threading
import time

counter = 0


def spin(times):
    total = 0
    for number in range(times):
        total += number * number
    return total


def down(depth, step):
    global counter
    counter += 1
    if depth <= 0:
        return spin(40 + step % 60)
    if depth % 7 == 3:
        return sum(produce(depth, step))
    if depth % 11 == 5:
        return Called(depth, step).value
    return down(depth - 1, step) + 1


class Called(object):
    def __init__(self, depth, step):
        self.value = down(depth - 1, step)


def produce(depth, step):
    for number in range(2):
        yield down(depth - 1, step + number)


def recurse(step):
    while True:
        step += 1
        down(8 + step % 23, step)


def make_code():
    number = 0
    while True:
        number += 1
        space = {"spin": spin}
        exec("def made_%d(times):\n%s    return spin(times)\n" % (number % 500, "\n" * (number % 9)), space)
        space["made_%d" % (number % 500)](30)


def churn():
    number = 0
    while True:
        number += 1
        thread = threading.Thread(target=spin, args=(20000,), name="short %d" % (number % 50))
        thread.start()
        thread.join()


def stand_still(depth):
    if depth:
        return stand_still(depth - 1)
    time.sleep(10000000)


def main(folder, threads):
    sys.setrecursionlimit(10000)
    tasks = [(make_code, ()), (churn, ()), (stand_still, (30,))]
    tasks += [(recurse, (number,)) for number in range(threads)]
    for number, (function, arguments) in enumerate(tasks):
        thread = threading.Thread(target=function, args=arguments, name="task %d" % number)
        thread.daemon = True
        thread.start()
    open(os.path.join(folder, "settled"), "w").close()
    recurse(threads)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
