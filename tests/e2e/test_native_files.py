"""Where the files behind native frames are found, and which are refused."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import support
from interpreters import newest_supported
from library_api import Library
from support import Target

SOURCE = os.path.join(support.FOLDER, "native_library.cc")
FUNCTION = "call_in_class"


def build_id(path):
    notes = subprocess.check_output(["readelf", "-n", path]).decode()
    return notes.split("Build ID:")[1].split()[0]


class NativeFiles(unittest.TestCase):
    """A library without debug information, whose separate debug file is somewhere."""

    @classmethod
    def setUpClass(cls):
        for tool in ("c++", "objcopy", "readelf"):
            if not shutil.which(tool):
                raise unittest.SkipTest(tool + " is not installed")
        cls.folder = tempfile.mkdtemp(prefix="pyspy-native-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.library, cls.debug = cls.build("libcalls.so")
        cls.other_library, cls.other_debug = cls.build("libother.so", "-O2")
        target = Target(newest_supported(), "native_calls.py", cls.library)
        cls.addClassCleanup(target.close)
        target.wait_for("settled")
        target.wait_quiet()
        cls.snapshot = os.path.join(cls.folder, "native.zst")
        support.capture(target.pid, cls.snapshot, "--native")
        cls.core, cls.no_core = target.make_core()

    @classmethod
    def build(cls, name, *flags):
        """A stripped library and its debug file, which is not beside it."""
        path = os.path.join(cls.folder, name)
        os.mkdir(path + ".d")
        debug = os.path.join(path + ".d", name + ".debug")
        options = ["-O1", "-g", "-fPIC", "-shared", "-Wl,--build-id"]
        support.check(["c++"] + options + list(flags) + ["-o", path, SOURCE])
        support.check(["objcopy", "--only-keep-debug", path, debug])
        support.check(["objcopy", "--strip-all", "--add-gnu-debuglink=" + debug, path])
        return path, debug

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="pyspy-root-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def place(self, file, path):
        """Copy a file to a path below the root."""
        copy = self.root + path
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(file, copy)

    def place_by_build_id(self, file):
        name = build_id(self.library)
        self.place(file, "/usr/lib/debug/.build-id/%s/%s.debug" % (name[:2], name[2:]))

    def frames(self, path, *options, status=support.EXIT_DONE):
        """The frames of the library, and what was warned of."""
        done = support.run([support.ANALYZE, "dump", "--json", "--native", path] + list(options))
        self.assertEqual(status, done.returncode, done.stderr)
        threads = json.loads(done.stdout.decode())
        frames = [f for one in threads for f in one["frames"] if f["module"] == self.library]
        self.assertTrue(frames)
        self.assertIn(FUNCTION, [f["name"] for f in frames])
        return frames, done.stderr.decode()

    def has_lines(self, frames):
        return any(f["line"] and f["filename"].endswith("native_library.cc") for f in frames)

    def test_none(self):
        frames, _ = self.frames(self.snapshot, "--sysroot", self.root)
        self.assertFalse(self.has_lines(frames))

    def test_build_id(self):
        self.place_by_build_id(self.debug)
        frames, _ = self.frames(self.snapshot, "--sysroot", self.root)
        self.assertTrue(self.has_lines(frames))

    def test_search_root(self):
        self.place_by_build_id(self.debug)
        frames, _ = self.frames(self.snapshot, "--lib-search-root", self.root)
        self.assertTrue(self.has_lines(frames))

    @unittest.skipIf(
        support.BUILD.endswith("-sanitize"), "a library with sanitizers cannot be loaded by a program without"
    )
    def test_search_of_the_library(self):
        """libpyspy seeks where its configuration says: places with colons between them, and several."""
        self.place_by_build_id(self.debug)
        library = Library()

        def frames(path, **values):
            with library.open_file(path, native=True, **values) as spy:
                stacks = library.stacks(spy).values()
            return [frame for stack in stacks for frame in stack if frame[0] == FUNCTION]

        def lines(**values):
            return [line for _, name, line in frames(self.snapshot, **values)
                    if line and name.endswith("native_library.cc")]

        root = self.root.encode()
        self.assertFalse(lines())
        self.assertTrue(lines(sysroot=root))
        self.assertTrue(lines(search_roots=[b"/nowhere:" + root]))
        self.assertTrue(lines(search_roots=[b"/nowhere", b"/nothing", root]))
        # A core has nothing of the library's file: without it the functions have no names.
        if not self.core:
            self.skipTest("all but the core passed; no core: " + self.no_core)
        folder = os.path.dirname(self.library).encode()
        nowhere = os.path.join(self.root, "empty").encode()
        self.assertFalse(frames(self.core, sysroot=nowhere))
        self.assertTrue(frames(self.core, sysroot=nowhere, search_paths=[b"/nowhere:" + folder]))
        self.assertTrue(frames(self.core, sysroot=nowhere, search_paths=[b"/nowhere", folder]))

    def test_links(self):
        folder = os.path.dirname(self.library)
        name = os.path.basename(self.debug)
        for place in ("%s/%s", "%s/.debug/%s", "/usr/lib/debug%s/%s"):
            with self.subTest(place):
                self.setUp()
                self.place(self.debug, place % (folder, name))
                frames, _ = self.frames(self.snapshot, "--sysroot", self.root)
                self.assertTrue(self.has_lines(frames))

    def test_refused_debug_file(self):
        self.place_by_build_id(self.other_debug)
        frames, errors = self.frames(
            self.snapshot, "--sysroot", self.root, status=support.EXIT_PARTIAL
        )
        self.assertFalse(self.has_lines(frames))
        self.assertEqual(1, errors.count("libcalls.so may lack names"), errors)

    def test_refused_library_of_a_snapshot(self):
        """What was captured stands in for it."""
        self.place(self.other_library, self.library)
        frames, _ = self.frames(self.snapshot, "--sysroot", self.root)
        self.assertFalse(self.has_lines(frames))

    def test_library_without_a_build_id(self):
        """Nothing tells whether the file that is there is the same: what was captured is."""
        library, _ = self.build("libunknown.so", "-Wl,--build-id=none")
        target = Target(newest_supported(), "native_calls.py", library)
        self.addCleanup(target.close)
        target.wait_for("settled")
        target.wait_quiet()
        path = target.path("native.zst")
        support.capture(target.pid, path, "--native")

        def functions():
            dump = support.dump_json(path, "--native")
            return [[f["name"] for f in one["frames"] if f["module"] == library] for one in dump]

        wanted = functions()
        self.assertIn(FUNCTION, sum(wanted, []))
        os.unlink(library)
        self.assertEqual(wanted, functions())
        shutil.copy(shutil.which("true"), library)
        self.assertEqual(wanted, functions())

    def test_refused_library_of_a_core(self):
        if not self.core:
            self.skipTest("no core: " + self.no_core)
        moved = self.library + ".moved"
        os.rename(self.library, moved)
        self.addCleanup(os.rename, moved, self.library)
        shutil.copy(self.other_library, self.library)
        done = support.run([support.ANALYZE, "dump", "--native", self.core])
        self.assertEqual(support.EXIT_PARTIAL, done.returncode)
        errors = done.stderr.decode()
        about = [line for line in errors.splitlines() if "libcalls.so" in line]
        self.assertEqual(1, len(about), errors)
        self.assertIn("build-id", about[0])
        self.assertNotIn(FUNCTION, done.stdout.decode())


if __name__ == "__main__":
    support.main()
