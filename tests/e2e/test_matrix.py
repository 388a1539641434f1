"""Stacks of every interpreter found, against what the interpreter itself reports.

For each interpreter, number of threads and depth: a live capture before the target has looked at its own
frames and one after, without blocking, level full, and a core. PYSPY_E2E_SCALE=small leaves the big ones
out, for slow (sanitized) builds.
"""

import json
import os
import re
import unittest

import support
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

SIZES = [(1, 1), (1, 20), (20, 1), (20, 20)]
if not SMALL:
    SIZES += [(1, 1000), (20, 1000), (160, 1), (160, 20), (160, 1000)]

MOVING_CAPTURES = 20 if SMALL else 200
MOVING_THREADS = 5


def identity(dump):
    """All of the JSON that must not differ between two ways of reading the same standing process."""
    threads = json.loads(json.dumps(dump))
    for thread in threads:
        for name in ("sample", "capture_time"):
            thread["process_info"].pop(name, None)
    return threads


def without_activity(dump):
    """A core tells neither the state of a thread nor who its parent is."""
    return [
        (thread["os_thread_id"], thread["thread_id"], thread["frames"])
        for thread in sorted(dump, key=lambda thread: thread["os_thread_id"])
    ]


class Comparing(EndToEndTest):
    interpreter = None

    def assert_identical(self, one, other, message):
        for first, second in zip(identity(one), identity(other)):
            for key in sorted(set(first) | set(second)):
                if first.get(key) != second.get(key):
                    self.fail("%s: thread %s: %s: %.500r, %.500r" % (
                        message, first["os_thread_id"], key, first.get(key), second.get(key)))
        self.assertEqual(len(one), len(other), message)


class Stacks(Comparing):
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


class Moving(EndToEndTest):
    """A stack that could be torn is never reported."""

    interpreter = None

    def check_moving(self, *options):
        with Target(self.interpreter, "moving.py", MOVING_THREADS, 600) as target:
            target.wait_for("tree.json")
            with open(target.path("tree.json")) as file:
                tree = json.load(file)
            snapshot = target.path("moving.zst")
            complete = seen = 0
            gaps = []
            for _ in range(MOVING_CAPTURES):
                command = [support.CAPTURE, "--pid", str(target.pid), "-o", snapshot]
                done = support.run(command + list(options))
                self.assertIn(done.returncode, (0, support.EXIT_PARTIAL), done.stderr.decode())
                if done.returncode:
                    self.assertTrue(done.stderr, "partial, and not said why")
                    gaps.append("pyspy-capture: " + done.stderr.decode().strip())
                dump, found = self.read_moving(snapshot)
                gaps += found
                complete += done.returncode == 0 and not found
                seen += sum(self.check_stack(tree, thread) for thread in dump)
                os.unlink(snapshot)
            self.assertIsNone(target.process.poll(), target.output())
            # Without blocking, a stack that moves faster than it is read may be marked partial.
            wanted = MOVING_CAPTURES // 2 if "--nonblocking" in options else MOVING_CAPTURES
            self.assertGreaterEqual(complete, wanted, "\n".join(sorted(set(gaps))[:10]))
            # Most captures must have met most threads inside of the tree.
            self.assertGreater(seen, complete * MOVING_THREADS // 2)

    def read_moving(self, snapshot):
        """The threads, and texts of what is marked as missing in them."""
        done = support.run([support.ANALYZE, "dump", "--json", snapshot])
        self.assertIn(done.returncode, (0, support.EXIT_PARTIAL), done.stderr.decode())
        dump = json.loads(done.stdout.decode())
        gaps = []
        for thread in dump:
            gaps += thread["process_info"]["notes"]
            gaps += [frame["gap"] for frame in thread["frames"] if frame["gap"]]
        self.assertEqual(bool(gaps), done.returncode == support.EXIT_PARTIAL, (gaps, done.stderr))
        return dump, [re.sub("0x[0-9a-f]+", "0x...", gap) for gap in gaps]

    def check_stack(self, tree, thread):
        """A stack must be a path in the tree. 1 if it went into it, 0 if not."""
        frames = thread["frames"]
        whole = not any(frame["gap"] for frame in frames)
        inside = [frame for frame in frames if frame["name"] in tree]
        stack = [(frame["name"], frame["line"]) for frame in frames]
        if whole and inside:
            self.assertTrue(frames[0]["name"] in tree, stack)
            self.assertTrue(inside[-1]["name"].endswith("_run"), stack)
        for callee, caller in zip(frames, frames[1:]):
            if callee["name"] in tree and tree[callee["name"]][0] and not caller["gap"]:
                self.assertEqual((caller["name"], caller["line"]), tuple(tree[callee["name"]][:2]), stack)
        for frame in inside:
            _, _, first, last = tree[frame["name"]]
            self.assertTrue(first <= frame["line"] <= last, stack)
        return 1 if len(inside) > 1 else 0

    def test_blocking(self):
        self.check_moving()

    def test_nonblocking(self):
        self.check_moving("--nonblocking")


class Subinterpreters(Comparing):
    interpreter = None

    def test_threads_are_shown(self):
        with Target(self.interpreter, "subinterpreters.py", 2) as target:
            try:
                target.settle()
            except AssertionError:
                if target.process.poll() == 77:
                    self.skipTest("%s has no module for subinterpreters" % self.interpreter.name)
                raise
            stacks = {}
            for level in ("stacks", "full"):
                snapshot = target.path(level + ".zst")
                support.capture(target.pid, snapshot, "--level", level)
                stacks[level] = support.dump_json(snapshot)
            for number in range(2):
                want = ["inner_%d" % number, "outer_%d" % number, "<module>"]
                found = [
                    thread
                    for thread in stacks["stacks"]
                    if [frame["name"] for frame in thread["frames"]][:3] == want
                ]
                self.assertEqual(len(found), 1, stacks["stacks"])
                self.assertIn(found[0]["os_thread_id"], target.threads())
            self.assertTrue(
                any(thread["os_thread_id"] == target.pid for thread in stacks["stacks"]), "main thread"
            )
            self.assert_identical(stacks["stacks"], stacks["full"], "captured ranges, whole memory")


def _size_test(threads, depth):
    return lambda self: self.check_size(threads, depth)


def _skip_test(reason):
    return lambda self: self.skipTest(reason)


def _generate():
    used = {}
    for interpreter in find_interpreters():
        label = interpreter.name.replace(".", "_")
        used[label] = used.get(label, 0) + 1
        if used[label] > 1:
            label += "_%d" % used[label]
        if interpreter.unsupported:
            body = {"test_unsupported": _skip_test(interpreter.unsupported)}
            globals()["Stacks_" + label] = type("Stacks_" + label, (unittest.TestCase,), body)
            continue
        body = {"interpreter": interpreter}
        tests = {
            "test_%03d_threads_%04d_deep" % size: _size_test(*size) for size in SIZES
        }
        for base, more in ((Stacks, tests), (Moving, {}), (Subinterpreters, {})):
            name = "%s_%s" % (base.__name__, label)
            globals()[name] = type(name, (base,), dict(body, **more))


_generate()


def load_tests(loader, standard, pattern):
    """The generated classes only, not the bases that have no interpreter."""
    suite = unittest.TestSuite()
    for name, value in sorted(globals().items()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            if getattr(value, "interpreter", None) or name.startswith("Stacks_"):
                suite.addTests(loader.loadTestsFromTestCase(value))
    return suite


if __name__ == "__main__":
    support.main()
