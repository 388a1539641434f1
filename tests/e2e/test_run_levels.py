"""Runs at level locals, and runs of only the samples at which the GIL is held."""

import json
import os
import re
import subprocess

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import ANALYZE, CAPTURE, EndToEndTest, SMALL, Target, check
from test_locals import Locals, LocalsTarget, settled

SAMPLES = 6
MOVING_SAMPLES = 30 if SMALL else 100
THREADS = 4
NO_GIL = r"--gil: this Python is free-threaded, there is no GIL to hold\n"


def counts_of(output):
    """{stack: count} of collapsed stacks."""
    return {
        stack: int(count)
        for stack, _, count in (line.rpartition(" ") for line in output.decode().splitlines())
    }


@template
class RunLocals(EndToEndTest):
    interpreter = None
    check_variables = Locals.check_variables
    check_frame = Locals.check_frame
    check_moving_frame = Locals.check_moving_frame

    def sample(self, target, rate, count):
        path = target.path("run.zst")
        check(
            [CAPTURE, "-p", str(target.pid), "-l", "-r", str(rate), "--count", str(count)]
            + ["-o", path]
        )
        self.assertIsNone(target.process.poll(), target.output())
        return path

    def test_standing(self):
        with LocalsTarget(self.interpreter, "local_variables.py", THREADS, 3) as target:
            expected = settled(target)
            path = self.sample(target, 10, SAMPLES)
            for number in range(1, SAMPLES + 1):
                dump = support.dump_json(path, "--locals", "--sample", str(number))
                self.check_variables(expected, dump, "sample %d" % number)
            text = check([ANALYZE, "dump", "-l", "--sample", "2", path]).stdout.decode()
            self.assertIn("Sample 2 of %d" % SAMPLES, text)
            self.assertIn("            captured (free): {'key': 'value'}\n", text)
            self.assertRegex(text, r"Run: %d samples, \d+ late, 0 failed, " % SAMPLES)
            raw = check([ANALYZE, "report", "-f", "raw", "-i", "--nolineno", path]).stdout
            self.assertEqual(sum(counts_of(raw).values()), SAMPLES * len(expected))
            raw = check([ANALYZE, "report", "-f", "ndjson", "-i", path]).stdout.decode()
            facts = [json.loads(line) for line in raw.splitlines()]
            self.assertEqual(
                [line["process_samples"] for line in facts if line["type"] == "report"], [SAMPLES]
            )

    def test_moving(self):
        with LocalsTarget(self.interpreter, "moving_locals.py", THREADS, 600) as target:
            target.wait_for("started")
            path = self.sample(target, 50, MOVING_SAMPLES)
            seen = 0
            for number in range(1, MOVING_SAMPLES + 1):
                for thread in support.dump_json(path, "-l", "--sample", str(number)):
                    for frame in thread["frames"]:
                        if frame["function"] == "change":
                            self.check_moving_frame(frame["locals"])
                            seen += 1
            self.assertGreater(seen, MOVING_SAMPLES)


@template
class RunGil(EndToEndTest):
    interpreter = None

    def start(self):
        target = Target(self.interpreter, "moving.py", THREADS, 600)
        self.addCleanup(target.close)
        target.wait_for("tree.json")
        return target

    def test_report(self):
        """Threads that compute take turns: at each sample one of them has the GIL."""
        target = self.start()
        path = target.path("run.zst")
        check([CAPTURE, "-p", str(target.pid), "--gil", "-r", "100", "--count", "50", "-o", path])
        held = counts_of(check([ANALYZE, "report", "-f", "raw", "--gil", path]).stdout)
        every = counts_of(check([ANALYZE, "report", "-f", "raw", "-i", path]).stdout)
        self.assertGreater(sum(held.values()), 0)
        self.assertLessEqual(sum(held.values()), 50)
        self.assertGreater(sum(every.values()), sum(held.values()))
        with open(target.path("tree.json")) as file:
            tree = json.load(file)
        for stack in held:
            names = re.findall(r"(?:^|;)(t\d+_\w+) ", stack)
            self.assertTrue(names, stack)
            for caller, callee in zip(names, names[1:]):
                self.assertEqual(caller, tree[callee][0], stack)


@template
class RunWithoutGil(RunGil):
    def test_report(self):
        """What cannot be known is refused, and nothing is left of it."""
        target = self.start()
        run, none = target.path("run.zst"), target.path("none.zst")
        pid = ["--pid", str(target.pid)]
        self.refused([CAPTURE, "--gil", "-r", "100", "--count", "5", "-o", none] + pid)
        command = ["--"] + self.interpreter.command + ["-c", "import sys; sys.stdin.read(); sys.exit(7)"]
        spawned = subprocess.Popen(
            [CAPTURE, "--gil", "-r", "100", "--count", "5", "-o", none] + command,
            env=dict(os.environ, **self.interpreter.environment),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(spawned.kill)
        first = spawned.stderr.readline().decode()
        self.assertRegex(first, NO_GIL)
        spawned.communicate(timeout=60)
        self.assertEqual(spawned.returncode, 7)
        self.refused([ANALYZE, "record", "--gil", "-d", "1", "-f", "raw", "-o", none] + pid)
        check([CAPTURE, "-r", "50", "--count", "5", "-o", run] + pid)
        self.refused([ANALYZE, "report", "--gil", "-f", "raw", "-o", none, run])
        self.refused([ANALYZE, "dump", "--gil", "-o", none, run])
        self.assertIsNone(target.process.poll(), target.output())

    def refused(self, command):
        done = check(command, expected=support.EXIT_FAILED)
        self.assertRegex(done.stderr.decode(), NO_GIL)
        self.assertEqual(done.stdout, b"")
        self.assertFalse(os.path.exists(command[command.index("-o") + 1]))


WITHOUT_GIL = 0
for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
        continue
    add_class(globals(), RunLocals, _interpreter.name, interpreter=_interpreter)
    add_class(
        globals(),
        RunGil if _interpreter.has_gil else RunWithoutGil,
        _interpreter.name,
        interpreter=_interpreter,
    )
    WITHOUT_GIL += not _interpreter.has_gil
if not WITHOUT_GIL:
    add_skip(globals(), "without_gil", "no free-threaded interpreter was found")

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
