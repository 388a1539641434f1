"""--source: the lines of files at hand below the frames, with marks where the version tells columns."""

import linecache
import os
import shutil
import subprocess
import time

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

SCENARIOS = ["comprehensions", "coroutine_chain", "executed", "importing"]


@template
class Source(EndToEndTest):
    interpreter = None

    def setUp(self):
        self.target = Target(self.interpreter, "frames.py", *SCENARIOS)
        self.addCleanup(self.target.close)
        self.target.settle()
        self.snapshot = self.target.path("stacks.zst")
        support.capture(self.target.pid, self.snapshot)

    def text(self, *options):
        done = support.check(
            [support.ANALYZE, "dump", "--no-color", "--source", self.snapshot] + list(options)
        )
        return done.stdout.decode().splitlines(), done.stderr.decode()

    def check_json(self, dump, sysroot=""):
        """How many frames have a source; each is the line that Python itself finds."""
        count = 0
        for thread in dump:
            for frame in thread["frames"]:
                name = sysroot + frame["filename"] if "/" in frame["filename"] else frame["filename"]
                line = linecache.getline(name, frame["line"]).rstrip("\n") if "/" in name else ""
                if line:
                    self.assertEqual(line, frame["source"], frame)
                    count += 1
                else:
                    self.assertIsNone(frame["source"], frame)
        return count

    def test_lines_and_marks(self):
        dump = support.dump_json(self.snapshot, "--source")
        self.assertGreater(self.check_json(dump), 20)
        want = []
        for thread in reversed(dump):
            for frame in thread["frames"]:
                want.append(
                    "    %s (%s%s)"
                    % (
                        frame["name"],
                        frame["short_filename"],
                        ":%d" % frame["line"] if frame["line"] else "",
                    )
                )
                want += self.source_text(frame)
        shown, messages = self.text()
        self.assertEqual(want, [line for line in shown if line.startswith("    ")])
        self.assertNotIn("has changed", messages.replace(self.target.folder, ""))
        marks = [line for line in shown if line.strip() and not line.strip(" ^")]
        self.assertEqual(bool(marks), self.interpreter.minor >= (3, 11))

    def source_text(self, frame):
        source = frame["source"]
        if not source:
            return []
        lines = ["        " + source.strip()]
        if frame["column"] is None:
            return lines
        begin = len(source) - len(source.lstrip())
        end = frame["end_column"] if frame["end_line"] == frame["line"] else len(source.rstrip())
        if (frame["column"], end) != (begin, len(source.rstrip())):
            marks = " " * (frame["column"] - begin) + "^" * (end - frame["column"])
            lines.append("        " + marks)
        return lines

    def test_first_lines(self):
        dump = support.dump_json(self.snapshot, "--source", "--function")
        self.assertGreater(self.check_json(dump), 20)
        for thread in dump:
            for frame in thread["frames"]:
                self.assertEqual(frame["first_line"], frame["line"])
                self.assertIsNone(frame["column"])
        shown, _ = self.text("--function")
        self.assertIn("        def block(*unused, **also_unused):", shown)
        for thread in support.dump_json(self.snapshot, "--nolineno"):
            for frame in thread["frames"]:
                self.assertEqual(
                    [0, None, None, None, None],
                    [frame[key] for key in ("line", "end_line", "column", "end_column", "source")],
                )
        for options in (["--source", "--nolineno"], ["--function", "--nolineno"]):
            support.check(
                [support.ANALYZE, "dump", self.snapshot] + options, expected=support.EXIT_USAGE
            )

    def test_not_asked_for(self):
        for thread in support.dump_json(self.snapshot):
            for frame in thread["frames"]:
                self.assertIsNone(frame["source"])

    def test_files_of_another_root(self):
        root = self.target.path("root")
        os.mkdir(root)
        dump = support.dump_json(self.snapshot, "--source", "--sysroot", root)
        self.assertEqual(self.check_json(dump, root), 0)
        module = self.target.path("frames_imported.py")
        os.makedirs(root + os.path.dirname(module))
        shutil.copy2(module, root + module)
        dump = support.dump_json(self.snapshot, "--source", "--sysroot", root)
        self.assertEqual(self.check_json(dump, root), 2)
        # Links stay below the root.
        os.remove(root + module)
        os.symlink("/" + os.path.relpath(__file__, "/"), root + module)
        dump = support.dump_json(self.snapshot, "--source", "--sysroot", root)
        for thread in dump:
            for frame in thread["frames"]:
                self.assertIsNone(frame["source"])

    def test_changed_files(self):
        module = self.target.path("frames_imported.py")
        later = time.time() + 100
        os.utime(module, (later, later))
        _, messages = self.text()
        self.assertIn("frames_imported.py", messages)
        self.assertIn("changed since the process started", messages)
        # Hostile, and shorter than it was.
        with open(module, "wb") as file:
            file.write(b"# coding: latin-1\n\x1b[31m\xe4\n\n    \x1b]0;\xe4\x07 block()")
        shown, _ = self.text()
        self.assertFalse(any("\x1b" in line or "\x07" in line for line in shown))
        self.assertNotIn("        class Body:", shown)
        self.assertIn("        \\x1b]0;\u00e4\\x07 block()", shown)
        os.remove(module)
        os.mkfifo(module)
        done = subprocess.run(
            [support.ANALYZE, "dump", "--source", self.snapshot],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=support.COMMAND_TIMEOUT_SECONDS,
            check=True,
        )
        self.assertNotIn(b"frames_imported", done.stderr)


for _interpreter in find_interpreters():
    if not _interpreter.unsupported:
        add_class(globals(), Source, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
