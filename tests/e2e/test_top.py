"""top in a real terminal: every key, sizes, ends. The screens are compared with those in screens/;
PYSPY_UPDATE_SCREENS=1 writes them again, to be reviewed."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import support
import terminal
from interpreters import newest_supported
from support import Target
from terminal import Terminal

SCREENS = os.path.join(support.FOLDER, "screens")
FIXTURE = os.path.join(support.FOLDER, os.pardir, "fixtures", "3.11", "stacks.zst")
REPEAT = os.path.join(support.BUILD, "tests", "tools", "repeat_samples")
SAMPLES = 250


def mask(screen):
    """Ids of threads are those of the day the fixture was made."""
    return re.sub(r"Thread \d+", "Thread N", screen)


class TopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if terminal.REASON:
            raise unittest.SkipTest(terminal.REASON)
        cls.folder = tempfile.mkdtemp(prefix="pyspy-top-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.file = os.path.join(cls.folder, "run.zst")
        support.check([REPEAT, FIXTURE, str(SAMPLES), cls.file])

    def open(self, *options, **keywords):
        """top at the end of a file of idle threads."""
        words = " ".join(options or ("--speed", "0", "--idle", "run.zst"))
        line = "cd %s; %s top %s" % (self.folder, support.ANALYZE, words)
        opened = Terminal(line, **keywords)
        self.addCleanup(opened.close)
        return opened

    def assert_screen(self, opened, name):
        path = os.path.join(SCREENS, name + ".txt")
        if os.environ.get("PYSPY_UPDATE_SCREENS"):
            support.time.sleep(1)
            with open(path, "w", encoding="utf-8") as file:
                file.write(mask(opened.screen()))
        with open(path, encoding="utf-8") as file:
            expected = file.read()
        self.assertEqual(expected, opened.wait_for_screen(expected, mask), name)

    def assert_ended(self, opened, status=0):
        self.assertEqual(opened.wait_for_end(), status)
        before, after = opened.modes()
        self.assertEqual(before, after)
        self.assertFalse(opened.is_alternate())
        opened.wait_for("^text before$")


class Keys(TopTest):
    def test_table(self):
        opened = self.open()
        self.assert_screen(opened, "table")
        self.assertTrue(opened.is_alternate())
        for key in "4123":
            opened.press(key)
            self.assert_screen(opened, "sorted-" + key)
        opened.press("l")
        self.assert_screen(opened, "lines")
        opened.press("L", "i")
        opened.wait_for("all threads are idle: press i to show them")
        opened.press("I")
        self.assert_screen(opened, "table")

    def test_rows(self):
        opened = self.open(height=12)
        opened.wait_for("end of run.zst")
        opened.press("4", "Down", "Down", "Down")
        opened.press("Enter")
        self.assert_screen(opened, "calls")
        opened.press("Down", "Enter")
        self.assert_screen(opened, "calls-of-call")
        opened.press("Escape")
        self.assert_screen(opened, "calls-back")
        opened.press("x")
        self.assert_screen(opened, "table-cursor")
        opened.press("End")
        self.assert_screen(opened, "table-end")
        opened.press("PageUp")
        self.assert_screen(opened, "table-page-up")
        opened.press("Home", "PageDown", "Up")
        self.assert_screen(opened, "table-page-down")

    def test_threads_and_help(self):
        opened = self.open()
        opened.wait_for("end of run.zst")
        opened.press("t")
        self.assert_screen(opened, "threads")
        opened.press("End")
        self.assert_screen(opened, "threads-end")
        opened.press("?")
        self.assert_screen(opened, "help")
        opened.press("X", "T")
        self.assert_screen(opened, "table")

    def test_filter(self):
        opened = self.open()
        opened.wait_for("end of run.zst")
        opened.type("/WOR")
        self.assert_screen(opened, "filter-typed")
        opened.press("Enter")
        self.assert_screen(opened, "filter")
        opened.type("/nothing that")
        opened.wait_for("^nothing matches")
        opened.press("Escape")
        self.assert_screen(opened, "filter")
        opened.press("/", "BSpace")
        opened.wait_for("Press q to quit")
        self.assert_screen(opened, "table")

    def test_gil_and_reset(self):
        opened = self.open()
        opened.wait_for("Worker.wait")
        opened.press("g")
        opened.wait_for(r"\[GIL only\] \[idle too\]")
        self.assertNotIn("Worker.wait", opened.screen())
        opened.press("G", "r")
        opened.wait_for("^Total Samples 0$")

    def test_play(self):
        opened = self.open("--idle", "run.zst")
        opened.wait_for(r"^\d\.\ds, \d+%  \[idle too\]")
        opened.press("p")
        opened.wait_for(r"\[paused\]")
        first = opened.screen()
        opened.press("C-l")
        self.assertEqual(first, opened.wait_for_screen(first))
        opened.press("Right")
        opened.wait_for(r"^end of run.zst  2\.4s  \[paused\]")
        opened.press("Left")
        opened.wait_for(r"^0\.0s, \d+%  \[paused\]")
        opened.wait_for("^Total Samples 1$")
        opened.press("<")
        opened.wait_for(r"s, \d+% at 0\.5 x  \[paused\]")
        opened.press(">", ">", ">", ">")
        opened.wait_for(r"s, \d+% at 8 x  \[paused\]")
        opened.press("P")
        opened.wait_for(r"^end of run.zst  2\.4s at 8 x  \[idle too\]")
        opened.wait_for("^Total Samples %d " % SAMPLES)


class Sizes(TopTest):
    def test_sizes(self):
        opened = self.open()
        for width, height in ((80, 24), (120, 40), (51, 20), (50, 20), (34, 10), (20, 5), (80, 24)):
            opened.resize(width, height)
            self.assert_screen(opened, "size-%dx%d" % (width, height))
        for width, height in ((1, 1), (5, 2), (300, 100), (80, 24)):
            opened.resize(width, height)
        self.assert_screen(opened, "size-80x24")
        opened.press("q")
        self.assert_ended(opened)

    def test_opened_small(self):
        opened = self.open(width=20, height=5)
        self.assert_screen(opened, "size-20x5")
        opened.press("?")
        self.assert_screen(opened, "help-20x5")
        opened.press("Down", "End")
        opened.wait_for("^ q, Control-C")


class Ends(TopTest):
    def test_keys(self):
        for key in ("q", "Q", "C-c"):
            with self.subTest(key=key):
                opened = self.open()
                opened.wait_for("end of run.zst")
                opened.press(key)
                self.assert_ended(opened)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(signal=number):
                opened = self.open()
                opened.wait_for("end of run.zst")
                os.kill(opened.program("pyspy-analyze"), number)
                self.assert_ended(opened, 128 + number)

    def test_stopped(self):
        opened = Terminal("PS1='ready> ' bash --norc -i")
        self.addCleanup(opened.close)
        opened.wait_for("^ready>")
        opened.type("%s top --speed 0 --idle %s" % (support.ANALYZE, self.file))
        opened.press("Enter")
        opened.wait_for("Worker.wait")
        opened.press("C-z")
        opened.wait_for("Stopped")
        self.assertFalse(opened.is_alternate())
        opened.resize(60, 20)
        opened.type("fg")
        opened.press("Enter")
        opened.wait_for("Worker.wait")
        self.assertTrue(opened.is_alternate())
        opened.press("q")
        opened.wait_for("^ready>.*\nready>|fg\n(.*\n)*ready>")
        self.assertFalse(opened.is_alternate())

    def test_lost_terminal(self):
        opened = self.open()
        opened.wait_for("end of run.zst")
        pid = opened.program("pyspy-analyze")
        opened.close()
        support.wait_until(lambda: not os.path.exists("/proc/%d" % pid), 30, "the end of top")


class Terminals(TopTest):
    def refuse(self, message, options=("run.zst",), **keywords):
        opened = self.open(*options, **keywords)
        opened.wait_for(message)
        self.assert_ended(opened, support.EXIT_FAILED)

    def test_refused(self):
        self.refuse("the terminal 'dumb' .TERM. cannot move its cursor", term="dumb")
        self.refuse("the terminal 'no-such' .TERM. is not known", term="no-such")
        self.refuse("TERM is not set", term="")

    def test_no_terminal(self):
        done = support.run([support.ANALYZE, "top", self.file], start_new_session=True)
        self.assertEqual(done.returncode, support.EXIT_FAILED)
        self.assertIn(b"standard output is no terminal", done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_no_terminal_and_a_command(self):
        """It is not started."""
        made = os.path.join(self.folder, "made")
        done = support.run([support.ANALYZE, "top", "--", "touch", made])
        self.assertEqual(done.returncode, support.EXIT_FAILED)
        self.assertIn(b"standard output is no terminal", done.stderr)
        for term in ("dumb", "no-such", ""):
            self.refuse("error: .*TERM", options=("--", "touch", made), term=term)
        self.assertFalse(os.path.exists(made))

    def colors(self, screen):
        numbers = re.findall(r"\x1b\[([\d;]*)m", screen)
        return {int(n) for text in numbers for n in text.split(";") if n} & set(range(30, 38))

    def test_colors(self):
        for term, environment, expected in (
            (None, {}, {32}),
            (None, {"NO_COLOR": "1"}, set()),
            ("vt100", {}, set()),
        ):
            with self.subTest(term=term, environment=environment):
                opened = self.open(term=term, environment=environment)
                self.assert_screen(opened, "table")
                self.assertEqual(self.colors(opened.screen(escapes=True)), expected)

    def test_ascii(self):
        opened = self.open(environment={"LC_ALL": "C"})
        opened.wait_for(r"na\\xefve_\\u043a")


class Streams(TopTest):
    def test_file_as_stream(self):
        opened = Terminal("cat %s | %s top --idle -" % (self.file, support.ANALYZE))
        self.addCleanup(opened.close)
        opened.wait_for("end of standard input")
        opened.wait_for("^Total Samples %d " % SAMPLES)
        opened.press("q")
        self.assert_ended(opened)

    def test_no_stream(self):
        for content in ("", "no snapshot", "x" * 100000):
            with self.subTest(content=content[:20]):
                path = os.path.join(self.folder, "content")
                with open(path, "w", encoding="ascii") as file:
                    file.write(content)
                opened = Terminal("cat %s | %s top -" % (path, support.ANALYZE))
                self.addCleanup(opened.close)
                self.assertEqual(opened.wait_for_end(), support.EXIT_FAILED)
                opened.wait_for("^pyspy-analyze: error: .*standard input")

    def test_process_ends(self):
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("there is no interpreter")
        with Target(interpreter, "moving.py", 3, 600) as target:
            target.wait_for("tree.json")
            opened = Terminal(
                "%s -q --pid %d -r 50 -o - | %s top -" % (support.CAPTURE, target.pid, support.ANALYZE)
            )
            self.addCleanup(opened.close)
            opened.wait_for(r"^Total Samples [1-9]\d+")
            opened.wait_for(r"moving_\d\.py\)$")
            self.assertRegex(
                opened.screen(), r"(?m)^GIL: \d+\.\d+%, Active: \d+\.\d+%, Threads: \d+$"
            )
            pid = target.pid
        opened.wait_for("^process %d ended  Press q" % pid)
        opened.wait_for(r"moving_\d\.py\)$")
        opened.press("q")
        self.assert_ended(opened)


class Live(TopTest):
    def setUp(self):
        self.interpreter = newest_supported()
        if self.interpreter is None:
            self.skipTest("there is no interpreter")

    def test_process(self):
        with Target(self.interpreter, "moving.py", 3, 600) as target:
            target.wait_for("tree.json")
            opened = Terminal("%s top -r 50 --pid %d" % (support.ANALYZE, target.pid))
            self.addCleanup(opened.close)
            opened.wait_for(r"moving_\d\.py\)$")
            opened.press("p")
            opened.wait_for(r"^\[paused\] Press q")
            opened.press("p", "l")
            opened.wait_for(r"moving_\d\.py:\d+\)$")
            pid = target.pid
        opened.wait_for("^process %d ended  Press q" % pid)
        opened.press("q")
        self.assert_ended(opened)

    def open_command(self, name, text, *options, before=""):
        """top of a program that it starts."""
        script = os.path.join(self.folder, name)
        with open(script, "w", encoding="ascii") as file:
            file.write(text)
        variables = ["%s=%s" % item for item in sorted(self.interpreter.environment.items())]
        words = [support.ANALYZE, "top", *options, "--", "env", *variables]
        opened = Terminal(before + " ".join(words + self.interpreter.command + [script]))
        self.addCleanup(opened.close)
        return opened

    def test_command(self):
        text = "import sys\nwhile True:\n    print('noise'); sys.stderr.write('noise\\n')\n"
        opened = self.open_command("noisy.py", text, "--kill")
        opened.wait_for(r"<module> \(.*noisy\.py\)$")
        opened.wait_for("^Total Samples [1-9]\\d\\d")
        self.assertNotRegex(opened.screen(), "(?m)^noise|noise$")
        opened.press("q")
        self.assert_ended(opened)

    def test_status_of_a_command(self):
        """Its last table stays until it is left, and then its status is given."""
        text = "import time\nend = time.time() + 1\nwhile time.time() < end: pass\nraise SystemExit(7)\n"
        opened = self.open_command("ends.py", text)
        opened.wait_for("process \\d+ ended")
        opened.press("q")
        self.assert_ended(opened, 7)

    def test_output_of_a_command_that_fails(self):
        """Hidden while there is a screen."""
        text = "import time\nend = time.time() + 1\nwhile time.time() < end: pass\nraise OSError('gone wrong')\n"
        opened = self.open_command("raises.py", text)
        opened.wait_for("process \\d+ ended")
        self.assertNotIn("gone wrong", opened.screen())
        opened.press("q")
        self.assert_ended(opened, 1)
        opened.wait_for("^Traceback (.*\n)+OSError: gone wrong$")

    def test_command_without_a_sample(self):
        for status, message in ((7, "gone wrong"), (0, "ended before a sample of it")):
            with self.subTest(status=status):
                command = "sh -c 'echo gone wrong; exit %d'" % status
                opened = Terminal("%s top -- %s" % (support.ANALYZE, command))
                self.addCleanup(opened.close)
                self.assert_ended(opened, status or support.EXIT_FAILED)
                opened.wait_for(message)

    def test_keys_are_not_for_the_command(self):
        """What it reads is a file or a pipe, or nothing."""
        text = (
            "import os, sys\nbytes = sys.stdin.read()\n"
            "with open(%r, 'w') as file: file.write(repr(bytes))\n"
            "os.rename(%r, %r)\n"
            "while True: pass\n"
        )
        for before, expected in (("", "''"), ("printf words | ", "'words'")):
            with self.subTest(before=before):
                path = os.path.join(self.folder, "read")
                opened = self.open_command(
                    "reads.py", text % (path + "~", path + "~", path), "--kill", before=before
                )
                support.wait_until(lambda: os.path.exists(path), 30, "the end of what it reads")
                with open(path, encoding="ascii") as file:
                    self.assertEqual(file.read(), expected)
                os.unlink(path)
                opened.wait_for(r"<module> \(.*reads\.py\)$")
                opened.press("q")
                self.assert_ended(opened)

    def test_no_process(self):
        opened = Terminal("%s top --pid 999999999" % support.ANALYZE)
        self.addCleanup(opened.close)
        self.assertEqual(opened.wait_for_end(), support.EXIT_FAILED)
        opened.wait_for("^pyspy-analyze: error: .*999999999")


if __name__ == "__main__":
    unittest.main()
