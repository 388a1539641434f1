"""What all measurements share: the tools, targets, rounds, and rows of the table."""

import contextlib
import json
import mmap
import os
import resource
import shlex
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import time

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(SCRIPTS)
THREADS = 20
FRAMES = 20
TOOL_TIMEOUT_SECONDS = 300
PYTHON = sys.executable


class Bench:
    """What all measurements share: the folder, the helper programs, the tools."""

    def __init__(self, options, folder):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.folder = folder
        self.capture = os.path.join(self.build, "pyspy-capture")
        self.analyze = os.path.join(self.build, "pyspy-analyze")
        self.measure_program = os.path.join(folder, "bench-measure")
        self.ticker = os.path.join(folder, "bench-ticker.so")
        compiler = shlex.split(os.environ.get("CC", "cc"))
        source = os.path.join(SCRIPTS, "bench-measure.c")
        subprocess.check_call(compiler + ["-O2", "-o", self.measure_program, source])
        source = os.path.join(SCRIPTS, "bench-ticker.c")
        subprocess.check_call(
            compiler + ["-O2", "-shared", "-fPIC", "-o", self.ticker, source, "-lpthread"]
        )
        peers = os.environ.get("PYSPY_PEERS", os.path.join(ROOT, "build", "peers"))
        path = os.path.join(peers, "bin") + os.pathsep + os.environ.get("PATH", os.defpath)
        self.py_spy = shutil.which("py-spy", path=path)
        self.pystack = shutil.which("pystack", path=path)
        self.gdb = shutil.which("gdb")
        self.gcore = shutil.which("gcore")
        self.eu_stack = shutil.which("eu-stack")

    def measure(self, command):
        """Run a command: {"wall_ns", "max_rss_bytes", "status", "output"}."""
        result = os.path.join(self.folder, "result")
        output = os.path.join(self.folder, "output")
        environment = dict(os.environ, DEBUGINFOD_URLS="", NO_COLOR="1", LC_ALL="C.UTF-8")
        with open(output, "wb") as stream:
            process = subprocess.Popen(
                [self.measure_program, result] + command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            try:
                process.wait(timeout=TOOL_TIMEOUT_SECONDS)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        with open(result) as stream:
            measured = json.load(stream)
        with open(output, "rb") as stream:
            measured["output"] = stream.read().decode("utf-8", "replace")
        return measured


class Target:
    """A running bench-target.py."""

    def __init__(
        self, bench, size_bytes=0, busy=False, ticker=False, folder=None, threads=THREADS
    ):
        self.process = None
        self.shared = None
        command = [PYTHON, os.path.join(SCRIPTS, "bench-target.py")]
        command += ["--threads", str(threads), "--depth", str(FRAMES), "--bytes", str(size_bytes)]
        if busy:
            command.append("--busy")
        if ticker:
            path = os.path.join(bench.folder, "ticker-memory")
            with open(path, "wb") as stream:
                stream.truncate(mmap.PAGESIZE)
            with open(path, "r+b") as stream:
                self.shared = mmap.mmap(stream.fileno(), mmap.PAGESIZE)
            command += ["--ticker", "%s:%s" % (bench.ticker, path)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=folder, preexec_fn=allow_core
        )
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("bench-target.py did not start")
        self.pid = self.process.pid

    def reset_gap(self):
        self.shared[0:8] = bytes(8)

    def gap_ns(self):
        """The longest time that the ticking thread stood still since reset_gap."""
        time.sleep(0.01)  # a stop that just ended is seen at the next tick
        return struct.unpack("=Q", self.shared[0:8])[0]

    def abort(self):
        self.process.send_signal(signal.SIGABRT)
        self.process.wait()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


def allow_core():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def complete(output, word="descend", threads=THREADS):
    """Does an output have all frames of all threads?"""
    return output.count(word) >= threads * (FRAMES - 4)


def find_key(value, key):
    """The first value of a key anywhere in a JSON document."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found = find_key(item, key)
            if found is not None:
                return found
    return None


def median(values):
    return statistics.median(values) if values else None


class Row:
    """A line of the table: what, and for each tool its values."""

    def __init__(self, what, unit, goal=""):
        self.what = what
        self.unit = unit
        self.goal = goal
        self.values = {}  # tool: list of numbers, or a text

    def add(self, tool, value):
        self.values.setdefault(tool, []).append(value)

    def is_ratio(self, ours):
        return self.unit in ("ns", "bytes") and isinstance(ours, list) and median(ours)

    def cell(self, tool):
        value = self.values.get(tool)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        text = format_value(median(value), self.unit)
        ours = self.values.get("pyspy")
        if tool in ("py-spy", "pystack", "gdb", "eu-stack") and self.is_ratio(ours):
            text += " (%s×)" % format_ratio(median(value) / median(ours))
        return text


def format_value(value, unit):
    if unit == "percent":
        return "%.1f %%" % value
    if unit == "count":
        return "%d" % value
    if unit == "rate":
        return "%.1f M" % (value / 1e6) if value >= 1e6 else "%.0f k" % (value / 1e3)
    if unit == "number":
        return "%.1f" % value
    if unit == "ns":
        if value >= 1e9:
            return "%.2f s" % (value / 1e9)
        if value >= 1e6:
            return "%.1f ms" % (value / 1e6)
        return "%.0f µs" % (value / 1e3)
    if value >= 1e9:
        return "%.2f GB" % (value / 1e9)
    if value >= 1e5:
        return "%.1f MB" % (value / 1e6)
    return "%.1f kB" % (value / 1e3)


def format_ratio(ratio):
    return "%.0f" % ratio if ratio >= 10 else "%.1f" % ratio


def run_rounds(bench, tools, rows, one, most=None):
    """`one(tool)` for each tool in turn, `runs` times; the first round warms up and is dropped."""
    runs = min(bench.options.runs, most or bench.options.runs)
    broken = {}
    for tool, command in tools.items():
        if command is None:
            for row in rows:
                row.values[tool] = "not installed"
    for turn in range(runs + 1):
        for tool, command in tools.items():
            if command is None or tool in broken:
                continue
            try:
                values = one(tool, command)
            except (subprocess.TimeoutExpired, OSError, ValueError) as error:
                values = str(error)
            if isinstance(values, str):
                broken[tool] = values
                print("bench: %s: %s" % (tool, values), file=sys.stderr)
                for row in rows:
                    row.values[tool] = "wrong"
                continue
            if turn == 0:
                continue
            for row, value in zip(rows, values):
                if value is not None:
                    row.add(tool, value)


def shorten(output):
    lines = output.strip().splitlines()
    return " | ".join(lines[:3])[:300] if lines else "(no output)"
