"""What the end-to-end tests share: the built programs, targets, and comparing stacks."""

import ctypes
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
TARGETS = os.path.join(FOLDER, "targets")
BUILD = os.path.abspath(
    os.environ.get("PYSPY_BUILD", os.path.join(FOLDER, os.pardir, os.pardir, "build"))
)
CAPTURE = os.path.join(BUILD, "pyspy-capture")
ANALYZE = os.path.join(BUILD, "pyspy-analyze")

SCALE = os.environ.get("PYSPY_E2E_SCALE", "full")
SMALL = SCALE == "small"

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_PARTIAL, EXIT_NO_PYTHON, EXIT_PERMISSION = range(6)

PR_SET_PTRACER = 0x59616D61  # prctl(2)
COMMAND_TIMEOUT_SECONDS = 120
NO_MODULE = 77  # what a target exits with whose Python lacks a module

_LIBC = ctypes.CDLL(None, use_errno=True)


def _prepare_target():
    """In the child, before exec: permit tracing (Yama), dump core, die with the test."""
    _LIBC.prctl(PR_SET_PTRACER, ctypes.c_ulong(2**64 - 1), 0, 0, 0)
    pr_set_pdeathsig = 1
    _LIBC.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def run(command, **options):
    """Run to its end. A program that does not end in time fails the test."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("timeout", COMMAND_TIMEOUT_SECONDS)
    return subprocess.run(command, check=False, **options)


class CommandFailed(AssertionError):
    """One of our programs gave another exit status than the test expects."""


def check(command, expected=EXIT_DONE, **options):
    done = run(command, **options)
    if done.returncode != expected:
        raise CommandFailed(
            "%s\nexit status %d, expected %d\nstandard error:\n%s"
            % (" ".join(command), done.returncode, expected, done.stderr.decode(errors="replace"))
        )
    return done


def capture(pid, path, *options, **keywords):
    return check([CAPTURE, "--pid", str(pid), "-o", path] + list(options), **keywords)


def dump_json(path, *options, **keywords):
    done = check([ANALYZE, "dump", "--json", path] + list(options), **keywords)
    return json.loads(done.stdout.decode())


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("%s: not within %d s" % (what, seconds))
        time.sleep(0.005)


def process_status(pid, tid=None):
    """The fields of a process's status, or of one thread's (proc(5))."""
    with open("/proc/%d/task/%d/status" % (pid, tid or pid)) as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


def threads_status(pid):
    """{tid: fields} of a process's threads, without those that end meanwhile."""
    found = {}
    for tid in map(int, os.listdir("/proc/%d/task" % pid)):
        try:
            found[tid] = process_status(pid, tid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def state_of(pid):
    return process_status(pid)["State"][0]


def thread_states(pid):
    """The states that its threads are in."""
    return {fields["State"][0] for fields in threads_status(pid).values()}


class Target:
    """A Python program under test, in a folder of its own. Killed, and the folder gone, at the end."""

    def __init__(self, interpreter, script, *arguments, flags=(), environment=None, command=None):
        self.interpreter = interpreter
        self.folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        variables = dict(
            os.environ,
            LC_ALL="C.UTF-8",
            PYTHONUTF8="1",
            PYTHONDONTWRITEBYTECODE="1",
            **interpreter.environment
        )
        variables.pop("PYTHONPATH", None)
        variables.update(environment or {})
        os.mkfifo(os.path.join(self.folder, "go"))
        self.log = open(os.path.join(self.folder, "output.txt"), "w+b")
        self.process = subprocess.Popen(
            (command or interpreter.command)
            + list(flags)
            + [os.path.join(TARGETS, script), self.folder]
            + [str(argument) for argument in arguments],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=_prepare_target,
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait_for(self, name, seconds=60):
        """Wait for a file that the target renames into place."""

        def there():
            if os.path.exists(self.path(name)):
                return True
            if self.process.poll() is not None:
                raise AssertionError(
                    "the target ended with %d:\n%s" % (self.process.returncode, self.output())
                )
            return False

        wait_until(there, seconds, "%s of the target" % name)

    def settle_interpreters(self):
        """settle(), of a target that makes subinterpreters, if there is a module for them."""
        try:
            self.settle()
        except AssertionError:
            if self.process.poll() == NO_MODULE:
                raise unittest.SkipTest("this Python has no module for subinterpreters")
            raise

    def threads(self):
        return [int(name) for name in os.listdir("/proc/%d/task" % self.pid)]

    def _activity(self):
        """State and switches of all threads: equal twice means that nothing ran in between."""
        wanted = ("State", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
        return {
            tid: tuple(fields[name] for name in wanted)
            for tid, fields in threads_status(self.pid).items()
        }

    def wait_quiet(self, seconds=30):
        def quiet():
            first = self._activity()
            if any(state[0] != "S" for state, _, _ in first.values()):
                return False
            time.sleep(0.03)
            return self._activity() == first

        wait_until(quiet, seconds, "all threads of the target blocked")

    def settle(self):
        """All threads stand where they will stay; the reporter has not looked yet."""
        self.wait_for("settled")
        self.wait_quiet()

    def expected(self):
        """Let the reporter write the expected stacks, wait until it is gone, and read them."""
        if not os.path.exists(self.path("expected.json")):
            with open(self.path("go"), "wb") as go:
                go.write(b"!")
            self.wait_for("expected.json")
        with open(self.path("expected.json"), "rb") as file:
            content = json.load(file)
        wait_until(
            lambda: len(self.threads()) == len(content["threads"]), 30, "the reporter's end"
        )
        self.wait_quiet()
        return content

    def make_core(self):
        """Abort the target and give the path of its core, in its folder; None and a reason if the
        machine's configuration keeps cores from being written there."""
        reason = core_obstacle()
        if reason is None:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            found = glob.glob(self.path("core*"))
            if found:
                return found[0], None
            reason = "no core was written"
        elif shutil.which("gcore"):
            done = run(["gcore", "-o", self.path("core"), str(self.pid)])
            found = glob.glob(self.path("core*"))
            if found:
                return found[0], None
            reason += "; gcore: " + done.stderr.decode(errors="replace").strip()[-200:]
        else:
            reason += "; gcore is not installed"
        return None, reason


def core_obstacle():
    """Why SIGABRT leaves no core in the working folder here, or None."""
    with open("/proc/sys/kernel/core_pattern") as file:
        pattern = file.read().strip()
    if not pattern.startswith("core") or "/" in pattern:
        return "core_pattern is %r" % pattern
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        return "the hard limit of core sizes is 0"
    return None


# --- comparing ----------------------------------------------------------------------------------------


def expected_stacks(expected):
    """{tid: ((name, filename, line), ...)}, innermost first; the qualified name where there is one."""
    return {
        thread["tid"]: tuple(
            (frame["qualname"] or frame["name"], frame["filename"], frame["line"])
            for frame in thread["frames"]
        )
        for thread in expected["threads"]
    }


def shown_stacks(dump, only=None):
    """The same of our (or py-spy's) JSON. Threads outside of `only` are left out."""
    stacks = {}
    for thread in dump:
        tid = thread["os_thread_id"]
        if only is not None and tid not in only:
            continue
        stacks.setdefault(tid, []).append(
            tuple((frame["name"], frame["filename"], frame["line"]) for frame in thread["frames"])
        )
    return {
        tid: several[0] if len(several) == 1 else tuple(several) for tid, several in stacks.items()
    }


def stack_difference(expected, shown, limit=3):
    """Text that tells the first differences, or an empty string."""
    lines = []
    for tid in sorted(set(expected) | set(shown)):
        want, got = expected.get(tid), shown.get(tid)
        if want == got:
            continue
        if len(lines) > limit * 8:
            lines.append("...")
            break
        if want is None or got is None:
            lines.append("thread %s: %s" % (tid, "missing" if got is None else "not expected"))
            continue
        lines.append("thread %s: %d frames expected, %d shown" % (tid, len(want), len(got)))
        for index in range(max(len(want), len(got))):
            a = want[index] if index < len(want) else None
            b = got[index] if index < len(got) else None
            if a != b:
                lines += ["  frame %d" % index, "    expected %r" % (a,), "    shown    %r" % (b,)]
                break
    return "\n".join(lines)


def identity(dump):
    """All of the JSON that must not differ between two ways of reading the same standing process."""
    threads = []
    for thread in dump:
        process = dict(thread["process_info"])
        for name in ("sample", "capture_time"):
            process.pop(name, None)
        threads.append(dict(thread, process_info=process))
        # A wait with a timeout that a stop interrupted goes on as restart_syscall(2).
        threads[-1].pop("system_call", None)
    return threads


# Memory that is let go is kept back by the sanitizer for a while, and all takes longer.
SANITIZED = BUILD.endswith("-sanitize")


def start_two_users(test, interpreter, child_user, user):
    """A Python process and its child, each of another user, which run; their numbers. Only root can."""
    text = (
        "import os, time, ctypes\n"
        "child = os.fork()\n"
        "user = %d if child == 0 else %d\n" % (child_user, user)
        + "os.setgid(user); os.setuid(user)\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"  # PR_SET_DUMPABLE, which setuid took away
        "open('/proc/self/comm', 'wb').write(b'%d ready' % child)\n"  # no codec can be loaded now
        "time.sleep(1000)\n"
    )
    process = subprocess.Popen(
        ["/usr/bin/env"] + interpreter.command + ["-S", "-E", "-c", text],
        env=dict(os.environ, **interpreter.environment),
        start_new_session=True,
        preexec_fn=_prepare_target,
    )
    test.addCleanup(process.wait)
    test.addCleanup(os.killpg, process.pid, signal.SIGKILL)

    def child_of(pid):
        with open("/proc/%s/comm" % pid) as file:
            number, _, word = file.read().strip().partition(" ")
        return number if word == "ready" else None

    child = wait_until(lambda: child_of(process.pid), 60, "a process with a child")
    wait_until(lambda: child_of(child), 60, "the child")
    return process.pid, int(child)


class EndToEndTest(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        for program in (CAPTURE, ANALYZE):
            if not os.access(program, os.X_OK):
                raise AssertionError("%s is not built (set PYSPY_BUILD)" % program)

    def folder(self):
        folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def assert_stacks(self, expected, dump, only=None, message=""):
        want = expected_stacks(expected)
        difference = stack_difference(want, shown_stacks(dump, only))
        if difference:
            self.fail("%s\n%s" % (message, difference))


    def assert_identical(self, one, other, message):
        """Two ways to read the same standing process."""
        for first, second in zip(identity(one), identity(other)):
            for key in sorted(set(first) | set(second)):
                if first.get(key) != second.get(key):
                    self.fail(
                        "%s: thread %s: %s: %.500r, %.500r"
                        % (message, first["os_thread_id"], key, first.get(key), second.get(key))
                    )
        self.assertEqual(len(one), len(other), message)


def main():
    """For `python3 tests/e2e/test_….py`: verbose, and a closing line that counts."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    bad = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (result.testsRun - bad - skipped, bad, skipped))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
