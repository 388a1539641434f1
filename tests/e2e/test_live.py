"""dump, record and report of running processes: pyspy-capture behind a pipe."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import unittest

import support
import terminal
from capture_case import PYTHON, CaptureCase, IS_ROOT, drop_privileges, process_status
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters, newest_supported
from support import ANALYZE, CAPTURE, EndToEndTest, Target

PEERS = os.environ.get("PYSPY_PEERS", "build/peers")

# What its functions are called is all that a report has to show.
BUSY = """
def inner():
    while True:
        sum(range(100))
def outer():
    inner()
outer()
"""

# Begins of the formats.
FORMATS = {
    "flamegraph": ("svg", b"<?xml"),
    "raw": ("txt", b"<module>"),
    "collapsed": ("txt", b"<module>"),
    "speedscope": ("json", b'{"$schema"'),
    "chrometrace": ("json", b'{"displayTimeUnit"'),
    "pprof": ("pb.gz", b"\x1f\x8b"),
    "html": ("html", b"<!DOCTYPE html>"),
    "ndjson": ("ndjson", b"{"),
    "text": ("txt", b""),
}


def record(*arguments, **options):
    return support.run([ANALYZE, "record"] + list(arguments), **options)


@template
class Live(EndToEndTest):
    interpreter = None

    def test_dump_is_that_of_a_capture(self):
        with Target(self.interpreter, "stacks.py", 5, 12) as target:
            target.settle()
            path = target.path("snapshot.zst")
            pid = str(target.pid)
            for options in ([], ["--locals"], ["--nonblocking"]):
                if os.path.exists(path):
                    os.unlink(path)
                support.capture(target.pid, path, *options)
                show = [option for option in options if option != "--nonblocking"]
                live = support.check([ANALYZE, "dump", "--json", "--pid", pid] + options)
                self.assert_identical(
                    support.dump_json(path, *show), json.loads(live.stdout.decode()), options
                )

    def test_record(self):
        with Target(self.interpreter, "known_times.py", 600) as target:
            target.wait_for("ready")
            done = support.check(
                [ANALYZE, "record", "--pid", str(target.pid), "-d", "2", "-f", "raw", "-F", "-o", "-"]
            )
            counts = {}
            for line in done.stdout.decode().splitlines():
                stack, count = line.rsplit(" ", 1)
                name = stack.split(";")[-1].split(" ")[0]
                counts[name] = counts.get(name, 0) + int(count)
            self.assertGreater(counts["hot"], counts["warm"])
            self.assertGreater(counts["warm"], 0)
            self.assertIsNone(target.process.poll())


class Record(CaptureCase):
    def setUp(self):
        super().setUp()
        self.target = self.start_python(BUSY)
        self.pid = str(self.target.pid)

    def assert_untouched(self):
        self.assertIsNone(self.target.poll())
        support.wait_until(
            lambda: process_status(self.target.pid)["TracerPid"] == "0", 20, "nobody traces it"
        )

    def begin(self, *arguments, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [ANALYZE, "record", "--pid", self.pid, "-f", "raw"] + list(arguments),
            stdin=subprocess.DEVNULL,
            **options
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def capture_of(self, process):
        """The number of its pyspy-capture, once it has given samples."""

        def children():
            with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as stream:
                return stream.read().split()

        support.wait_until(children, 20, "pyspy-capture runs")
        return int(children()[0])

    def wait_for_samples(self, capture):
        """It has written out samples twice."""

        def written():
            with open("/proc/%d/io" % capture) as stream:
                return int(re.search(r"wchar: (\d+)", stream.read()).group(1))

        for _ in range(2):
            before = written()
            support.wait_until(lambda: written() > before, 60, "samples are written")

    def test_formats_and_names(self):
        for name, (extension, begin) in FORMATS.items():
            folder = os.path.join(self.base, name)
            os.mkdir(folder)
            done = record("-p", self.pid, "-d", "0.2", "-f", name, cwd=folder)
            self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr)
            (made,) = os.listdir(folder)
            self.assertRegex(made, r"^python[0-9.]*-\d{4}-\d\d-\d\dT\d{6}Z\." + re.escape(extension) + "$")
            self.assertIn(b"wrote " + made.encode(), done.stderr)
            with open(os.path.join(folder, made), "rb") as stream:
                content = stream.read()
            self.assertTrue(content.startswith(begin), content[:40])
            self.assertGreater(len(content), 0)

    def test_report_prints(self):
        done = support.check([ANALYZE, "report", "-p", self.pid, "-d", "0.3", "-f", "raw", "-r", "50"])
        self.assertIn(b"inner", done.stdout)
        self.assert_untouched()

    def test_rate_and_duration(self):
        done = record("-p", self.pid, "-d", "2", "-r", "20", "-f", "raw", "-i", "-o", "-")
        total = sum(int(line.rsplit(b" ", 1)[1]) for line in done.stdout.splitlines())
        self.assertLessEqual(total, 41)
        self.assertGreater(total, 5)

    def test_signals_end_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.begin("-o", "-")
            self.wait_for_samples(self.capture_of(process))
            process.send_signal(number)
            text, messages = process.communicate(timeout=60)
            self.assertEqual(process.returncode, support.EXIT_DONE, messages)
            self.assertIn(b"inner", text)
            self.assertEqual(messages, b"")
            self.assert_untouched()

    def test_signal_where_others_are_ignored(self):
        """As in the background of a shell, which has its children ignore SIGINT."""
        process = self.begin(
            "-o", "-", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
        )
        self.wait_for_samples(self.capture_of(process))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        self.assertIn(b"inner", process.communicate(timeout=60)[0])
        self.assertEqual(process.returncode, support.EXIT_DONE)

    def test_control_c(self):
        """A terminal gives it to both programs."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        output = os.path.join(self.base, "output.txt")

        def take_terminal():
            os.setsid()
            support._LIBC.ioctl(0, 0x540E, 0)  # TIOCSCTTY

        process = subprocess.Popen(
            [ANALYZE, "record", "-p", self.pid, "-f", "raw", "-o", output],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            preexec_fn=take_terminal,
        )
        os.close(follower)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        screen = b""
        while b" samples in" not in screen or b": 0 samples" in screen.split(b"\r")[-1]:
            screen += os.read(leader, 4096)
        self.wait_for_samples(self.capture_of(process))
        os.write(leader, b"\x03")
        self.assertEqual(process.wait(timeout=60), support.EXIT_DONE)
        with open(output) as stream:
            self.assertIn("inner", stream.read())
        self.assert_untouched()

    def test_process_ends(self):
        process = self.begin("-o", "-")
        self.wait_for_samples(self.capture_of(process))
        self.target.kill()
        self.target.wait()
        text, messages = process.communicate(timeout=60)
        self.assertEqual(process.returncode, support.EXIT_DONE, messages)
        self.assertIn(b"inner", text)

    def test_killed(self):
        """Its capture does not outlive it, and the target is let go."""
        process = self.begin("-o", os.path.join(self.base, "output.txt"))
        capture = self.capture_of(process)
        self.wait_for_samples(capture)
        process.kill()
        process.wait()
        support.wait_until(lambda: not os.path.exists("/proc/%d" % capture), 60, "its capture ends")
        self.assert_untouched()
        self.assertFalse(os.path.exists(os.path.join(self.base, "output.txt")))

    def test_capture_is_killed(self):
        """What there was is shown, and it is said that it is not all."""
        process = self.begin("-o", "-")
        capture = self.capture_of(process)
        self.wait_for_samples(capture)
        os.kill(capture, signal.SIGKILL)
        text, messages = process.communicate(timeout=60)
        self.assertEqual(process.returncode, support.EXIT_PARTIAL, messages)
        self.assertIn(b"inner", text)
        self.assertIn(b"ended by signal 9", messages)
        self.assertIn(b"no end mark", messages)
        self.assert_untouched()

    def test_existing_output(self):
        """Said at once, not after the sampling."""
        output = os.path.join(self.base, "output.txt")
        with open(output, "w") as stream:
            stream.write("kept")
        done = record("-p", self.pid, "-o", output)
        self.assertEqual(done.returncode, support.EXIT_FAILED)
        self.assertIn(b"exists already", done.stderr)
        with open(output) as stream:
            self.assertEqual(stream.read(), "kept")

    def test_full_and_closed_output(self):
        with open("/dev/full", "wb") as full:
            done = record("-p", self.pid, "-d", "0.2", "-f", "raw", "-o", "-", stdout=full)
        self.assertEqual(done.returncode, support.EXIT_FAILED)
        self.assertIn(b"No space left", done.stderr)
        process = self.begin("-d", "0.2", "-o", "-")
        process.stdout.close()
        process.wait(timeout=60)
        self.assertNotEqual(process.returncode, support.EXIT_DONE)
        process.stdout = None
        self.assert_untouched()

    def test_where_ends_of_children_are_ignored(self):
        """Some that start others leave it so."""
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter that is supported")
        sleeper = Target(interpreter, "known_times.py", 600)
        self.addCleanup(sleeper.close)
        sleeper.wait_for("ready")
        ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)}
        done = support.run([ANALYZE, "dump", "--pid", str(sleeper.pid)], **ignoring)
        self.assertEqual((done.returncode, done.stderr.decode()), (support.EXIT_DONE, ""))

    def test_no_process(self):
        for command in ("dump", "record", "report"):
            done = support.run([ANALYZE, command, "--pid", "4194305"])
            self.assertEqual(done.returncode, support.EXIT_FAILED)
            self.assertEqual(done.stderr.decode(), "pyspy-analyze: error: there is no process 4194305\n")

    def test_no_python(self):
        sleep = self.start_sleep()
        done = record("-p", str(sleep.pid), cwd=self.base)
        self.assertEqual(done.returncode, support.EXIT_NO_PYTHON, done.stderr)

    @unittest.skipUnless(IS_ROOT, "only root has a process that others may not look at")
    def test_no_permission(self):
        for name in ("pyspy-analyze", "pyspy-capture"):
            shutil.copy(os.path.join(support.BUILD, name), self.base)
        program = os.path.join(self.base, "pyspy-analyze")
        for command in ("dump", "report"):
            done = support.run([program, command, "-p", self.pid], preexec_fn=drop_privileges)
            self.assertEqual(done.returncode, support.EXIT_PERMISSION, done.stderr)
            self.assertIn(b"error: cannot", done.stderr)
        self.assert_untouched()

    def test_where_capture_is_sought(self):
        program = os.path.join(self.base, "bin", "pyspy-analyze")
        os.mkdir(os.path.dirname(program))
        shutil.copy(ANALYZE, program)
        nowhere = {"PATH": "/nonexistent"}
        for command in ("dump", "record"):
            done = support.run([program, command, "-p", self.pid], env=nowhere)
            self.assertEqual(done.returncode, support.EXIT_FAILED)
            for part in (os.path.dirname(program), "libexec/pyspy", "PATH", "install it there"):
                self.assertIn(part, done.stderr.decode())
        support.check([program, "dump", "-p", self.pid], env={"PATH": os.path.dirname(CAPTURE)})
        folder = os.path.join(self.base, "libexec", "pyspy")
        os.makedirs(folder)
        shutil.copy(CAPTURE, folder)
        support.check([program, "dump", "-p", self.pid], env=nowhere)

    def test_several_processes(self):
        other = self.start_python(BUSY)
        pids = ["-p", self.pid, "-p", str(other.pid)]
        dump = json.loads(support.check([ANALYZE, "dump", "-j"] + pids).stdout.decode())
        self.assertEqual({thread["pid"] for thread in dump}, {int(self.pid), other.pid})
        done = support.check([ANALYZE, "report", "-f", "raw", "-s", "-d", "0.5"] + pids)
        self.assertIn("process %s:" % self.pid, done.stdout.decode())
        self.assertIn("process %d:" % other.pid, done.stdout.decode())

    def test_streams(self):
        """A pipe is read as it comes; a dump shows its last sample."""
        run = support.check([CAPTURE, "-p", self.pid, "-r", "50", "--count", "20", "-o", "-"]).stdout
        report = support.check([ANALYZE, "report", "-i", "-f", "raw", "-"], input=run).stdout
        total = sum(int(line.rsplit(b" ", 1)[1]) for line in report.splitlines())
        self.assertEqual(total, 20)
        self.assertIn(b"Sample 20 of 20", support.check([ANALYZE, "dump", "-"], input=run).stdout)
        cut = support.run([ANALYZE, "report", "-i", "-f", "raw", "-"], input=run[: len(run) * 2 // 3])
        self.assertIn(cut.returncode, (support.EXIT_PARTIAL, support.EXIT_FAILED))
        self.assertIn(b"cut", cut.stderr)
        core = support.run([ANALYZE, "report", "-"], input=b"not a snapshot" * 100)
        self.assertEqual(core.returncode, support.EXIT_FAILED)

    def test_interrupted_stream(self):
        """Control-C comes to both sides of a pipe: one completes the stream, the other its report."""
        capture = subprocess.Popen(
            [CAPTURE, "-p", self.pid, "-r", "100", "-q", "-o", "-"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(capture.wait)
        self.addCleanup(capture.kill)
        report = subprocess.Popen(
            [ANALYZE, "report", "-f", "raw", "-"],
            stdin=capture.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        capture.stdout.close()
        self.addCleanup(report.communicate)
        self.addCleanup(report.kill)
        self.wait_for_samples(capture.pid)
        support.wait_until(
            lambda: int(process_status(report.pid)["SigCgt"], 16) & 1 << signal.SIGINT - 1,
            20,
            "the report reads",
        )
        report.send_signal(signal.SIGINT)
        capture.send_signal(signal.SIGINT)
        text, messages = report.communicate(timeout=60)
        self.assertEqual(report.returncode, support.EXIT_DONE, messages)
        self.assertIn(b"inner", text)

    def test_as_py_spy(self):
        py_spy = shutil.which("py-spy", path=os.path.join(PEERS, "bin") + os.pathsep + os.environ["PATH"])
        if not py_spy:
            self.skipTest("py-spy is not installed (scripts/make-peers, PYSPY_PEERS)")
        theirs = os.path.join(self.base, "theirs.txt")
        arguments = ["-p", self.pid, "-d", "1", "-f", "raw", "-F"]
        support.check([py_spy, "record", "-o", theirs] + arguments)
        ours = record("-o", "-", *arguments)

        def stacks(lines):
            return {re.sub(r"[^;]*/", "", line.rsplit(" ", 1)[0]) for line in lines.splitlines()}

        with open(theirs) as stream:
            self.assertEqual(stacks(ours.stdout.decode()), stacks(stream.read()))


class Commands(CaptureCase):
    """`-- COMMAND`."""

    def command(self, text, *arguments, **options):
        program = os.path.join(self.base, "command.py")
        with open(program, "w") as stream:
            stream.write(text)
        return record("-f", "raw", "-o", "-", *(arguments + ("--", sys.executable, program)), **options)

    TEXT = """
import sys, time
print("said by it", file=sys.stderr)
def work(end):
    while time.time() < end: pass
work(time.time() + 1)
sys.exit(%d)
"""

    def test_status_and_output(self):
        done = self.command(self.TEXT % 7)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn(b"work", done.stdout)
        self.assertIn(b"said by it", done.stderr)

    def test_output_is_hidden(self):
        done = self.command(self.TEXT % 0, "--capture-output")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"said by it", done.stderr)
        self.assertIn(b"said by it", self.command(self.TEXT % 1, "--capture").stderr)

    def test_duration(self):
        """It runs on, and nothing of ours keeps it from that."""
        done = self.command("import time\nwhile True: time.sleep(0.01)", "-d", "0.5", "-i", "--kill")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"<module>", done.stdout)

    def test_said_before_it_is_sampled(self):
        """What makes the end impossible is no reason to sample first, nor to start the command."""
        marker = os.path.join(self.base, "marker")
        gone = os.path.join(self.base, "gone")
        run = [ANALYZE, "record", "--", "touch", marker]
        os.mkdir(gone)
        script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
        done = support.run(["sh", "-c", script, "sh", gone] + run)
        self.assertEqual(done.returncode, support.EXIT_FAILED, done.stderr)
        self.assertIn(b"cannot create", done.stderr)
        for unit, name in (("cpu", "speedscope"), ("gil", "chrometrace")):
            done = support.run(run[:2] + ["--weight", unit, "-f", name] + run[2:], cwd=self.base)
            self.assertEqual(done.returncode, support.EXIT_USAGE, done.stderr)
            self.assertIn(b"cannot weigh", done.stderr)
        self.assertFalse(os.path.exists(marker))
        self.assertEqual(os.listdir(self.base), ["output"])

    def test_hostile_name(self):
        """The file is called after the program, which can be called anything."""
        program = os.path.join(self.base, "py\x1b]0;owned\x07\x1b[31m -\n")
        shutil.copy(os.path.realpath(sys.executable), program)
        script = os.path.join(self.base, "command.py")
        folder = os.path.join(self.base, "results")
        os.mkdir(folder)
        with open(script, "w") as stream:
            stream.write(self.TEXT % 0)
        environment = dict(os.environ, PYTHONHOME=sys.base_prefix)
        done = record("--capture", "--", program, script, cwd=folder, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        (name,) = os.listdir(folder)
        self.assertRegex(name, r"^py__0_owned___31m_-_-[\dTZ-]+\.svg$")
        self.assertEqual(done.stderr.decode(), "wrote %s\n" % name)

    def test_no_sample(self):
        """A status of its own is the command's; that it did well is no success of ours."""
        for hidden in ([], ["--capture"]):
            for command, name, status in (
                (["true"], b"true", support.EXIT_FAILED),
                (["sh", "-c", "exit 3"], b"sh", 3),
            ):
                done = record(*(hidden + ["--"] + command), cwd=self.base)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(name + b" ended before a sample of it could be taken", done.stderr)
                self.assertNotIn(b"is empty", done.stderr)
        self.assertEqual(os.listdir(self.base), ["output"])

    def test_no_such_command(self):
        done = record("--", os.path.join(self.base, "nothing"), cwd=self.base)
        self.assertEqual(done.returncode, 127)
        self.assertIn(b"cannot run", done.stderr)
        self.assertEqual(os.listdir(self.base), ["output"])


class DumpOfCommand(CaptureCase):
    """`dump -- COMMAND`: one sample of what is started."""

    # It works until the file "end" is there, and tells that it has begun, and its end.
    TEXT = """
import os, sys
print("said by it", file=sys.stderr, flush=True)
def work():
    while not os.path.exists("end"): pass
def begin():
    open("begun", "w").close()
    work()
    open("ended", "w").close()
begin()
sys.exit(7)
"""

    def words(self, *arguments, text=TEXT):
        with open(os.path.join(self.base, "command.py"), "w") as stream:
            stream.write(text)
        return [ANALYZE, "dump", *arguments, "--", *PYTHON.command, "command.py"]

    def dump(self, *arguments, text=TEXT, **options):
        options.setdefault("env", dict(os.environ, **PYTHON.environment))
        return support.run(self.words(*arguments, text=text), cwd=self.base, **options)

    def mark(self, name):
        open(os.path.join(self.base, name), "w").close()

    def has(self, name):
        return os.path.exists(os.path.join(self.base, name))

    def test_it_runs_on(self):
        """Its output is in files, which nobody waits for."""
        self.addCleanup(support.wait_until, lambda: self.has("ended"), 60, "its end")
        self.addCleanup(self.mark, "end")
        for name in ("out", "log"):
            self.mark(name)
        with open(os.path.join(self.base, "out"), "wb") as out, open(
            os.path.join(self.base, "log"), "wb"
        ) as log:
            done = self.dump("-d", "1", stdout=out, stderr=log)
        with open(os.path.join(self.base, "out")) as stream:
            self.assertRegex(
                stream.read(),
                r"(?s)^Process \d+: .*command\.py\n.*\nSample \d+ of \d+, .*"
                r"\n    work \(command\.py:5\)\n    begin \(command\.py:8\)\n    <module> ",
            )
        with open(os.path.join(self.base, "log")) as stream:
            self.assertEqual(stream.read(), "said by it\n")
        self.assertEqual(done.returncode, support.EXIT_DONE)
        self.assertTrue(self.has("begun"))
        self.assertFalse(self.has("ended"))

    def test_as_soon_as_its_python_runs(self):
        done = self.dump("--kill", "--json")
        self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr)
        (thread,) = json.loads(done.stdout.decode())
        self.assertRegex(thread["process_info"]["command_line"], r"command\.py$")
        self.assertNotIn("of", done.stderr.decode().split())
        self.assertFalse(os.path.exists("/proc/%d" % thread["pid"]))

    def test_it_ends(self):
        """Before the time is over: what it did last, and its status."""
        text = """
import os, sys, time
print("said by it", file=sys.stderr, flush=True)
def work(end):
    while time.time() < end: pass
    os._exit(%d)
work(time.time() + 1)
"""
        for hidden in ((), ("--capture-output",)):
            done = self.dump("-d", "unlimited", *hidden, text=text % 7)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertRegex(done.stdout.decode(), r"work \(command\.py:[56]\)")
            self.assertEqual(done.stderr.decode(), "said by it\n")
        done = self.dump("-d", "60", "--capture-output", text=text % 0)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))

    def test_input(self):
        """It is the command's."""
        text = "import sys\nword = sys.stdin.read()\nprint(word)\nsys.exit(len(word))\n"
        done = self.dump("-d", "60", text=text, input=b"words")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertTrue(done.stdout.startswith(b"words\n"), done.stdout)

    def test_no_sample(self):
        done = support.run([ANALYZE, "dump", "--", "sh", "-c", "exit 3"])
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"sh ended before a sample of it", done.stderr)
        done = support.run([ANALYZE, "dump", "-o", "out", "--", "./nothing"], cwd=self.base)
        self.assertEqual(done.returncode, 127)
        self.assertIn(b"cannot run ./nothing", done.stderr)
        self.assertFalse(self.has("out"))

    def test_not_started(self):
        """What is wrong is said before it does anything; and what is no command is a file."""
        self.mark("out")
        for words, message in (
            (["dump", "-o", "out"], b"exists already"),
            (["dump", "-p1"], b"exclude each other"),
            (["dump", "out"], b"exclude each other"),
            ([], b"there is no file 'touch'"),
        ):
            done = support.run([ANALYZE, *words, "--", "touch", "started"], cwd=self.base)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)
            self.assertFalse(self.has("started"))

    def test_control_c(self):
        """It ends the sampling, as it may end the command; what was sampled is shown."""
        if terminal.REASON:
            self.skipTest(terminal.REASON)
        line = "cd %s; env %s %s" % (
            self.base,
            " ".join("%s=%s" % item for item in PYTHON.environment.items()),
            " ".join(self.words("-d", "unlimited")),
        )
        opened = terminal.Terminal(line)
        self.addCleanup(opened.close)
        support.wait_until(lambda: self.has("begun"), 60, "it has begun")
        support.time.sleep(0.5)
        opened.press("C-c")
        self.assertEqual(opened.wait_for_end(), 128 + signal.SIGINT)
        opened.wait_for(r"^    work \(command\.py:5\)$")
        opened.wait_for(r"^KeyboardInterrupt$")


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), Live, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
