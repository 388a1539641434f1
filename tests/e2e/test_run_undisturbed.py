"""A target's signals, timers, system calls and children are as they would be without a sampler: it
counts them itself (targets/undisturbed.py)."""

import json
import re

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

SAMPLES = 600 if SMALL else 4000
RATE = 1000
# What nanosleep(2) and others end early with, when a signal or a stop comes (signal(7)).
TOLD = re.compile(r"(\d+) system calls? (?:was|were) ended early")
EARLY = re.compile(r"\.EINTR$")


@template
class Undisturbed(EndToEndTest):
    interpreter = None

    def counts(self, *options):
        """What the target counted while a run of these options went on; None: no run."""
        with Target(self.interpreter, "undisturbed.py") as target:
            target.wait_for("ready")
            text = ""
            if options:
                text = support.check(
                    [support.CAPTURE, "-p", str(target.pid), "-o", target.path("run.zst")]
                    + list(options),
                ).stderr.decode()
            open(target.path("finish"), "w").close()
            target.wait_for("counts.json")
            with open(target.path("counts.json")) as file:
                return json.load(file), text

    def assert_exact(self, counts, text):
        self.assertEqual(counts["sent"], counts["received"] + self.in_flight(counts), text)
        self.assertEqual(counts["queued_sent"], counts["queued_taken"], text)
        self.assertNotIn("children.failed", counts, text)
        self.assertGreater(counts["children"], 0, text)
        # Each expiration is told exactly once, however late the thread that reads runs.
        self.assertGreaterEqual(counts["ticks"], counts["ticks_least"], text)
        self.assertLessEqual(counts["ticks"], counts["ticks_most"], text)
        self.assertGreater(counts["alarms"], 0, text)
        self.assertLessEqual(counts["alarms"], counts["alarms_due"] + 1, text)

    def in_flight(self, counts):
        """What was sent and not yet taken when all ended."""
        left = counts["sent"] - counts["received"]
        return left if 0 <= left <= 64 else 0

    def early(self, counts):
        return {key: count for key, count in counts.items() if EARLY.search(key)}

    def test_ways_a_and_b(self):
        counts, text = self.counts("-r", str(RATE), "--count", str(SAMPLES))
        self.assert_exact(counts, text)
        # A thread that held the lock can be about to wait in a system call when it is stopped. That is
        # rare, and what the run itself tells.
        told = TOLD.search(text)
        self.assertLessEqual(sum(self.early(counts).values()), int(told.group(1)) if told else 0, text)

    def test_nonblocking(self):
        counts, text = self.counts(
            "-r", str(RATE), "--count", str(SAMPLES // 4), "--nonblocking"
        )
        self.assert_exact(counts, text)
        self.assertEqual(self.early(counts), {}, text)

    def test_without_a_run(self):
        """The program notices nothing by itself: else the other tests would say nothing."""
        counts, text = self.counts()
        self.assert_exact(counts, text)
        self.assertEqual(self.early(counts), {}, text)


for _interpreter in find_interpreters():
    if not _interpreter.undecoded and _interpreter.minor >= (3, 3) and _interpreter.has_gil:
        add_class(globals(), Undisturbed, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
