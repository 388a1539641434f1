#!/usr/bin/env python3
"""pyspy-capture is killed at random moments and at every named fault point: the target goes on as
it was, running or stopped, no signal to it is lost, and nothing half-written is left."""

import os
import random
import signal
import struct
import subprocess
import sys
import time

from interpreters import newest_supported
from support import ANALYZE, CAPTURE, SMALL, EndToEndTest, Target, check, main, run, wait_until

# What these look for happens rarely.
SECOND_TRY = False

RANDOM_KILLS = 30 if SMALL else 200
FAULT_ATTEMPTS = 60  # runs until a point is reached that needs luck
THREADS = 6
SIGNAL_PAUSE_SECONDS = 0.0002
QUEUEING = [signal.SIGRTMIN + offset for offset in range(4)]
# More than RLIMIT_SIGPENDING are silently merged by kill(2), queueing or not.
MAX_PENDING = 500

# Not on the way of every capture: whether a signal comes just while a thread is seized is chance.
LUCKY_POINTS = {"signal-stop"}


def fault_points():
    return check([CAPTURE, "--help-faults"]).stdout.decode().split()


class Signals:
    """Sends to a target and counts; the target counts what it handled."""

    def __init__(self, target):
        self.target = target
        self.file = target.path("signals")
        self.sent = {number: 0 for number in QUEUEING + [signal.SIGUSR1]}

    def handled(self):
        with open(self.file, "rb") as file:
            content = file.read()
        return {number: content.count(bytes([number])) for number in self.sent}

    def handled_total(self):
        return os.stat(self.file).st_size

    def send(self, number):
        os.kill(self.target.pid, number)
        self.sent[number] += 1

    def send_some(self):
        """Signals that queue, and one that does not, which is sent only when none is pending."""
        pending = sum(self.sent.values()) - self.handled_total()
        if pending < MAX_PENDING:
            self.send(random.choice(QUEUEING))
        if pending == 0:
            self.send(signal.SIGUSR1)


class KillTest(EndToEndTest):
    def setUp(self):
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        self.target = Target(interpreter, "signal_counter.py", THREADS)
        self.addCleanup(self.target.close)
        self.target.wait_for("ready")
        self.signals = Signals(self.target)
        self.folder = self.target.path("output")
        os.mkdir(self.folder)
        self.output = os.path.join(self.folder, "snapshot.zst")
        self.seed = random.randrange(2**32)
        random.seed(self.seed)

    # --- what must hold ---

    def states(self):
        found = {}
        for tid in self.target.threads():
            with open("/proc/%d/task/%d/status" % (self.target.pid, tid)) as status:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in status)
            found[tid] = (fields["State"][0], int(fields["TracerPid"]))
        return found

    def progress(self):
        with open(self.target.path("progress"), "rb") as file:
            return struct.unpack("<%dQ" % THREADS, file.read())

    def assert_runs(self):
        before = self.progress()
        wait_until(
            lambda: all(now > old for now, old in zip(self.progress(), before)),
            30,
            "every thread of the target gets on",
        )

    def assert_untraced(self, stopped):
        """Nobody traces it. The kernel has a thread back in its stop a moment after the detach."""
        self.assertEqual({tracer for _, tracer in self.states().values()}, {0})
        if stopped:
            wait_until(
                lambda: {state for state, _ in self.states().values()} == {"T"},
                10,
                "the target is stopped as it was",
            )
        else:
            self.assertFalse({state for state, _ in self.states().values()} & set("TtZX"))

    def assert_whole_or_nothing(self, what):
        """No file, or the one that was asked for, whole."""
        left = os.listdir(self.folder)
        self.assertIn(left, [[], ["snapshot.zst"]], what)
        if left:
            check([ANALYZE, "dump", self.output])
            os.unlink(self.output)
        return bool(left)

    def assert_nothing_lost(self):
        sent = sum(self.signals.sent.values())
        wait_until(lambda: self.signals.handled_total() >= sent, 30, "all signals handled")
        self.assertEqual(self.signals.handled(), self.signals.sent)

    # --- doing it ---

    def stop_target(self):
        os.kill(self.target.pid, signal.SIGSTOP)
        wait_until(
            lambda: {state for state, _ in self.states().values()} == {"T"}, 10, "SIGSTOP's effect"
        )

    def command(self, *options):
        return [CAPTURE, "--pid", str(self.target.pid), "-o", self.output] + list(options)

    def usual_seconds(self):
        """How long a capture takes while nothing disturbs it."""
        times = []
        for _ in range(3):
            begin = time.monotonic()
            check(self.command())
            times.append(time.monotonic() - begin)
            os.unlink(self.output)
        return sorted(times)[1]

    def start(self, *options, **keywords):
        return subprocess.Popen(
            self.command(*options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **keywords
        )

    def kill_at_random(self, stopped):
        if stopped:
            self.stop_target()
        longest = self.usual_seconds()
        killed = finished = 0
        while killed < RANDOM_KILLS:
            end = time.monotonic() + random.uniform(0, longest)
            process = self.start()
            while time.monotonic() < end and process.poll() is None:
                self.signals.send_some()
                time.sleep(SIGNAL_PAUSE_SECONDS)
            process.kill()
            message = process.communicate()[1].decode(errors="replace")
            what = "seed %d, kill %d: %s" % (self.seed, killed, message)
            self.assertIn(process.returncode, (0, -signal.SIGKILL), what)
            killed += process.returncode != 0
            self.assert_untraced(stopped)
            finished += self.assert_whole_or_nothing(what)
            if not stopped:
                self.assert_runs()
        if stopped:
            os.kill(self.target.pid, signal.SIGCONT)
        self.assert_runs()
        self.assert_nothing_lost()
        sent = sum(self.signals.sent.values())
        print("%d killed, %d outputs, %d signals" % (killed, finished, sent), file=sys.stderr)

    def run_to_fault(self, point, stopped, *options):
        """Whether the program was killed by itself at that point. Signals come all the while."""
        process = self.start(*options, env=dict(os.environ, PYSPY_FAULT=point))
        while process.poll() is None:
            self.signals.send_some()
            time.sleep(SIGNAL_PAUSE_SECONDS)
        message = process.communicate()[1].decode(errors="replace")
        what = "%s: exit status %d: %s" % (point, process.returncode, message)
        self.assertIn(process.returncode, (0, -signal.SIGKILL), what)
        self.assert_untraced(stopped)
        written = self.assert_whole_or_nothing(what)
        if process.returncode != 0:
            self.assertFalse(written, what)
        if not stopped:
            self.assert_runs()
        return process.returncode != 0

    def reach(self, point, stopped):
        """Level full stops all threads, and so comes by every point of freezing; level stacks by
        that of reading."""
        attempts = FAULT_ATTEMPTS if point in LUCKY_POINTS else 4
        for attempt in range(attempts):
            options = ["--level", "full"] if attempt % 2 else []
            if self.run_to_fault(point, stopped, *options):
                return True
        return False

    def fault_at_every_point(self, stopped):
        if stopped:
            self.stop_target()
        missed = [point for point in fault_points() if not self.reach(point, stopped)]
        if stopped:
            os.kill(self.target.pid, signal.SIGCONT)
        self.assert_runs()
        self.assert_nothing_lost()
        # A stopped process is delivered no signal, and so never is in the stop before one.
        self.assertLessEqual(set(missed), LUCKY_POINTS, "points that were not reached")

    def test_random_moments(self):
        self.kill_at_random(stopped=False)

    def test_random_moments_of_a_stopped_target(self):
        self.kill_at_random(stopped=True)

    def test_every_fault_point(self):
        self.fault_at_every_point(stopped=False)

    def test_every_fault_point_of_a_stopped_target(self):
        self.fault_at_every_point(stopped=True)

    def test_unknown_fault_point(self):
        done = run(self.command(), env=dict(os.environ, PYSPY_FAULT="nonsense"))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    main()
