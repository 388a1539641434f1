"""A target that can only have certain stacks: recursion, generators, exceptions, coroutines, callbacks.

    legal_stacks.py FOLDER THREADS SECONDS SWITCH

A thread that wants the GIL waits SWITCH seconds before it asks for it.
Each thread runs functions of its own, made of the text below, which is also written to FOLDER/legal_N.py.
A line that calls says so at its end: "# -> NAME..." are the functions that may be right below it, of any
other line a frame can only be the innermost. "# -> NAME if CONDITION" holds for recursion alone: `n`,
which the function counts down from its first call, is then known from the depth. So each stack that was
torn, by a frame of another moment or another thread, is one that the text forbids.

A thread gives the GIL away by itself at the end of some turns only: where it is taken from it instead,
it waits in the middle of one, anywhere.
"""

import os
import sys
import threading
import time

BEGIN = """
import time
import types

def T_run(stop):
    turns = 0
    while time.time() < stop:
        T_recurse(25)  # -> T_recurse
        T_ping(12)  # -> T_ping
        T_loop(4)  # -> T_loop
        T_catch(8)  # -> T_catch
        T_sort(9)  # -> T_sort
        T_close(5)  # -> T_close
        T_more(4)  # -> T_more
        T_leaf_yield(0)  # -> T_leaf_yield
        turns += 1
        if turns % 7 == 0:
            time.sleep(0)

def T_recurse(n):  # from 25
    if n == 0:
        return T_leaf_bottom(40)  # -> T_leaf_bottom if n == 0
    if n % 3:
        return 1 + T_recurse(n - 1)  # -> T_recurse if n % 3
    T_leaf_third(n)  # -> T_leaf_third if n and n % 3 == 0
    return T_recurse(n - 1)  # -> T_recurse if n and n % 3 == 0

def T_ping(n):
    if n:
        return T_pong(n - 1)  # -> T_pong
    return T_leaf_ping(30)  # -> T_leaf_ping

def T_pong(n):
    if n % 2:
        T_leaf_pong(n)  # -> T_leaf_pong
    return T_ping(n - 1 if n else 0)  # -> T_ping

def T_loop(n):
    total = 0
    for value in T_generator(n):  # -> T_generator
        total += T_leaf_loop(value)  # -> T_leaf_loop
    return total

def T_generator(n):
    for i in range(n):
        T_leaf_before(i)  # -> T_leaf_before
        yield i
        for value in T_nested(i):  # -> T_nested
            yield value

def T_nested(n):
    for i in range(n):
        yield T_leaf_nested(30)  # -> T_leaf_nested

def T_catch(n):
    try:
        T_raise(n)  # -> T_raise
    except ValueError:
        T_leaf_handler(30)  # -> T_leaf_handler
    finally:
        T_leaf_finally(30)  # -> T_leaf_finally

def T_raise(n):  # from 8
    if n == 0:
        raise ValueError(T_leaf_raise(20))  # -> T_leaf_raise if n == 0
    try:
        T_raise(n - 1)  # -> T_raise if n
    finally:
        T_leaf_unwind(n)  # -> T_leaf_unwind if n

def T_sort(n):
    return sorted(range(n), key=T_key)  # -> T_key

def T_key(n):
    return T_leaf_key(-n)  # -> T_leaf_key

def T_close(n):
    generator = T_endless(n)  # -> T_endless
    for _ in range(3):
        next(generator)  # -> T_endless
    generator.close()  # -> T_endless

def T_endless(n):
    try:
        while True:
            yield T_leaf_endless(n)  # -> T_leaf_endless
    finally:
        T_leaf_closed(20)  # -> T_leaf_closed
"""

MORE_3 = """
def T_more(n):
    coroutine = T_first(n)  # -> T_first
    while coroutine:
        try:
            coroutine.send(None)  # -> T_first
        except StopIteration:
            coroutine = None
    return list(T_outer(n))  # -> T_outer

async def T_first(n):
    for i in range(n):
        await T_second(i)  # -> T_second
    async for value in T_asynchronous(n):  # -> T_asynchronous
        T_leaf_first(value)  # -> T_leaf_first

async def T_second(n):
    T_leaf_second(n)  # -> T_leaf_second
    await T_pause(20)  # -> T_pause

@types.coroutine
def T_pause(n):
    yield T_leaf_pause(n)  # -> T_leaf_pause

async def T_asynchronous(n):
    for i in range(n):
        await T_wait(i)  # -> T_wait
        yield T_leaf_asynchronous(i)  # -> T_leaf_asynchronous

@types.coroutine
def T_wait(n):
    yield
    T_leaf_wait(n)  # -> T_leaf_wait

def T_outer(n):
    yield from T_inner(n)  # -> T_inner

def T_inner(n):
    yield T_leaf_inner(n)  # -> T_leaf_inner
    yield from range(n)
"""

MORE_2 = """
def T_more(n):
    return T_leaf_more(n)  # -> T_leaf_more
"""

LEAF = """
def %s(n):
    x = n
    for i in range(n + 5):
        x += i
    return x
"""


def make_text(number):
    text = BEGIN + (MORE_3 if sys.version_info >= (3, 6) else MORE_2)
    leaves = set(word.rstrip(")") for word in text.replace("(", " ").split() if word.startswith("T_leaf_"))
    for name in sorted(leaves):
        text += LEAF % name
    return text.replace("T_", "t%d_" % number)


def set_switch_interval(seconds):
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(seconds)


def begin(begun, run, stop):
    begun.append(run)
    run(stop)


def main(folder, threads, seconds, switch):
    runs = []
    for number in range(threads):
        path = os.path.join(folder, "legal_%d.py" % number)
        text = make_text(number)
        with open(path, "w") as file:
            file.write(text)
        scope = {}
        eval(compile(text, path, "exec"), scope)
        runs.append(scope["t%d_run" % number])
    # To begin a thread while others run takes turns of theirs.
    set_switch_interval(0.0005)
    begun = []
    for run in runs:
        thread = threading.Thread(target=begin, args=(begun, run, time.time() + seconds))
        thread.daemon = True
        thread.start()
    while len(begun) < threads:
        time.sleep(0.01)
    set_switch_interval(switch)
    open(os.path.join(folder, "started"), "w").close()
    time.sleep(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
