"""What a sampler costs the program that it samples, and what its files and itself need.

A program counts what it has done (bench-work.py). In each round every tool samples it for some seconds,
and before each nothing does: the row is how much less was done. CPython's own sampler, from 3.15 on,
samples its own version only; beside it ours samples the same program of that version. Where that
interpreter is, PYSPY_BENCH_PYTHON315 says; otherwise it is python3.15 on PATH.
"""

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import time

from benchmarks.harness import PYTHON, SCRIPTS, Row

SETTLE_SECONDS = 1.0
SAMPLED_SECONDS = 2.5
STOP_SECONDS = 20

# rate, threads, depth, pipes, what, goal of the slow-down
WORKLOADS = [
    (100, 1, 20, False, "100 Hz, 1 thread of 20 frames", "≤ 2 %"),
    (100, 20, 20, False, "100 Hz, 20 threads", "≤ 3 %"),
    (100, 160, 20, False, "100 Hz, 160 threads", "≤ 5 %"),
    (1000, 1, 20, False, "1000 Hz, 1 thread", "≤ 8 %"),
    (1000, 20, 20, False, "1000 Hz, 20 threads", "≤ 12 %"),
    (100, 1, 500, False, "100 Hz, 1 thread of 500 frames", ""),
    (100, 20, 20, True, "100 Hz, 20 threads that pass data through pipes", "≤ 5 %"),
]


class Work:
    """A running bench-work.py."""

    def __init__(self, bench, python, threads, depth, pipes):
        path = os.path.join(bench.folder, "counters")
        with open(path, "wb") as stream:
            stream.truncate(8 * threads)
        self.counters = open(path, "rb")
        self.threads = threads
        command = [python, os.path.join(SCRIPTS, "bench-work.py"), path]
        command += ["--threads", str(threads), "--depth", str(depth)] + ["--pipes"] * pipes
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("bench-work.py did not start")
        time.sleep(0.5)

    def done(self):
        self.counters.seek(0)
        return sum(struct.unpack("=%dQ" % self.threads, self.counters.read(8 * self.threads)))

    def rate(self, seconds):
        """What is done in a second."""
        started, before = time.monotonic(), self.done()
        time.sleep(seconds)
        after, ended = self.done(), time.monotonic()
        return (after - before) / (ended - started)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.counters.close()


def own_sampler():
    python = os.environ.get("PYSPY_BENCH_PYTHON315") or shutil.which("python3.15")
    return python if python and os.access(python, os.X_OK) else None


def commands(bench, python315, pid, rate, output):
    """{tool: command} of those that sample `pid`, each into `output`."""
    ours = [bench.capture, "--pid", pid, "--rate", str(rate), "-o", output]
    if python315:
        own = [python315, "-m", "profiling.sampling", "attach", "-a", "--blocking", "--binary"]
        return {
            "pyspy-3.15": ours,
            "own": own + ["-r", str(rate), "-d", "600", "-o", output, pid],
        }
    spy = [bench.py_spy, "record", "--pid", pid, "--rate", str(rate), "--format", "raw"]
    return {"pyspy": ours, "py-spy": bench.py_spy and spy + ["-d", "600", "-o", output]}


def memory_bytes(pid):
    """The largest resident size so far."""
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def processor_seconds(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sampled(work, command):
    """(what is done in a second while it samples, its resident size, its share of a processor in per
    cent), or a text if it failed."""
    # What it says is of use only if it fails.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        time.sleep(SETTLE_SECONDS)
        used = processor_seconds(process.pid)
        rate = work.rate(SAMPLED_SECONDS)
        if process.poll() is not None:
            return "ended: " + process.stdout.read().decode("utf-8", "replace")[:300]
        used = processor_seconds(process.pid) - used
        resident_bytes = memory_bytes(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STOP_SECONDS)
        return rate, resident_bytes, 100 * used / SAMPLED_SECONDS
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run_told(bench, path):
    """What a run's file says of itself: (samples, those that are missing, bytes)."""
    document = json.loads(subprocess.check_output([bench.analyze, "info", "--json", path]))
    counts = document["container"].get("counts") or {}
    missed = sum(counts.get(key) or 0 for key in ("late", "failed", "dropped"))
    return document["sample"]["count"], missed, os.stat(path).st_size


def rows_of(what, goal):
    return [
        Row("slow-down at " + what, "percent", goal),
        Row("… samples late, failed or dropped", "count", "0"),
        Row("… bytes in the file for each thread and sample", "number", "≤ 4, then ≤ 2"),
        Row("… resident size of the sampler", "bytes", "≤ 5 MB"),
        Row("… its share of a processor", "percent"),
    ]


def one_round(bench, work, workload, python315, rows):
    rate, threads = workload[0], workload[1]
    output = os.path.join(bench.folder, "sampled")
    for tool, command in commands(bench, python315, str(work.process.pid), rate, output).items():
        if not command or isinstance(rows[0].values.get(tool), str):
            rows[0].values[tool] = rows[0].values.get(tool, "not installed")
            continue
        alone = work.rate(SAMPLED_SECONDS)
        result = sampled(work, command)
        if isinstance(result, str):
            print("bench: %s: %s" % (tool, result), flush=True)
            rows[0].values[tool] = "wrong"
            continue
        # Before and after, because a machine gets faster and slower.
        alone = (alone + work.rate(SAMPLED_SECONDS)) / 2
        rows[0].add(tool, 100 * (1 - result[0] / alone))
        rows[3].add(tool, result[1])
        rows[4].add(tool, result[2])
        if tool.startswith("pyspy"):
            samples, missed, size = run_told(bench, output)
            rows[1].add(tool, missed)
            rows[2].add(tool, size / max(1, samples * (threads + 1)))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(output)


def bench_sampling(bench):
    rows = []
    pythons = [(PYTHON, None)]
    if own_sampler():
        pythons.append((own_sampler(), own_sampler()))
    for workload in WORKLOADS:
        _, threads, depth, pipes, what, goal = workload
        of_workload = rows_of(what, goal)
        if not own_sampler():
            of_workload[0].values["own"] = "not installed"
        for python, python315 in pythons:
            for _ in range(bench.options.runs):
                with contextlib.closing(Work(bench, python, threads, depth, pipes)) as work:
                    one_round(bench, work, workload, python315, of_workload)
        rows += of_workload
    return rows
