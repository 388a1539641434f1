"""A target whose functions burn 70, 20 and 10 per cent of its processor time, and that keeps accounts of it.

    shares.py FOLDER IDLE_THREADS CHILDREN SECONDS

Slices are of random length, so that they do not keep step with any sampler. FOLDER/times-PID gets a line for
each of them: the time of day, what each function has used of this thread's processor time so far, as the
kernel counts it, and for how long each has run by the clock, waits for a processor included. With CHILDREN
the work is done in that many child processes of the same program.
"""

import os
import random
import subprocess
import sys
import threading
import time

PARTS = (("burn_70", 70), ("burn_20", 20), ("burn_10", 10))
SLICE_S = 0.0004  # for one per cent

if hasattr(time, "clock_gettime"):

    def used():
        return time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)

else:
    import resource

    def used():
        usage = resource.getrusage(1)  # RUSAGE_THREAD
        return usage.ru_utime + usage.ru_stime


def burn_70(end):
    while used() < end:
        sum(range(200))


def burn_20(end):
    while used() < end:
        sum(range(200))


def burn_10(end):
    while used() < end:
        sum(range(200))


def work(path, stop):
    functions = [globals()[name] for name, _ in PARTS]
    spent = [0.0] * len(PARTS)
    passed = [0.0] * len(PARTS)
    now = time.time()
    with open(path, "a") as file:
        while now < stop:
            scale = SLICE_S * random.uniform(0.3, 1.7)
            for number, (_, part) in enumerate(PARTS):
                before, begin = now, used()
                functions[number](begin + part * scale)
                spent[number] += used() - begin
                now = time.time()
                passed[number] += now - before
            file.write("%.6f %s\n" % (now, " ".join("%.6f" % value for value in spent + passed)))
            file.flush()
            now = time.time()


def idle_wait(event):
    event.wait()


def main(folder, idle, children, seconds):
    event = threading.Event()
    for _ in range(idle):
        thread = threading.Thread(target=idle_wait, args=(event,))
        thread.daemon = True
        thread.start()
    stop = time.time() + seconds
    if not children:
        work(os.path.join(folder, "times-%d" % os.getpid()), stop)
        return
    words = [sys.executable, os.path.abspath(__file__), folder, str(idle), "0", str(seconds)]
    for child in [subprocess.Popen(words) for _ in range(children)]:
        child.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
