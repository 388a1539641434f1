"""Runs with native stacks: each sample's frames are those of a single capture, in reports as in dumps."""

import collections
import json
import os
import re

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import ANALYZE, CAPTURE, EndToEndTest, SMALL, Target, check
from test_native import Native

SAMPLES = 20
MOVING_SAMPLES = 30 if SMALL else 100
FRAME = re.compile(r"^    (.*?)( \[inlined\])?$")


@template
class RunNative(EndToEndTest):
    interpreter = None

    def start(self, script, ready, *arguments):
        target = Target(self.interpreter, script, *arguments)
        self.addCleanup(target.close)
        target.wait_for(ready)
        return target

    def standing(self):
        target = self.start("native_calls.py", "settled")
        target.wait_quiet()
        return target

    def capture(self, target, name, *options):
        path = target.path(name)
        check([CAPTURE, "-p", str(target.pid), "--native", "-o", path] + list(options))
        self.assert_goes_on(target)
        return path

    def assert_goes_on(self, target):
        self.assertIsNone(target.process.poll(), target.output())
        self.assertEqual(support.process_status(target.pid)["TracerPid"], "0")

    @staticmethod
    def counts(output):
        """{stack, outermost frame first: count} of collapsed stacks."""
        lines = (line.rpartition(" ") for line in output.decode().splitlines())
        return {tuple(stack.split(";")): int(count) for stack, _, count in lines}

    def report(self, path):
        return self.counts(check([ANALYZE, "report", "--native", "-i", "-f", "raw", path]).stdout)

    @staticmethod
    def dumped(path, *options):
        """The same, of the threads that dump prints."""
        stacks = []
        text = check([ANALYZE, "dump", "--native", path] + list(options)).stdout.decode()
        for line in text.splitlines():
            if line.startswith("Thread "):
                stacks.append([])
            elif stacks and line.startswith("    "):
                stacks[-1].insert(0, FRAME.match(line).group(1))
        return collections.Counter(tuple(stack) for stack in stacks)

    def test_standing(self):
        """Nothing moves: all samples are as the one of a single capture."""
        target = self.standing()
        once = self.capture(target, "once.zst")
        path = self.capture(target, "run.zst", "-r", "50", "--count", str(SAMPLES))
        one = self.dumped(once)
        self.assertGreater(len(one), 5)
        for number in (1, SAMPLES // 2, SAMPLES):
            self.assertEqual(one, self.dumped(path, "--sample", str(number)), "sample %d" % number)
        wanted = {stack: SAMPLES * count for stack, count in one.items()}
        self.assertEqual(wanted, self.report(path))
        Native.check_order(self, support.dump_json(path, "--native"))
        # What is most of a file stands there once.
        self.assertEqual(*(self.image_bytes(name) for name in (once, path)))
        self.assertLess(os.path.getsize(path), 1.5 * os.path.getsize(once))

    def image_bytes(self, path):
        info = json.loads(check([ANALYZE, "info", "--json", path]).stdout.decode())
        return (info[0] if isinstance(info, list) else info)["container"]["chunk_bytes"]["module_image"]

    def test_record(self):
        target = self.standing()
        one = self.dumped(self.capture(target, "once.zst"))
        path = target.path("stacks.txt")
        check(
            [ANALYZE, "record", "--native", "-i", "-f", "raw", "-r", "20", "-d", "2"]
            + ["--pid", str(target.pid), "-o", path]
        )
        with open(path, "rb") as file:
            counts = self.counts(file.read())
        self.assertEqual(set(one), set(counts))
        samples = min(counts.values())
        self.assertEqual({stack: samples * count for stack, count in one.items()}, counts)
        self.assert_goes_on(target)

    def test_moving(self):
        """Python's frames among the native ones are a stack that there can be."""
        target = self.start("moving.py", "tree.json", 3, 600)
        with open(target.path("tree.json")) as file:
            tree = json.load(file)
        path = self.capture(target, "run.zst", "-r", "50", "--count", str(MOVING_SAMPLES))
        done = support.run([ANALYZE, "report", "--native", "-f", "raw", "-i", path])
        # Stopped anywhere in machine code, a thread can be where unwinding cannot begin.
        self.assertIn(done.returncode, (support.EXIT_DONE, support.EXIT_PARTIAL), done.stderr)
        counts = self.counts(done.stdout)
        self.assertGreaterEqual(sum(counts.values()), 3 * MOVING_SAMPLES)
        mixed = 0
        for stack, count in counts.items():
            names = [frame.rpartition(" (")[0] for frame in stack]
            python = [name for name in names if name in tree]
            for caller, callee in zip(python, python[1:]):
                self.assertEqual(caller, tree[callee][0], stack)
            mixed += count if python and len(names) > len(python) else 0
        self.assertGreater(mixed, MOVING_SAMPLES)


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
    else:
        add_class(globals(), RunNative, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
