"""Reports of files that do not fit together: of other hosts, versions, times, cut, double, very many."""

import collections
import json
import os
import re
import resource
import shutil
import time
import unittest

import interpreters
import support
from support import EndToEndTest, SMALL, Target
from test_clients import check_trace_events

FIXTURES = os.path.join(support.FOLDER, os.pardir, "fixtures")
FILES = 400 if SMALL else 2000
SAMPLES = 60


class ReportInputs(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        interpreter = interpreters.newest_supported()
        if interpreter is None:
            raise unittest.SkipTest("no interpreter that is supported")
        cls.target = Target(interpreter, "moving.py", 2, 600)
        cls.addClassCleanup(cls.target.close)
        cls.target.wait_for("tree.json")
        cls.runs = [cls.target.path("run%d.zst" % number) for number in range(3)]
        for path in cls.runs:
            support.capture(cls.target.pid, path, "-r", "100", "--count", str(SAMPLES))

    def report(self, *words, expected=support.EXIT_DONE):
        """`expected` None: partial or not."""
        command = [support.ANALYZE, "report", "-i"] + list(words)
        done = support.check(command, expected) if expected is not None else support.run(command)
        self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr.decode())
        self.error = done.stderr.decode()
        return done.stdout.decode()

    def lines(self, *words, **keywords):
        lines = collections.defaultdict(list)
        for text in self.report("-f", "ndjson", *words, **keywords).splitlines():
            line = json.loads(text)
            lines[line["type"]].append(line)
        return lines

    def raw(self, *words, **keywords):
        return self.counts(self.report("-f", "raw", *words, **keywords))

    @staticmethod
    def counts(text):
        counts = collections.Counter()
        for line in text.splitlines():
            stack, _, count = line.rpartition(" ")
            counts[stack] += int(count)
        return counts

    def test_order_of_files(self):
        """Timelines are in the order of time, whatever the order of the files is."""
        forward = self.report("-f", "chrometrace", *self.runs)
        disorder = [self.runs[number] for number in (1, 0, 2)]
        backward = self.report("-f", "chrometrace", *disorder)
        one, other = check_trace_events(forward), check_trace_events(backward)
        self.assertEqual(set(one), set(other))
        for key, stacks in one.items():
            for stack in set(stacks) | set(other[key]):
                self.assertAlmostEqual(stacks[stack], other[key][stack], delta=1)
        self.assertEqual(self.raw(*self.runs), self.raw(*disorder))
        for form in ("speedscope", "html"):
            sides = [self.report("-f", form, *files) for files in (self.runs, disorder)]
            if form == "speedscope":
                weights = [
                    sorted((p["name"], sum(p["weights"]), p["endValue"]) for p in json.loads(s)["profiles"])
                    for s in sides
                ]
                self.assertEqual(weights[0], weights[1])

    def test_overlapping_files(self):
        """The same time twice: counted twice, shown once."""
        trace = json.loads(self.report("-f", "chrometrace", self.runs[0], self.runs[0]))
        once = check_trace_events(self.report("-f", "chrometrace", self.runs[0]))
        twice = check_trace_events(json.dumps(trace))
        self.assertEqual(once, twice)
        self.assertGreater(int(trace["otherData"]["overlapping stacks left out"]), 0)
        single = self.raw(self.runs[0])
        self.assertEqual(
            self.raw(self.runs[0], self.runs[0]), {stack: 2 * n for stack, n in single.items()}
        )

    def test_hosts_and_versions(self):
        """Snapshots of all versions, machines and times that the fixtures are of, beside runs of here."""
        folders = sorted(os.listdir(FIXTURES))
        files = [os.path.join(FIXTURES, folder, "stacks.zst") for folder in folders]
        files = [path for path in files if os.path.exists(path)]
        self.assertGreater(len(files), 5)
        alone = collections.Counter()
        for path in files + self.runs:
            alone += self.raw("-s", path, expected=None)
        mixed = files[::2] + self.runs + files[1::2]
        self.assertEqual(self.raw("-s", *mixed, expected=None), alone)
        lines = self.lines("-s", *mixed, expected=None)
        self.assertGreaterEqual(len(lines["process"]), len(files))
        for thread in lines["thread"]:
            self.assertLess(thread["wall_ns"], 3600 * 10**9)
        spent = check_trace_events(self.report("-s", "-f", "chrometrace", *mixed, expected=None))
        self.assertIn(self.target.pid, {pid for pid, _ in spent})
        for form in ("flamegraph", "html", "speedscope", "text"):
            self.assertTrue(self.report("-s", "-f", form, *mixed, expected=None))

    def test_cut_file(self):
        """What is whole counts, what is lost is said, and the other files are not touched by it."""
        size = os.path.getsize(self.runs[1])
        whole = self.raw(self.runs[1])
        cut = self.target.path("cut.zst")
        before = 0
        for part in (0.3, 0.7, 0.95):
            with open(self.runs[1], "rb") as source, open(cut, "wb") as file:
                file.write(source.read(int(size * part)))
            counts = self.raw(self.runs[0], cut, self.runs[2], expected=None)
            self.assertRegex(self.error, r"cut\.zst")
            kept = counts - self.raw(self.runs[0], self.runs[2])
            self.assertFalse(kept - whole)
            self.assertGreaterEqual(sum(kept.values()), before)
            before = sum(kept.values())
            report = self.lines(self.runs[0], cut, expected=None)["report"][0]
            self.assertTrue(any("cut.zst" in text for text in report["missing"]), report)
            for form in ("flamegraph", "html", "text", "chrometrace"):
                self.assertIn("missing", self.report("-f", form, self.runs[0], cut, expected=None))
        self.assertGreater(before, 0)

    def test_very_many_cut_files(self):
        """A page that lists what is missing has no end of it; what is not listed is counted."""
        with open(self.runs[0], "rb") as file:
            start = file.read(200)
        files = []
        for number in range(150):
            files.append(self.target.path("cut-%d.zst" % number))
            with open(files[-1], "wb") as file:
                file.write(start)
        missing = self.lines(*(files + [self.runs[1]]), expected=support.EXIT_PARTIAL)["report"][0]["missing"]
        self.assertRegex(missing[-1], "^and 5[01] more$")
        self.assertEqual(len(missing), 101)

    def test_very_many_files(self):
        """Memory and open files do not grow with the number of files."""
        one = self.target.path("one.zst")
        support.capture(self.target.pid, one)
        expected = self.raw(one)
        folder = self.target.path("many")
        os.mkdir(folder)
        files = [os.path.join(folder, "%d.zst" % number) for number in range(FILES)]
        for path in files:
            os.link(one, path)
        self.addCleanup(shutil.rmtree, folder)

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

        for form in ("raw", "chrometrace", "html"):
            peaks = []
            for some in (files[: FILES // 10], files):
                output = os.path.join(folder, "output")
                done = support.check(
                    ["/bin/sh", "-c", '"$@" > %s' % output, "sh", support.ANALYZE]
                    + ["report", "-i", "-f", form] + some,
                    preexec_fn=limit,
                )
                self.assertEqual(done.stderr.decode(), "")
                peaks.append(peak_kib([support.ANALYZE, "report", "-i", "-f", form] + some))
            if not support.SANITIZED:
                self.assertLess(peaks[1], peaks[0] + 4096, form)
            if form == "raw":
                with open(output) as file:
                    counts = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in file}
                self.assertEqual(counts, {stack: count * FILES for stack, count in expected.items()})

    def test_windows_and_filters(self):
        """Options that choose, together, choose what each of them leaves."""
        run = self.runs[0]
        everything = self.raw(run)
        tids = [line["os_thread_id"] for line in self.lines(run)["thread"]]
        parts = [self.raw("--tid", str(tid), run) for tid in tids]
        self.assertEqual(sum(parts, collections.Counter()), everything)
        halves = [self.raw("--to", "0.25", run), self.raw("--from", "0.25", run)]
        self.assertTrue(all(halves))
        self.assertEqual(halves[0] + halves[1], everything)
        for words, wanted in (
            (["--include", "t0_"], lambda stack: "t0_" in stack),
            (["--exclude", "t0_"], lambda stack: "t0_" not in stack),
            (["--include", "t[01]_", "--exclude", "t1_f2 "],
             lambda stack: re.search("t[01]_", stack) and "t1_f2 " not in stack),
        ):
            for bound, half in ((["--to", "0.25"], halves[0]), (["--from", "0.25"], halves[1])):
                chosen = {stack: n for stack, n in half.items() if wanted(stack)}
                self.assertEqual(self.raw(*(words + bound + ["--pid", str(self.target.pid), run])), chosen)
        first = self.lines(run)["report"][0]["first_time_ns"] // 10**9
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(first))
        self.assertEqual(self.raw("--from", stamp, run), everything)
        for words in (["--to", stamp], ["--pid", "1"], ["--from", "0.25", "--to", "0.2"]):
            done = support.run([support.ANALYZE, "report", "-i", run] + words)
            self.assertEqual(done.returncode, support.EXIT_FAILED, words)
            self.assertEqual(done.stdout, b"")

    def test_merge_and_diff(self):
        """Runs and single snapshots in one file; a diff of what they are of."""
        one = self.target.path("single.zst")
        support.capture(self.target.pid, one)
        merged = self.target.path("merged.zst")
        support.check([support.ANALYZE, "merge", "-o", merged, self.runs[0], one, self.runs[1]])
        expected = self.raw(self.runs[0], one, self.runs[1])
        self.assertEqual(self.raw(merged), expected)
        check_trace_events(self.report("-f", "chrometrace", merged))
        done = support.check([support.ANALYZE, "diff", "-i", "-f", "raw", self.runs[0], merged])
        sides = collections.Counter(), collections.Counter()
        for line in done.stdout.decode().splitlines():
            stack, before, after = line.rsplit(" ", 2)
            sides[0][stack] += int(before)
            sides[1][stack] += int(after)
        self.assertEqual((+sides[0], +sides[1]), (self.raw(self.runs[0]), expected))


    def test_files_behind_a_cut_one(self):
        """A run that was killed costs its own last samples, and none of the files behind it."""
        first, second, third = (self.read(path) for path in self.runs)
        cut, merged, joined = (self.target.path(name) for name in ("cut", "merged-cut", "joined"))
        ends = [0.5, 0.8, 0.95]
        for size in [int(len(first) * end) for end in ends] + [len(first) - 1]:
            self.write(cut, third + first[:size])
            files = [cut, self.runs[1], self.runs[0], self.runs[1]]
            expected = self.raw(*files, expected=support.EXIT_PARTIAL)
            self.assertGreater(sum(expected.values()), sum(self.raw(*files[1:]).values()))
            support.check([support.ANALYZE, "merge", "-o", merged] + files, support.EXIT_PARTIAL)
            self.assertEqual(self.raw(merged, expected=None), expected, size)
            self.write(joined, third + first[:size] + second + first + second)
            self.assertEqual(self.raw(joined, expected=support.EXIT_PARTIAL), expected, size)
            # What nobody can read is not copied, so that a stream is as good as a file.
            os.unlink(joined)
            with open(merged, "rb") as stream:
                done = support.run(
                    ["sh", "-c", "cat | " + support.ANALYZE + " report -i -f raw -"], stdin=stream
                )
            self.assertEqual(self.counts(done.stdout.decode()), expected, size)
            os.unlink(merged)

    @staticmethod
    def read(path):
        with open(path, "rb") as stream:
            return stream.read()

    @staticmethod
    def write(path, content):
        with open(path, "wb") as stream:
            stream.write(content)


def peak_kib(command):
    """Resident memory at most. In a process of its own: the figure is of all children of one."""
    script = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    return int(support.check(["python3", "-c", script] + command).stdout)


if __name__ == "__main__":
    support.main()
