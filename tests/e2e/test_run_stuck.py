#!/usr/bin/env python3
"""A run over a process of which a thread cannot be stopped for a while."""

import os
import re
import signal
import subprocess
import time

import support
from interpreters import newest_supported
from support import CAPTURE, EndToEndTest, Target, state_of, wait_until

FAILED = re.compile(r"(\d+) samples, \d+ late, (\d+) failed")


class Stuck(EndToEndTest):
    def test_the_run_ends_in_order(self):
        """It neither holds the others for long nor waits for it when it is to end."""
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        target = Target(interpreter, "stuck_thread.py")
        self.addCleanup(target.close)
        target.wait_for("ready")
        path = target.path("run.zst")
        run = subprocess.Popen(
            [CAPTURE, "-p", str(target.pid), "-r", "100", "-o", path], stderr=subprocess.PIPE
        )
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.kill)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path), 60, "the first sample")
        open(target.path("block"), "w").close()
        wait_until(lambda: state_of(target.pid) == "D", 60, "a thread that cannot be stopped")
        time.sleep(1.5)
        run.send_signal(signal.SIGTERM)
        text = run.communicate()[1].decode()
        self.assertEqual(run.returncode, support.EXIT_DONE, text)
        samples, failed = map(int, FAILED.search(text).groups())
        self.assertGreater(samples, 0)
        self.assertGreater(failed, 0)
        self.assertEqual(state_of(target.pid), "D")
        with open(target.path("fifo"), "w"):
            wait_until(lambda: state_of(target.pid) != "D", 60, "the target goes on")
        self.assertIsNone(target.process.poll())


if __name__ == "__main__":
    support.main()
