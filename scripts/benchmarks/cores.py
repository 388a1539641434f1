"""The stacks of a large core."""

import os
import shutil
import subprocess

from benchmarks.harness import (
    PYTHON,
    Row,
    THREADS,
    Target,
    complete,
    run_rounds,
    shorten,
)


def make_core(bench, size_bytes):
    """A core of a process of this size, by the kernel if it writes here, else by gcore."""
    folder = os.path.join(bench.folder, "core")
    os.mkdir(folder)
    target = Target(bench, size_bytes, folder=folder)
    try:
        with open("/proc/sys/kernel/core_pattern") as stream:
            pattern = stream.read().strip()
        if pattern[:1] != "|" and "/" not in pattern:
            target.abort()
        elif bench.gcore:
            command = [bench.gcore, "-o", os.path.join(folder, "core"), str(target.pid)]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        target.close()
    cores = [os.path.join(folder, name) for name in os.listdir(folder)]
    return cores[0] if cores else None


def bench_core(bench):
    rows = [
        Row("stacks of a 2.4 GB core, 20 threads: time", "ns", "≤ 15 ms"),
        Row("… largest resident size", "bytes", "≤ 12 MB"),
    ]
    core = make_core(bench, bench.options.megabytes_core << 20)
    if core is None:
        rows[0].values["pyspy"] = "no core could be had here"
        return rows
    bench_core_stacks(bench, core, rows)
    locals_rows = bench_core_locals(bench, core)
    native_rows = bench_core_native(bench, core)
    shutil.rmtree(os.path.dirname(core))
    return rows + locals_rows + native_rows


def run_tools(bench, tools, rows, is_right):
    """Time and memory of each; `is_right(tool, output)` tells whether all that it must print is there."""

    def one(tool, command):
        measured = bench.measure(command)
        if measured["status"] != 0 or not is_right(tool, measured["output"]):
            return "status %d: %s" % (measured["status"], shorten(measured["output"]))
        return measured["wall_ns"], measured["max_rss_bytes"]

    run_rounds(bench, tools, rows, one)


def bench_core_native(bench, core):
    rows = [
        Row("… with native frames: time", "ns", "≤ 60 ms"),
        Row("… largest resident size", "bytes", "≤ 25 MB"),
    ]
    executable = os.path.realpath(PYTHON)
    tools = {
        "pyspy": [bench.analyze, core, "--native"],
        "pystack": bench.pystack and [bench.pystack, "core", core, executable, "--native"],
        "eu-stack": bench.eu_stack and [bench.eu_stack, "--core", core, "-e", executable],
        "gdb": bench.gdb
        and [bench.gdb, "-nx", "-batch", "-ex", "thread apply all backtrace", executable, core],
    }

    def is_right(tool, output):
        # The last two know no Python: all threads' outermost function is what is to be there.
        return output.count("clone") >= THREADS and (
            tool in ("eu-stack", "gdb") or complete(output)
        )

    run_tools(bench, tools, rows, is_right)
    return rows


def bench_core_locals(bench, core):
    rows = [
        Row("… with locals: time", "ns", "≤ 30 ms"),
        Row("… largest resident size", "bytes", "≤ 15 MB"),
    ]
    executable = os.path.realpath(PYTHON)
    tools = {
        "pyspy": [bench.analyze, core, "--locals"],
        "py-spy": bench.py_spy and [bench.py_spy, "dump", "--locals", "--core", core],
        "pystack": bench.pystack and [bench.pystack, "core", core, executable, "--locals"],
    }

    run_tools(bench, tools, rows, lambda tool, output: complete(output, "numbers"))
    return rows


def bench_core_stacks(bench, core, rows):
    executable = os.path.realpath(PYTHON)
    tools = {
        "pyspy": [bench.analyze, core],
        "py-spy": bench.py_spy and [bench.py_spy, "dump", "--core", core],
        "pystack": bench.pystack and [bench.pystack, "core", core, executable],
        "gdb": bench.gdb
        and [bench.gdb, "-nx", "-batch", "-ex", "thread apply all backtrace", executable, core],
    }

    def is_right(tool, output):
        return output.count("\n#0 ") > THREADS if tool == "gdb" else complete(output)

    run_tools(bench, tools, rows, is_right)
