"""What the tests of refused captures share: targets, runs of the program, what must hold after."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interpreters  # noqa: E402
import support  # noqa: E402
from support import process_status, state_of  # noqa: E402

CAPTURE = support.CAPTURE
PYTHON = interpreters.newest_supported()
IS_ROOT = os.geteuid() == 0
NOBODY = 65534

BUSY = "while True: pass"


def drop_privileges():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class CaptureCase(unittest.TestCase):
    def setUp(self):
        # Where an ordinary user may write and run the program, wherever the build folder is.
        self.base = tempfile.mkdtemp(prefix="pyspy-bad-")
        os.chmod(self.base, 0o755)
        self.addCleanup(shutil.rmtree, self.base, ignore_errors=True)
        self.output = os.path.join(self.base, "output")
        os.mkdir(self.output)
        os.chmod(self.output, 0o777)
        self.targets = []

    def tearDown(self):
        for process in self.targets:
            if process.poll() is None:
                process.kill()
            process.wait()

    # Targets.

    def start(self, command, **options):
        options.setdefault("preexec_fn", support._prepare_target)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options
        )
        self.targets.append(process)
        return process

    def start_sleep(self, **options):
        process = self.start(["sleep", "1000"], **options)
        support.wait_until(lambda: state_of(process.pid) == "S", 20, "sleep sleeps")
        return process

    def start_python(self, text=BUSY, arguments=(), **options):
        """Once its script has begun."""
        program = os.path.join(self.base, "program.py")
        begun = os.path.join(self.base, "begun-%d" % len(self.targets))
        with open(program, "w") as stream:
            stream.write("open(%r, 'w').close()\n%s" % (begun, text))
        os.chmod(self.base, 0o777)
        process = self.start(
            PYTHON.command + [program] + list(arguments),
            env=dict(os.environ, **PYTHON.environment),
            **options
        )
        support.wait_until(lambda: os.path.exists(begun), 60, "the target has started")
        return process

    def folder_for_marks(self):
        folder = os.path.join(self.base, "marks")
        os.mkdir(folder)
        return folder

    # Runs of the program.

    def path(self, name="snapshot.zst"):
        return os.path.join(self.output, name)

    def capture(self, pid, *options, output=None, program=CAPTURE, **keywords):
        command = [program, "--pid", str(pid), "-o", output or self.path()] + list(options)
        done = support.run(command, **keywords)
        done.text = done.stderr.decode(errors="replace")
        return done

    def begin_with_fault(self, fault, pid, *options, **keywords):
        """Runs until it has stopped itself at the fault point."""
        process = subprocess.Popen(
            [CAPTURE, "--pid", str(pid), "-o", self.path()] + list(options),
            env=dict(os.environ, PYSPY_FAULT=fault + ":stop"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **keywords
        )
        self.targets.append(process)
        if not self.wait_for_stop(process):
            self.fail("ended instead: %s" % process.communicate()[1].decode(errors="replace"))
        return process

    def wait_for_stop(self, process):
        """False if it has ended instead. Each stop is seen once: one cannot be taken for the next."""
        flags = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT
        seen = support.wait_until(
            lambda: os.waitid(os.P_PID, process.pid, flags), 60, "the fault point is reached"
        )
        if seen.si_code != os.CLD_STOPPED:
            return False
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        return True

    def end(self, process, at_each_stop=lambda: None):
        """Let it go on, through more stops at the same point (attempts); gives its message."""
        process.send_signal(signal.SIGCONT)
        while self.wait_for_stop(process):
            at_each_stop()
            process.send_signal(signal.SIGCONT)
        return process.communicate(timeout=60)[1].decode(errors="replace")

    # What must hold.

    def assert_refused(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.text)
        for word in words:
            self.assertIn(str(word), done.text)
        self.assertEqual(done.text.count("\n"), 1, done.text)
        self.assert_nothing_written()

    def assert_nothing_written(self, left=()):
        self.assertEqual(sorted(os.listdir(self.output)), sorted(left))

    def assert_untouched(self, process, states="RS"):
        self.assertIsNone(process.poll())

        def settled():
            status = process_status(process.pid)
            return status["TracerPid"] == "0" and status["State"][0] in states

        # A process that was stopped runs in the kernel for a moment on its way back.
        support.wait_until(settled, 5, "the target is as before")

    def assert_captured(self, done, status=support.EXIT_DONE):
        self.assertEqual(done.returncode, status, done.text)
        self.assert_nothing_written(["snapshot.zst"])
        self.assertGreater(os.path.getsize(self.path()), 100)
        os.unlink(self.path())
