"""What the tests of damaged input share: truth, damaged copies, and what may be shown of them."""

import ast
import json
import os
import random
import shutil
import tempfile
import time

import support
from interpreters import find_interpreters
from support import EndToEndTest, Target

SECONDS_AT_MOST = 20


def small_flags(minor):
    """With which small.py runs: without site, and by nothing but its arguments."""
    return ["-S", "-E"] + (["-I", "-X", "utf8"] if minor >= (3, 4) else [])


def representative_interpreters():
    """The oldest and the newest release: frames are objects in the one, not in the other."""
    usable = [i for i in find_interpreters() if not i.unsupported and (3, 8) <= i.minor <= (3, 13)]
    return [usable[0]] + usable[-1:] * (len(usable) > 1) if usable else []


def read_small_expected(path):
    with open(path) as file:
        return ast.literal_eval(file.read())


UNREADABLE = "<unreadable>"


def agrees(shown, true):
    """A frame with parts that are marked as unreadable agrees if the others are right."""
    return (
        shown[0] in (UNREADABLE, true[0])
        and shown[1] in (UNREADABLE, true[1])
        and shown[2] in (0, true[2])
    )


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(any(agrees(item, frame) for frame in rest) for item in part)


class DamagedInput(EndToEndTest):
    """Makes a snapshot, a level-full snapshot and a core of one small target."""

    interpreter = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="pyspy-damage-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.core = None
        with Target(cls.interpreter, "small.py", flags=small_flags(cls.interpreter.minor)) as target:
            target.wait_for("expected.py")
            target.wait_quiet()
            cls.expected = read_small_expected(target.path("expected.py"))
            cls.snapshot = os.path.join(cls.folder, "stacks.zst")
            cls.full = os.path.join(cls.folder, "full.zst")
            support.capture(target.pid, cls.snapshot)
            support.capture(target.pid, cls.full, "--level", "full")
            core, cls.core_reason = target.make_core()
            if core:
                cls.core = shutil.move(core, os.path.join(cls.folder, "whole.core"))
        cls.truth = support.expected_stacks(cls.expected)
        cls.damaged = os.path.join(cls.folder, "damaged")

    def need_core(self):
        if self.core is None:
            self.skipTest("no core: " + self.core_reason)

    def write_damaged(self, content):
        with open(self.damaged, "wb") as file:
            file.write(content)
        return self.damaged

    def analyze(self, path, what):
        """Exit status, threads (or None), standard error; never a signal, never for long."""
        started = time.monotonic()
        done = support.run([support.ANALYZE, "dump", "--json", path])
        self.assertLess(time.monotonic() - started, SECONDS_AT_MOST, what)
        errors = done.stderr.decode(errors="replace")
        self.assertIn(done.returncode, (0, 1, 3, 4), "%s: %s" % (what, errors))
        dump = json.loads(done.stdout.decode()) if done.stdout.strip() else None
        if done.returncode in (0, 3):
            self.assertIsNotNone(dump, what)
        else:
            self.assertTrue(errors, what)
        return done.returncode, dump, errors

    def check_honest(self, path, what):
        """Whole and true, or less and said so. Gives the exit status and the threads."""
        status, dump, errors = self.analyze(path, what)
        shown = {}
        said = errors
        for thread in dump or []:
            said += "".join(thread["process_info"]["notes"])
            stack = []
            for frame in thread["frames"]:
                if frame["gap"]:
                    said += frame["gap"]
                else:
                    stack.append((frame["name"], frame["filename"], frame["line"]))
                    said += UNREADABLE * (UNREADABLE in stack[-1])
            shown[thread["os_thread_id"]] = tuple(stack)
        if status == 0:
            self.assertEqual("", support.stack_difference(self.truth, shown), what)
        else:
            self.assertTrue(said, "%s: exit status %d, and nothing is said" % (what, status))
        for tid, stack in shown.items():
            if not stack:
                continue
            # The number of a thread may be what was lost.
            wholes = [self.truth[tid]] if tid in self.truth else list(self.truth.values())
            self.assertTrue(
                any(is_subsequence(stack, whole) for whole in wholes),
                "%s: thread %s shows what never was: %r" % (what, tid, stack),
            )
        return status, dump


def places(size, count, seed):
    """Distinct offsets, all over a file, its ends included."""
    chooser = random.Random(seed)
    chosen = {0, 1, 4, 8, 64, size - 1, size - 4, size - 64}
    while len(chosen) < count:
        # Half of them near the start, where the structures are.
        reach = size if len(chosen) % 2 else max(size // 50, 2)
        chosen.add(chooser.randrange(reach))
    return sorted(place for place in chosen if 0 <= place < size)
