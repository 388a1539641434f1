"""Shares of a program whose time is known come out right: functions that burn 70, 20 and 10 per cent.

Compared is with what the program itself measured while it was sampled, by its processor time and by the
clock, which a busy machine lets differ. Where that let many samples come late, those that are left are so many
throws of dice, and may scatter so.
"""

import bisect
import collections
import glob
import json
import os
import re
import signal

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

ALONE = True

PARTS = ("burn_70", "burn_20", "burn_10")
# The error of a share is that of where slices begin, some 0.3 points in 30 s at 100 Hz: see the target.
SECONDS = 8 if SMALL else 30
RATE = 100
POINTS = 2.0
# How much of what so many throws of dice would scatter is let pass, of three standard deviations.
SCATTER = 1.0 if SMALL else 0.5
IDLE_THREADS = 20
SUMMARY = re.compile(r"(\d+) samples, (\d+) late, (\d+) failed")


def last_time(path):
    with open(path) as file:
        return float(file.read().rpartition("\n")[0].rpartition("\n")[2].split()[0])


def measured_shares(path, begin, end):
    """({function: per cent} of the processor time between two times of day, and of the clock), by the
    target's own accounts."""
    with open(path) as file:
        rows = [[float(word) for word in line.split()] for line in file if line.endswith("\n")]
    times = [row[0] for row in rows]
    first = rows[max(bisect.bisect_left(times, begin) - 1, 0)]
    last = rows[min(bisect.bisect_left(times, end), len(rows) - 1)]
    values = [b - a for a, b in zip(first[1:], last[1:])]
    both = values[: len(PARTS)], values[len(PARTS) :]
    return tuple({name: 100 * value / sum(part) for name, value in zip(PARTS, part)} for part in both)


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

    def capture(self, path, *words):
        """Gives the share of the samples that came late."""
        done = support.check([support.CAPTURE, "-r", str(RATE), "-o", path] + list(words))
        return self.late(done.stderr.decode())

    def late(self, text):
        samples, late, failed = SUMMARY.search(text).groups()
        self.assertLess(int(failed), int(samples) // 20 + 1)
        return float(late) / (int(samples) + int(late))

    def assert_shares(self, path, words, pid, shares, late):
        samples = self.counts(path, *words)[pid]
        number = sum(samples[name] for name in PARTS)
        for unit in ("samples", "wall", "cpu"):
            counts = self.counts(path, "--weight", unit, *words)[pid]
            total = sum(counts[name] for name in PARTS)
            for name in PARTS:
                # Where the machine stood still for a while, so did the sampling: that time is in the clock's
                # shares only. Where the target alone waited for a processor, samples are of the clock.
                expected = [clock[name] for clock in shares]
                part = expected[0] / 100
                scatter = 300 * (part * (1 - part) / number) ** 0.5
                # A sample before a gap weighs as much as those that are missing: few can weigh much.
                scatter *= 1 if unit == "samples" else 2
                share = 100.0 * counts[name] / total
                self.assertLessEqual(
                    max(share - max(expected), min(expected) - share),
                    POINTS + max(late, SCATTER) * scatter,
                    "%s: %.2f by %s, of %d samples; expected %s" % (name, share, unit, number, expected),
                )


@template
class Live(Shares):
    interpreter = None

    def start(self, children):
        target = Target(self.interpreter, "shares.py", IDLE_THREADS, children, 600)
        self.addCleanup(target.close)
        files = support.wait_until(
            lambda: self.accounts(target, max(children, 1)), 60, "%d processes work" % max(children, 1)
        )
        return target, files

    def spawn(self, children, *words):
        """The same program, started by the run itself, which leaves it running at its end."""
        words = [support.CAPTURE, "-r", str(RATE), "-d", str(SECONDS), "-o", "run.zst"] + list(words)
        target = Target(
            self.interpreter,
            "shares.py",
            IDLE_THREADS,
            children,
            600,
            command=words + ["--"] + self.interpreter.command,
        )
        self.addCleanup(target.close)
        self.addCleanup(self.end, target)
        status = target.process.wait(timeout=SECONDS + 60)
        self.assertEqual(status, support.EXIT_DONE, target.output())
        files = self.accounts(target, max(children, 1))
        self.assertIsNotNone(files, target.output())
        return target, files, self.late(target.output())

    def end(self, target):
        for pid in self.accounts(target, 0):
            os.kill(pid, signal.SIGKILL)

    def accounts(self, target, wanted):
        """{pid: path of its accounts}, when all are at work."""
        found = glob.glob(target.path("times-*"))
        if len(found) < wanted or not all(os.path.getsize(path) for path in found):
            return None
        return {int(path.rpartition("-")[2]): path for path in found}

    def measured(self, path, files):
        """{pid: shares} while there were samples, from accounts that go on until after the last one."""
        facts = self.report(path, "-s")["report"][0]
        first, last = (facts[name] / 1e9 for name in ("first_time_ns", "last_time_ns"))
        shares = {}
        for pid, times in files.items():
            support.wait_until(lambda: last_time(times) > last, 60, "it goes on")
            shares[pid] = measured_shares(times, first, last)
            self.assertAlmostEqual(shares[pid][0]["burn_70"], 70, delta=5)
        return shares

    def test_live_beside_idle_threads(self):
        target, files = self.start(0)
        path = target.path("run.zst")
        late = self.capture(path, "--pid", str(target.pid), "-d", str(SECONDS))
        shares = self.measured(path, files)[target.pid]
        counts = self.counts(path)[0]
        self.assertNotIn("idle_wait", counts)
        self.assertLess(counts["other"], 0.05 * sum(counts.values()))
        self.assert_shares(path, [], 0, shares, late)
        every = self.counts(path, "-i")[0]
        number = self.report(path)["report"][0]["process_samples"]
        self.assertEqual(every["idle_wait"], IDLE_THREADS * number)

    def test_spawned(self):
        target, files, late = self.spawn(0)
        path = target.path("run.zst")
        for shares in self.measured(path, files).values():
            self.assertNotIn("idle_wait", self.counts(path)[0])
            self.assert_shares(path, [], 0, shares, late)

    def test_spawned_subprocesses(self):
        target, files, late = self.spawn(2, "-s")
        path = target.path("run.zst")
        self.assertEqual(len(files), 2)
        for pid, shares in self.measured(path, files).items():
            self.assert_shares(path, ["-s"], pid, shares, late)

    def test_subprocesses(self):
        target, files = self.start(2)
        path = target.path("run.zst")
        late = self.capture(path, "--pid", str(target.pid), "-s", "-d", str(SECONDS))
        for pid, shares in self.measured(path, files).items():
            self.assert_shares(path, ["-s"], pid, shares, late)


# Each takes minutes. Before 3.7 the target has no clock for one thread's processor time.
for _interpreter in [one for one in find_interpreters() if one.minor >= (3, 7)][-1:]:
    if support.SANITIZED:
        add_skip(globals(), _interpreter.name, "sanitizers slow sampling down until it is late more often than not")
    elif not _interpreter.undecoded:
        add_class(globals(), Live, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
