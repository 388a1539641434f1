"""A target whose threads never stand still, and in which every true stack can be told from a torn one.

    moving.py FOLDER THREADS SECONDS

Each thread runs its own generated functions. Each function has one caller only, at one line, so a
stack is a path in a tree: two frames that never were on a stack together show at once. FOLDER/tree.json
is the tree: {function: [caller, call line in the caller, first line, last line]}. The functions are
called plainly, through generators, and through C (sorted's key), at depths that change all the time;
some give up the GIL.
"""

import json
import os
import random
import sys
import threading
import time

DEPTH = 24
FANOUT = 2
MAX_FUNCTIONS = 90  # of a thread


class Source(object):
    """Writes the functions of one thread, leaves first so that nothing is looked up that is not there."""

    def __init__(self, thread, filename):
        self.thread = thread
        self.filename = filename
        self.lines = ["import time"]
        self.tree = {}
        self.count = 0
        self.random = random.Random(thread)

    def add(self, text):
        self.lines.append(text)
        return len(self.lines)

    def function(self, depth):
        """Add a function and all that it calls; its name."""
        self.count += 1
        name = "t%d_f%d" % (self.thread, self.count)
        children = []
        if depth < DEPTH:
            wanted = FANOUT if self.count < MAX_FUNCTIONS // 2 else 1
            children = [self.function(depth + 1) for _ in range(wanted if self.count < MAX_FUNCTIONS else 0)]
        kind = self.random.choice(["plain", "plain", "generator", "sorted"]) if children else "leaf"
        first = self.add("def %s(n):" % name)
        self.add("    x = n")
        for child in children:
            self.add("    if n % 7 != 1:")
            if kind == "sorted":
                line = self.add("        sorted([n + 1], key=%s)" % child)
            else:
                line = self.add("        x += %s(n + 1)" % child)
            self.tree[child][:2] = [name, line]
            self.add("    n = n * 5 + 1")
        if kind == "leaf":
            self.add("    for i in range(n % 40):")
            self.add("        x += i")
            if self.random.random() < 0.2:
                self.add("    time.sleep(0)")
        last = self.add("    return 0") if kind != "generator" else self.add("    yield 0")
        self.tree[name] = [None, 0, first, last]
        if kind == "generator":
            return self.wrapper(name, last)
        return name

    def wrapper(self, generator, last):
        """A generator is run by a function of its own, which is what others call."""
        name = generator + "_run"
        first = self.add("def %s(n):" % name)
        line = self.add("    for _ in %s(n):" % generator)
        self.add("        pass")
        last = self.add("    return 0")
        self.tree[generator][:2] = [name, line]
        self.tree[name] = [None, 0, first, last]
        return name

    def load(self):
        root = self.function(0)
        first = self.add("def t%d_run(stop):" % self.thread)
        self.add("    n = 0")
        self.add("    while time.time() < stop:")
        self.add("        n += 1")
        line = self.add("        %s(n)" % root)
        self.tree[root][:2] = ["t%d_run" % self.thread, line]
        self.tree["t%d_run" % self.thread] = [None, 0, first, line]
        scope = {}
        eval(compile("\n".join(self.lines) + "\n", self.filename, "exec"), scope)
        return scope["t%d_run" % self.thread]


def main(folder, threads, seconds):
    sys.setswitchinterval(0.0005) if hasattr(sys, "setswitchinterval") else None
    tree = {}
    runs = []
    for thread in range(threads):
        source = Source(thread, os.path.join(folder, "moving_%d.py" % thread))
        runs.append(source.load())
        tree.update(source.tree)
    with open(os.path.join(folder, "tree.json.new"), "w") as file:
        json.dump(tree, file)
    os.rename(os.path.join(folder, "tree.json.new"), os.path.join(folder, "tree.json"))
    for run in runs:
        thread = threading.Thread(target=run, args=(time.time() + seconds,))
        thread.daemon = True
        thread.start()
    time.sleep(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
