"""Frames of every kind: names, files, lines, columns, modules, against what the interpreter itself says.

Live at level stacks, at level full, and from a core; with columns and without.
"""

import os
import shutil

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target


@template
class Frames(EndToEndTest):
    interpreter = None

    def check_frames(self, expected, dump, message):
        shown = {thread["os_thread_id"]: thread["frames"] for thread in dump}
        for thread in expected["threads"]:
            frames = shown[thread["tid"]]
            where = "%s: %s" % (message, thread["scenario"])
            names = [frame["qualname"] or frame["name"] for frame in thread["frames"]]
            self.assertEqual(names, [frame["name"] for frame in frames], where)
            for want, got in zip(thread["frames"], frames):
                self.check_frame(want, got, where)

    def check_frame(self, want, got, where):
        self.assertEqual(want["filename"], got["filename"], where)
        self.assertEqual(want["line"], got["line"], "%s: %s" % (where, got["name"]))
        self.assertEqual(want["first_line"], got["first_line"], where)
        self.assertEqual(want["module"], got["python_module"], "%s: %s" % (where, got["name"]))
        self.assertIsNone(got["module"])
        self.assertIsNone(got["gap"])
        shown = [got["line"], got["end_line"], got["column"], got["end_column"]]
        if want["positions"] and want["positions"][0] == want["line"]:
            self.assertEqual(want["positions"], shown, "%s: %s" % (where, got["name"]))
        else:
            self.assertEqual([None, None, None], shown[1:], where)

    def check_short_names(self, target, dump):
        """From the folder on from which it was imported."""
        for thread in dump:
            for frame in thread["frames"]:
                name, module = frame["filename"], frame["python_module"]
                if name.startswith(support.TARGETS):
                    self.assertEqual(os.path.basename(name), frame["short_filename"])
                elif name.startswith(target.folder):
                    self.assertEqual(os.path.relpath(name, target.folder), frame["short_filename"])
                elif name.endswith("/threading.py"):
                    self.assertEqual("threading.py", frame["short_filename"])
                elif "/" not in name:
                    self.assertEqual(name, frame["short_filename"], module)

    def check_target(self, *flags):
        with Target(self.interpreter, "frames.py", flags=flags) as target:
            target.settle()
            untouched = target.path("untouched.zst")
            support.capture(target.pid, untouched)
            expected = target.expected()
            only = {thread["tid"] for thread in expected["threads"]}
            self.assertGreater(len(only), 20)
            self.check_frames(expected, support.dump_json(untouched), "before any frame object")
            stacks = target.path("stacks.zst")
            full = target.path("full.zst")
            support.capture(target.pid, stacks)
            support.capture(target.pid, full, "--level", "full")
            dump = support.dump_json(stacks)
            self.check_frames(expected, dump, "level stacks")
            self.check_short_names(target, dump)
            self.assert_identical(dump, support.dump_json(full), "captured ranges, whole memory")
            self.check_text(stacks, dump)
            core, reason = target.make_core()
            if core is None:
                self.skipTest("all but the core passed; no core: " + reason)
            self.check_frames(expected, support.dump_json(core), "core")

    def check_text(self, snapshot, dump):
        """What the options about names and lines do to the same frames in the text."""
        forms = {
            (): ("short_filename", "line"),
            ("--full-filenames",): ("filename", "line"),
            ("--function",): ("short_filename", "first_line"),
            ("--nolineno",): ("short_filename", None),
            ("--full-filenames", "--function"): ("filename", "first_line"),
            ("--full-filenames", "--nolineno"): ("filename", None),
        }
        for options, (filename, line) in forms.items():
            done = support.check([support.ANALYZE, "dump", "--no-color", snapshot] + list(options))
            shown = [text for text in done.stdout.decode().splitlines() if text.startswith("    ")]
            want = []
            for thread in reversed(dump):
                for frame in thread["frames"]:
                    number = ":%d" % frame[line] if line and frame[line] else ""
                    want.append("    %s (%s%s)" % (frame["name"], frame[filename], number))
            self.assertEqual(want, shown, options)

    def test_incomplete_frame(self):
        """A function that has not come to its first line is shown at it, though not by 3.11 itself."""
        if self.interpreter.minor != (3, 11):
            self.skipTest("%s collects garbage only where frames are complete" % self.interpreter.name)
        with Target(self.interpreter, "frames.py", "incomplete_frame") as target:
            target.settle()
            expected = target.expected()
            (thread,) = [one for one in expected["threads"] if one["scenario"] == "incomplete_frame"]
            index, name, line = expected["hidden"]["incomplete_frame"]
            self.assertNotIn(name, [frame["qualname"] for frame in thread["frames"]])
            snapshot = target.path("stacks.zst")
            support.capture(target.pid, snapshot)
            dump = support.dump_json(snapshot)
            (shown,) = [one["frames"] for one in dump if one["os_thread_id"] == thread["tid"]]
            hidden = shown.pop(index)
            self.assertEqual((name, line), (hidden["name"], hidden["line"]))
            self.check_frames(expected, dump, "without the incomplete frame")

    def test_frames(self):
        self.check_target()

    def test_without_columns(self):
        if self.interpreter.minor < (3, 11):
            self.skipTest("%s has no columns" % self.interpreter.name)
        self.check_target("-X", "no_debug_ranges")


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
    else:
        add_class(globals(), Frames, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
