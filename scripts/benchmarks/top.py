"""What `top` needs while it shows a busy program on a terminal, beside `py-spy top`.

The terminal is a pseudo-terminal of 80×24 that is read all the time. Ours is two programs: pyspy-capture
samples, and pyspy-analyze counts and draws.
"""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time

from benchmarks.harness import PYTHON, Row, shorten
from benchmarks.sampling import Work, memory_bytes, processor_seconds

RATE, THREADS, FRAMES = 100, 20, 20
SETTLE_SECONDS = 2.0
SHOWN_SECONDS = 5.0
STOP_SECONDS = 20
# What a screen of the program must have.
FUNCTION = "compute"


class Screen:
    """A program on a terminal."""

    def __init__(self, command):
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            env=dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8"),
        )
        os.close(follower)
        self.bytes = b""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        # Reading fails once nobody has the other side.
        with contextlib.suppress(OSError):
            while True:
                self.bytes += os.read(self.leader, 65536)

    def text(self):
        return self.bytes.decode("utf-8", "replace")

    def pids(self):
        """The program, and what it started."""
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(path) as children:
            return [self.process.pid] + [int(pid) for pid in children.read().split()]

    def close(self):
        try:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            os.close(self.leader)


def shown(command):
    """(its share of a processor in per cent, that of it and its children, their largest resident sizes
    together), or a text if it failed."""
    with contextlib.closing(Screen(command)) as screen:
        time.sleep(SETTLE_SECONDS)
        if screen.process.poll() is not None:
            return "ended: " + shorten(screen.text())
        pids = screen.pids()
        began, before = time.monotonic(), [processor_seconds(pid) for pid in pids]
        time.sleep(SHOWN_SECONDS)
        seconds = time.monotonic() - began
        if screen.process.poll() is not None:
            return "ended: " + shorten(screen.text())
        used = [processor_seconds(pid) - then for pid, then in zip(pids, before)]
        resident_bytes = sum(memory_bytes(pid) for pid in pids)
        if FUNCTION not in screen.text():
            return "no %s on the screen: %s" % (FUNCTION, shorten(screen.text()))
        return 100 * used[0] / seconds, 100 * sum(used) / seconds, resident_bytes


def bench_top(bench):
    rows = [
        Row("top at %d Hz, %d threads: share of a processor" % (RATE, THREADS), "percent", "≤ 5 %"),
        Row("… with the pyspy-capture that samples for it", "percent"),
        Row("… resident size of both", "bytes", "≤ 20 MB"),
    ]
    for _ in range(bench.options.runs):
        with contextlib.closing(Work(bench, PYTHON, THREADS, FRAMES, False)) as work:
            arguments = ["top", "--pid", str(work.process.pid), "--rate", str(RATE)]
            for tool, program in (("pyspy", bench.analyze), ("py-spy", bench.py_spy)):
                if not program or isinstance(rows[0].values.get(tool), str):
                    rows[0].values.setdefault(tool, "not installed")
                    continue
                result = shown([program] + arguments)
                if isinstance(result, str):
                    print("bench: %s: %s" % (tool, result), flush=True)
                    rows[0].values[tool] = "wrong"
                    continue
                for row, value in zip(rows, result):
                    row.add(tool, value)
    return rows
