"""Stacks of every interpreter found, against what the interpreter itself reports.

For each interpreter, number of threads and depth: a live capture before the target has looked at its own
frames and one after, without blocking, level full, and a core. PYSPY_E2E_SCALE=small leaves the big ones
out, for slow (sanitized) builds.
"""

import os
import re

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

SIZES = [(1, 1), (1, 20), (20, 1), (20, 20)]
if not SMALL:
    SIZES += [(1, 1000), (20, 1000), (160, 1), (160, 20), (160, 1000)]


def without_activity(dump):
    """A core tells neither the state of a thread nor who its parent is."""
    return [
        (thread["os_thread_id"], thread["thread_id"], thread["frames"])
        for thread in sorted(dump, key=lambda thread: thread["os_thread_id"])
    ]


@template
class Stacks(EndToEndTest):
    """One target for each size; `interpreter` is set by the generated subclasses."""

    interpreter = None

    def check_size(self, threads, depth):
        with Target(self.interpreter, "stacks.py", threads, depth) as target:
            target.settle()
            untouched = target.path("untouched.zst")
            support.capture(target.pid, untouched)
            expected = target.expected()
            self.check_oracle(target, expected, threads, depth)
            only = {thread["tid"] for thread in expected["threads"]}

            # The reporter stood there too when `untouched` was made.
            self.assert_stacks(expected, support.dump_json(untouched), only, "before any frame object")

            snapshot = target.path("stacks.zst")
            support.capture(target.pid, snapshot)
            stacks = support.dump_json(snapshot)
            self.assert_stacks(expected, stacks, message="level stacks")
            self.check_first_lines(expected, stacks)
            self.check_fields(target, stacks)

            snapshot = target.path("nonblocking.zst")
            support.capture(target.pid, snapshot, "--nonblocking")
            self.assert_stacks(expected, support.dump_json(snapshot), message="--nonblocking")

            # The property of the design: what was captured is all that decoding needs.
            snapshot = target.path("full.zst")
            support.capture(target.pid, snapshot, "--level", "full")
            full = support.dump_json(snapshot)
            self.assert_stacks(expected, full, message="level full")
            self.assert_identical(stacks, full, "captured ranges, whole memory")
            os.unlink(snapshot)

            core, reason = target.make_core()
            if core is None:
                self.skipTest("all but the core passed; no core: " + reason)
            try:
                from_core = support.dump_json(core)
            finally:
                os.unlink(core)
            self.assert_stacks(expected, from_core, message="core")
            if without_activity(stacks) != without_activity(from_core):
                self.fail("the core's frames differ in other fields than name, file and line")

    def check_first_lines(self, expected, dump):
        first_lines = {thread["tid"]: [frame["first_line"] for frame in thread["frames"]]
                       for thread in expected["threads"]}
        for thread in dump:
            shown = [frame["first_line"] for frame in thread["frames"]]
            self.assertEqual(first_lines[thread["os_thread_id"]], shown)

    def check_oracle(self, target, expected, threads, depth):
        """The target did what it was asked for, and faulthandler sees what it wrote."""
        self.assertEqual(len(expected["threads"]), threads)
        for thread in expected["threads"]:
            self.assertTrue(depth <= len(thread["frames"]) <= depth + 5, len(thread["frames"]))
        if not os.path.exists(target.path("faulthandler.txt")):
            return
        by_ident = {thread["ident"]: thread["frames"] for thread in expected["threads"]}
        for ident, lines in read_faulthandler(target.path("faulthandler.txt")).items():
            frames = by_ident.get(ident)
            if frames is None:  # the reporter
                continue
            for (function, line), frame in zip(lines, frames):
                self.assertEqual((function, line), (escaped(frame["name"]), frame["line"]))

    def check_fields(self, target, dump):
        for thread in dump:
            self.assertEqual(thread["pid"], target.pid)
            self.assertIs(thread["active"], False, "a blocked thread")
            self.assertFalse(thread["owns_gil"], "a blocked thread")
            self.assertEqual(thread["process_info"]["pid"], target.pid)
            self.assertIn("stacks.py", thread["process_info"]["command_line"])
            for frame in thread["frames"]:
                self.assertIsNone(frame["module"])
                self.assertIsNone(frame["locals"])


def escaped(name):
    """As faulthandler writes characters that are not ASCII."""
    return name.encode("ascii", "backslashreplace").decode()


def read_faulthandler(path):
    """{ident: [(function, line)]}; at most 100 threads and 100 frames are in it."""
    threads = {}
    with open(path) as file:
        for line in file:
            head = re.match(r"(?:Current thread|Thread) 0x([0-9a-f]+)", line)
            frame = re.match(r'  File .*, line (\d+|\?\?\?) in (.*)$', line)
            if head:
                current = threads.setdefault(int(head.group(1), 16), [])
            elif frame:
                current.append((frame.group(2), int(frame.group(1).replace("???", "0"))))
    return threads


def _size_test(threads, depth):
    return lambda self: self.check_size(threads, depth)


for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
        continue
    add_class(
        globals(),
        Stacks,
        _interpreter.name,
        interpreter=_interpreter,
        **{"test_%03d_threads_%04d_deep" % size: _size_test(*size) for size in SIZES}
    )

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
