#!/usr/bin/env python3
"""A run over a process of which a thread cannot be stopped for a while."""

import os
import re
import signal
import subprocess
import time

import support
from interpreters import newest_supported
from support import CAPTURE, EndToEndTest, Target, process_status, state_of, wait_until

FAILED = re.compile(r"(\d+) samples, \d+ late, (\d+) failed")


def is_traced(pid):
    return process_status(pid)["TracerPid"] != "0"


class Stuck(EndToEndTest):
    def start(self):
        """A target of which a thread can be made to wait uninterruptibly."""
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        target = Target(interpreter, "stuck_thread.py")
        self.addCleanup(target.close)
        target.wait_for("ready")
        return target

    def block(self, target):
        open(target.path("block"), "w").close()
        wait_until(lambda: state_of(target.pid) == "D", 60, "a thread that cannot be stopped")

    def begin(self, *arguments):
        process = subprocess.Popen([CAPTURE, *arguments], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def begin_run(self, target):
        path = target.path("run.zst")
        run = self.begin("-p", str(target.pid), "-r", "100", "-o", path)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 60, "the first sample")
        return run

    def end(self, process, status=support.EXIT_DONE):
        process.send_signal(signal.SIGTERM)
        text = process.communicate()[1].decode()
        self.assertEqual(process.returncode, status, text)
        return text

    def test_the_run_ends_in_order(self):
        """It neither holds the others for long nor waits for it when it is to end."""
        target = self.start()
        run = self.begin_run(target)
        self.block(target)
        time.sleep(1.5)
        samples, failed = map(int, FAILED.search(self.end(run)).groups())
        self.assertGreater(samples, 0)
        self.assertGreater(failed, 0)
        self.assertEqual(state_of(target.pid), "D")
        with open(target.path("fifo"), "w"):
            wait_until(lambda: state_of(target.pid) != "D", 60, "the target goes on")
        self.assertIsNone(target.process.poll())

    def test_what_wakes_up_goes_on_before_the_next_sample(self):
        """After an attempt of half a second the next one comes two seconds later."""
        target = self.start()
        run = self.begin_run(target)
        self.block(target)
        wait_until(lambda: is_traced(target.pid), 60, "the attempt")
        time.sleep(0.7)
        with open(target.path("fifo"), "w"):
            wait_until(lambda: state_of(target.pid) not in "Dt", 1.2, "the target goes on")
        self.end(run)
        self.assertIsNone(target.process.poll())


    def test_a_loop_leaves_nobody_standing(self):
        """What a failed period has seized stops later, when nothing of that period is left."""
        target = self.start()
        self.block(target)
        pattern = target.path("%Y%m%dT%H%M%S.%{ms}.zst")
        loop = self.begin(
            "-p", str(target.pid), "--level", "full", "--every", "600", "-o", pattern
        )
        self.assertIn(b"did not stop within", loop.stderr.readline())
        self.assertTrue(is_traced(target.pid))
        self.assertEqual(state_of(target.pid), "D")
        with open(target.path("fifo"), "w"):
            wait_until(lambda: state_of(target.pid) not in "Dt", 60, "the target goes on")
        wait_until(lambda: not is_traced(target.pid), 60, "nobody holds it")
        self.end(loop, support.EXIT_FAILED)
        self.assertIsNone(target.process.poll())

    def test_the_next_period_has_what_the_one_before_could_not_stop(self):
        target = self.start()
        self.block(target)
        pattern = target.path("%Y%m%dT%H%M%S.%{ms}.zst")
        loop = self.begin(
            "-p", str(target.pid), "--level", "full", "--every", "0.5", "--count", "1", "-o", pattern
        )
        for _ in range(2):
            self.assertIn(b"did not stop within", loop.stderr.readline())
        with open(target.path("fifo"), "w"):
            text = loop.communicate(timeout=120)[1].decode()
        self.assertEqual(loop.returncode, support.EXIT_PARTIAL, text)
        self.assertNotIn("already traced", text)
        self.assertIsNone(target.process.poll())


if __name__ == "__main__":
    support.main()
