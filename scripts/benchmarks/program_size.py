"""The static program."""

import os
import subprocess
import sys

from benchmarks.harness import ROOT, Row


def bench_size(bench):
    row = Row("static pyspy-capture, stripped", "bytes", "≤ 1.5 MB")
    program = os.path.join(ROOT, "build-static", "pyspy-capture")
    made = subprocess.run(
        ["make", "-C", ROOT, "STATIC=1", "build"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if made.returncode == 0 and os.path.exists(program):
        row.add("pyspy", os.stat(program).st_size)
    else:
        row.values["pyspy"] = "not built"
        print("bench: make STATIC=1: " + made.stderr.decode().strip()[-300:], file=sys.stderr)
    if bench.py_spy:
        row.add("py-spy", os.stat(bench.py_spy).st_size)
    else:
        row.values["py-spy"] = "not installed"
    return [row]
