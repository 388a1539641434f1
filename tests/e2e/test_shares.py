"""Shares of a program whose time is known come out right: functions that burn 70, 20 and 10 per cent.

Compared is with what the program itself measured of its processor time while it was sampled, so that a busy
machine is no excuse and no failure.
"""

import bisect
import collections
import json
import os
import re

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

PARTS = ("burn_70", "burn_20", "burn_10")
# The error of a share is that of where slices begin, some 0.3 points in 30 s at 100 Hz: see the target.
SECONDS = 8 if SMALL else 30
RATE = 250 if SMALL else 100
POINTS = 2.0
IDLE_THREADS = 20


def measured_shares(path, begin, end):
    """Per cent of each function between two times of day, by the target's own accounts."""
    with open(path) as file:
        rows = [[float(word) for word in line.split()] for line in file if line.endswith("\n")]
    times = [row[0] for row in rows]
    first = rows[max(bisect.bisect_left(times, begin) - 1, 0)]
    last = rows[min(bisect.bisect_left(times, end), len(rows) - 1)]
    spent = [b - a for a, b in zip(first[1:], last[1:])]
    return {name: 100 * value / sum(spent) for name, value in zip(PARTS, spent)}


class Shares(EndToEndTest):
    def report(self, path, *words):
        """The lines of the report in ndjson, by type."""
        done = support.check([support.ANALYZE, "report", "-f", "ndjson", path] + list(words))
        lines = collections.defaultdict(list)
        for text in done.stdout.decode().splitlines():
            line = json.loads(text)
            lines[line["type"]].append(line)
        return lines

    def counts(self, path, *words):
        """{process: {function: count}}, 0 for the process where there are none, from collapsed stacks."""
        done = support.check([support.ANALYZE, "report", "-f", "raw", "--nolineno", path] + list(words))
        counts = collections.defaultdict(collections.Counter)
        for line in done.stdout.decode().splitlines():
            stack, _, count = line.rpartition(" ")
            pids = re.findall(r'process (\d+):"', stack)
            name = re.search(r"(?:^|;)(burn_\d+|idle_wait) ", stack)
            counts[int(pids[-1]) if pids else 0][name.group(1) if name else "other"] += int(count)
        return counts

    def assert_shares(self, counts, target_shares, what):
        total = sum(counts[name] for name in PARTS)
        for name in PARTS:
            share = 100.0 * counts[name] / total
            self.assertAlmostEqual(share, target_shares[name], delta=POINTS, msg="%s: %s" % (what, name))


@template
class Live(Shares):
    interpreter = None

    def test_live_beside_idle_threads(self):
        with Target(self.interpreter, "shares.py", IDLE_THREADS, 0, 600) as target:
            times = target.path("times-%d" % target.pid)
            support.wait_until(lambda: os.path.exists(times) and os.path.getsize(times), 60, "it works")
            path = target.path("run.zst")
            support.capture(target.pid, path, "-r", str(RATE), "-d", str(SECONDS))
            # Its accounts go on until after the last sample.
            size = os.path.getsize(times)
            support.wait_until(lambda: os.path.getsize(times) > size, 60, "it goes on")
            facts = self.report(path)["report"][0]
            shares = measured_shares(times, facts["first_time_ns"] / 1e9, facts["last_time_ns"] / 1e9)
            self.assertAlmostEqual(shares["burn_70"], 70, delta=5)
            counts = self.counts(path)[0]
            self.assertNotIn("idle_wait", counts)
            self.assertLess(counts["other"], 0.05 * sum(counts.values()))
            self.assert_shares(counts, shares, "samples")
            self.assert_shares(self.counts(path, "--weight", "wall")[0], shares, "wall")
            self.assert_shares(self.counts(path, "--weight", "cpu")[0], shares, "cpu")
            every = self.counts(path, "-i")[0]
            self.assertEqual(every["idle_wait"], IDLE_THREADS * facts["process_samples"])


for _interpreter in find_interpreters()[:: 1 if SMALL else 3]:
    if not _interpreter.undecoded:
        add_class(globals(), Live, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
