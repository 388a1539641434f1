"""The committed fixtures, read without any file of the interpreters that they come from.

So a machine with one Python, or none that is supported, tests every version. scripts/make-fixtures makes
them again; with --golden only the texts.
"""

import json
import os
import shutil
import tempfile

import support
from generate import add_class, make_load_tests, template
from support import EndToEndTest, FOLDER

FIXTURES = os.path.join(FOLDER, os.pardir, "fixtures")
OLDEST, NEWEST = (3, 8), (3, 13)  # that must be there


@template
class Fixture(EndToEndTest):
    folder = None

    def setUp(self):
        self.empty = tempfile.mkdtemp(prefix="pyspy-empty-")
        self.addCleanup(shutil.rmtree, self.empty, True)
        with open(os.path.join(self.folder, "expected.json"), encoding="utf-8") as file:
            self.expected = json.load(file)

    def check(self, path, golden=None):
        shown = support.dump_json(path, "--sysroot", self.empty)
        self.assert_stacks(self.expected, shown, message=path)
        for thread in shown:
            self.assertEqual(
                thread["process_info"]["python_version"], "%d.%d.%d" % tuple(self.expected["version"])
            )
            self.assertEqual(thread["process_info"]["notes"], [])
            for frame in thread["frames"]:
                self.assertIsNone(frame["gap"])
        first_lines = {
            thread["tid"]: [frame["first_line"] for frame in thread["frames"]]
            for thread in self.expected["threads"]
        }
        for thread in shown:
            lines = [frame["first_line"] for frame in thread["frames"]]
            self.assertEqual(first_lines[thread["os_thread_id"]], lines)
        if "gil_holder" in self.expected:
            holders = [thread["os_thread_id"] for thread in shown if thread["owns_gil"]]
            self.assertEqual([self.expected["gil_holder"]], holders)
        if golden:
            done = support.check([support.ANALYZE, "dump", "--sysroot", self.empty, path])
            with open(golden, encoding="utf-8") as file:
                self.assertEqual(file.read(), done.stdout.decode(), "see scripts/make-fixtures --golden")
        done = support.check([support.ANALYZE, "info", "--sysroot", self.empty, path])
        self.assertIn("Python:", done.stdout.decode())

    def check_kind(self, kind):
        path = os.path.join(self.folder, kind + ".zst")
        if kind != "core" and "aarch64" in self.folder and not os.path.exists(path):
            self.skipTest("snapshots are captured on the machine itself")
        self.check(path, os.path.join(self.folder, kind + ".txt"))

    def test_stacks(self):
        self.check_kind("stacks")

    def test_full(self):
        self.check_kind("full")

    def test_compressed_core(self):
        self.check_kind("core")

    def test_core(self):
        if not shutil.which("zstd"):
            self.skipTest("zstd is not installed")
        path = os.path.join(self.empty, "core")
        support.check(["zstd", "-q", "-d", "--long=31", os.path.join(self.folder, "core.zst"), "-o", path])
        self.check(path)


class Complete(EndToEndTest):
    def test_every_version_has_one(self):
        there = {name.partition("-")[0] for name in os.listdir(FIXTURES)}
        for minor in range(OLDEST[1], NEWEST[1] + 1):
            self.assertIn("3.%d" % minor, there)
            for kind in ("stacks", "core", "full"):
                path = os.path.join(FIXTURES, "3.%d" % minor, kind + ".zst")
                self.assertTrue(os.path.exists(path), path)


for _name in sorted(os.listdir(FIXTURES)):
    if os.path.exists(os.path.join(FIXTURES, _name, "expected.json")):
        _folder = os.path.join(FIXTURES, _name)
        # Of builds beside a version's usual one there is no whole memory: it would be large.
        _whole = {} if os.path.exists(os.path.join(_folder, "full.zst")) else {"test_full": None}
        add_class(globals(), Fixture, _name, folder=_folder, **_whole)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
