#!/usr/bin/env python3
"""pyspy-capture is killed at random moments and at every named fault point: the target goes on as
it was, running or stopped, no signal to it is lost, and nothing half-written is left."""

import os
import random
import signal
import subprocess
import sys
import time

from disturbed import Disturbed
from support import ANALYZE, CAPTURE, SMALL, check, main, run

# What these look for happens rarely.
SECOND_TRY = False

RANDOM_KILLS = 30 if SMALL else 200
FAULT_ATTEMPTS = 60  # runs until a point is reached that needs luck
SIGNAL_PAUSE_SECONDS = 0.0002

# Not on the way of every capture: whether a signal comes just while a thread is seized is chance.
LUCKY_POINTS = {"signal-stop"}


def fault_points():
    return check([CAPTURE, "--help-faults"]).stdout.decode().split()


class KillTest(Disturbed):
    def assert_whole_or_nothing(self, what):
        """No file, or the one that was asked for, whole."""
        left = os.listdir(self.folder)
        self.assertIn(left, [[], ["snapshot.zst"]], what)
        if left:
            check([ANALYZE, "dump", self.output])
            os.unlink(self.output)
        return bool(left)

    # --- doing it ---

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
