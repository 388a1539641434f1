"""A run is killed at random moments: the target goes on as if nothing had been there, all but the last
second of the run can be read, and of the target's signals none is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import support
from disturbed import Disturbed

# What these look for happens rarely.
SECOND_TRY = False

KILLS = 30 if support.SMALL else 200
RATE = 200
SIGNAL_PAUSE_SECONDS = 0.0005
LONGEST_SECONDS = 1.6

class RunKillTest(Disturbed):
    def last_sample_seconds(self):
        """When the last sample was taken that the file has, since 1970; None if it has none."""
        done = support.run([support.ANALYZE, "info", "--json", self.output])
        if done.returncode not in (support.EXIT_DONE, support.EXIT_PARTIAL):
            return None
        return json.loads(done.stdout.decode())["sample"]["time_ns"] / 1e9

    def assert_reported(self, what):
        done = support.run([support.ANALYZE, "report", "-i", "-f", "collapsed", self.output])
        self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), what)
        self.assertIn(b"count_up", done.stdout, what)

    def kill_once(self, what):
        """When it was killed, in seconds since 1970."""
        end = time.monotonic() + random.uniform(0, LONGEST_SECONDS)
        process = subprocess.Popen(
            [support.CAPTURE, "--pid", str(self.target.pid), "-r", str(RATE), "-o", self.output],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while time.monotonic() < end:
            self.signals.send_some()
            time.sleep(SIGNAL_PAUSE_SECONDS)
        killed = time.time()
        process.kill()
        self.assertEqual(process.wait(), -signal.SIGKILL, what)
        return killed

    def test_random_moments(self):
        lost = []
        for number in range(KILLS):
            what = "seed %d, kill %d" % (self.seed, number)
            killed = self.kill_once(what)
            self.assert_untraced(stopped=False)
            self.assert_runs()
            if not os.path.exists(self.output):
                continue
            last = self.last_sample_seconds()
            if last is not None:
                self.assert_reported(what)
                lost.append(killed - last)
            os.unlink(self.output)
        self.assert_nothing_lost()
        sent = sum(self.signals.sent.values())
        print(
            "%d kills, %d files with samples, %d signals; lost %.2f s at most"
            % (KILLS, len(lost), sent, max(lost)),
            file=sys.stderr,
        )
        self.assertGreater(len(lost), KILLS // 3)
        # A machine that does much else delays a few.
        self.assertLess(sorted(lost)[len(lost) * 3 // 4], 1.0)


if __name__ == "__main__":
    support.main()
