"""A program that notices what a sampler does to its signals, timers, system calls and children.

    undisturbed.py FOLDER

Its threads call the C library directly (ctypes), because Python itself repeats a system call that ended
early (PEP 475). All signals are blocked in them, and the only handled one, SIGALRM of an interval timer,
goes to the main thread: so no call of theirs may ever end early. FOLDER/ready says that all run,
FOLDER/finish asks for the counts, which come to FOLDER/counts.json. Python 3.3 and later.
"""

import ctypes
import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
FOLDER = sys.argv[1]
QUEUED = signal.SIGRTMIN + 1
TICK_NS = 5000000
CLOCK_MONOTONIC = 1

counts = {}
finished = threading.Event()
all_sent = threading.Event()


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class TimerSpec(ctypes.Structure):
    _fields_ = [("interval", Timespec), ("value", Timespec)]


class PollEntry(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


def call(name, function, *arguments):
    """The result of a system call; those that a signal ended are counted."""
    result = function(*arguments)
    counts[name + ".calls"] = counts.get(name + ".calls", 0) + 1
    if result < 0:
        number = ctypes.get_errno()
        key = "%s.%s" % (name, errno.errorcode.get(number, number))
        counts[key] = counts.get(key, 0) + 1
    return result


def sleep_always():
    while not finished.is_set():
        wanted = Timespec(0, 3000000)
        call("nanosleep", LIBC.nanosleep, ctypes.byref(wanted), None)


def poll_always(read_end):
    entry = PollEntry(read_end, select.POLLIN, 0)
    while not finished.is_set():
        call("poll", LIBC.poll, ctypes.byref(entry), 1, 4)


def epoll_always(read_end):
    """Waits for what the writer sends, and takes it."""
    epoll = select.epoll()
    epoll.register(read_end, select.EPOLLIN)
    events = ctypes.create_string_buffer(64)
    data = ctypes.create_string_buffer(1)
    while not finished.is_set():
        if call("epoll_wait", LIBC.epoll_wait, epoll.fileno(), events, 1, 20) > 0:
            if call("read", LIBC.read, read_end, data, 1) == 1:
                counts["received"] = counts.get("received", 0) + 1


def write_always(write_end):
    while not finished.is_set():
        if call("write", LIBC.write, write_end, b"x", 1) == 1:
            counts["sent"] = counts.get("sent", 0) + 1
        time.sleep(0.002)


def read_timer():
    """An interval timer that tells how often it expired since it was read."""
    timer = LIBC.timerfd_create(CLOCK_MONOTONIC, 0)
    spec = TimerSpec(Timespec(0, TICK_NS), Timespec(0, TICK_NS))
    expired = ctypes.c_uint64()
    earliest = time.monotonic()
    LIBC.timerfd_settime(timer, 0, ctypes.byref(spec), None)
    latest = time.monotonic()
    while not finished.is_set():
        before = time.monotonic()
        if call("timerfd", LIBC.read, timer, ctypes.byref(expired), 8) == 8:
            counts["ticks"] = counts.get("ticks", 0) + expired.value
            # It may have waited for the interpreter's lock before and after the call.
            counts["ticks_least"] = int((before - latest) * 1e9 / TICK_NS)
            counts["ticks_most"] = int((time.monotonic() - earliest) * 1e9 / TICK_NS)


def take_signals():
    """Every queued signal, by a thread that waits for it."""
    wanted = Timespec(0, 20000000)
    mask = ctypes.create_string_buffer(128)
    LIBC.sigemptyset(mask)
    LIBC.sigaddset(mask, QUEUED)
    while True:
        # Before the wait: what is sent after one that found nothing is still to be taken.
        last = all_sent.is_set()
        result = LIBC.sigtimedwait(mask, None, ctypes.byref(wanted))
        if result == QUEUED:
            counts["queued_taken"] = counts.get("queued_taken", 0) + 1
        elif ctypes.get_errno() == errno.EAGAIN:
            if last:
                return
        else:
            counts["sigtimedwait.EINTR"] = counts.get("sigtimedwait.EINTR", 0) + 1


def send_signals():
    while not finished.is_set():
        os.kill(os.getpid(), QUEUED)
        counts["queued_sent"] = counts.get("queued_sent", 0) + 1
        time.sleep(0.003)
    all_sent.set()


def run_children():
    while not finished.is_set():
        status = subprocess.call(["true"])
        counts["children"] = counts.get("children", 0) + 1
        if status:
            counts["children.failed"] = counts.get("children.failed", 0) + 1
        time.sleep(0.02)


def compute():
    while not finished.is_set():
        sum(range(1000))


def alarmed(number, frame):
    counts["alarms"] = counts.get("alarms", 0) + 1


def main():
    polled, _ = os.pipe()
    received, sent = os.pipe()
    works = [
        (sleep_always,),
        (poll_always, polled),
        (epoll_always, received),
        (write_always, sent),
        (read_timer,),
        (take_signals,),
        (send_signals,),
        (run_children,),
        (compute,),
    ]
    blocked = set(range(1, signal.NSIG)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    threads = [threading.Thread(target=work[0], args=work[1:]) for work in works]
    for thread in threads:
        thread.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked - {signal.SIGALRM})
    signal.signal(signal.SIGALRM, alarmed)
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, TICK_NS / 1e9, TICK_NS / 1e9)
    while not (counts.get("alarms") and counts.get("children")):
        time.sleep(0.01)
    open(os.path.join(FOLDER, "ready"), "w").close()
    while not os.path.exists(os.path.join(FOLDER, "finish")):
        time.sleep(0.01)
    signal.setitimer(signal.ITIMER_REAL, 0, 0)
    counts["alarms_due"] = int((time.monotonic() - begin) * 1e9 / TICK_NS)
    finished.set()
    for thread in threads:
        thread.join()
    with open(os.path.join(FOLDER, "counts.new"), "w") as file:
        json.dump(counts, file)
    os.rename(os.path.join(FOLDER, "counts.new"), os.path.join(FOLDER, "counts.json"))


main()
