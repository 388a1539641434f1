"""A target whose loops are hot: where there is a JIT compiler, they run as machine code.

    hot.py FOLDER

Two threads run loops that read a byte from a pipe in each turn, directly and through calls that a
compiler puts inline, until the pipe is empty and the read blocks: in the middle of the loop, without
leaving it. A third never stops computing, in `spin`. FOLDER/settled, go and expected.json are as those of
stacks.py; FOLDER/compiled.json says of each loop whether the interpreter ran machine code there.
"""

import json
import os
import sys
import threading
import time

import stacks

TURNS = 60000  # a pipe holds 65536 bytes
IS_ACTIVE = getattr(getattr(sys, "_jit", None), "is_active", lambda: False)  # 3.14 and later
COMPILED = {}


def direct(pipe):
    total = 0
    compiled = False
    while True:
        total += 1
        compiled = compiled or IS_ACTIVE()
        if total == TURNS:
            COMPILED["direct"] = compiled
        total += len(
            os.read(pipe, 1)
        ) - 1


def inner(pipe, value):
    value += 1
    return value + len(os.read(pipe, 1))


def middle(pipe, value):
    value += 2
    return inner(
        pipe,
        value)


def inlined(pipe):
    total = 0
    compiled = False
    for turn in range(10 * TURNS):
        total += middle(pipe, total & 7)
        compiled = compiled or IS_ACTIVE()
        if turn == TURNS - 2:
            COMPILED["inlined"] = compiled


def spin_leaf(value):
    return value ^ 5


def spin():
    total = 0
    turn = 0
    compiled = False
    while True:
        turn += 1
        total = spin_leaf(total)
        total = (total + turn) & 1023
        if turn < TURNS:
            compiled = compiled or IS_ACTIVE()
        elif turn == TURNS:
            COMPILED["spin"] = compiled


def start(function):
    reader, writer = os.pipe()
    left = TURNS
    while left:
        left -= os.write(writer, b"." * left)

    def run():
        stacks.THREAD_IDS[stacks.get_ident()] = stacks.native_id()
        function(reader)

    thread = threading.Thread(target=run)
    thread.daemon = True
    thread.start()


def settled(folder, names):
    """Once all loops are where they stay; the spinning one keeps running."""
    while len(COMPILED) < names:
        time.sleep(0.01)
    with open(os.path.join(folder, "compiled.json.new"), "w") as file:
        json.dump(COMPILED, file)
    os.rename(os.path.join(folder, "compiled.json.new"), os.path.join(folder, "compiled.json"))


def main(folder, spinning):
    stacks.permit_tracing()
    start(direct)
    start(inlined)
    if spinning:
        thread = threading.Thread(target=spin)
        thread.daemon = True
        thread.start()
    settled(folder, 3 if spinning else 2)
    stacks.ARRIVED.extend([0, 1, 2])
    stacks.THREAD_IDS[stacks.get_ident()] = stacks.native_id()
    stacks._thread.start_new_thread(stacks.report, (folder, 3))
    time.sleep(10000000)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "spin")
