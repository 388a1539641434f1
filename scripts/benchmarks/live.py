"""One sample of a live process, at each level."""

import contextlib
import json
import os
import subprocess

from benchmarks.harness import Row, THREADS, Target, complete, find_key, run_rounds, shorten


def freeze_ns(bench, snapshot):
    """What pyspy-capture tells about the time the target stood still."""
    command = [bench.analyze, "info", "--json", snapshot]
    return find_key(json.loads(subprocess.check_output(command)), "freeze_ns")


def bench_live(bench):
    rows = [
        Row("one sample, 20 busy threads of 20 frames: target stood still (told)", "ns", "≤ 1 ms"),
        Row("… seen by a thread of the target", "ns", "≤ 1 ms"),
        Row("… time of the whole command", "ns"),
        Row("… largest resident size", "bytes"),
    ]
    snapshot = os.path.join(bench.folder, "live.zst")
    with contextlib.closing(Target(bench, busy=True, ticker=True)) as target:
        pid = str(target.pid)
        gdb = ["-nx", "-batch", "-ex", "thread apply all backtrace", "-p", pid]
        tools = {
            "pyspy": [bench.capture, "--pid", pid, "-o", snapshot],
            "py-spy": bench.py_spy and [bench.py_spy, "dump", "--pid", pid],
            "pystack": bench.pystack and [bench.pystack, "remote", pid],
            "gdb": bench.gdb and [bench.gdb] + gdb,
            "nothing": ["sleep", "0.1"],
        }

        def one(tool, command):
            target.reset_gap()
            measured = bench.measure(command)
            gap_ns = target.gap_ns()
            if tool == "nothing":
                return None, gap_ns, None, None
            told_ns = None
            output = measured["output"]
            if tool == "pyspy" and measured["status"] == 0:
                told_ns = freeze_ns(bench, snapshot)
                output = subprocess.check_output([bench.analyze, snapshot]).decode()
                os.unlink(snapshot)
            if measured["status"] != 0 or not (tool == "gdb" or complete(output)):
                return "status %d: %s" % (measured["status"], shorten(measured["output"]))
            return told_ns, gap_ns, measured["wall_ns"], measured["max_rss_bytes"]

        run_rounds(bench, tools, rows, one)
    return rows


def bench_native(bench):
    rows = [
        Row("one sample with native stacks, 20 threads: target stood still (told)", "ns", "≤ 5 ms"),
        Row("… seen by a thread of the target", "ns", "≤ 5 ms"),
        Row("… size of the file, with what unwinding needs of all libraries", "bytes", "≤ 1.5 MB"),
    ]
    snapshot = os.path.join(bench.folder, "native.zst")
    with contextlib.closing(Target(bench, ticker=True)) as target:
        pid = str(target.pid)
        tools = {
            "pyspy": [bench.capture, "--pid", pid, "--native", "-o", snapshot],
            "py-spy": bench.py_spy and [bench.py_spy, "dump", "--native", "--pid", pid],
            "pystack": bench.pystack and [bench.pystack, "remote", "--native", pid],
            "nothing": ["sleep", "0.1"],
        }

        def one(tool, command):
            target.reset_gap()
            measured = bench.measure(command)
            gap_ns = target.gap_ns()
            if tool == "nothing":
                return None, gap_ns, None
            if measured["status"] != 0:
                return "status %d: %s" % (measured["status"], shorten(measured["output"]))
            if tool != "pyspy":
                return None, gap_ns, None
            output = subprocess.check_output([bench.analyze, "--native", snapshot]).decode()
            values = freeze_ns(bench, snapshot), gap_ns, os.stat(snapshot).st_size
            os.unlink(snapshot)
            right = complete(output) and output.count("clone") >= THREADS
            return values if right else "not all is there"

        run_rounds(bench, tools, rows, one)
    return rows


def bench_locals(bench):
    threads = 160
    rows = []
    snapshot = os.path.join(bench.folder, "locals.zst")
    with contextlib.closing(Target(bench, busy=True, threads=threads)) as target:
        for level, goal in (("stacks", "≤ 5 ms"), ("locals", "≤ 20 ms")):
            what = "one sample, 160 threads of 20 frames, level %s: target stood still (told)"
            level_rows = [Row(what % level, "ns", goal), Row("… size of the file", "bytes")]
            tools = {
                "pyspy": [bench.capture, "-p", str(target.pid), "--level", level, "-o", snapshot]
            }
            shows = ["--locals"] if level == "locals" else []
            word = "numbers" if level == "locals" else "descend"

            def one(_, command, shows=shows, word=word):
                measured = bench.measure(command)
                if measured["status"] != 0:
                    return "status %d: %s" % (measured["status"], shorten(measured["output"]))
                output = subprocess.check_output([bench.analyze, snapshot] + shows).decode()
                values = freeze_ns(bench, snapshot), os.stat(snapshot).st_size
                os.unlink(snapshot)
                return values if complete(output, word, threads) else "not all is there"

            run_rounds(bench, tools, level_rows, one)
            rows += level_rows
    return rows


def bench_full(bench):
    rows = [
        Row("all memory of a 2 GB process: target stood still", "ns", "≤ gcore's"),
        Row("… told by the tool", "ns"),
        Row("… time of the whole command", "ns"),
        Row("… largest resident size", "bytes", "≤ 64 MB"),
        Row("… size of the file", "bytes"),
    ]
    snapshot = os.path.join(bench.folder, "full.zst")
    core = os.path.join(bench.folder, "gcore")
    with contextlib.closing(
        Target(bench, bench.options.megabytes_full << 20, busy=True, ticker=True)
    ) as target:
        pid = str(target.pid)
        tools = {
            "pyspy": [bench.capture, "--pid", pid, "--level", "full", "-o", snapshot],
            "gdb": bench.gcore and [bench.gcore, "-o", core, pid],
            "nothing": ["sleep", "0.5"],
        }

        def one(tool, command):
            target.reset_gap()
            measured = bench.measure(command)
            gap_ns = target.gap_ns()
            if tool == "nothing":
                return gap_ns, None, None, None, None
            if measured["status"] != 0:
                return "status %d: %s" % (measured["status"], shorten(measured["output"]))
            told_ns = None
            if tool == "pyspy":
                told_ns = freeze_ns(bench, snapshot)
                if not complete(subprocess.check_output([bench.analyze, snapshot]).decode()):
                    return "the snapshot does not give the stacks"
            path = snapshot if tool == "pyspy" else "%s.%s" % (core, pid)
            size_bytes = os.stat(path).st_size
            os.unlink(path)
            return gap_ns, told_ns, measured["wall_ns"], measured["max_rss_bytes"], size_bytes

        run_rounds(bench, tools, rows, one, most=3)
    return rows
