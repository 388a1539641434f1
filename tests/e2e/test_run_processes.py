#!/usr/bin/env python3
"""Runs over several processes: named ones, and children as they appear, run other programs and end."""

import json
import os
import re
import shlex
import signal
import subprocess
import time

import support
from generate import make_load_tests
from interpreters import newest_supported
from support import ANALYZE, CAPTURE, check, wait_until
from test_processes import ProcessesTest, SCRIPT, by_process, chain_of, command_line, descendants

COUNTS = re.compile(
    r"\((?:(?P<processes>\d+) processes, )?(?P<samples>\d+) samples, (?P<late>\d+) late, "
    r"(?P<failed>\d+) failed, (?P<incomplete>\d+) incomplete, (?P<dropped>\d+) dropped"
)


class RunProcesses(ProcessesTest):
    def setUp(self):
        self.interpreter = newest_supported()
        if self.interpreter is None:
            self.skipTest("no interpreter of a supported version was found")

    def begin(self, output, *options, **keywords):
        process = subprocess.Popen(
            [CAPTURE, "-o", output] + list(options),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **keywords,
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process, number=None, expected=support.EXIT_DONE):
        if number:
            process.send_signal(number)
        text = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, expected, text)
        return {name: int(value or 0) for name, value in COUNTS.search(text).groupdict().items()}, text

    def known(self, path):
        """{pid: process} of what info tells."""
        content = json.loads(check([ANALYZE, "info", "--json", path]).stdout)
        return {process["pid"]: process for process in content["processes"]}

    def sampled(self, path):
        """{pid: how many samples}, even of a file that is being written."""
        if not os.path.exists(path):
            return {}
        done = support.run([ANALYZE, "info", "--json", path])
        if not done.stdout:
            return {}
        content = json.loads(done.stdout)
        return {process["pid"]: process["samples"] for process in content["processes"] if process["samples"]}

    def stacks(self, path, number):
        return by_process(support.dump_json(path, "-s", "--sample", str(number)))

    def test_named_processes(self):
        one, other = (self.start_tree(self.interpreter, "none", 0) for _ in range(2))
        path = one.path("run.zst")
        counts, _ = self.end(self.begin(path, "-p", str(one.pid), "-p", str(other.pid), "--count", "20"))
        self.assertEqual((counts["processes"], counts["samples"]), (2, 40))
        self.assertEqual(self.sampled(path), {one.pid: 20, other.pid: 20})
        for pid in (one.pid, other.pid):
            self.assertEqual(set(by_process(support.dump_json(path, "-p", str(pid)))), {pid})

    def test_one_of_the_named_ends(self):
        one, other = (self.start_tree(self.interpreter, "none", 0) for _ in range(2))
        path = other.path("run.zst")
        process = self.begin(path, "-p", str(one.pid), "-p", str(other.pid), "-r", "50")
        wait_until(lambda: len(self.sampled(path)) == 2, 60, "both are sampled")
        one.process.kill()
        one.process.wait()
        before = self.sampled(path).get(other.pid)
        wait_until(lambda: self.sampled(path).get(other.pid) > before + 50, 60, "the other one goes on")
        other.process.kill()
        other.process.wait()
        counts, _ = self.end(process)
        self.assertEqual(sum(self.sampled(path).values()), counts["samples"])

    def test_one_of_the_named_is_not_there(self):
        target = self.start_tree(self.interpreter, "none", 0)
        gone = subprocess.Popen(["true"])
        gone.wait()
        path = target.path("run.zst")
        _, text = self.end(
            self.begin(path, "-p", str(gone.pid), "-p", str(target.pid), "--count", "5"),
            expected=support.EXIT_PARTIAL,
        )
        self.assertIn("no process %d" % gone.pid, text)
        self.assertEqual(self.sampled(path), {target.pid: 5})
        path = target.path("none.zst")
        check([CAPTURE, "-p", str(gone.pid), "-r", "10", "-o", path], expected=support.EXIT_FAILED)
        self.assertFalse(os.path.exists(path))

    def test_eight_workers(self):
        target = self.start_tree(self.interpreter, "fork", 8)
        path = target.path("run.zst")
        process = self.begin(path, "-p", str(target.pid), "-s", "-r", "100", "--count", "20")
        counts, _ = self.end(process)
        told = self.told(target)
        self.assertEqual(counts["processes"], 9)
        sampled = self.sampled(path)
        self.assertEqual(set(sampled), set(told))
        self.assertEqual(set(sampled.values()), {20})
        for pid in told:
            dump = support.dump_json(path, "-p", str(pid))
            self.assertIn("stay", [frame["function"] for frame in dump[-1]["frames"]])
            self.assertEqual(dump[0]["process_info"]["parent_pid"], told[pid]["parent"])

    def test_descendants_of_a_shell(self):
        """The shell runs no Python; its children begin later, one after the other."""
        folder = self.folder()
        path = os.path.join(folder, "run.zst")
        python = " ".join(map(shlex.quote, self.interpreter.command + [SCRIPT]))
        line = "read x; %s %s none 0 & read x; %s %s none 0 & wait" % (
            python, shlex.quote(os.path.join(folder, "1")), python, shlex.quote(os.path.join(folder, "2")),
        )
        for name in ("1", "2"):
            os.mkdir(os.path.join(folder, name))
        shell = subprocess.Popen(
            ["sh", "-c", line], stdin=subprocess.PIPE, preexec_fn=support._prepare_target,
            env=dict(os.environ, **self.interpreter.environment),
        )
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        self.addCleanup(shell.stdin.close)
        process = self.begin(path, "-p", str(shell.pid), "-s", "-r", "100")
        time.sleep(0.2)
        self.assertFalse(os.path.exists(path))
        for number in (1, 2):
            shell.stdin.write(b"\n")
            shell.stdin.flush()
            wait_until(lambda: len(self.sampled(path)) == number, 60, "child %d is sampled" % number)
        children = [pid for pid in descendants(shell.pid)]
        self.assertEqual(set(self.sampled(path)), set(children))
        for pid in children:
            chain = chain_of(support.dump_json(path, "-p", str(pid), expected=support.EXIT_PARTIAL)[0])
            self.assertEqual(chain[0], (shell.pid, command_line(shell.pid)))
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        # All have ended, the shell too: so does the run.
        shell.wait(timeout=60)
        counts, _ = self.end(process)
        self.assertEqual(counts["processes"], 2)
        self.assertEqual(sum(self.sampled(path).values()), counts["samples"])

    def test_another_program(self):
        """A process that was sampled runs another Python program: its samples are that one's then."""
        other = newest_supported()
        folder = self.folder()
        text = (
            "import os, sys, time\n"
            "def first():\n"
            "    while not os.path.exists(sys.argv[1] + '/go'): time.sleep(0.01)\n"
            "first()\n"
            "os.execv(sys.executable, [sys.executable, '-c', 'import time\\ndef second():\\n    time.sleep(1000)\\nsecond()'])\n"
        )
        target = subprocess.Popen(
            other.command + ["-c", text, folder], preexec_fn=support._prepare_target,
            env=dict(os.environ, **other.environment), stdin=subprocess.DEVNULL,
        )
        self.addCleanup(target.wait)
        self.addCleanup(target.kill)
        path = os.path.join(folder, "run.zst")
        process = self.begin(path, "-p", str(target.pid), "-r", "100", "--wait", "10")
        wait_until(lambda: self.sampled(path), 60, "it is sampled")
        with open(os.path.join(folder, "go"), "w"):
            pass

        def functions():
            dump = json.loads(support.run([ANALYZE, "dump", "--json", path]).stdout)
            return [frame["function"] for thread in dump for frame in thread["frames"]]

        wait_until(lambda: "second" in functions(), 60, "the other program is sampled")
        self.end(process, signal.SIGINT)
        self.assertIn("second", functions())
        self.assertIn("time.sleep(1000)", command_line(target.pid))
        dump = support.dump_json(path)
        self.assertIn("time.sleep(1000)", dump[0]["process_info"]["command_line"])

    def test_slow_reader(self):
        """A pipe that nobody reads from delays nobody: samples are dropped, and it is said how many."""
        target = self.start_tree(self.interpreter, "none", 0)
        process = self.begin("-", "-p", str(target.pid), "-r", "2000", "-l", stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)

        def asleep():
            with open("/proc/%d/task/%d/wchan" % (process.pid, self.writer(process.pid))) as file:
                return "pipe" in file.read()

        wait_until(lambda: asleep(), 60, "the pipe is full")
        # The thread that samples goes on meanwhile; it leaves the process alone once the queue is full.
        process.send_signal(signal.SIGINT)
        path = target.path("run.zst")
        with open(path, "wb") as file:
            file.write(process.stdout.read())
        counts, _ = self.end(process)
        self.assertEqual(self.sampled(path), {target.pid: counts["samples"]})

    def writer(self, pid):
        others = [int(name) for name in os.listdir("/proc/%d/task" % pid) if int(name) != pid]
        return others[0] if others else pid


load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
