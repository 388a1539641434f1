"""Code that is made at run time: CPython's perf trampoline, and its perf map."""

import os
import re
import shutil
import unittest

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

TRAMPOLINE_SINCE = (3, 12)
RUN_SAMPLES = 200


@template
class PerfTrampoline(EndToEndTest):
    interpreter = None

    def start(self):
        target = self.begin("native_calls.py", "settled")
        target.wait_quiet()
        return target

    def begin(self, script, ready):
        target = Target(self.interpreter, script, flags=["-X", "perf"])
        self.addCleanup(target.close)
        target.wait_for(ready)
        self.map = "/tmp/perf-%d.map" % target.pid
        self.addCleanup(lambda: os.path.exists(self.map) and os.unlink(self.map))
        if not os.path.exists(self.map):
            self.skipTest("this interpreter makes no perf map")
        return target

    def check(self, path, *options):
        python = support.dump_json(path)
        merged = support.dump_json(path, "--native", *options)
        internal = support.dump_json(path, "--native-internal", *options)
        trampolines = 0
        for without, plain, all_frames in zip(python, merged, internal):
            keep = ("name", "filename", "line")
            expected = [[frame[key] for key in keep] for frame in without["frames"]]
            for thread in (plain, all_frames):
                shown = [[f[key] for key in keep] for f in thread["frames"] if not f["native"]]
                self.assertEqual(expected, shown)
            self.assertFalse([f for f in plain["frames"] if f["name"].startswith("py::")])
            # Each entry into the loop is through the trampoline of the function that it runs.
            newest = None
            for frame in all_frames["frames"]:
                if not frame["native"]:
                    newest = frame
                elif frame["name"].startswith("py::"):
                    trampolines += 1
                    name, file = frame["name"][4:].split(":", 1)
                    self.assertEqual(newest["name"], name)
                    self.assertEqual(newest["filename"], file)
            self.assertFalse([f for f in all_frames["frames"] if f["gap"]])
            self.assertTrue(all_frames["frames"][-1]["native"])
        self.assertGreater(trampolines, 20)

    def test_snapshot(self):
        target = self.start()
        snapshot = target.path("native.zst")
        support.capture(target.pid, snapshot, "--native")
        os.unlink(self.map)
        self.check(snapshot)
        moved = target.path("root")
        os.mkdir(moved)
        # Where the host's files are not, clone and _start have no names, but nothing else changes.
        alone = support.dump_json(snapshot, "--native-internal", "--sysroot", moved)
        self.assertTrue([f for one in alone for f in one["frames"] if f["name"].startswith("py::")])

    def test_core(self):
        target = self.start()
        core, reason = target.make_core()
        if core is None:
            self.skipTest("no core: " + reason)
        self.check(core)
        # Elsewhere: below the root that was brought along.
        root = target.path("root")
        os.makedirs(root + "/tmp")
        shutil.move(self.map, root + self.map)
        self.check(core, "--lib-search-root", root)

    def test_run(self):
        """What is made while a run is taken has its name in it, from its first sample on."""
        target = self.begin("makes_code.py", "started")
        path = target.path("run.zst")
        support.capture(target.pid, path, "--native", "-r", "100", "--count", str(RUN_SAMPLES))
        done = support.check([support.ANALYZE, "report", "--native-internal", "-i", "-f", "raw", path])
        made = set()
        for line in done.stdout.decode().splitlines():
            frames = line.rpartition(" ")[0].split(";")
            self.assertFalse([frame for frame in frames if re.match(r"0x|<(?!module>)", frame)], line)
            python = {found.group(1) for found in map(re.compile(r"(made_\d+) \(").match, frames) if found}
            code = {found.group(1) for found in map(re.compile(r"py::(made_\d+):").match, frames) if found}
            self.assertLessEqual(python, code, line)
            made |= code
        self.assertGreater(len(made), RUN_SAMPLES // 4)

    def test_another_users_map(self):
        """A map that the process did not write is not used."""
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        target = self.start()
        os.chown(self.map, 65534, 65534)
        snapshot = target.path("native.zst")
        support.capture(target.pid, snapshot, "--native")
        dump = support.dump_json(snapshot, "--native-internal")
        self.assertFalse([f for one in dump for f in one["frames"] if f["name"].startswith("py::")])


for _interpreter in find_interpreters():
    if _interpreter.version >= TRAMPOLINE_SINCE and not _interpreter.unsupported:
        add_class(globals(), PerfTrampoline, _interpreter.name, interpreter=_interpreter)
load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
