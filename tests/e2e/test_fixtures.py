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
VERSIONS = ["2.7"] + ["3.%d" % minor for minor in range(6, 16)]  # that must be there


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
        self.fill_ids(shown)
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

    def fill_ids(self, shown):
        """Before 3.8 an interpreter does not know the operating system's ids of its threads."""
        ids = {thread["thread_id"]: thread["os_thread_id"] for thread in shown}
        self.assertEqual(len(shown), len(set(ids.values()) - {0, None}))
        for thread in self.expected["threads"]:
            thread["tid"] = thread["tid"] or ids[thread["ident"]]

    def texts_of_locals(self, path, **keywords):
        shown = support.dump_json(path, "--locals", "--sysroot", self.empty, **keywords)
        (found,) = [f for thread in shown for f in thread["frames"] if f["name"] == "consume"]
        return {local["name"]: local["repr"] for local in found["locals"]}

    def check_locals(self, path):
        if "locals" not in self.expected:
            return
        texts = self.texts_of_locals(path)
        for name, text in self.expected["locals"].items():
            self.assertEqual(text, texts[name], "%s: %s" % (path, name))

    def check_kind(self, kind):
        path = os.path.join(self.folder, kind + ".zst")
        if kind != "core" and "aarch64" in self.folder and not os.path.exists(path):
            self.skipTest("snapshots are captured on the machine itself")
        self.check(path, os.path.join(self.folder, kind + ".txt"))

    def test_stacks(self):
        self.check_kind("stacks")

    def test_locals(self):
        self.check_kind("locals")
        self.check_locals(os.path.join(self.folder, "locals.zst"))

    def test_full(self):
        self.check_kind("full")
        self.check_locals(os.path.join(self.folder, "full.zst"))

    def test_native(self):
        """Functions of the files that are not here, by what the snapshot has of them."""
        path = os.path.join(self.folder, "native.zst")
        with open(os.path.join(self.folder, "native.txt"), encoding="utf-8") as file:
            golden = file.read()
        done = support.check([support.ANALYZE, "dump", "--native", "--sysroot", self.empty, path])
        self.assertEqual(golden, done.stdout.decode(), "see scripts/make-fixtures --golden")
        self.check(path)

    def test_core_locals(self):
        """A core has no names of the interpreter's own types: their file has them. No value is made up.

        Every variable is there, the class that the target itself made is told, the rest is missing.
        """
        if "locals" not in self.expected:
            self.skipTest("its target noted no local variables")
        path = os.path.join(self.folder, "core.zst")
        texts = self.texts_of_locals(path, expected=support.EXIT_PARTIAL)
        self.assertEqual(set(), set(self.expected["locals"]) - set(texts))
        head = self.expected["locals"]["instance"].partition(" a=")[0]
        self.assertEqual(head, texts["instance"][:len(head)])
        for name in set(self.expected["locals"]) - {"instance"}:
            self.assertIn(texts[name], (None, self.expected["locals"][name]), name)

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
        for version in VERSIONS:
            there = [name for name in os.listdir(FIXTURES) if name.partition("-")[0] == version]
            self.assertTrue(there, version)
            for kind in ("stacks", "locals", "core"):
                self.assertTrue(
                    any(os.path.exists(os.path.join(FIXTURES, name, kind + ".zst")) for name in there),
                    (version, kind),
                )


for _name in sorted(os.listdir(FIXTURES)):
    if os.path.exists(os.path.join(FIXTURES, _name, "expected.json")):
        _folder = os.path.join(FIXTURES, _name)
        # Not every build has all kinds: whole memory and native images are large.
        _missing = {
            "test_" + kind: None
            for kind in ("locals", "full", "native")
            if not os.path.exists(os.path.join(_folder, kind + ".zst"))
        }
        add_class(globals(), Fixture, _name, folder=_folder, **_missing)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
