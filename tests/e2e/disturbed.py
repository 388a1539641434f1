"""A target that counts its signals and goes on, and what must hold of it however a capture ends."""

import os
import random
import signal
import struct

from interpreters import newest_supported
from support import EndToEndTest, Target, thread_states, threads_status, wait_until

THREADS = 6
QUEUEING = [signal.SIGRTMIN + offset for offset in range(4)]
# More than RLIMIT_SIGPENDING are silently merged by kill(2), queueing or not.
MAX_PENDING = 500


class Signals:
    """Sends to a target and counts; the target counts what it handled."""

    def __init__(self, target):
        self.target = target
        self.file = target.path("signals")
        self.sent = {number: 0 for number in QUEUEING + [signal.SIGUSR1]}

    def handled(self):
        with open(self.file, "rb") as file:
            content = file.read()
        return {number: content.count(bytes([number])) for number in self.sent}

    def handled_total(self):
        return os.stat(self.file).st_size

    def send(self, number):
        os.kill(self.target.pid, number)
        self.sent[number] += 1

    def send_some(self):
        """Signals that queue, and one that does not, which is sent only when none is pending."""
        pending = sum(self.sent.values()) - self.handled_total()
        if pending < MAX_PENDING:
            self.send(random.choice(QUEUEING))
        if pending == 0:
            self.send(signal.SIGUSR1)


class Disturbed(EndToEndTest):
    def setUp(self):
        interpreter = newest_supported()
        if interpreter is None:
            self.skipTest("no interpreter of a supported version was found")
        self.target = Target(interpreter, "signal_counter.py", THREADS)
        self.addCleanup(self.target.close)
        self.target.wait_for("ready")
        self.signals = Signals(self.target)
        self.folder = self.target.path("output")
        os.mkdir(self.folder)
        self.output = os.path.join(self.folder, "snapshot.zst")
        self.seed = random.randrange(2**32)
        random.seed(self.seed)

    # --- what must hold ---

    def states(self):
        return thread_states(self.target.pid)

    def progress(self):
        with open(self.target.path("progress"), "rb") as file:
            return struct.unpack("<%dQ" % THREADS, file.read())

    def assert_runs(self):
        before = self.progress()
        wait_until(
            lambda: all(now > old for now, old in zip(self.progress(), before)),
            30,
            "every thread of the target gets on",
        )

    def assert_untraced(self, stopped):
        """Nobody traces it. The kernel has a thread back in its stop a moment after the detach."""
        threads = threads_status(self.target.pid).values()
        self.assertEqual({fields["TracerPid"] for fields in threads}, {"0"})
        if stopped:
            wait_until(lambda: self.states() == {"T"}, 10, "the target is stopped as it was")
        else:
            self.assertFalse(self.states() & set("TtZX"))

    def assert_nothing_lost(self):
        sent = sum(self.signals.sent.values())
        wait_until(lambda: self.signals.handled_total() >= sent, 30, "all signals handled")
        self.assertEqual(self.signals.handled(), self.signals.sent)

    def stop_target(self):
        os.kill(self.target.pid, signal.SIGSTOP)
        wait_until(lambda: self.states() == {"T"}, 10, "SIGSTOP's effect")
