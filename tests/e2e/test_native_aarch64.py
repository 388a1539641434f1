"""Native stacks of a core of another machine.

PYSPY_TEST_AARCH64_ROOT is a folder with Debian's packages python3.11-minimal, libpython3.11-stdlib,
libc6 and libffi8 of arm64, unpacked; qemu-aarch64 runs the interpreter of it and writes its core.
"""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import support

ROOT = os.environ.get("PYSPY_TEST_AARCH64_ROOT")
PROGRAM = """
import ctypes
def innermost():
    ctypes.CDLL(None).abort()
def compare():
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    items = (ctypes.c_int * 2)(2, 1)
    ctypes.CDLL(None).qsort(items, 2, 4, kind(lambda left, right: innermost()))
def outer():
    sorted([1], key=lambda item: compare())
outer()
"""
# As the program calls, with what has a name in the symbol tables of stripped files.
EXPECTED = ["raise", "abort", "innermost", "compare.<locals>.<lambda>", "qsort_r", "compare"]
EXPECTED += ["outer.<locals>.<lambda>", "outer", "<module>", "__libc_start_main", "_start"]


class Aarch64(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not ROOT or not shutil.which("qemu-aarch64"):
            raise unittest.SkipTest("needs qemu-aarch64 and PYSPY_TEST_AARCH64_ROOT")
        reason = support.core_obstacle()
        if reason:
            raise unittest.SkipTest(reason)
        cls.python = glob.glob(os.path.join(ROOT, "usr/bin/python3.[0-9]*"))[0]
        cls.folder = tempfile.mkdtemp(prefix="pyspy-aarch64-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        subprocess.run(
            ["qemu-aarch64", "-L", ROOT, "-E", "PYTHONHOME=/usr", cls.python, "-c", PROGRAM],
            cwd=cls.folder,
            preexec_fn=support._prepare_target,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        cores = glob.glob(os.path.join(cls.folder, "qemu_*.core"))
        if not cores:
            raise unittest.SkipTest("qemu wrote no core")
        cls.core = cores[0]

    def frames(self, *options):
        done = support.run(
            [support.ANALYZE, "dump", "--json", "--native", self.core, "--exe", self.python]
            + list(options)
        )
        self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr)
        (thread,) = json.loads(done.stdout.decode())
        return thread["frames"]

    def test_order(self):
        frames = self.frames("--sysroot", ROOT)
        names = [f["name"] for f in frames if not f["name"].startswith("0x")]
        self.assertEqual(EXPECTED, [name for name in names if name in EXPECTED])
        self.assertFalse([f["gap"] for f in frames if f["gap"]])
        found_by = {f["found_by"] for f in frames if f["native"]}
        self.assertEqual({"registers", "cfi"}, found_by)

    def test_libraries_of_another_build(self):
        """A file that is not what was mapped is not used, though the core has no build-ids."""
        root = os.path.join(self.folder, "root")
        folder = "lib/aarch64-linux-gnu"
        os.makedirs(os.path.join(root, folder))
        shutil.copy(
            os.path.join(ROOT, folder, "libm.so.6"), os.path.join(root, folder, "libc.so.6")
        )
        names = [frame["name"] for frame in self.frames("--sysroot", root)]
        self.assertIn("<module>", names)
        self.assertNotIn("qsort_r", names)


if __name__ == "__main__":
    support.main()
