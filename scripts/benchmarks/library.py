"""Asking the library for the stacks of a process again and again."""

import contextlib
import json
import os
import re

from benchmarks.harness import Row, Target, run_rounds, shorten

CALLS = 10000
THREADS = 5
# More than py-spy can take: then it takes one after the other, and says how many.
PEER_RATE, PEER_SECONDS = 5000, 1
ROUNDS = 3


def bench_library(bench):
    """py-spy's library is Rust's alone: `py-spy record` does the same in a loop, through it."""
    rows = []
    program = os.path.join(bench.build, "tests", "tools", "library_calls")
    raw = os.path.join(bench.folder, "raw.txt")
    for busy, what in ((True, "busy"), (False, "sleeping")):
        pair = [
            Row("library, 10,000 calls, 5 %s threads of 20 frames: one call" % what, "ns", "≤ py-spy"),
            Row("… growth of the resident size after 1,000 calls", "bytes", "none"),
        ]
        with contextlib.closing(Target(bench, busy=busy, threads=THREADS)) as target:
            pid = str(target.pid)
            record = ["record", "-r", str(PEER_RATE), "-d", str(PEER_SECONDS), "-i", "-f", "raw"]
            tools = {
                "pyspy": [program, pid, str(CALLS)],
                "py-spy": bench.py_spy and [bench.py_spy] + record + ["-o", raw, "-p", pid],
            }

            def one(tool, command):
                measured = bench.measure(command)
                if measured["status"] != 0:
                    return "status %d: %s" % (measured["status"], shorten(measured["output"]))
                if tool == "pyspy":
                    told = json.loads(measured["output"].splitlines()[-1])
                    if told["failed"]:
                        return "%d calls failed" % told["failed"]
                    return 1e9 / told["per_second"], (told["late_kib"] - told["early_kib"]) * 1024
                # It counts each thread as a sample; the slots are what was asked for.
                samples = re.search(r"Samples: (\d+)", measured["output"])
                if not samples or int(samples.group(1)) < PEER_RATE * PEER_SECONDS * THREADS * 0.9:
                    return "not all is there: %s" % shorten(measured["output"])
                return measured["wall_ns"] / (PEER_RATE * PEER_SECONDS), None

            run_rounds(bench, tools, pair, one, ROUNDS)
        rows += pair
    return rows
