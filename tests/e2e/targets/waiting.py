"""A target whose threads each do one known thing. FOLDER/roles.json says which thread does what.

    waiting.py FOLDER spin|keep|collect|callback

Several threads run in loops and want the GIL. With `keep`, who has it keeps it. With `collect`, the
main thread collects garbage all the time, instead of running in a loop; with `callback` it keeps the
GIL in the middle of a collection.
"""

import ctypes
import gc
import json
import os
import select
import socket
import sys
import threading
import time

SYS_GETTID = {"x86_64": 186, "aarch64": 178}[os.uname()[4]]
LIBC = ctypes.CDLL(None)
ROLES = {}
PLACES = {}  # by role, what keeps the thread there alive


def own_id():
    return LIBC.syscall(SYS_GETTID)


def note(role):
    ROLES[role] = {"tid": own_id(), "ident": threading.current_thread().ident}


def sleeper():
    note("sleeper")
    time.sleep(1000000)


def locker():
    note("locker")
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def poller():
    note("poller")
    ends = PLACES["poller"] = os.pipe()
    select.select([ends[0]], [], [])


def receiver():
    note("receiver")
    ends = PLACES["receiver"] = socket.socketpair()
    ends[0].recv(1)


def waiter():
    note("waiter")
    threading.Event().wait()


def spinner(role):
    note(role)
    spin(lambda: True)


def spin(goes_on):
    while goes_on():
        pass


def runner_without_python():
    """A thread that C alone has made: it runs pause(2), and no thread state is made for it."""
    thread = ctypes.c_ulong()
    LIBC.pthread_create.argtypes = [ctypes.c_void_p] * 4
    before = set(os.listdir("/proc/self/task"))
    error = LIBC.pthread_create(
        ctypes.byref(thread), None, ctypes.cast(LIBC.pause, ctypes.c_void_p), None
    )
    assert error == 0, error
    (new,) = set(os.listdir("/proc/self/task")) - before
    with open("/proc/self/task/%s/comm" % new, "w") as name:
        name.write("without-python")
    ROLES["without"] = {"tid": int(new), "ident": thread.value}


def write(folder):
    path = os.path.join(folder, "roles.json")
    with open(path + ".new", "w") as file:
        json.dump(ROLES, file)
    os.rename(path + ".new", path)


def collect_for_ever():
    kept = [[] for _ in range(300000)]
    while kept:
        gc.collect()


def collect_and_stay():
    def stay(_phase, _info):
        sys.setswitchinterval(100000)
        spin(lambda: True)

    gc.callbacks.append(stay)
    gc.collect()


def main(folder, task):
    note("main")
    runner_without_python()
    functions = [sleeper, locker, poller, receiver, waiter]
    for function in functions:
        thread = threading.Thread(target=function, name=function.__name__)
        thread.daemon = True
        thread.start()
    while len(ROLES) < len(functions) + 2:
        time.sleep(0.01)
    for number in range(3):
        role = "spinner-%d" % number
        thread = threading.Thread(target=spinner, args=(role,), name=role)
        thread.daemon = True
        thread.start()
    while len(ROLES) < len(functions) + 5:
        time.sleep(0.01)
    write(folder)
    if task == "keep":
        sys.setswitchinterval(100000)
    if task == "collect":
        collect_for_ever()
    if task == "callback":
        collect_and_stay()
    spin(lambda: True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
