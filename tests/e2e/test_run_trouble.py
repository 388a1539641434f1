"""Runs whose target or output gets into trouble meanwhile: what was sampled is right, and the target goes on."""

import collections
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

import support
import test_moving
from disturbed import Disturbed
from interpreters import newest_supported
from support import (
    ANALYZE,
    CAPTURE,
    EndToEndTest,
    SMALL,
    Target,
    check,
    process_status,
    state_of,
    thread_states,
    threads_status,
    wait_until,
)

SAMPLES = 100 if SMALL else 400
COUNTS = re.compile(r"(\d+) samples, (\d+) late, (\d+) failed, (\d+) incomplete, (\d+) dropped")
PTRACE_SEIZE, PTRACE_DETACH, PTRACE_INTERRUPT = 0x4206, 17, 0x4207
WALL = 0x40000000  # waitpid(2): threads, too
SKIPPED = 77


class RunTrouble(EndToEndTest):
    def start(self, script, ready, *arguments):
        self.interpreter = newest_supported()
        if self.interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        target = Target(self.interpreter, script, *arguments)
        self.addCleanup(target.close)
        target.wait_for(ready)
        return target

    def moving(self):
        target = self.start("moving.py", "tree.json", 4, 600)
        with open(target.path("tree.json")) as file:
            self.tree = json.load(file)
        return target

    def begin(self, target, *options, output=None, **keywords):
        process = subprocess.Popen(
            [CAPTURE, "-p", str(target.pid), "-o", output or target.path("run.zst")] + list(options),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **keywords
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process, expected=support.EXIT_DONE):
        text = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, expected, text)
        return text

    def wait_for_bytes(self, path, least):
        wait_until(
            lambda: os.path.exists(path) and os.path.getsize(path) > least, 60, "samples are written"
        )

    def wait_for_looks(self, process, number):
        """The thread that samples sleeps once for each sample."""

        def switches():
            return int(process_status(process.pid)["voluntary_ctxt_switches"])

        first = switches()
        wait_until(lambda: switches() > first + number, 60, "the run goes on")

    def assert_untouched(self, target):
        self.assertIsNone(target.process.poll(), target.output())

        def settled():
            return all(
                facts["TracerPid"] == "0" and facts["State"][0] in "RSD"
                for facts in threads_status(target.pid).values()
            )

        wait_until(settled, 20, "the target is as before")

    def assert_stacks_of(self, path, numbers):
        seen = 0
        for number in numbers:
            dump = support.dump_json(path, "--sample", str(number))
            seen += sum(test_moving.Moving.check_stack(self, self.tree, thread) for thread in dump)
        self.assertGreater(seen, 0)

    # The target.

    def test_threads_that_end_at_once(self):
        """As fast as they can be made; each is called as the function that it runs."""
        target = self.start("thread_churn.py", "settled", 0)
        process = self.begin(target, "-r", "200", "--count", str(SAMPLES))
        self.assertEqual(COUNTS.search(self.end(process)).group(1), str(SAMPLES))
        self.assert_untouched(target)
        path = target.path("run.zst")
        tids = collections.Counter()
        for number in range(1, SAMPLES + 1, 2):
            for thread in support.dump_json(path, "--sample", str(number)):
                name = thread["thread_name"] or ""
                tasks = {f["function"] for f in thread["frames"] if f["function"].startswith("task_")}
                tids[thread["os_thread_id"]] += 1
                if name.startswith("task_"):
                    self.assertLessEqual(tasks, {name})
                self.assertLessEqual(len(tasks), 1)
        # They were others each time, but for those that start them. What has no id yet has none for
        # long: each of these is another one.
        self.assertGreater(len(tids) + tids[None], 20, tids)

    def test_stopped_meanwhile(self):
        """Samples are taken of a stopped target, too; it stays stopped, and goes on when it is told to."""
        target = self.moving()
        path = target.path("run.zst")
        process = self.begin(target, "-r", "100")
        self.wait_for_bytes(path, 1000)
        os.kill(target.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(target.pid) == "T", 20, "it is stopped")
        self.wait_for_looks(process, 30)
        wait_until(lambda: thread_states(target.pid) == {"T"}, 20, "it is stopped yet")
        os.kill(target.pid, signal.SIGCONT)
        self.wait_for_looks(process, 30)
        self.assert_untouched(target)
        process.send_signal(signal.SIGINT)
        samples, _, _, incomplete, _ = map(int, COUNTS.search(self.end(process)).groups())
        self.assertGreater(samples, 0)
        self.assertEqual(incomplete, 0)
        self.assert_stacks_of(path, range(1, samples + 1, max(samples // 20, 1)))

    REUSE = """
        import os, signal, subprocess, sys, time

        def start(name):
            text = "open(%r, 'w').close()\\ndef %s():\\n    while True: pass\\n%s()"
            process = subprocess.Popen([python, "-c", text % (name, name, name)])
            while not os.path.exists(name):
                time.sleep(0.01)
            return process

        def wait_for_growth():
            size = os.path.getsize("run.zst") if os.path.exists("run.zst") else 0
            while run.poll() is None and not (
                os.path.exists("run.zst") and os.path.getsize("run.zst") > size + 300
            ):
                time.sleep(0.01)

        python, capture = sys.argv[1:]
        first, other = start("first"), start("other")
        command = [capture, "-r", "100", "-p", str(first.pid), "-p", str(other.pid), "-o", "run.zst"]
        run = subprocess.Popen(command)
        wait_for_growth()
        first.kill()
        first.wait()
        # From here on until the next process there must be no other one of this namespace.
        try:
            with open("/proc/sys/kernel/ns_last_pid", "w") as file:
                file.write(str(first.pid - 1))
        except OSError:
            sys.exit(77)
        second = start("second")
        print(first.pid, second.pid)
        wait_for_growth()
        wait_for_growth()
        run.send_signal(signal.SIGINT)
        status = run.wait()
        sys.exit(0 if status in (0, 3) and not second.poll() and not other.poll() else 1)
    """

    @unittest.skipUnless(os.geteuid() == 0, "needs root, for numbers of processes of its own")
    def test_number_used_again(self):
        """Another process that gets the number of one that ended is not taken for it."""
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable]
        words += ["-c", textwrap.dedent(self.REUSE), interpreter.command[0], CAPTURE]
        environment = dict(os.environ, **interpreter.environment)
        done = support.run(words, cwd=folder, env=environment)
        if done.returncode == SKIPPED or b"unshare" in done.stderr:
            self.skipTest("no namespace of processes here: %s" % done.stderr.decode())
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        first, second = done.stdout.split()
        if first != second:
            self.skipTest("another process had the number")
        raw = check([ANALYZE, "report", "-f", "raw", "-i", "-s", os.path.join(folder, "run.zst")])
        functions = set(re.findall(r";(\w+) \(<string>", raw.stdout.decode()))
        self.assertEqual(functions, {"first", "other"})

    # The output.

    FULL = """
        mount -t tmpfs -o size=512k none "$1" || exit 77
        cd "$1"; shift
        "$@" 2> "$OLDPWD/log" & run=$!
        while kill -0 $run && [ $(($(stat -c %s run.zst 2>/dev/null || echo 0))) -lt 30000 ]; do
            sleep 0.05
        done
        cat /dev/zero > fill 2> /dev/null
        wait $run; status=$?
        cp run.zst "$OLDPWD/kept.zst"
        exit $status
    """

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to mount a small file system")
    def test_full_disk(self):
        """What was written before stays, and can be read."""
        target = self.moving()
        disk = target.path("disk")
        os.mkdir(disk)
        done = support.run(
            ["unshare", "-m", "sh", "-c", self.FULL, "sh", disk]
            + [CAPTURE, "-p", str(target.pid), "-l", "-r", "200", "-o", "run.zst"],
            cwd=target.folder,
        )
        if done.returncode == SKIPPED or b"unshare" in done.stderr:
            self.skipTest("cannot mount a file system here: %s" % done.stderr.decode())
        with open(target.path("log")) as file:
            text = file.read()
        self.assertEqual(done.returncode, support.EXIT_FAILED, text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertIn("run.zst: No space left on device", text)
        self.assert_untouched(target)
        self.assert_begin_is_readable(target.path("kept.zst"))

    def assert_begin_is_readable(self, path):
        done = support.run([ANALYZE, "info", "--json", path])
        self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr)
        info = json.loads(done.stdout.decode())
        samples = (info[0] if isinstance(info, list) else info)["sample"]["count"]
        self.assertGreater(samples, 0)
        for number in {1, (samples + 1) // 2, samples}:
            done = support.run([ANALYZE, "dump", "--json", "--sample", str(number), path])
            self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr)
            for thread in json.loads(done.stdout.decode()):
                test_moving.Moving.check_stack(self, self.tree, thread)

    def test_full_device(self):
        target = self.moving()
        with open("/dev/full", "wb") as full:
            process = self.begin(target, "-r", "100", output="-", stdout=full)
        self.assertIn("No space left on device", self.end(process, support.EXIT_FAILED))
        self.assert_untouched(target)

    def test_closed_pipe(self):
        target = self.moving()
        reading, writing = os.pipe()
        process = self.begin(target, "-r", "100", output="-", stdout=writing)
        os.close(writing)
        path = target.path("begin.zst")
        with open(path, "wb") as file, open(reading, "rb") as stream:
            while file.tell() < 20000:
                file.write(stream.read1(4096))
        text = process.communicate(timeout=60)[1].decode()
        self.assertIn("the reader of the output has gone", text)
        self.assertNotEqual(process.returncode, support.EXIT_DONE)
        self.assert_untouched(target)
        self.assert_begin_is_readable(path)


class Signals(Disturbed):
    def test_each_millisecond(self):
        """None is lost, and none comes twice."""
        process = subprocess.Popen(
            [CAPTURE, "-p", str(self.target.pid), "-r", "200", "--count", str(SAMPLES), "-o", self.output],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)

        def send():
            self.signals.send_some()
            return process.poll() is not None

        while not send():
            time.sleep(0.001)
        text = process.stderr.read().decode()
        self.assertEqual(process.returncode, support.EXIT_DONE, text)
        self.assertEqual(COUNTS.search(text).group(1), str(SAMPLES))
        self.assert_untraced(stopped=False)
        self.assert_nothing_lost()
        self.assert_runs()


if __name__ == "__main__":
    support.main()
