"""Links whose source is made at run time: too long, or too odd, to be committed.

Line tables encode the distance between lines and between instructions; these have distances that need
every form of that encoding.
"""

import os
import sys

from links import link, once


def _long_distance():
    """Jumps of several hundred lines, forwards and (inside one expression) backwards."""
    lines = ["def long_distance(state):", "    x = 1"]
    lines += [""] * 300 + ["    x = ("] + ["        # far"] * 129
    lines += ["        x,"] + [""] * 200 + ["        state"] + [""] * 200
    lines += ["        .take()("] + [""] * 131 + ["            state", "        ),"] + [""] * 400
    lines += ["        x,", "    )", "    return x"]
    return lines


def _far_down():
    """First line beyond 65535."""
    return [""] * 70000 + ["def far_down(state):", "    return state.take()(state)"]


def _huge_code():
    """More than 65536 bytes of bytecode before the call, in one function, with jumps across it."""
    lines = ["def huge_code(state):", "    for _ in range(1):", "        x = 0"]
    lines += ["        x = x + %d" % number for number in range(300, 9300)]
    lines += ["        state.take()(state)"]
    lines += ["        x = x - %d" % number for number in range(300, 600)]
    lines += ["    return x"]
    return lines


def _one_long_line():
    """Many instructions on one line, the call in the middle of it (columns beyond 255)."""
    before, after = " + ".join(["1"] * 400), " + ".join(["_one()"] * 300)
    return ["def one_long_line(state):",
            "    return (%s) + ((state.take()(state) or 0) + (%s))" % (before, after),
            "def _one(): return 1"]


def _no_name():
    """An empty file name, and a name with a newline and a quote in it (exec'ed code can)."""
    return ["def odd_file(state):", "    return state.take()(state)"]


def _load(lines, filename):
    scope = {}
    eval(compile("\n".join(lines) + "\n", filename, "exec"), scope)
    return scope


def generate(folder):
    """Compile all, register as links."""
    link(_load(_long_distance(), os.path.join(folder, "long_distance.py"))["long_distance"])
    link(_load(_far_down(), os.path.join(folder, "far_down.py"))["far_down"])
    link(_load(_one_long_line(), os.path.join(folder, "one_long_line.py"))["one_long_line"])
    link(_load(_no_name(), "")["odd_file"])
    link(_load(_no_name(), "<a \"quoted\"\nname\twith \\ in it>")["odd_file"])
    link(_load(_no_name(), "/long/" + "/".join(["folder%d" % number for number in range(180)]))["odd_file"])
    once(_load(_huge_code(), os.path.join(folder, "huge_code.py"))["huge_code"])
    if sys.version_info[0] >= 3:
        once(_importing(folder))


def _importing(folder):
    """The call happens while a module's body runs, with the import machinery's frozen frames below.

    Not on Python 2: its one import lock would stop every other thread.
    """
    import importlib
    import links

    def through_import(state):
        name = "imported_%d" % state.index
        with open(os.path.join(folder, name + ".py"), "w") as file:
            file.write("import links\n\nSTATE = links.STATES[%d]\n" % state.index)
            file.write("VALUE = [\n    STATE.take()(STATE)]\n")
        links.STATES[state.index] = state
        importlib.invalidate_caches()
        importlib.import_module(name)
    links.STATES = {}
    return through_import
