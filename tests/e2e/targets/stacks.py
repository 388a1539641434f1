"""A target whose threads stand still in stacks that the interpreter itself has written down.

    stacks.py FOLDER THREADS DEPTH

Runs on Python 2.7 and 3.6 to 3.15 with the standard library only. THREADS includes the main thread;
each builds a chain of about DEPTH frames (1: exactly one) out of the links and then blocks, in one of
several ways. A further thread, the reporter, then writes FOLDER/settled, waits for a byte in the FIFO
FOLDER/go, writes FOLDER/expected.json (and FOLDER/faulthandler.txt), and ends. The driver can so look
at the stacks before the reporter has touched them: `sys._current_frames` makes frame objects, which
3.11 and later do without otherwise.
"""

import json
import os
import select
import socket
import sys
import threading
import time

try:
    import queue
    import _thread
except ImportError:
    import Queue as queue
    import thread as _thread

import links

THREAD_IDS = {}  # pthread ident -> id that the operating system knows
ARRIVED = []
KEPT = []  # whatever must live as long as the process


def native_id():
    if hasattr(threading, "get_native_id"):
        return threading.get_native_id()
    import ctypes
    return ctypes.CDLL(None).syscall({"x86_64": 186, "aarch64": 178}[os.uname()[4]])


def permit_tracing():
    """Let any process of the same user trace this one where Yama's ptrace_scope is 1."""
    try:
        import ctypes
        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1 & (2 ** 64 - 1)), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # the driver has asked for it too, before exec


def get_ident():
    return _thread.get_ident()


# --- where a chain ends -------------------------------------------------------------------------------


def block_in_sleep(state):
    state.arrived()
    time.sleep(10000000)


def block_in_lock(state):
    lock = threading.Lock()
    lock.acquire()
    state.arrived()
    lock.acquire(
    )


def block_in_queue(state):
    waiting = queue.Queue()
    state.arrived()
    waiting.get()


def block_in_select(state):
    reader, writer = os.pipe()
    state.arrived()
    select.select([reader], [], [])


def block_in_receive(state):
    pair = socket.socketpair()
    state.arrived()
    pair[0].recv(
        1)


def block_in_read(state):
    reader, writer = os.pipe()
    state.arrived(); os.read(reader, 1)  # noqa: E702


def block_in_event(state):
    event = threading.Event()
    state.arrived()
    event.wait()


def block_in_poll(state):
    poll = select.poll()
    poll.register(os.pipe()[0], select.POLLIN)
    state.arrived()
    poll.poll(None)


def block_in_generator(state):
    def generator():
        state.arrived()
        yield time.sleep(10000000)
    next(generator())


LEAVES = [block_in_sleep, block_in_lock, block_in_queue, block_in_select, block_in_receive,
          block_in_read, block_in_event, block_in_poll, block_in_generator]


# --- the chain ----------------------------------------------------------------------------------------


class State(object):
    """What one thread still has to build."""

    def __init__(self, index, left, costs):
        self.index = index
        self.left = left - 1  # the leaf
        self.costs = costs
        self.position = index * 7  # so that threads differ
        self.leaf = LEAVES[index % len(LEAVES)]
        chosen = links.ONCE[index % len(links.ONCE):][:1] if index % 2 else []
        # While any thread is traced, 3.12 takes most of a second for this one, in whatever thread.
        if index >= 10 and chosen and chosen[0].__name__ == "huge_code":
            chosen = []
        self.once = chosen

    def take(self):
        if self.once and self.left > 12:
            function = self.once.pop()
        elif self.left > 0:
            function = links.LINKS[self.position % len(links.LINKS)]
            self.position += 1
        else:
            return self.leaf
        if self.costs[function] > self.left:
            function = links.plain
        self.left -= self.costs[function]
        return function

    def arrived(self):
        THREAD_IDS[get_ident()] = native_id()
        ARRIVED.append(self.index)


class Probe(object):
    """A state that measures how many frames a link adds on this version of Python."""

    index = -1

    def take(self):
        return self.count

    def count(self, state):
        frame = sys._getframe(1)
        self.depth = 0
        while frame.f_code is not measure.__code__:
            frame = frame.f_back
            self.depth += 1


def measure(function):
    probe = Probe()
    function(probe)
    return probe.depth


def run(index, depth, costs):
    """A thread's outermost function."""
    state = State(index, depth - 1, costs)
    try:
        state.take()(state)
    except BaseException:
        import traceback
        traceback.print_exc(3)
        os._exit(70)


def start(index, depth, costs):
    if depth == 1:
        state = State(index, 1, costs)
        return _thread.start_new_thread(state.leaf, (state,))
    if index % 5 == 3 and start_foreign(index, depth, costs):
        return None
    if index % 3 == 1:
        return _thread.start_new_thread(run, (index, depth, costs))
    name = u"w\xf6rker-%d" % index if sys.version_info[0] >= 3 else "worker-%d" % index
    thread = threading.Thread(target=run, args=(index, depth - 3, costs), name=name)
    thread.daemon = True
    thread.start()
    return thread


def start_foreign(index, depth, costs):
    """A thread that Python did not create, which calls in through a C callback."""
    try:
        import ctypes
        create = ctypes.CDLL(None).pthread_create
    except (ImportError, OSError, AttributeError):
        return False
    callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(
        lambda unused: run(index, depth - 1, costs))
    handle = ctypes.c_ulong()
    KEPT.append(callback)
    return create(ctypes.byref(handle), None, callback, None) == 0


# --- the report ---------------------------------------------------------------------------------------


def text(value):
    return value if not isinstance(value, bytes) else value.decode("utf-8")


def describe(frame):
    frames = []
    while frame is not None:
        code = frame.f_code
        frames.append({
            "name": text(code.co_name),
            "qualname": getattr(code, "co_qualname", None),
            "filename": text(code.co_filename),
            "line": frame.f_lineno or 0,
            "first_line": code.co_firstlineno,
        })
        frame = frame.f_back
    return frames


def put(folder, name, content):
    """Whole or not at all."""
    path = os.path.join(folder, name)
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.rename(path + ".new", path)


def report(folder, count):
    while len(ARRIVED) < count:
        time.sleep(0.01)
    put(folder, "settled", b"")
    with open(os.path.join(folder, "go"), "rb") as go:
        go.read(1)
    try:
        import faulthandler
        with open(os.path.join(folder, "faulthandler.txt"), "w") as file:
            faulthandler.dump_traceback(file, all_threads=True)
    except ImportError:
        pass
    threads = []
    for ident, frame in sys._current_frames().items():
        if ident != get_ident():
            threads.append({"ident": ident, "tid": THREAD_IDS[ident], "frames": describe(frame)})
    del frame
    content = {"pid": os.getpid(), "version": list(sys.version_info[:3]), "threads": threads}
    put(folder, "expected.json", json.dumps(content).encode("ascii"))


def load_links(folder):
    sys.path.insert(0, folder)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import generated_links
    generated_links.generate(folder)
    if sys.version_info[0] >= 3:
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "links3.py"), "rb") as file:
            source = file.read()
        name = "links_\u00fc\u0436_\u540d\U00020000"
        with open(os.path.join(folder, name + ".py"), "wb") as file:
            file.write(source)
        __import__(name)


def main(folder, threads, depth):
    permit_tracing()
    sys.setrecursionlimit(depth * 20 + 2000)
    costs = {}
    if depth > 1:
        load_links(folder)
        for function in links.LINKS + links.ONCE + [links.plain]:
            costs[function] = measure(function)
    threading.stack_size(32 << 20)
    for index in range(1, threads):
        start(index, depth, costs)
    _thread.start_new_thread(report, (folder, threads))
    if depth > 1:
        run(0, depth - 2, costs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    # Depth 1: the main thread has the module's frame and nothing else.
    BLOCKED = threading.Lock()
    BLOCKED.acquire()
    State(0, 1, {}).arrived()
    BLOCKED.acquire()
