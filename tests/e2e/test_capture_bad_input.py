"""What pyspy-capture does with processes and outputs that it cannot capture, or not to.

Each test looks at the exit status, at what the message names, that nothing half-written is left in
the output's folder, and that the target runs on as before.
"""

import ctypes
import os
import pty
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interpreters  # noqa: E402
import support  # noqa: E402

CAPTURE = support.CAPTURE
PYTHON = interpreters.newest_supported()
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
PR_SET_DUMPABLE = 4
LIBC = ctypes.CDLL(None, use_errno=True)

BUSY = "while True: pass"
# On SIGUSR1 it becomes another program; `ready` tells how often it was started.
EXECUTING = """
import os, signal, sys
folder, after = sys.argv[1], sys.argv[2:]
def become(*unused):
    os.execv(after[0], after)
if after == ["again"]:
    after = [sys.executable] + sys.argv
signal.signal(signal.SIGUSR1, become)
open(os.path.join(folder, "started-%d" % len(os.listdir(folder))), "w").close()
while True:
    pass
"""


def drop_privileges():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def process_status(pid):
    with open("/proc/%d/status" % pid) as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


def state_of(pid):
    return process_status(pid)["State"][0]


def elf32_pause():
    """A static i386 program: pause() for ever."""
    code = b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7"  # mov eax, 29; int 0x80; jmp to the start
    base, header_size, segment_size = 0x08048000, 52, 32
    start = header_size + segment_size
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01" + bytes(9),
        2,  # ET_EXEC
        3,  # EM_386
        1,
        base + start,
        header_size,
        0,
        0,
        header_size,
        segment_size,
        1,
        0,
        0,
        0,
    )
    size = start + len(code)
    return header + struct.pack("<IIIIIIII", 1, 0, base, base, size, size, 5, 0x1000) + code


class BadInput(unittest.TestCase):
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

    # Processes.

    def test_no_such_process(self):
        with open("/proc/sys/kernel/pid_max") as stream:
            pid = int(stream.read())  # ids are below
        self.assert_refused(self.capture(pid), support.EXIT_FAILED, pid, "no process")

    def test_process_that_has_ended(self):
        process = self.start(["true"])
        process.wait()
        done = self.capture(process.pid)
        self.assert_refused(done, support.EXIT_FAILED, process.pid)

    def test_not_python(self):
        process = self.start_sleep()
        done = self.capture(process.pid)
        self.assert_refused(done, support.EXIT_NO_PYTHON, process.pid, "sleep", "no Python")
        self.assert_untouched(process, "S")

    def test_not_python_exhaustive(self):
        process = self.start_sleep()
        done = self.capture(process.pid, "--exhaustive")
        self.assert_refused(done, support.EXIT_NO_PYTHON, process.pid, "no Python")
        self.assertNotIn("try --exhaustive", done.text)
        self.assert_untouched(process, "S")

    def test_not_python_is_waited_for(self):
        process = self.start_sleep()
        begin = time.monotonic()
        done = self.capture(process.pid, "--wait", "0.5")
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)
        self.assert_refused(done, support.EXIT_NO_PYTHON, process.pid)
        self.assert_untouched(process, "S")

    def test_not_python_in_full(self):
        process = self.start_sleep()
        self.assert_captured(self.capture(process.pid, "--level", "full"))
        self.assert_untouched(process, "S")

    def test_unknown_python_falls_back_to_full(self):
        program = os.path.join(self.base, "python9.9")
        shutil.copy(shutil.which("sleep"), program)
        process = self.start([program, "1000"])
        support.wait_until(lambda: state_of(process.pid) == "S", 20, "it sleeps")
        done = self.capture(process.pid)
        self.assertIn("full", done.text)
        self.assertIn(program, done.text)
        self.assert_captured(done, support.EXIT_PARTIAL)
        self.assert_untouched(process, "S")
        done = self.capture(process.pid, "--nonblocking")
        self.assert_refused(done, support.EXIT_NO_PYTHON, "--nonblocking")

    def test_python_that_starts_is_waited_for(self):
        shell = "sleep 1; exec \"$@\""
        process = self.start(
            ["sh", "-c", shell, "sh"] + PYTHON.command + ["-c", BUSY],
            env=dict(os.environ, **PYTHON.environment),
        )
        self.assert_captured(self.capture(process.pid, "--wait", "60"))
        self.assert_untouched(process)

    def test_process_that_ends_while_it_is_waited_for(self):
        process = self.start(["sleep", "1"])
        reaper = subprocess.Popen(
            [CAPTURE, "--pid", str(process.pid), "--wait", "60", "-o", self.path()],
            stderr=subprocess.PIPE,
        )
        process.wait()
        text = reaper.communicate(timeout=60)[1].decode()
        self.assertEqual(reaper.returncode, support.EXIT_FAILED, text)
        self.assertIn(str(process.pid), text)
        self.assert_nothing_written()

    @unittest.skipUnless(IS_ROOT, "needs root, to have processes of two users")
    def test_no_permission_other_user(self):
        process = self.start_python()
        program = shutil.copy(CAPTURE, self.base)
        done = self.capture(process.pid, program=program, preexec_fn=drop_privileges)
        self.assert_refused(done, support.EXIT_PERMISSION, process.pid, "CAP_SYS_PTRACE")
        self.assert_untouched(process)

    @unittest.skipIf(IS_ROOT, "root may look at every process")
    def test_no_permission_first_process(self):
        if os.stat("/proc/1").st_uid == os.geteuid():
            self.skipTest("process 1 is this user's own")
        done = self.capture(1)
        self.assert_refused(done, support.EXIT_PERMISSION, "process 1", "CAP_SYS_PTRACE")

    def test_no_permission_not_dumpable(self):
        def ordinary():
            if IS_ROOT:
                drop_privileges()

        text = "import ctypes\nctypes.CDLL(None).prctl(%d, 0)\n" % PR_SET_DUMPABLE
        text += "open(%r, 'w').close()\n" % os.path.join(self.output, "set")
        text += BUSY
        program = shutil.copy(CAPTURE, self.base)
        if IS_ROOT:
            interpreter = "/usr/bin/python3"  # the others may be in root's own folders
            if not os.access(interpreter, os.X_OK):
                self.skipTest("no interpreter that every user may run")
        else:
            interpreter = PYTHON.command[0]
        process = self.start([interpreter, "-c", text], preexec_fn=ordinary)
        marker = os.path.join(self.output, "set")
        support.wait_until(lambda: os.path.exists(marker), 60, "the target has started")
        os.unlink(marker)
        done = self.capture(process.pid, program=program, preexec_fn=ordinary)
        self.assert_refused(done, support.EXIT_PERMISSION, process.pid)
        self.assert_untouched(process)

    def test_zombie(self):
        process = self.start(["true"])
        support.wait_until(lambda: state_of(process.pid) == "Z", 20, "it has ended")
        done = self.capture(process.pid)
        self.assert_refused(done, support.EXIT_FAILED, process.pid, "zombie")

    def test_kernel_thread(self):
        if not os.path.exists("/proc/2/status"):
            self.skipTest("no process 2 here (a container)")
        if process_status(2)["Name"] != "kthreadd":
            self.skipTest("process 2 is no kernel thread here (a container)")
        self.assert_refused(self.capture(2), support.EXIT_FAILED, "kernel thread", "kthreadd")

    def test_thread_id(self):
        text = "import threading\nthreading.Thread(target=lambda: exec(%r)).start()" % BUSY
        process = self.start_python(text)
        tasks = "/proc/%d/task" % process.pid
        support.wait_until(lambda: len(os.listdir(tasks)) > 1, 20, "the thread has started")
        thread = max(os.listdir(tasks), key=int)
        self.assert_refused(self.capture(thread), support.EXIT_FAILED, thread, process.pid)
        self.assert_untouched(process)

    def test_32_bit(self):
        program = os.path.join(self.base, "pause32")
        with open(program, "wb") as stream:
            stream.write(elf32_pause())
        os.chmod(program, 0o755)
        try:
            process = self.start([program])
        except OSError as error:
            self.skipTest("this kernel runs no 32-bit programs: %s" % error)
        support.wait_until(
            lambda: process.poll() is not None or state_of(process.pid) == "S", 20, "it pauses"
        )
        if process.poll() is not None:
            self.skipTest("the 32-bit program ended with %d" % process.returncode)
        done = self.capture(process.pid)
        self.assert_refused(done, support.EXIT_FAILED, process.pid, "32-bit")
        done = self.capture(process.pid, "--level", "full")
        self.assert_refused(done, support.EXIT_FAILED, process.pid, "32-bit")
        self.assert_untouched(process, "S")

    def test_stopped_stays_stopped(self):
        process = self.start_python()
        process.send_signal(signal.SIGSTOP)
        support.wait_until(lambda: state_of(process.pid) == "T", 20, "it has stopped")
        for options in ([], ["--level", "full"], ["--nonblocking"]):
            with self.subTest(options=options):
                self.assert_captured(self.capture(process.pid, *options))
                self.assert_untouched(process, "T")
        process.send_signal(signal.SIGCONT)
        self.assert_untouched(process, "R")

    # Changes while it is captured.

    def test_ends_while_captured(self):
        for options in ([], ["--level", "full"]):
            for fault in ("before-seize", "all-stopped", "during-read"):
                if not options and fault == "all-stopped":
                    continue  # a holder's stop does not pass there
                with self.subTest(fault=fault, options=options):
                    process = self.start_python()
                    running = self.begin_with_fault(fault, process.pid, *options)
                    process.kill()
                    # Traced, it is reaped by its parent only after its tracer.
                    support.wait_until(
                        lambda: process.poll() is not None or state_of(process.pid) in "ZX",
                        20,
                        "the target has ended",
                    )
                    text = self.end(running)
                    self.assertEqual(running.returncode, support.EXIT_FAILED, text)
                    self.assertIn(str(process.pid), text)
                    self.assertIn("ended", text)
                    self.assert_nothing_written()

    def start_executing(self, *after):
        marks = self.folder_for_marks()
        process = self.start_python(EXECUTING, [marks] + list(after))
        support.wait_until(lambda: len(os.listdir(marks)) == 1, 20, "it has started")
        return process, marks

    def execute(self, process, marks):
        count = len(os.listdir(marks))
        process.send_signal(signal.SIGUSR1)
        support.wait_until(
            lambda: len(os.listdir(marks)) > count, 60, "the program has been replaced"
        )

    def test_executes_while_captured(self):
        process, marks = self.start_executing("again")
        running = self.begin_with_fault("before-seize", process.pid, "-v")
        self.execute(process, marks)
        text = self.end(running)
        self.assertEqual(running.returncode, support.EXIT_DONE, text)
        self.assertIn("2 looks", text)
        self.assert_nothing_written(["snapshot.zst"])
        self.assert_untouched(process)

    def test_executes_again_and_again_while_captured(self):
        process, marks = self.start_executing("again")
        running = self.begin_with_fault("before-seize", process.pid)
        self.execute(process, marks)
        text = self.end(running, lambda: self.execute(process, marks))
        self.assertEqual(running.returncode, support.EXIT_FAILED, text)
        self.assertIn("execve", text)
        self.assertIn(str(process.pid), text)
        self.assert_nothing_written()
        self.assert_untouched(process)

    def test_executes_another_program_while_captured(self):
        process, _ = self.start_executing(shutil.which("sleep"), "1000")
        running = self.begin_with_fault("before-seize", process.pid)
        process.send_signal(signal.SIGUSR1)
        support.wait_until(
            lambda: "python" not in os.readlink("/proc/%d/exe" % process.pid), 60, "it is sleep"
        )
        text = self.end(running)
        self.assertEqual(running.returncode, support.EXIT_NO_PYTHON, text)
        self.assertIn("sleep", text)
        self.assert_nothing_written()
        self.assert_untouched(process)

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
