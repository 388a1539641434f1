"""Local variables of every interpreter found, against what the interpreter itself has written down.

Live at level locals (with and without blocking) and at level full, and from a core: all must give
the interpreter's own variables, and the same text of their values, however often --locals is given.
"""

import json
import os
import re

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

SIZES = [(1, 1), (20, 20)] if SMALL else [(1, 1), (20, 20), (160, 20)]
DEPTHS_OF_TEXT = ("-l", "-ll", "-lll", "-llll")
MOVING_CAPTURES = 5 if SMALL else 25
MOVING_THREADS = 5
# Longer ones are cut: 128 characters is what --locals shows.
LONGEST_COMPARED = 120


def is_compared(text):
    """Whether our text of a value must be repr()'s: not where that is made by Python code."""
    return len(text) <= LONGEST_COMPARED and not text.startswith("<")


def frames_by_thread(dump):
    return {thread["os_thread_id"]: thread["frames"] for thread in dump}


def settled(target):
    target.settle()
    target.wait_quiet()
    return target.expected_locals()


class LocalsTarget(Target):
    def expected_locals(self):
        with open(self.path("expected.json"), encoding="utf-8") as stream:
            threads = json.load(stream)["threads"]
        support.wait_until(
            lambda: len(self.threads()) == len(threads), 30, "the reporter's end"
        )
        self.wait_quiet()
        return {int(tid): frames for tid, frames in threads.items()}


@template
class Locals(EndToEndTest):
    """One target for each size; `interpreter` is set by the generated subclasses."""

    interpreter = None

    def check_variables(self, expected, dump, message):
        shown = frames_by_thread(dump)
        self.assertEqual(sorted(expected), sorted(shown), message)
        for tid, frames in expected.items():
            self.assertEqual(
                [frame["name"] for frame in frames],
                [frame["function"] for frame in shown[tid]],
                message,
            )
            for want, got in zip(frames, shown[tid]):
                self.check_frame(want, got, "%s: thread %d, %s" % (message, tid, want["name"]))

    def check_frame(self, expected, shown, message):
        self.assertIsNone(shown["locals_gap"], message)
        variables = {local["name"]: local for local in shown["locals"]}
        self.assertEqual(len(variables), len(shown["locals"]), message)
        if any(local["kind"] == "namespace" for local in shown["locals"]):
            # f_locals of a class body has its own names only.
            variables = {name: got for name, got in variables.items() if got["kind"] != "free"}
        self.assertEqual(sorted(expected["locals"]), sorted(variables), message)
        for name, want in expected["locals"].items():
            got = variables[name]
            self.assertIsNone(got["gap"], "%s: %s" % (message, name))
            for key in ("addr", "arg", "kind"):
                self.assertEqual(want[key], got[key], "%s: %s: %s" % (message, name, key))
            if is_compared(want["repr"]):
                self.assertEqual(want["repr"], got["repr"], "%s: %s" % (message, name))
        flags = [local["arg"] for local in shown["locals"]]
        self.assertEqual(flags, sorted(flags, reverse=True), "arguments come first")

    def check_same(self, one, other, message):
        one, other = frames_by_thread(one), frames_by_thread(other)
        self.assertEqual(sorted(one), sorted(other), message)
        for tid, frames in one.items():
            for first, second in zip(frames, other[tid]):
                if first != second:
                    self.fail("%s: thread %d: %r, %r" % (message, tid, first, second))
            self.assertEqual(len(frames), len(other[tid]), message)

    def check_size(self, threads, depth):
        with LocalsTarget(self.interpreter, "local_variables.py", threads, depth) as target:
            expected = settled(target)
            self.assertEqual(len(expected), threads)
            snapshot, full = target.path("locals.zst"), target.path("full.zst")
            support.capture(target.pid, snapshot, "--locals")
            support.capture(target.pid, full, "--level", "full")
            for option in DEPTHS_OF_TEXT:
                shown = support.dump_json(snapshot, option)
                self.check_variables(expected, shown, option)
                # The property of the design: what was captured is all that decoding needs.
                whole = support.dump_json(full, option)
                self.check_same(shown, whole, option + ": captured ranges, whole memory")
            nonblocking = target.path("nonblocking.zst")
            support.capture(target.pid, nonblocking, "--locals", "--nonblocking")
            self.check_same(
                support.dump_json(nonblocking, "-l"), support.dump_json(full, "-l"), "--nonblocking"
            )
            self.check_without_option(snapshot, full)
            os.unlink(full)
            core, reason = target.make_core()
            if core is None:
                self.skipTest("all but the core passed; no core: " + reason)
            try:
                for option in DEPTHS_OF_TEXT:
                    self.check_same(
                        support.dump_json(snapshot, option),
                        support.dump_json(core, option),
                        option + ": snapshot, core",
                    )
            finally:
                os.unlink(core)

    def check_without_option(self, snapshot, full):
        """A snapshot of level locals is one of level stacks, too."""
        shown = support.dump_json(snapshot)
        self.check_same(shown, support.dump_json(full), "without --locals")
        for thread in shown:
            for frame in thread["frames"]:
                self.assertIsNone(frame["locals"])

    def check_moving(self, *options):
        with LocalsTarget(self.interpreter, "moving_locals.py", MOVING_THREADS, 600) as target:
            target.wait_for("started")
            snapshot = target.path("moving.zst")
            seen = 0
            for _ in range(MOVING_CAPTURES):
                done = support.run(
                    [support.CAPTURE, "-p", str(target.pid), "-l", "-o", snapshot] + list(options)
                )
                if done.returncode == support.EXIT_FAILED and options:
                    # Nothing rather than what could be torn.
                    self.assertIn("moves faster than it can be read", done.stderr.decode())
                    self.assertFalse(os.path.exists(snapshot))
                    continue
                self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr.decode())
                for thread in support.dump_json(snapshot, "-l"):
                    for frame in thread["frames"]:
                        if frame["function"] == "change":
                            self.check_moving_frame(frame["locals"])
                            seen += 1
                os.unlink(snapshot)
            self.assertIsNone(target.process.poll(), target.output())
            return seen

    def check_moving_frame(self, variables):
        shown = {local["name"]: local["repr"] for local in variables}
        self.assertIn("thread ", shown["name"])
        number = int(shown.get("number", "0"))
        text = re.match(r"'number (\d+)'$", shown.get("text", "'number 0'"))
        self.assertTrue(text, shown)
        numbers = [int(text.group(1))]
        for name in ("pair", "before"):
            if name in shown:
                match = re.match(r"\((\d+), '(\d+)', \[(\d+)\]\)$", shown[name])
                self.assertTrue(match, shown)
                self.assertEqual(len(set(match.groups())), 1, shown)
                numbers.append(int(match.group(1)))
        # Each is assigned after the one before it, at most a step later.
        self.assertEqual(sorted([number] + numbers, reverse=True), [number] + numbers, shown)
        self.assertLessEqual(number - numbers[-1], 1, shown)

    def test_moving(self):
        self.assertGreater(self.check_moving(), MOVING_CAPTURES)

    def test_moving_nonblocking(self):
        self.check_moving("--nonblocking")

    def test_text(self):
        with LocalsTarget(self.interpreter, "local_variables.py", 1, 1) as target:
            settled(target)
            snapshot = target.path("locals.zst")
            support.capture(target.pid, snapshot, "--locals")
            done = support.check([support.ANALYZE, snapshot, "--locals"])
            text = done.stdout.decode()
            self.assertNotIn("\x1b", text)
            self.assertIn("        Arguments:\n            own: 'own\\x1b[31m\\n'\n", text)
            self.assertIn("            captured_argument (cell): [1, 2.5, None]\n", text)
            self.assertIn("            captured (free): {'key': 'value'}\n", text)
            lines = [line for line in text.splitlines() if line.startswith(" " * 12)]
            longest = max(len(line.split(": ", 1)[1]) for line in lines)
            self.assertLessEqual(longest, 128)
            self.assertGreater(longest, 100)

    def test_level_stacks_has_none(self):
        with LocalsTarget(self.interpreter, "local_variables.py", 1, 1) as target:
            settled(target)
            snapshot = target.path("stacks.zst")
            support.capture(target.pid, snapshot)
            done = support.check(
                [support.ANALYZE, snapshot, "--locals"], expected=support.EXIT_FAILED
            )
            self.assertEqual(done.stdout, b"")
            self.assertIn(b"pyspy-capture --locals", done.stderr)


def _size_test(threads, depth):
    return lambda self: self.check_size(threads, depth)


for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
        continue
    add_class(
        globals(),
        Locals,
        _interpreter.name,
        interpreter=_interpreter,
        **{"test_%03d_threads_%04d_deep" % size: _size_test(*size) for size in SIZES}
    )

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
