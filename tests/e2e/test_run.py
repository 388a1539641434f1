"""Runs: many samples of one process in one file."""

import json
import os
import re
import signal
import subprocess
import time

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target
from test_moving import Moving

SAMPLES = 40 if SMALL else 150
THREADS = 5
RATE = 100

SUMMARY = re.compile(r"\((\d+) samples, (\d+) late, (\d+) failed, (\d+) incomplete")


@template
class Run(EndToEndTest):
    interpreter = None

    def start(self):
        target = Target(self.interpreter, "moving.py", THREADS, 600)
        self.addCleanup(target.close)
        target.wait_for("tree.json")
        return target

    def begin(self, target, *options):
        process = subprocess.Popen(
            [support.CAPTURE, "--pid", str(target.pid), "-o", target.path("run.zst")] + list(options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_bytes(self, target, least):
        path = target.path("run.zst")
        support.wait_until(
            lambda: os.path.exists(path) and os.path.getsize(path) > least, 60, "samples are written"
        )

    def end(self, process):
        text = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, support.EXIT_DONE, text)
        return [int(number) for number in SUMMARY.search(text).groups()]

    def info(self, target, expected=support.EXIT_DONE):
        done = support.check([support.ANALYZE, "info", target.path("run.zst")], expected)
        return done.stdout.decode()

    def sample_count(self, target, **options):
        found = re.search(r"of sample (\d+)", self.info(target, **options))
        return int(found.group(1)) if found else 1

    def assert_untouched(self, target):
        self.assertIsNone(target.process.poll(), target.output())
        self.assertEqual(support.process_status(target.pid)["TracerPid"], "0")

    def test_no_sample_is_torn(self):
        target = self.start()
        with open(target.path("tree.json")) as stream:
            tree = json.load(stream)
        process = self.begin(target, "-r", str(RATE), "--count", str(SAMPLES))
        samples, _, _, incomplete = self.end(process)
        self.assertEqual((samples, incomplete), (SAMPLES, 0))
        self.assertEqual(self.sample_count(target), SAMPLES)
        seen = 0
        for number in range(1, SAMPLES + 1):
            dump = support.dump_json(target.path("run.zst"), "--sample", str(number))
            seen += sum(Moving.check_stack(self, tree, thread) for thread in dump)
        self.assertGreater(seen, SAMPLES * THREADS // 2)
        self.assert_untouched(target)

    def test_schedule(self):
        """What is not there was counted."""
        target = self.start()
        begin = time.monotonic()
        process = self.begin(target, "-r", str(RATE), "-d", "2")
        # The first is written at once. Until then there is no run that could be late.
        self.wait_for_bytes(target, 0)
        first = time.monotonic() - begin
        samples, late, failed, _ = self.end(process)
        longest = time.monotonic() - begin
        self.assertGreaterEqual(samples + late + failed, (2 - first) * RATE - 1)
        self.assertLessEqual(samples + late + failed, longest * RATE + 1)
        self.assertEqual(self.sample_count(target), samples)
        run = support.dump_json(target.path("run.zst"))[0]["process_info"]["run"]
        self.assertEqual((run["samples"], run["late"], run["failed"]), (samples, late, failed))
        text = support.check([support.ANALYZE, "dump", target.path("run.zst")]).stdout.decode()
        self.assertIn("Run: %d samples, %d late, %d failed, " % (samples, late, failed), text)

    def test_signals_end_with_a_whole_file(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            target = self.start()
            process = self.begin(target, "-r", str(RATE))
            self.wait_for_bytes(target, 1000)
            process.send_signal(number)
            samples = self.end(process)[0]
            self.assertEqual(self.sample_count(target), samples)
            self.assertRegex(self.info(target), r"Log:.*, ended\n")
            self.assert_untouched(target)

    def test_the_target_ends(self):
        target = self.start()
        process = self.begin(target, "-r", str(RATE))
        self.wait_for_bytes(target, 1000)
        target.process.kill()
        target.process.wait()
        samples = self.end(process)[0]
        self.assertEqual(self.sample_count(target), samples)

    def test_killed(self):
        """What was written is readable, and the target goes on."""
        target = self.start()
        process = self.begin(target, "-r", str(RATE))
        self.wait_for_bytes(target, 1000)
        # The first sample is written out at once, the next ones together. A write that has
        # begun may be cut; what was written before it is whole.
        for _ in range(3):
            self.wait_for_bytes(target, os.path.getsize(target.path("run.zst")))
        process.kill()
        process.wait()
        # Neither is a cut file whole, nor is what is in it lost.
        self.assertGreater(self.sample_count(target, expected=support.EXIT_PARTIAL), 1)
        support.wait_until(lambda: self.untouched(target), 5, "the target is let go")

    def untouched(self, target):
        return support.process_status(target.pid)["TracerPid"] == "0" and target.process.poll() is None

    def test_nothing_is_overwritten(self):
        target = self.start()
        with open(target.path("run.zst"), "w"):
            pass
        process = self.begin(target, "-r", str(RATE), "--count", "2")
        text = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, support.EXIT_FAILED)
        self.assertIn("exists already", text)
        self.assertEqual(os.path.getsize(target.path("run.zst")), 0)


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), Run, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
