"""Decoding a sample by what is known from the one before gives what decoding it by itself gives."""

import json
import os

import interpreters
import support
from support import EndToEndTest, SMALL, Target

COMPARE = os.path.join(support.BUILD, "tests", "tools", "compare_decodes")
REPORTS = os.path.join(support.BUILD, "tests", "tools", "compare_reports")
THREADS = 4
SAMPLES = 60 if SMALL else 250
RATE = "250"


class Reuse(EndToEndTest):
    def each_interpreter(self):
        for interpreter in interpreters.find_interpreters():
            if interpreter.undecoded is None:
                with self.subTest(interpreter=interpreter.name):
                    yield interpreter

    def run_of(self, interpreter, *options, script="restless.py", arguments=(THREADS,)):
        target = Target(interpreter, script, *arguments)
        self.addCleanup(target.close)
        target.wait_for("settled")
        path = target.path("run.zst")
        support.capture(target.pid, path, "-r", RATE, "--count", str(SAMPLES), *options)
        target.process.kill()
        return path

    def compare(self, path, *words):
        done = support.check([COMPARE, path] + list(words))
        return json.loads(done.stdout.decode())

    def test_every_sample_is_decoded_the_same(self):
        seen = 0
        for interpreter in self.each_interpreter():
            path = self.run_of(interpreter)
            counts = self.compare(path)
            self.assertGreater(counts["samples"], SAMPLES // 4)
            # Something was known: else nothing was tested.
            self.assertGreater(counts["kept"], counts["frames"] // 10)
            self.assertGreater(counts["same"], counts["threads"] // 20)
            # Samples that nobody looks at are passed over.
            self.compare(path, "3")
            seen += 1
        if not seen:
            self.skipTest("no interpreter that is decoded")

    def test_reports_are_the_same(self):
        interpreter = interpreters.newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter that is supported")
        path = self.run_of(interpreter)
        options = [
            [],
            ["--idle"],
            ["--idle", "--threads"],
            ["--idle", "--subprocesses", "--function"],
            ["--nolineno", "--full-filenames"],
            ["--gil"],
            ["--include", "down", "--exclude", "made_"],
        ]
        for words in options:
            for form in ("raw", "speedscope", "chrometrace", "pprof", "html", "ndjson"):
                support.check([REPORTS, "-f", form] + words + [path])

    def test_threads_that_come_and_go(self):
        interpreter = interpreters.newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter that is supported")
        path = self.run_of(interpreter, script="thread_churn.py", arguments=())
        counts = self.compare(path)
        self.assertGreater(counts["threads"], 0)
        support.check([REPORTS, "--idle", "--threads", "-f", "html", path])


if __name__ == "__main__":
    support.main()
