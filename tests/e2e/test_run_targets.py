#!/usr/bin/env python3
"""Runs over targets of all kinds: stopped, traced, with threads that come and go, with filters and native stacks."""

import ctypes
import json
import os
import re
import signal
import subprocess

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import ANALYZE, CAPTURE, EndToEndTest, SMALL, Target, check, state_of, wait_until

SAMPLES = 60 if SMALL else 200
COUNTS = re.compile(r"(\d+) samples, (\d+) late, (\d+) failed, (\d+) incomplete, (\d+) dropped")
WAYS = re.compile(r"taken: (.*)")
PTRACE_SEIZE, PTRACE_DETACH, PTRACE_INTERRUPT = 0x4206, 17, 0x4207


@template
class RunTargets(EndToEndTest):
    interpreter = None

    def start(self, script, *arguments):
        target = Target(self.interpreter, script, *arguments)
        self.addCleanup(target.close)
        return target

    def sample(self, target, *options, expected=support.EXIT_DONE):
        path = target.path("run.zst")
        if os.path.exists(path):
            os.unlink(path)
        done = check([CAPTURE, "-p", str(target.pid), "-o", path] + list(options), expected=expected)
        text = done.stderr.decode()
        ways = dict(reversed(item.split()) for item in WAYS.search(text).group(1).split(", "))
        return path, [int(number) for number in COUNTS.search(text).groups()], ways

    def test_threads_that_come_and_go(self):
        """No stack is of another thread: each is called as the function that it runs."""
        target = self.start("thread_churn.py")
        target.wait_for("settled")
        path, counts, _ = self.sample(target, "-r", "200", "--count", str(SAMPLES))
        self.assertEqual(counts[0], SAMPLES)
        seen = set()
        for number in range(1, SAMPLES + 1, 5):
            for thread in support.dump_json(path, "--sample", str(number)):
                if not (thread["thread_name"] or "").startswith("task_"):
                    continue
                functions = {frame["function"] for frame in thread["frames"]}
                tasks = {name for name in functions if name.startswith("task_")}
                self.assertLessEqual(tasks, {thread["thread_name"]})
                seen |= tasks
        self.assertGreater(len(seen), 3)

    def test_stopped_target(self):
        target = self.start("moving.py", 3, 600)
        target.wait_for("tree.json")
        target.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(target.pid) == "T", 20, "it is stopped")
        path, counts, _ = self.sample(target, "-r", "100", "--count", "20")
        self.assertEqual(counts[0], 20)
        self.assertEqual(state_of(target.pid), "T")
        one, other = (support.dump_json(path, "--sample", str(number)) for number in (1, 20))
        self.assertEqual([thread["frames"] for thread in one], [thread["frames"] for thread in other])
        target.process.send_signal(signal.SIGCONT)
        wait_until(lambda: state_of(target.pid) != "T", 20, "it goes on")

    def test_nonblocking(self):
        target = self.start("stacks.py", 3, 5)
        target.settle()
        _, counts, ways = self.sample(target, "-r", "100", "--count", "20", "--nonblocking")
        self.assertEqual((counts[0], ways), (20, {"none": "20"}))

    def test_gil(self):
        """A program that computes always has the GIL; one that waits never has."""
        busy = self.start("moving.py", 3, 600)
        busy.wait_for("tree.json")
        path, counts, ways = self.sample(busy, "-g", "-r", "100", "--count", "20")
        self.assertEqual(counts[0], 20)
        self.assertNotIn("verified", ways)
        self.assertRegex(check([ANALYZE, "info", path]).stdout.decode(), r"Filter: .*--gil")
        waiting = self.start("stacks.py", 3, 5)
        waiting.settle()
        path = waiting.path("gil.zst")
        done = check(
            [CAPTURE, "-p", str(waiting.pid), "-g", "-r", "100", "-d", "0.5", "-o", path],
            expected=support.EXIT_FAILED,
        )
        self.assertRegex(done.stderr.decode(), r"no sample was taken.*: \d+ without the GIL held")
        self.assertFalse(os.path.exists(path))

    def test_native(self):
        target = self.start("moving.py", 3, 600)
        target.wait_for("tree.json")
        path, counts, ways = self.sample(target, "--native", "-r", "50", "--count", "20")
        self.assertEqual((counts[0], set(ways)), (20, {"all"}))
        once = target.path("once.zst")
        check([CAPTURE, "-p", str(target.pid), "--native", "-o", once])
        whole = 0
        for number in range(1, 21, 2):
            done = support.run([ANALYZE, "dump", "--json", "--native", "--sample", str(number), path])
            # Stopped anywhere in machine code, a thread can be where unwinding cannot begin.
            self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr)
            whole += done.returncode == support.EXIT_DONE
            frames = [frame for thread in json.loads(done.stdout) for frame in thread["frames"]]
            self.assertTrue(any(frame["module"] for frame in frames), "native frames of sample %d" % number)
        self.assertGreater(whole, 5)
        # Images of modules, which are most of it, are there once.
        self.assertLess(os.path.getsize(path), 3 * os.path.getsize(once))

    def test_traced_meanwhile(self):
        """Samples that need a stop fail while somebody else traces it, and none is made up."""
        libc = ctypes.CDLL(None, use_errno=True)
        target = self.start("moving.py", 3, 600)
        target.wait_for("tree.json")
        process = subprocess.Popen(
            [CAPTURE, "-p", str(target.pid), "-r", "100", "-o", target.path("run.zst")],
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        path = target.path("run.zst")
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 1000, 60, "it is sampled")

        def seize():
            for name in os.listdir("/proc/%d/task" % target.pid):
                if int(name) not in seized and libc.ptrace(PTRACE_SEIZE, int(name), None, None) == 0:
                    seized.add(int(name))
            return len(seized) == len(os.listdir("/proc/%d/task" % target.pid))

        seized = set()
        wait_until(seize, 20, "all threads are seized between the samples")
        wait_until(lambda: self.goes_on(process), 20, "stops are refused")
        for tid in seized:
            libc.ptrace(PTRACE_INTERRUPT, tid, None, None)
            os.waitpid(tid, 0x40000000)  # __WALL
            libc.ptrace(PTRACE_DETACH, tid, None, None)
        size = os.path.getsize(path)
        wait_until(lambda: os.path.getsize(path) > size + 200, 60, "samples are taken again")
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, support.EXIT_DONE, text)
        self.assertGreater(int(COUNTS.search(text).group(3)), 0, text)
        self.assertIsNone(target.process.poll())

    def seize(self, pid):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
            self.skipTest("ptrace: %s" % os.strerror(ctypes.get_errno()))

    def assert_no_sample(self, pid, reason, *options, expected):
        path = os.path.join(self.folder(), "run.zst")
        done = check([CAPTURE, "-p", str(pid), "-r", "20", "-d", "0.5", "-o", path] + list(options), expected=expected)
        self.assertIn(reason, done.stderr.decode())
        self.assertFalse(os.path.exists(path))

    def test_reason_of_no_sample(self):
        """It is told why the run was over without one, were it a descendant's reason."""
        waits = subprocess.Popen(["sleep", "600"])
        self.addCleanup(waits.wait)
        self.addCleanup(waits.kill)
        self.assert_no_sample(waits.pid, "is no Python process", "--wait", "1", expected=support.EXIT_NO_PYTHON)
        target = self.start("moving.py", 3, 600)
        target.wait_for("tree.json")
        self.seize(target.pid)
        traced = "already traced by process %d" % os.getpid()
        self.assert_no_sample(target.pid, traced, "--native", expected=support.EXIT_FAILED)
        self.assert_no_sample(target.pid, traced, "--native", "--wait", "1", expected=support.EXIT_FAILED)

    def test_reason_of_a_descendant(self):
        ready = os.path.join(self.folder(), "ready")
        script = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(600)"
        shell = subprocess.Popen(
            ["sh", "-c", '"$@" & wait', "sh"] + self.interpreter.command + ["-c", script, ready],
            preexec_fn=support._prepare_target, env=dict(os.environ, **self.interpreter.environment),
        )
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        wait_until(lambda: os.path.exists(ready), 60, "the child runs")
        (child,) = (int(pid) for pid in open("/proc/%d/task/%d/children" % (shell.pid, shell.pid)).read().split())
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.seize(child)
        self.assert_no_sample(
            shell.pid, "already traced by process %d" % os.getpid(), "-s", "--native", expected=support.EXIT_FAILED
        )

    def goes_on(self, process):
        """Whether the capture went on for some samples: it sleeps for each, and between attempts."""
        switches = int(support.process_status(process.pid)["voluntary_ctxt_switches"])
        first = getattr(self, "first_switches", None)
        if first is None:
            self.first_switches = switches
        return first is not None and switches > first + 150


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), RunTargets, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
