"""`-- COMMAND`: started, sampled from its beginning, and left as if nobody had looked."""

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402
from capture_case import CAPTURE, IS_ROOT, NOBODY, PYTHON, CaptureCase, state_of  # noqa: E402
from generate import add_class, make_load_tests, template  # noqa: E402
from interpreters import find_interpreters  # noqa: E402

SUMMARY = re.compile(r"\((\d+) samples, (\d+) late, (\d+) failed")

# Runs until the file "end" is there: how long it takes is for the test to say.
WAITS = """
import os, sys, time
def inner():
    while not os.path.exists(sys.argv[1] + "/end"):
        time.sleep(0.002)
def outer():
    inner()
open(sys.argv[1] + "/begun", "w").close()
outer()
"""


# A program that goes on when the first sample is in the file %r: it is written at once.
SAMPLED = "import os, time\nwhile not os.path.exists(%r): time.sleep(0.01)\n"


class SpawnCase(CaptureCase):
    def program(self, text, name="program.py"):
        path = os.path.join(self.base, name)
        with open(path, "w") as stream:
            stream.write(text)
        return path

    def python(self, text, *arguments):
        return PYTHON.command + [self.program(text), self.base, *arguments]

    def mark(self, name):
        open(os.path.join(self.base, name), "w").close()

    def wait_for_mark(self, name):
        path = os.path.join(self.base, name)
        support.wait_until(lambda: os.path.exists(path), 60, name)

    def options(self, *options):
        output = () if "-o" in options else ("-o", self.path())
        return [CAPTURE, *output, *options]

    def run_command(self, command, *options, **keywords):
        keywords.setdefault("env", dict(os.environ, **PYTHON.environment))
        done = support.run([*self.options(*options), "--", *command], **keywords)
        done.text = (done.stderr or b"").decode(errors="replace")
        return done

    def begin(self, command, *options, **keywords):
        """Its messages go to a file: a command that runs on keeps a pipe open."""
        keywords.setdefault("env", dict(os.environ, **PYTHON.environment))
        keywords.setdefault("stdout", subprocess.DEVNULL)
        self.log = os.path.join(self.base, "log-%d" % len(self.targets))
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                [*self.options(*options), "--", *command],
                stdin=subprocess.DEVNULL,
                stderr=log,
                **keywords
            )
        self.targets.append(process)
        if process.stdout:
            self.addCleanup(process.stdout.close)
        return process

    def said(self):
        with open(self.log) as stream:
            return stream.read()

    def end(self, process, status=0):
        self.assertEqual(process.wait(timeout=60), status, self.said())
        return self.said()

    def wait_for_samples(self, name="snapshot.zst"):
        """The first is written at once, the next ones together."""
        path = self.path(name)
        support.wait_until(lambda: os.path.exists(path), 60, "the first sample")
        size = os.path.getsize(path)
        support.wait_until(lambda: os.path.getsize(path) > size, 60, "more samples")

    def child_of(self, process):
        """The command's number. It is ended with the test."""
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as stream:
            for pid in map(int, stream.read().split()):
                with open("/proc/%d/comm" % pid) as comm:
                    if comm.read().strip() != "pyspy-output":
                        self.addCleanup(self.kill_quietly, pid)
                        return pid
        self.fail("it has no child")

    @staticmethod
    def kill_quietly(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass

    @staticmethod
    def is_alive(pid):
        try:
            with open("/proc/%d/stat" % pid) as stream:
                return stream.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def stacks(self, *options, name="snapshot.zst"):
        done = support.check(
            [support.ANALYZE, "report", "-f", "raw", "-i", self.path(name), *options]
        )
        return done.stdout.decode()


class Command(SpawnCase):
    # What it is like for the command.

    def test_status_and_output_are_its_own(self):
        text = "import sys, time; print('out'); print('err', file=sys.stderr); time.sleep(0.5); sys.exit(%d)"
        for number, status in enumerate((0, 1, 3, 125, 255)):
            name = "%d.zst" % number
            done = self.run_command(self.python(text % status), "-q", "-o", self.path(name))
            self.assertEqual((done.returncode, done.stdout), (status, b"out\n"))
            self.assertIn("err\n", done.text)

    def test_ended_by_a_signal(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            path = self.path("%d.zst" % number)
            text = SAMPLED % path + "os.kill(os.getpid(), %d)" % number
            done = self.run_command(self.python(text), "-o", path)
            self.assertEqual(done.returncode, 128 + number, done.text)
            self.assertIn("signal %d" % number, done.text)
            self.assertIn("samples", done.text)

    def test_what_it_inherits(self):
        """Signals, open files, its group and its standard streams are as without us."""
        look = (
            "grep -E '^(Sig(Blk|Ign|Cgt)|NoNewPrivs|Seccomp|Cap...):' /proc/self/status;"
            "ls /proc/self/fd; readlink /proc/self/fd/0; ps -o pgid= -p $$ | tr -d ' ';"
            "cut -d' ' -f18,19,41 /proc/self/stat; ulimit -a; umask; pwd; env | sort"
        )
        for ignored in ((), (signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)):

            def prepare():
                os.setsid()
                for number in range(1, 32):
                    if number not in (signal.SIGKILL, signal.SIGSTOP):
                        signal.signal(number, signal.SIG_DFL)
                for number in ignored:
                    signal.signal(number, signal.SIG_IGN)

            keywords = {"stdin": subprocess.DEVNULL, "env": {"PATH": os.environ["PATH"], "A": "b"}}
            alone = support.run(["sh", "-c", look], preexec_fn=prepare, **keywords)
            done = self.run_command(
                ["sh", "-c", look], "-q", "--wait", "0", preexec_fn=prepare, **keywords
            )
            self.assertEqual(done.returncode, 0, done.text)

            def lines(text):
                # The group is a new one each time: ours.
                return [line for line in text.decode().splitlines() if not re.match(r"\d{3,}$", line)]

            self.assertEqual(lines(done.stdout), lines(alone.stdout))

    def test_same_group(self):
        text = "import os; print(os.getpgrp() == os.getpgid(os.getppid()))"
        self.assertEqual(self.run_command(self.python(text)).stdout, b"True\n")

    def test_input_is_its_own(self):
        done = self.run_command(self.python("print(input()[::-1])"), input=b"abc\n")
        self.assertEqual(done.stdout, b"cba\n")

    def test_arguments(self):
        command = self.python("import sys; print(sys.argv[2:])", "-o", "--pid", "--", "", "a b")
        self.assertEqual(
            self.run_command(command).stdout, b"['-o', '--pid', '--', '', 'a b']\n"
        )

    # What is sampled.

    def test_samples_until_it_ends(self):
        process = self.begin(self.python(WAITS))
        self.wait_for_mark("begun")
        for _ in range(3):
            self.wait_for_samples()
        self.mark("end")
        self.assertGreater(int(SUMMARY.search(self.end(process)).group(1)), 5)
        self.assertRegex(self.stacks(), r"<module> \(.*program.py:\d+\);outer \(.*\);inner")

    def test_what_it_starts(self):
        """A shell that is no Python, with -s; without, what to do is said."""
        path = self.path("s.zst")
        line = "%s %s; exit 4" % (" ".join(PYTHON.command), self.program(SAMPLED % path))
        done = self.run_command(["sh", "-c", line], "-s", "-o", path)
        self.assertEqual(done.returncode, 4, done.text)
        self.assertNotIn("warning", done.text)
        # The first sample can be of its start-up.
        self.assertRegex(self.stacks(name="s.zst"), r"program\.py|importlib|site")
        self.program("import time\nfor _ in range(50): time.sleep(0.01)\n")
        done = self.run_command(["sh", "-c", line])
        self.assertEqual(done.returncode, 4, done.text)
        self.assertIn("--subprocesses", done.text)

    def test_default_name(self):
        text = "import os, time\nwhile not os.listdir(%r): time.sleep(0.01)" % self.output
        done = support.run(
            [CAPTURE, "--", *self.python(text)],
            cwd=self.output,
            env=dict(os.environ, **PYTHON.environment),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        (name,) = os.listdir(self.output)
        self.assertRegex(name, r"^python[\w.]*-\d+-\d{8}T\d{6}\.\d{3}Z\.zst$")

    def test_through_another_program(self):
        """env(1) becomes the interpreter."""
        command = ["env", "A=b", *self.python(SAMPLED % self.path() + "1/0")]
        done = self.run_command(command)
        self.assertEqual(done.returncode, 1, done.text)
        self.assertIn("samples", done.text)

    def test_the_duration_begins_with_the_first_sample(self):
        command = ["sh", "-c", 'sleep 2; exec "$0" "$@"'] + self.python(WAITS)
        text = self.end(self.begin(command, "-d", "0.5"))
        self.mark("end")
        self.assertGreater(int(SUMMARY.search(text).group(1)), 0)

    def test_a_file_for_each_period(self):
        pattern = self.path("%s.%{ms}.zst")
        process = self.begin(self.python(WAITS), "-o", pattern, "--every", "0.1")
        support.wait_until(lambda: len(os.listdir(self.output)) >= 3, 60, "files")
        self.mark("end")
        self.end(process)
        for name in os.listdir(self.output):
            self.assertEqual(len(support.dump_json(self.path(name))), 1)

    # Its end and ours.

    def test_left_running(self):
        process = self.begin(self.python(WAITS), "--count", "3")
        text = self.end(process)
        child = int(re.search(r"\(process (\d+)\) runs on\n", text).group(1))
        self.addCleanup(self.kill_quietly, child)
        self.assertTrue(self.is_alive(child))
        self.mark("end")
        support.wait_until(lambda: not self.is_alive(child), 60, "it ends by itself")

    def test_kill(self):
        process = self.begin(self.python(WAITS), "--count", "200", "--kill")
        self.wait_for_mark("begun")
        child = self.child_of(process)
        self.assertNotIn("runs on", self.end(process))
        self.assertFalse(self.is_alive(child))

    def test_killed_by_force(self):
        """What does not end when asked to."""
        text = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAITS
        process = self.begin(self.python(text), "-q", "--kill")
        self.wait_for_mark("begun")
        self.wait_for_samples()
        child = self.child_of(process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process), "")
        self.assertFalse(self.is_alive(child))

    def test_a_signal_to_us_alone(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            name = "%d.zst" % number
            process = self.begin(self.python(WAITS), "-o", self.path(name))
            self.wait_for_mark("begun")
            self.wait_for_samples(name)
            child = self.child_of(process)
            process.send_signal(number)
            self.end(process)
            self.assertTrue(self.is_alive(child))
            info = support.check([support.ANALYZE, "info", self.path(name)]).stdout.decode()
            self.assertRegex(info, r"Log:.*, ended\n")
            self.kill_quietly(child)
            os.unlink(os.path.join(self.base, "begun"))

    def test_we_are_killed(self):
        for options in ((), ("--capture",)):
            text = WAITS + "print('x' * (1 << 20), flush=True)\nopen(sys.argv[1] + '/done', 'w')\n"
            name = "%d.zst" % len(options)
            process = self.begin(
                self.python(text), "-o", self.path(name), *options
            )
            self.wait_for_mark("begun")
            child = self.child_of(process)
            process.kill()
            process.wait()
            self.assertTrue(self.is_alive(child))
            self.mark("end")
            self.wait_for_mark("done")
            support.wait_until(lambda: not self.is_alive(child), 60, "it ends by itself")
            for mark in ("begun", "end", "done"):
                os.unlink(os.path.join(self.base, mark))

    # Hidden output.

    def test_hidden(self):
        done = self.run_command(self.python("print('out')\n" + SAMPLED % self.path()), "-q", "--capture")
        self.assertEqual((done.returncode, done.stdout, done.text), (0, b"", ""))

    def test_shown_if_it_fails(self):
        for option in ("--capture", "--capture-output"):
            path = self.path(option + ".zst")
            text = "import sys; print('out', flush=True)\n" + SAMPLED % path + "sys.exit('reason')"
            done = self.run_command(self.python(text), "-q", option, "-o", path)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertEqual(done.text, "out\nreason\n")

    def test_the_end_of_much_is_shown(self):
        text = SAMPLED % self.path() + "import sys\nfor i in range(100000): print('line', i)\nsys.exit(3)"
        done = self.run_command(self.python(text), "-q", "--capture")
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.text.endswith("line 99998\nline 99999\n"))
        self.assertEqual(len(done.text), 256 * 1024)

    def test_its_children_may_write_on(self):
        """The end of the command counts, not that of all who have its output."""
        text = SAMPLED % self.path() + (
            "import subprocess, sys; print('mine', flush=True)\n"
            "p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); sys.exit(5)"
        )
        done = self.run_command(self.python(text), "-q", "--capture")
        self.assertEqual(done.returncode, 5)
        words = done.text.split()
        self.kill_quietly(int(words[1]))
        self.assertEqual(words[0], "mine")

    def test_stream(self):
        text = "import os, time; print('mixed'); os.write(2, b'mixed'); time.sleep(0.3)"
        done = self.run_command(self.python(text), "-o", "-")
        self.assertEqual(done.returncode, 0, done.text)
        self.assertNotIn("mixed", done.text)
        with open(self.path(), "wb") as stream:
            stream.write(done.stdout)
        self.assertIn("program.py", self.stacks())

    # What cannot be started.

    def test_not_found(self):
        for command in ("/nonexistent/python", "no-such-command", ""):
            done = self.run_command([command])
            self.assert_refused(done, 127, command, "No such file")

    def test_not_executable(self):
        for command in (self.program("", "plain"), self.base):
            done = self.run_command([command])
            self.assert_refused(done, 126, command, "Permission denied")

    def test_the_output_cannot_be_made(self):
        """Then the command does nothing."""
        begun = os.path.join(self.base, "begun")
        with open(self.path("mine.zst"), "w"):
            pass
        for output, words in (
            (self.path("mine.zst"), "exists already"),
            (self.path("missing/a.zst"), "No such file"),
            (self.path(), "No such file"),
        ):
            if output == self.path():
                os.unlink(self.path("mine.zst"))
                os.rmdir(self.output)
            done = self.run_command(["touch", begun], "-o", output)
            self.assertEqual(done.returncode, 125, done.text)
            self.assertIn(words, done.text)
            self.assertFalse(os.path.exists(begun))

    def test_usage(self):
        for words in (["--"], ["--pid", "1", "--", "true"], ["--kill", "--pid", "1"]):
            done = support.run([CAPTURE, *words])
            self.assertEqual(done.returncode, support.EXIT_USAGE, done.stderr)

    # What cannot be sampled.

    def test_no_python(self):
        """It is not for us to end it: its output and status are what they would be."""
        done = self.run_command(["sh", "-c", "sleep 0.5; echo end; exit 9"], "--wait", "0.1")
        self.assertEqual((done.returncode, done.stdout), (9, b"end\n"), done.text)
        self.assertIn("no Python", done.text)
        self.assert_nothing_written()

    def test_no_python_and_kill(self):
        done = self.run_command(["sleep", "1000"], "--wait", "0.1", "--kill")
        self.assertEqual(done.returncode, support.EXIT_NO_PYTHON, done.text)

    def test_ends_at_once(self):
        for command, status in ((["true"], 0), (["sh", "-c", "exit 4"], 4)):
            done = self.run_command(command)
            self.assertEqual(done.returncode, status, done.text)
            self.assertIn("ended before a sample", done.text)
            self.assert_nothing_written()

    def test_python_that_does_not_start(self):
        done = self.run_command(PYTHON.command + ["--no-such-option"])
        self.assertEqual(done.returncode, 2, done.text)

    def test_full_device(self):
        done = self.run_command(self.python("import time; time.sleep(0.5); print(1)"), "-o", "/dev/full")
        self.assertEqual((done.returncode, done.stdout), (0, b"1\n"), done.text)
        self.assertIn("/dev/full: No space left", done.text)

    def test_closed_pipe(self):
        """Whoever read has enough; the command goes on."""
        process = self.begin(self.python(WAITS), "-o", "-", stdout=subprocess.PIPE)
        self.wait_for_mark("begun")
        child = self.child_of(process)
        process.stdout.read(100)
        process.stdout.close()
        self.assertIn("reader of the output has gone", self.end(process, support.EXIT_FAILED))
        self.assertTrue(self.is_alive(child))
        self.mark("end")
        support.wait_until(lambda: not self.is_alive(child), 60, "it ends by itself")

    @unittest.skipUnless(IS_ROOT, "needs root, as under sudo")
    def test_under_sudo(self):
        if not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("no interpreter that every user may run")
        text = SAMPLED % self.path() + (
            "import json\n"
            "print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups(),"
            " os.environ['HOME'], os.environ['USER']]))"
        )
        environment = dict(
            os.environ, SUDO_UID=str(NOBODY), SUDO_GID=str(NOBODY), SUDO_USER="nobody", HOME="/root"
        )
        done = self.run_command(["/usr/bin/python3", "-c", text], env=environment)
        self.assertEqual(done.returncode, 0, done.text)
        self.assertIn("samples", done.text)
        uids, gids, groups, home, user = json.loads(done.stdout.decode())
        self.assertEqual((uids, gids), ([NOBODY] * 3, [NOBODY] * 3))
        self.assertEqual((groups, user), ([NOBODY], "nobody"))
        self.assertEqual(home, os.path.expanduser("~nobody"))
        self.assertEqual(os.stat(self.path()).st_uid, NOBODY)


class Terminal(SpawnCase):
    """The command has the foreground."""

    def begin_in_terminal(self, command):
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                os.environ.update(PYTHON.environment)
                os.execv(command[0], command)
            finally:
                os._exit(99)
        self.addCleanup(os.close, terminal)
        self.addCleanup(self.kill_quietly, pid)
        self.seen = ""
        return pid, terminal

    def read_until(self, terminal, words):
        end = time.monotonic() + 60
        while words not in self.seen:
            self.assertLess(time.monotonic(), end, "%r is not in %r" % (words, self.seen))
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                self.seen += os.read(terminal, 4096).decode(errors="replace")
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                self.fail("ended: %s" % self.seen)

    def status_of(self, pid, terminal):
        """Its exit status, what it prints being read meanwhile."""
        try:
            while select.select([terminal], [], [], 60)[0]:
                text = os.read(terminal, 4096).decode(errors="replace")
                if not text:
                    break
                self.seen += text
        except OSError:
            pass
        return support.wait_until(lambda: self.waited(pid), 60, self.seen)[1]

    @staticmethod
    def waited(pid):
        found = os.waitpid(pid, os.WNOHANG)
        return found if found[0] else None

    def test_interrupt_key(self):
        """The file is complete, and the command decides what the key means."""
        text = (
            "import signal, sys\nkeys = []\n"
            "def key(*unused): keys.append(1); print('key', len(keys), flush=True)\n"
            "signal.signal(signal.SIGINT, key)\nprint('ready', flush=True)\n"
            "print(sys.stdin.readline(), flush=True)\nsys.exit(7)\n"
        )
        command = self.options("--", *self.python(text))
        pid, terminal = self.begin_in_terminal(command)
        self.read_until(terminal, "ready")
        support.wait_until(lambda: os.path.exists(self.path()), 60, "the first sample")
        os.write(terminal, b"\x03")
        self.read_until(terminal, "key 1")
        self.read_until(terminal, "is waited for")
        os.write(terminal, b"\x03")
        self.read_until(terminal, "key 2")
        os.write(terminal, b"words\n")
        status = self.status_of(pid, terminal)
        self.assertTrue(os.WIFEXITED(status), self.seen)
        self.assertEqual(os.WEXITSTATUS(status), 7, self.seen)
        info = support.check([support.ANALYZE, "info", self.path()]).stdout.decode()
        self.assertRegex(info, r"Log:.*, ended\n")

    def test_interrupt_key_ends_it(self):
        text = "import time\nprint('ready', flush=True)\ntime.sleep(1000)\n"
        command = self.options("--", *self.python(text))
        pid, terminal = self.begin_in_terminal(command)
        self.read_until(terminal, "ready")
        support.wait_until(lambda: os.path.exists(self.path()), 60, "the first sample")
        os.write(terminal, b"\x03")
        status = self.status_of(pid, terminal)
        self.assertTrue(os.WIFEXITED(status), self.seen)
        self.assertEqual(os.WEXITSTATUS(status), 128 + signal.SIGINT, self.seen)
        self.assertIn("KeyboardInterrupt", self.seen)

    def test_quit_key(self):
        text = (
            "import resource, time\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
            "print('ready', flush=True)\ntime.sleep(1000)\n"
        )
        command = self.options("--", *self.python(text))
        pid, terminal = self.begin_in_terminal(command)
        self.read_until(terminal, "ready")
        support.wait_until(lambda: os.path.exists(self.path()), 60, "the first sample")
        os.write(terminal, b"\x1c")
        status = self.status_of(pid, terminal)
        self.assertTrue(os.WIFEXITED(status), self.seen)
        self.assertEqual(os.WEXITSTATUS(status), 128 + signal.SIGQUIT, self.seen)
        info = support.check([support.ANALYZE, "info", self.path()]).stdout.decode()
        self.assertRegex(info, r"Log:.*, ended\n")

    def test_stop_key(self):
        """Stopped and continued with its job, by a shell."""
        # Not by input(): its line editing has the terminal in a mode of its own.
        text = (
            "import os, sys\nprint('rea' + 'dy %d.' % os.getpid(), flush=True)\n"
            "print('got ' + sys.stdin.readline(), flush=True)\n"
        )
        line = " ".join(self.options("--", *self.python(text)))
        pid, terminal = self.begin_in_terminal(["/bin/sh", "-i", "-m"])
        os.write(terminal, line.encode() + b"\n")
        self.read_until(terminal, "ready ")
        self.read_until(terminal, ".\r\n")
        support.wait_until(lambda: os.path.exists(self.path()), 60, "the first sample")
        os.write(terminal, b"\x1a")
        self.read_until(terminal, "Stopped")
        child = int(re.search(r"ready (\d+)\.", self.seen).group(1))
        support.wait_until(lambda: state_of(child) == "T", 60, "the command is stopped, too")
        os.write(terminal, b"fg\n")
        # Not before the shell has given the terminal away.
        size = os.path.getsize(self.path())
        support.wait_until(lambda: os.path.getsize(self.path()) > size, 60, "samples")
        os.write(terminal, b"words\n")
        self.read_until(terminal, "got words")
        self.read_until(terminal, "samples")
        os.write(terminal, b"exit $?\n")
        status = self.status_of(pid, terminal)
        self.assertEqual(os.WEXITSTATUS(status), 0, self.seen)


@template
class EveryInterpreter(SpawnCase):
    """From its first instructions on, whatever its version."""

    interpreter = None

    def test_from_the_beginning(self):
        # The first sample can be of its start-up.
        text = SAMPLED % self.path() + "end = time.time() + 0.5\nwhile time.time() < end: pass\nraise SystemExit(6)\n"
        command = self.interpreter.command + [self.program(text), self.base]
        environment = dict(os.environ, **self.interpreter.environment)
        done = self.run_command(command, env=environment)
        self.assertEqual(done.returncode, 6, done.text)
        # Before the program itself its start-up was seen, with importlib or site.
        self.assertRegex(self.stacks(), r"importlib|site|<module>")
        self.assertIn("program.py", self.stacks())


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), EveryInterpreter, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    unittest.main(verbosity=2)
