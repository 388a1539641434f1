"""Hot loops: specialised instructions, inlined calls, and machine code where the interpreter has a JIT
compiler (3.13 and later, built with it; switched on here).

While machine code runs, CPython stores where a frame is only before what can look at it: a call into C, or
the check for other threads. So a stack that stands in a call must be the interpreter's own to the line; one
that is caught in between stands at a line of the loop that it is in, and its callers at their calls.
"""

import json
import os
import re

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target, TARGETS

# What these look for happens rarely.
SECOND_TRY = False

CAPTURES = 10 if SMALL else 40
JIT = {"PYTHON_JIT": "1"}


def source_lines(function):
    """{line: text} of a function of the target."""
    with open(os.path.join(TARGETS, "hot.py")) as file:
        lines = file.read().splitlines()
    first = lines.index(next(line for line in lines if line.startswith("def %s(" % function)))
    shown = {}
    for number, line in enumerate(lines[first:], first + 1):
        if not line and shown:
            break
        shown[number] = line.strip()
    return shown


def line_of(function, text):
    return next(number for number, line in source_lines(function).items() if text in line)


@template
class Hot(EndToEndTest):
    interpreter = None

    def start(self, *arguments):
        target = Target(self.interpreter, "hot.py", *arguments, environment=JIT)
        self.addCleanup(target.close)
        target.wait_for("compiled.json", 120)
        with open(target.path("compiled.json")) as file:
            self.compiled = json.load(file)
        if self.interpreter.has_jit:
            self.assertTrue(all(self.compiled.values()), "no machine code ran: %r" % self.compiled)
        return target

    def test_standing_in_a_call(self):
        target = self.start("stand")
        target.settle()
        untouched = target.path("untouched.zst")
        support.capture(target.pid, untouched)
        expected = target.expected()
        only = {thread["tid"] for thread in expected["threads"]}
        self.assertEqual(len(only), 3)
        self.assert_stacks(expected, support.dump_json(untouched), only, "before any frame object")
        for options in ([], ["--nonblocking"], ["--level", "full"]):
            snapshot = target.path("snapshot%d.zst" % len(options))
            support.capture(target.pid, snapshot, *options)
            self.assert_stacks(expected, support.dump_json(snapshot), message=" ".join(options))
        core, reason = target.make_core()
        if core is None:
            self.skipTest("all but the core passed; no core: " + reason)
        self.assert_stacks(expected, support.dump_json(core), message="core")

    def test_running(self):
        target = self.start("spin")
        call = line_of("spin", "spin_leaf(total)")
        leaf = sorted(source_lines("spin_leaf"))
        spin = sorted(source_lines("spin"))
        seen = set()
        for number in range(CAPTURES):
            snapshot = target.path("%d.zst" % number)
            support.capture(target.pid, snapshot)
            spinning = [thread["frames"] for thread in support.dump_json(snapshot)
                        if any(frame["name"] == "spin" for frame in thread["frames"])]
            os.unlink(snapshot)
            self.assertEqual(len(spinning), 1)
            frames = [(frame["name"], frame["line"]) for frame in spinning[0]]
            if frames[0][0] == "spin_leaf":
                self.assertIn(frames[0][1], leaf)
                self.assertEqual(frames[1], ("spin", call))
                del frames[0]
            self.assertEqual(frames[0][0], "spin")
            self.assertTrue(spin[0] < frames[0][1] <= spin[-1], frames)
            self.assertTrue(all(re.match(r"Thread\.|_bootstrap|run", name) for name, _ in frames[1:]), frames)
            seen.add(frames[0])
        self.assertIsNone(target.process.poll(), target.output())
        self.assertTrue(seen)


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
    elif _interpreter.minor[0] > 2:
        add_class(globals(), Hot, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
