"""How fast a run becomes a report, and in how much memory.

A run of some seconds at 100 Hz is captured, and made as long as wanted by writing its samples again and
again into one log (tests/tools/repeat_samples.c). What counts is samples of threads, idle ones too: 20 of
20 frames in each sample. What is in the report is counted again in it.
"""

import os
import subprocess

from benchmarks.harness import Row, Target

SECONDS = "10"
LONG = 10000000
SHORT = 1000000
MOST_ROUNDS = 3


def capture_run(bench):
    path = os.path.join(bench.folder, "report-run.zst")
    target = Target(bench, busy=True)
    try:
        subprocess.check_call(
            [bench.capture, "--quiet", "--pid", str(target.pid), "-r", "100", "-d", SECONDS, "-o", path]
        )
    finally:
        target.close()
    return path


def thread_samples(bench, path):
    """How many a file has, by a report of it."""
    done = subprocess.check_output([bench.analyze, "report", "-i", "-f", "raw", "-q", path])
    return sum(int(line.rpartition(b" ")[2]) for line in done.splitlines())


def repeat(bench, path, least):
    tool = os.path.join(bench.build, "tests", "tools", "repeat_samples")
    output = os.path.join(bench.folder, "report-%d.zst" % least)
    times = -(-least // thread_samples(bench, path))
    subprocess.check_call([tool, path, str(times), output])
    return output


def bench_reports(bench):
    rate = Row("thread samples turned into a report, in a second", "rate", "≥ 2 M")
    changed = Row("… without idle threads", "rate")
    memory = Row("memory of a report of 10 million thread samples", "bytes", "< 200 MB")
    rows = [rate, changed, memory]
    if not os.access(os.path.join(bench.build, "tests", "tools", "repeat_samples"), os.X_OK):
        for row in rows:
            row.values["pyspy"] = "not built"
        return rows
    path = capture_run(bench)
    files = {SHORT: repeat(bench, path, SHORT), LONG: repeat(bench, path, LONG)}
    count = thread_samples(bench, files[SHORT])
    command = [bench.analyze, "report", "-f", "raw", "-q"]
    for turn in range(min(bench.options.runs, MOST_ROUNDS) + 1):
        for row, options, number in (
            (rate, ["-i"], SHORT),
            (changed, [], SHORT),
            (memory, ["-i"], LONG),
        ):
            measured = bench.measure(command + options + [files[number]])
            if measured["status"] != 0:
                row.values["pyspy"] = "wrong"
            elif turn and isinstance(row.values.get("pyspy", []), list):
                value = measured["max_rss_bytes"] if row is memory else count * 1e9 / measured["wall_ns"]
                row.add("pyspy", value)
    return rows
