"""Native stacks that are broken, endless or odd: bounded, marked, and Python's part always shown."""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import support
from interpreters import newest_supported
from support import Target

PYTHON = newest_supported()
PYTHON_FRAMES = ["innermost", "middle", "main", "<module>"]


class NativeTrouble(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compiler = shutil.which("c++")
        if not compiler:
            raise unittest.SkipTest("there is no C++ compiler")
        folder = tempfile.mkdtemp(prefix="pyspy-native-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.built = os.path.join(folder, "libtrouble.so")
        support.check(
            [compiler, "-O1", "-fno-optimize-sibling-calls", "-fno-stack-protector"]
            + ["-U_FORTIFY_SOURCE", "-fPIC", "-shared", "-o", cls.built]
            + [os.path.join(support.FOLDER, "native_library.cc")]
        )

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyspy-native-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.library = shutil.copy(self.built, self.folder)

    def core(self, function):
        """The core of a target that dies in the function."""
        reason = support.core_obstacle()
        if reason:
            self.skipTest(reason)
        self.target = Target(PYTHON, "native_trouble.py", self.library, function)
        self.addCleanup(self.target.close)
        self.target.process.wait(timeout=60)
        found = glob.glob(self.target.path("core*"))
        self.assertTrue(found, self.target.output())
        return found[0]

    def crashed_thread(self, core, *options):
        """Its frames; the exit status is 3 if anything is marked as missing, else 0."""
        done = support.run([support.ANALYZE, "dump", "--json", "--native", core] + list(options))
        import json

        (thread,) = [one for one in json.loads(done.stdout.decode()) if one["crashed"]]
        gaps = [frame["gap"] for frame in thread["frames"] if frame["gap"]]
        self.assertEqual(3 if gaps else 0, done.returncode, done.stderr)
        self.assertEqual(
            PYTHON_FRAMES,
            [f["name"] for f in thread["frames"] if not f["native"] and not f["gap"]],
        )
        return thread["frames"], gaps

    def names(self, frames):
        return [frame["name"] for frame in frames]

    def test_smashed_stack(self):
        frames, gaps = self.crashed_thread(self.core("smash_stack"))
        self.assertIn("smash_stack", self.names(frames))
        # What was found by a guess says so.
        self.assertTrue(gaps or "search" in [frame.get("found_by") for frame in frames])

    def test_endless_recursion(self):
        frames, gaps = self.crashed_thread(self.core("overflow_stack"))
        self.assertGreater(self.names(frames).count("overflow_stack"), 50000)
        self.assertEqual([], gaps)

    def test_call_of_nothing(self):
        frames, gaps = self.crashed_thread(self.core("call_nothing"))
        self.assertEqual(0, frames[0]["address"])
        self.assertEqual("call_nothing", frames[1]["name"])
        self.assertEqual([], gaps)

    def test_jump_to_data(self):
        frames, gaps = self.crashed_thread(self.core("jump_to_data"))
        self.assertEqual("jump_to_data", frames[1]["name"])
        self.assertEqual([], gaps)

    def test_signal_handler(self):
        for function in ("abort_in_signal", "abort_on_other_stack"):
            frames, gaps = self.crashed_thread(self.core(function))
            names = self.names(frames)
            handler = [name for name in names if "abort_in_handler" in name]
            self.assertEqual(1, len(handler), names)
            self.assertLess(names.index(handler[0]), names.index(function))
            self.assertEqual([], gaps)

    def test_library_that_is_gone(self):
        """No symbols, no tables: what is left is a guess, and Python's part."""
        core = self.core("abort_in_signal")
        os.unlink(self.library)
        frames, _ = self.crashed_thread(core)
        self.assertNotIn("abort_in_signal", self.names(frames))

    def test_no_file_at_all(self):
        core = self.core("abort_in_signal")
        empty = os.path.join(self.folder, "empty")
        os.mkdir(empty)
        done = support.run([support.ANALYZE, "dump", "--native", "--sysroot", empty, core])
        text = done.stdout.decode()
        if done.returncode == support.EXIT_NO_PYTHON:
            self.skipTest("the interpreter itself is not found without its file")
        self.assertEqual(PYTHON_FRAMES, re.findall(r"^    (\S+) \(.*\.py:\d+\)$", text, re.M))

    def damage(self, section, change):
        """The library with a section's bytes changed, at the place of the good one."""
        done = support.check(["readelf", "-SW", self.library]).stdout.decode()
        found = re.search(r" %s +\w+ +\w+ +(\w+) +(\w+) " % re.escape(section), done)
        offset, size = (int(word, 16) for word in found.groups())
        with open(self.library, "r+b") as stream:
            stream.seek(offset)
            content = bytearray(stream.read(size))
            stream.seek(offset)
            stream.write(bytes(change(content)))

    def test_damaged_tables(self):
        """The bytes of .eh_frame and its index are anything: no crash, and Python's part."""
        if not shutil.which("readelf"):
            self.skipTest("readelf is not installed")
        core = self.core("abort_in_signal")
        with open(self.library, "rb") as stream:
            good = stream.read()
        changes = [
            lambda content: b"\xff" * len(content),
            lambda content: b"\0" * len(content),
            lambda content: content[::-1],
            lambda content: bytes((byte * 7 + 13) & 255 for byte in content),
        ]
        for section in (".eh_frame", ".eh_frame_hdr", ".dynsym", ".dynstr"):
            for change in changes:
                os.unlink(self.library)  # the old one may be mapped
                with open(self.library, "wb") as stream:
                    stream.write(good)
                self.damage(section, change)
                self.crashed_thread(core)

    def test_vdso(self):
        """Interrupted anywhere between Python and the clock: the stack is whole."""
        with Target(PYTHON, "native_trouble.py", self.library, "read_clock") as target:
            target.wait_for("settled")
            seen = set()
            for number in range(10 if support.SMALL else 30):
                snapshot = target.path("%d.zst" % number)
                support.capture(target.pid, snapshot, "--native")
                (thread,) = support.dump_json(snapshot, "--native")
                names = self.names(thread["frames"])
                self.assertIn("read_clock", names[:4])
                self.assertEqual(
                    PYTHON_FRAMES,
                    [f["name"] for f in thread["frames"] if not f["native"]],
                )
                seen.add(os.path.basename(thread["frames"][0]["module"]))
            self.assertIn("[vdso]", seen)

    def test_fork_child(self):
        """A child that was forked from a thread has that thread alone."""
        script = (
            "import os, threading\n"
            "def work():\n"
            "    if os.fork() == 0: os.abort()\n"
            "    os.wait()\n"
            "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
        )
        reason = support.core_obstacle()
        if reason:
            self.skipTest(reason)
        subprocess.run(
            PYTHON.command + ["-W", "ignore", "-c", script],
            cwd=self.folder,
            env=dict(os.environ, **PYTHON.environment),
            preexec_fn=support._prepare_target,
            check=False,
            timeout=60,
        )
        (core,) = glob.glob(os.path.join(self.folder, "core*"))
        (thread,) = support.dump_json(core, "--native")
        names = self.names(thread["frames"])
        self.assertIn("work", names)
        self.assertEqual(signal.SIGABRT, thread["process_info"]["signal"]["number"])


if __name__ == "__main__":
    support.main()
