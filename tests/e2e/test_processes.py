#!/usr/bin/env python3
"""Several processes in one capture: children of every kind, their parents, what goes wrong with one."""

import glob
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters, newest_supported
from support import ANALYZE, CAPTURE, SMALL, TARGETS, EndToEndTest, Target, check, run, wait_until
from disturbed import QUEUEING, Signals

CAPTURES_OF_A_GROWING_TREE = 5 if SMALL else 20
KILLS = 10 if SMALL else 60
SCRIPT = os.path.join(TARGETS, "processes.py")
NOBODY, DAEMON = 65534, 1


def relatives():
    """{pid: parent} of all processes of the machine, as /proc tells."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                pid, _, rest = file.read().partition(" ")
        except OSError:
            continue
        parents[int(pid)] = int(rest.rpartition(")")[2].split()[1])
    return parents


def descendants(root):
    parents = relatives()
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {root}
        found |= more


def ancestors(pid):
    parents, chain = relatives(), []
    while parents.get(pid):
        pid = parents[pid]
        chain.append(pid)
    return chain


def command_line(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return file.read().rstrip(b"\0 ").replace(b"\0", b" ").decode(errors="backslashreplace")


def chain_of(thread):
    """[(pid, command line)] of JSON's parents."""
    chain, parent = [], thread["process_info"]["parent"]
    while parent:
        chain.append((parent["pid"], parent["command_line"]))
        parent = parent["parent"]
    return chain


def by_process(dump):
    processes = {}
    for thread in dump:
        processes.setdefault(thread["pid"], []).append(thread)
    return processes


class ProcessesTest(EndToEndTest):
    def start(self, interpreter, *arguments, **keywords):
        target = Target(interpreter, "processes.py", *arguments, **keywords)
        self.addCleanup(target.close)
        return target

    def start_tree(self, interpreter, way, count, *command):
        target = self.start(interpreter, way, count, *command)
        target.wait_for("ready")
        return target

    def told(self, target):
        """What the processes say of themselves."""
        found = {}
        for path in glob.glob(target.path("*.json")):
            with open(path) as file:
                content = json.load(file)
            found[content["pid"]] = content
        return found

    def capture_tree(self, target, *options, expected=support.EXIT_DONE):
        path = target.path("tree%d.zst" % random.randrange(2**32))
        done = support.capture(target.pid, path, "-s", *options, expected=expected)
        return path, done.stderr.decode()

    def assert_tree(self, target, path):
        """All that said something of themselves are in it, with their parents."""
        told = self.told(target)
        shown = by_process(support.dump_json(path, "-s"))
        self.assertLessEqual(set(told), set(shown))
        self.assertEqual(list(shown)[0], target.pid)
        for pid, content in told.items():
            threads = shown[pid]
            names = sorted(thread["thread_name"] for thread in threads)
            self.assertEqual(names, content["threads"], pid)
            info = threads[0]["process_info"]
            self.assertEqual(info["pid"], pid)
            self.assertEqual(info["parent_pid"], content["parent"])
            # Nothing of the tree has changed since.
            self.assertEqual([parent for parent, _ in chain_of(threads[0])], ancestors(pid))
            for parent, line in chain_of(threads[0])[: len(ancestors(pid)) - len(ancestors(target.pid))]:
                self.assertEqual(line, command_line(parent))
            functions = [frame["function"] for frame in threads[-1]["frames"]]
            self.assertIn("stay", functions, pid)
        order = list(shown)
        for pid in told:
            if told[pid]["parent"] in order:
                self.assertLess(order.index(told[pid]["parent"]), order.index(pid))
        return shown


@template
class Trees(ProcessesTest):
    interpreter = None

    def check_way(self, way, count):
        if self.interpreter.minor < (3, 4):
            self.skipTest("multiprocessing's start methods are younger")
        target = self.start_tree(self.interpreter, way, count)
        path, message = self.capture_tree(target)
        shown = self.assert_tree(target, path)
        # Helpers of multiprocessing run Python, too.
        everybody = descendants(target.pid)
        self.assertEqual(set(shown), everybody | {target.pid}, message)
        text = check([ANALYZE, "-s", path]).stdout.decode()
        self.assertEqual(text.count("\nParent Process %d: " % target.pid), text.count("\nParent Process "))
        self.assertEqual(text.count("Process %d: " % target.pid) - 1, len(everybody))
        self.assertEqual(text.count("\n" + "-" * 80 + "\n"), len(everybody))
        return target, path

    def test_fork(self):
        self.check_way("fork", 3)

    def test_spawn(self):
        self.check_way("spawn", 3)

    def test_eight_workers_in_full(self):
        target = self.start_tree(self.interpreter, "fork", 8)
        stacks, _ = self.capture_tree(target)
        full, _ = self.capture_tree(target, "--level", "full")
        one, other = support.dump_json(stacks, "-s"), support.dump_json(full, "-s")
        self.assertEqual(len(by_process(one)), 9)
        # They wake up now and then: lines differ, and what they call then.
        self.assertEqual(*(
            [(thread["pid"], thread["thread_name"],
              [frame["name"] for frame in thread["frames"] if frame["name"] not in ("isdir", "stat")])
             for thread in dump]
            for dump in (one, other)
        ))

    def test_forkserver(self):
        if self.interpreter.minor < (3, 4):
            self.skipTest("multiprocessing's start methods are younger")
        target = self.start_tree(self.interpreter, "forkserver", 3)
        path, _ = self.capture_tree(target)
        shown = self.assert_tree(target, path)
        self.assertEqual(set(shown), descendants(target.pid) | {target.pid})
        # Workers' parent is the server, and its is the program.
        chains = [chain_of(threads[0]) for threads in shown.values()]
        self.assertEqual(sum([pid for pid, _ in chain[1:2]] == [target.pid] for chain in chains), 3)

    def test_as_py_spy(self):
        """The same processes, threads and parents as `py-spy dump --subprocesses` shows."""
        peers = os.path.join(os.environ.get("PYSPY_PEERS", "build/peers"), "bin")
        py_spy = shutil.which("py-spy", path=peers + os.pathsep + os.environ.get("PATH", ""))
        if not py_spy:
            self.skipTest("py-spy is not installed (scripts/make-peers, PYSPY_PEERS)")
        target = self.start_tree(self.interpreter, "fork", 3)
        path, _ = self.capture_tree(target)
        theirs = run([py_spy, "dump", "--subprocesses", "--pid", str(target.pid)])
        if theirs.returncode:
            self.skipTest("py-spy: %s" % theirs.stderr.decode().splitlines()[0])
        words = ("Process ", "Parent Process ", "Thread ", "Python v")

        def heads(text):
            # Whether a thread is idle is as of another moment.
            text = re.sub(r"(?m)^(Thread \d+) \([^)]*\)", r"\1", text.decode())
            lines = [line for line in text.splitlines() if line.startswith(words)]
            sections = "\n".join(lines).split("\nProcess ")
            sections[0] = sections[0].replace("Process ", "", 1)
            return {tuple(section.splitlines()) for section in sections}

        ours = check([ANALYZE, "-s", path]).stdout
        self.assertEqual(heads(theirs.stdout), heads(ours))


class Mixed(ProcessesTest):
    def setUp(self):
        self.interpreter = newest_supported()
        if self.interpreter is None:
            self.skipTest("no interpreter of a supported version was found")

    def python(self, interpreter=None):
        return " ".join(map(shlex.quote, (interpreter or self.interpreter).command + [SCRIPT]))

    def test_shell_between(self):
        target = self.start_tree(self.interpreter, "command", 2, "sh", "-c", self.python() + " @; true")
        path, message = self.capture_tree(target)
        self.assert_tree(target, path)
        self.assertIn("2 descendants run no Python", message)
        text = check([ANALYZE, "-s", path]).stdout.decode()
        self.assertRegex(
            text, r"\nParent Process \d+: sh -c .*\nParent Process %d: .*\n\nThread" % target.pid
        )
        # Without -s only what was asked for at first, and a word of the others.
        done = check([ANALYZE, path])
        self.assertEqual(done.stdout.decode().count("Process "), 1)
        self.assertIn("2 more processes are in it", done.stderr.decode())
        self.assertNotIn("Parent Process", done.stdout.decode())

    def test_other_version(self):
        others = [
            item for item in find_interpreters()
            if item.unsupported is None and item.minor != self.interpreter.minor
            and not item.environment and item.minor >= (3, 6)
        ]
        if not others:
            self.skipTest("there is one version only")
        target = self.start_tree(self.interpreter, "command", 1, "sh", "-c", self.python(others[0]) + " @; true")
        path, _ = self.capture_tree(target)
        shown = self.assert_tree(target, path)
        versions = {threads[0]["process_info"]["python_version"] for threads in shown.values()}
        for item in (self.interpreter, others[0]):
            self.assertTrue(any(text.startswith("%d.%d." % item.minor) for text in versions), versions)

    def test_shell_is_the_root(self):
        folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        environment = dict(os.environ, **self.interpreter.environment)
        shell = subprocess.Popen(
            ["sh", "-c", "%s %s none 0; true" % (self.python(), shlex.quote(folder))],
            preexec_fn=support._prepare_target, env=environment, stdin=subprocess.DEVNULL,
        )
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        ready = os.path.join(folder, "ready")
        wait_until(lambda: os.path.exists(ready), 60, "the child is ready")
        path = os.path.join(folder, "tree.zst")
        support.capture(shell.pid, path, "-s")
        shown = support.dump_json(path)
        self.assertEqual(chain_of(shown[0])[0][0], shell.pid)
        # Without -s it is what it was.
        support.capture(shell.pid, path + "2", expected=support.EXIT_NO_PYTHON)

    def test_several_pids(self):
        one, other = (self.start_tree(self.interpreter, "none", 0) for _ in range(2))
        path = one.path("both.zst")
        check([CAPTURE, "-p", str(one.pid), "-p", str(other.pid), "-o", path])
        self.assertEqual(list(by_process(support.dump_json(path))), [one.pid, other.pid])
        for pid in (one.pid, other.pid):
            self.assertEqual(set(by_process(support.dump_json(path, "-p", str(pid)))), {pid})
            info = check([ANALYZE, "info", "--json", "-p", str(pid), path]).stdout
            self.assertEqual(json.loads(info)["process"]["pid"], pid)
        done = check([ANALYZE, "-p", "1", path], expected=support.EXIT_FAILED)
        self.assertIn("there are %d, %d" % (one.pid, other.pid), done.stderr.decode())
        done = check([ANALYZE, "--sample", "2", path], expected=support.EXIT_FAILED)
        self.assertIn("no sample 2 of 1", done.stderr.decode())

    def test_one_of_several_pids_is_not_there(self):
        target = self.start_tree(self.interpreter, "none", 0)
        path = target.path("one.zst")
        gone = subprocess.Popen(["true"])
        gone.wait()
        command = [CAPTURE, "-p", str(gone.pid), "-p", str(target.pid), "-o", path]
        done = check(command, expected=support.EXIT_PARTIAL)
        self.assertIn("no process %d" % gone.pid, done.stderr.decode())
        self.assertEqual(set(by_process(support.dump_json(path))), {target.pid})
        command = [CAPTURE, "-p", str(gone.pid), "-o", path + "2"]
        check(command, expected=support.EXIT_FAILED)
        self.assertFalse(os.path.exists(path + "2"))

    def test_zombie_stopped_and_foreign_children(self):
        target = self.start_tree(
            self.interpreter, "command", 1, "sh", "-c",
            "sleep 1000 & sh -c 'exit 0' & exec %s @" % self.python(),
        )
        worker = [pid for pid in self.told(target) if pid != target.pid][0]
        sleeps = [pid for pid in descendants(worker) if command_line(pid) == "sleep 1000"]
        for pid in sleeps:
            self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.assertEqual(len(sleeps), 1)
        os.kill(worker, signal.SIGSTOP)
        self.addCleanup(os.kill, worker, signal.SIGCONT)

        wait_until(lambda: support.state_of(worker) == "T", 20, "the child is stopped")
        path, message = self.capture_tree(target)
        self.assertIn("1 descendant runs no Python", message)
        shown = by_process(support.dump_json(path, "-s"))
        self.assertEqual(set(shown), {target.pid, worker})
        self.assertTrue(shown[worker][0]["process_info"]["was_stopped"])
        self.assertFalse(shown[target.pid][0]["process_info"]["was_stopped"])
        self.assertEqual(support.state_of(worker), "T")
        known = json.loads(check([ANALYZE, "info", "--json", path]).stdout)["processes"]
        samples = {process["pid"]: process["samples"] for process in known}
        self.assertEqual({pid: samples[pid] for pid in sleeps + [worker]}, {sleeps[0]: 0, worker: 1})

    def test_no_permission_for_one_child(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to have processes of two users")
        pid, child = support.start_two_users(self, self.interpreter, DAEMON, NOBODY)
        folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o777)
        program = os.path.join(folder, "pyspy-capture")
        shutil.copy(CAPTURE, program)
        path = os.path.join(folder, "tree.zst")

        def as_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        done = run([program, "-s", "-p", str(pid), "-o", path], preexec_fn=as_nobody)
        message = done.stderr.decode()
        if done.returncode == support.EXIT_PERMISSION:
            self.skipTest("this machine lets no ordinary user trace: %s" % message)
        self.assertEqual(done.returncode, support.EXIT_PARTIAL, message)
        self.assertIn("process %d" % child, message)
        shown = by_process(support.dump_json(path, "-s"))
        self.assertEqual(set(shown), {pid})

    def test_child_in_a_namespace(self):
        """A container's process, from outside: its own number is told, too."""
        unshare = ["unshare", "--pid", "--fork", "--kill-child"]
        if not shutil.which("unshare") or run(unshare + ["true"]).returncode:
            self.skipTest("unshare --pid does not work here")
        target = self.start_tree(
            self.interpreter, "command", 1, *unshare, "sh", "-c", self.python() + " @ & wait"
        )
        path, _ = self.capture_tree(target)
        shown = by_process(support.dump_json(path, "-s"))
        self.assertEqual(len(shown), 2)
        (child,) = set(shown) - {target.pid}
        info = shown[child][0]["process_info"]
        self.assertEqual([pid for pid, _ in chain_of(shown[child][0])], ancestors(child))
        inner = [content for content in self.told(target).values() if content["pid"] != target.pid]
        self.assertEqual(info["container_pid"], inner[0]["pid"])
        self.assertNotEqual(child, inner[0]["pid"])
        # Either number names it.
        by_inner = support.dump_json(path, "-p", str(inner[0]["pid"]))
        self.assertEqual(set(by_process(by_inner)), {child})

    def test_command_line_in_a_core(self):
        """All of it, of which the core's note has 79 bytes; its parent's number, and no more of that."""
        words = ["none", "0"] + ["argument %d" % number for number in range(300)]
        target = self.start_tree(self.interpreter, *words)
        line = command_line(target.pid)
        core, reason = target.make_core()
        if core is None:
            self.skipTest(reason)
        info = support.dump_json(core)[0]["process_info"]
        self.assertEqual(info["command_line"], line)
        self.assertEqual((info["pid"], info["parent_pid"]), (target.pid, os.getpid()))
        self.assertIsNone(info["parent"])

    def test_tree_that_changes(self):
        """Children come and go all the time: that is no failure, and nobody waits for ever."""
        target = self.start(self.interpreter, "command", 0)
        churn = subprocess.Popen(
            self.interpreter.command + ["-S", "-E", "-c", "import os, time\n"
             "while True:\n"
             "    if not os.fork():\n"
             "        time.sleep(0.02)\n"
             "        os._exit(0)\n"
             "    time.sleep(0.002)\n"
             "    while True:\n"
             "        try:\n"
             "            if not os.waitpid(-1, os.WNOHANG)[0]: break\n"
             "        except OSError: break\n"],
            env=dict(os.environ, **self.interpreter.environment), preexec_fn=support._prepare_target,
        )
        self.addCleanup(churn.wait)
        self.addCleanup(churn.kill)
        wait_until(lambda: descendants(churn.pid), 60, "children")
        most = 0
        for number in range(CAPTURES_OF_A_GROWING_TREE):
            path = target.path("churn%d.zst" % number)
            done = run([CAPTURE, "-s", "-p", str(churn.pid), "-o", path, "--wait", "5"])
            self.assertIn(done.returncode, (0, support.EXIT_PARTIAL), done.stderr.decode())
            done = run([ANALYZE, "-s", "--json", path])
            self.assertIn(done.returncode, (0, support.EXIT_PARTIAL), done.stderr.decode())
            shown = by_process(json.loads(done.stdout.decode()))
            self.assertIn(churn.pid, shown)
            most = max(most, len(shown))
            os.unlink(path)
        self.assertGreater(most, 1)


class Killed(ProcessesTest):
    def test_children_lose_no_signal(self):
        """The program is killed while it captures children: they go on, and no signal is lost."""
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        children = [Target(interpreter, "signal_counter.py", 3) for _ in range(2)]
        for child in children:
            self.addCleanup(child.close)
            child.wait_for("ready")
        signals = [Signals(child) for child in children]
        path = children[0].path("tree.zst")
        command = [CAPTURE, "-o", path]
        for child in children:
            command += ["-p", str(child.pid)]
        begin = time.monotonic()
        check(command)
        os.unlink(path)
        usual = time.monotonic() - begin
        killed = 0
        while killed < KILLS:
            end = time.monotonic() + random.uniform(0, usual)
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while time.monotonic() < end and process.poll() is None:
                for one in signals:
                    one.send_some()
                time.sleep(0.0002)
            process.kill()
            process.wait()
            killed += process.returncode != 0
            if os.path.exists(path):
                check([ANALYZE, "dump", path])
                os.unlink(path)
        for one in signals:
            sent = sum(one.sent.values())
            wait_until(lambda: one.handled_total() >= sent, 30, "all signals handled")
            self.assertEqual(one.handled(), one.sent)


for _interpreter in find_interpreters():
    if _interpreter.unsupported or _interpreter.minor < (3, 4):
        add_skip(globals(), _interpreter.name, _interpreter.unsupported or "processes.py is for Python 3")
        continue
    add_class(globals(), Trees, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
