"""What pyspy-capture does with processes that it cannot capture, or not to.

Each test looks at the exit status, at what the message names, that nothing half-written is left in
the output's folder, and that the target runs on as before.
"""

import os
import shutil
import signal
import struct
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
    PYTHON,
    CaptureCase,
    drop_privileges,
    process_status,
    state_of,
)

PR_SET_DUMPABLE = 4  # prctl(2)
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


class BadInput(CaptureCase):
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

    def test_a_new_file_is_asked_for_before_there_is_one(self):
        process = self.start_python()
        running = self.begin_with_fault("before-seize", process.pid)
        running.send_signal(signal.SIGUSR1)
        text = self.end(running)
        self.assertEqual(running.returncode, support.EXIT_DONE, text)
        self.assert_nothing_written(["snapshot.zst"])

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
