"""What pyspy-capture does with outputs that it cannot write, and when it is told to end.

Each test looks at the exit status, at what the message names, that nothing half-written is left in
the output's folder, and that the target runs on as before.
"""

import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402
from capture_case import (  # noqa: E402
    BUSY,
    CAPTURE,
    IS_ROOT,
    NOBODY,
    PYTHON,
    CaptureCase,
    drop_privileges,
    process_status,
    state_of,
)


class BadOutput(CaptureCase):
    # Being ended.

    def test_ended_by_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number):
                process = self.start_python()
                running = self.begin_with_fault("all-stopped", process.pid, "--level", "full")
                running.send_signal(number)
                self.end(running)
                self.assertEqual(running.returncode, -number)
                self.assert_nothing_written()
                self.assert_untouched(process)

    def test_ended_while_its_reader_sleeps(self):
        process = self.start_python("import os\nkeep = os.urandom(8 << 20)\n" + BUSY)
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        running = subprocess.Popen(
            [CAPTURE, "--pid", str(process.pid), "--level", "full", "-o", "-"],
            stdout=writing,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        support.wait_until(
            lambda: process_status(running.pid)["State"][0] == "S"
            and process_status(process.pid)["TracerPid"] == "0",
            20,
            "the pipe is full",
        )
        time.sleep(0.5)
        self.assert_untouched(process)
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.wait(timeout=20), -signal.SIGINT)

    def test_ignored_hangup_stays_ignored(self):
        process = self.start_python()

        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

        running = self.begin_with_fault("before-write", process.pid, preexec_fn=ignore)
        running.send_signal(signal.SIGHUP)
        text = self.end(running)
        self.assertEqual(running.returncode, support.EXIT_DONE, text)

    # Outputs.

    def test_existing_file_is_not_overwritten(self):
        process = self.start_python()
        with open(self.path(), "w") as stream:
            stream.write("mine")
        done = self.capture(process.pid)
        self.assertEqual(done.returncode, support.EXIT_FAILED, done.text)
        self.assertIn(self.path(), done.text)
        self.assertIn("exists", done.text)
        self.assert_nothing_written(["snapshot.zst"])
        with open(self.path()) as stream:
            self.assertEqual(stream.read(), "mine")
        self.assert_untouched(process)

    def test_dangling_link_is_not_followed(self):
        process = self.start_python()
        os.symlink(os.path.join(self.base, "elsewhere"), self.path())
        done = self.capture(process.pid)
        self.assertEqual(done.returncode, support.EXIT_FAILED, done.text)
        self.assertFalse(os.path.exists(os.path.join(self.base, "elsewhere")))

    def test_no_such_folder(self):
        process = self.start_python()
        output = os.path.join(self.output, "missing", "snapshot.zst")
        done = self.capture(process.pid, output=output)
        self.assert_refused(done, support.EXIT_FAILED, output)
        self.assert_untouched(process)

    def test_unwritable_folder(self):
        if IS_ROOT and not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("no interpreter that every user may run")

        def ordinary():
            if IS_ROOT:
                drop_privileges()

        command = ["/usr/bin/python3"] if IS_ROOT else PYTHON.command
        process = self.start(command + ["-c", BUSY], preexec_fn=ordinary)
        program = shutil.copy(CAPTURE, self.base)
        os.chmod(self.output, 0o555)
        support.wait_until(lambda: state_of(process.pid) == "R", 20, "it runs")
        time.sleep(0.3)
        done = self.capture(process.pid, program=program, preexec_fn=ordinary)
        os.chmod(self.output, 0o755)
        self.assert_refused(done, support.EXIT_PERMISSION, self.path(), "Permission denied")
        self.assert_untouched(process)

    def test_full_device(self):
        process = self.start_python()
        for options in ([], ["--level", "full"]):
            done = self.capture(process.pid, *options, output="/dev/full")
            self.assert_refused(done, support.EXIT_FAILED, "/dev/full", "No space left")
            self.assert_untouched(process)

    def test_file_size_limit(self):
        process = self.start_python()

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

        done = self.capture(process.pid, preexec_fn=limit)
        self.assert_refused(done, support.EXIT_FAILED, self.path(), "File too large")
        done = self.capture(process.pid, "--level", "full", preexec_fn=limit)
        self.assert_refused(done, support.EXIT_FAILED, "temporary file", "TMPDIR")
        self.assert_untouched(process)

    @unittest.skipUnless(IS_ROOT, "needs root, to mount a small file system")
    def test_full_disk(self):
        process = self.start_python()
        script = (
            'mount -t tmpfs -o size=256k none "$1" || exit 77; shift; folder=$1; shift\n'
            '"$@"; status=$?; ls -A "$folder" >&2; exit $status'
        )
        command = ["unshare", "-m", "sh", "-c", script, "sh", self.output, self.output]
        command += [CAPTURE, "--pid", str(process.pid), "--level", "full", "-o", self.path()]
        done = support.run(command)
        done.text = done.stderr.decode(errors="replace")
        if done.returncode == 77 or "unshare" in done.text:
            self.skipTest("cannot mount a file system here: %s" % done.text.strip())
        self.assert_refused(done, support.EXIT_FAILED, "MiB", "TMPDIR")
        self.assert_untouched(process)

    def test_closed_pipe(self):
        process = self.start_python()
        for options in ([], ["--level", "full"]):
            reading, writing = os.pipe()
            os.close(reading)
            try:
                done = self.capture(process.pid, *options, output="-", stdout=writing)
            finally:
                os.close(writing)
            self.assert_refused(done, support.EXIT_FAILED, "reader")
            self.assert_untouched(process)

    def test_terminal_is_refused(self):
        process = self.start_python()
        controller, terminal = pty.openpty()
        try:
            done = self.capture(process.pid, output="-", stdout=terminal)
        finally:
            os.close(controller)
            os.close(terminal)
        self.assert_refused(done, support.EXIT_USAGE, "terminal")
        self.assert_untouched(process)

    def test_default_name(self):
        process = self.start_python()
        done = support.run([CAPTURE, "-p", str(process.pid)], cwd=self.output)
        self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr)
        (name,) = os.listdir(self.output)
        self.assertRegex(name, r"^python[\w.]*-%d-\d{8}T\d{6}\.\d{3}Z\.zst$" % process.pid)
        self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o600)

    @unittest.skipUnless(IS_ROOT, "needs root, as under sudo")
    def test_output_belongs_to_who_called_sudo(self):
        process = self.start_python()
        environment = dict(os.environ, SUDO_UID=str(NOBODY), SUDO_GID=str(NOBODY))
        done = self.capture(process.pid, env=environment)
        self.assertEqual(done.returncode, support.EXIT_DONE, done.text)
        self.assertEqual(os.stat(self.path()).st_uid, NOBODY)

    def test_quiet(self):
        process = self.start_python()
        self.assertEqual(self.capture(process.pid, "-q").text, "")
        self.assertIn("stood still", self.capture(process.pid, output=self.path("b.zst")).text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
