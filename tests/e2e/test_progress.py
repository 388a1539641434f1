"""The progress on a terminal: of files that are read, of a process that is sampled; and that it is not
drawn over what a command prints."""

import errno
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
import terminal  # noqa: E402
from interpreters import newest_supported  # noqa: E402
from terminal import Terminal  # noqa: E402

FIXTURE = os.path.join(support.FOLDER, os.pardir, "fixtures", "3.11", "stacks.zst")

# Longer than it takes until progress is drawn anew; there is no upper limit.
REDRAW_SECONDS = 0.3

# A prompt, and lines, while there is time enough for progress to be drawn between them.
PRINTS = """
import sys, time
def work(seconds):
    end = time.time() + seconds
    while time.time() < end: pass
sys.stderr.write("name? ")
sys.stderr.flush()
work(0.8)
sys.stderr.write("nobody\\n")
for i in range(4):
    work(0.2)
    print("line %d" % i, flush=True)
sys.exit(int(sys.argv[1]))
"""
PRINTED = "name? nobody\nline 0\nline 1\nline 2\nline 3\n"


class ProgressTest(unittest.TestCase):
    def setUp(self):
        if terminal.REASON:
            raise unittest.SkipTest(terminal.REASON)
        self.folder = tempfile.mkdtemp(prefix="pyspy-progress-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def open(self, *words):
        line = "cd %s; %s %s" % (self.folder, support.ANALYZE, " ".join(words))
        opened = Terminal(line, width=120)
        self.addCleanup(opened.close)
        return opened


class Files(ProgressTest):
    def open_writer(self, path):
        """Of a FIFO that is read, or about to be."""

        def is_read():
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return None

        fd = support.wait_until(is_read, 60, "the reader of " + path)
        os.set_blocking(fd, True)
        return os.fdopen(fd, "wb")

    def read_two_of_three(self, *options):
        """A report that waits for its third file. The second one came late enough for progress."""
        with open(FIXTURE, "rb") as file:
            content = file.read()
        shutil.copy(FIXTURE, self.path("first.zst"))
        for name in ("second", "third"):
            os.mkfifo(self.path(name))
        opened = self.open(
            "report", "-i", "-f", "text", "-o", "out.txt", *options, "first.zst", "second", "third"
        )
        with self.open_writer(self.path("second")) as second:
            support.time.sleep(REDRAW_SECONDS)
            second.write(content)
        return opened, self.open_writer(self.path("third")), content

    def finish(self, opened, third, content):
        with third:
            third.write(content)
        self.assertEqual(opened.wait_for_end(), support.EXIT_DONE)
        self.assertEqual(opened.screen(), "text before\n")
        self.assertGreater(os.path.getsize(self.path("out.txt")), 0)

    def test_bar(self):
        opened, third, content = self.read_two_of_three()
        opened.wait_for(r"^\[#{26}\.{14}\]  66%, file 3 of 3$")
        self.finish(opened, third, content)

    def test_no_bar(self):
        for option in ("--hideprogress", "--quiet"):
            with self.subTest(option=option):
                opened, third, content = self.read_two_of_three(option)
                self.assertEqual(opened.screen(), "text before\n")
                self.finish(opened, third, content)
                for name in ("second", "third", "out.txt"):
                    os.unlink(self.path(name))


class Commands(ProgressTest):
    def open_command(self, status, *options):
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("there is no interpreter")
        with open(self.path("prints.py"), "w", encoding="ascii") as file:
            file.write(PRINTS)
        variables = ["%s=%s" % item for item in sorted(interpreter.environment.items())]
        words = ["record", "-f", "raw", "-o", "out.txt", *options, "--", "env", *variables]
        return self.open(*words, *interpreter.command, "prints.py", str(status))

    def test_it_has_the_terminal(self):
        opened = self.open_command(0)
        self.assertEqual(opened.wait_for_end(), 0)
        self.assertEqual(opened.screen(), "text before\n" + PRINTED)

    def test_it_is_hidden(self):
        opened = self.open_command(0, "--capture-output")
        opened.wait_for(r"^command env: \d+ samples in \d+ s; Control-C ends it$")
        self.assertEqual(opened.wait_for_end(), 0)
        self.assertEqual(opened.screen(), "text before\n")

    def test_it_is_hidden_and_fails(self):
        opened = self.open_command(7, "--capture-output")
        opened.wait_for(r"^command env: [1-9]\d* samples in")
        self.assertEqual(opened.wait_for_end(), 7)
        self.assertEqual(opened.screen(), "text before\n" + PRINTED)


if __name__ == "__main__":
    unittest.main()
