"""Stacks of threads that never stand still, and of threads in subinterpreters."""

import json
import os
import re

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

# What these look for happens rarely.
SECOND_TRY = False

CAPTURES = 20 if SMALL else 120
# Those that do not block try again and again until nothing moved: most of a second.
NONBLOCKING_CAPTURES = 10 if SMALL else 60
MOVING_THREADS = 5


@template
class Moving(EndToEndTest):
    """A stack that could be torn is never reported."""

    interpreter = None

    def check_moving(self, captures, *options):
        with Target(self.interpreter, "moving.py", MOVING_THREADS, 600) as target:
            target.wait_for("tree.json")
            with open(target.path("tree.json")) as file:
                tree = json.load(file)
            snapshot = target.path("moving.zst")
            complete = seen = 0
            gaps = []
            for _ in range(captures):
                command = [support.CAPTURE, "--pid", str(target.pid), "-o", snapshot]
                done = support.run(command + list(options))
                if done.returncode == 1 and "--nonblocking" in options:
                    # Nothing is written rather than what could be torn; half must succeed, below.
                    self.assertIn("moves faster than it can be read", done.stderr.decode())
                    self.assertFalse(os.path.exists(snapshot))
                    continue
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
            wanted = captures // 2 if "--nonblocking" in options else captures
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
            # 3.10 gives a generator's first instruction (GEN_START) no line.
            starts = frame["line"] == 0 and frame["name"] + "_run" in tree
            self.assertTrue(starts or first <= frame["line"] <= last, stack)
        return 1 if len(inside) > 1 else 0

    def test_blocking(self):
        self.check_moving(CAPTURES)

    def test_nonblocking(self):
        self.check_moving(NONBLOCKING_CAPTURES, "--nonblocking")


@template
class Subinterpreters(EndToEndTest):
    interpreter = None

    def test_threads_are_shown(self):
        with Target(self.interpreter, "subinterpreters.py", 2) as target:
            target.settle_interpreters()
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


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), Moving, _interpreter.name, interpreter=_interpreter)
        add_class(globals(), Subinterpreters, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
