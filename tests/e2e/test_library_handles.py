"""libpyspy's handles and samplers, and what they do when things go wrong."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import support
from library_api import LibraryError
from library_case import BUSY, NO_PROCESS, NOT_FOUND, NOT_PYTHON, LibraryCalls
from support import BUILD, SMALL, TARGETS, check, wait_until


class Handles(LibraryCalls):
    def test_stacks_are_the_interpreters_own(self):
        target, want = self.standing()
        for values in ({}, {"lock": 1}, {"native": False, "locals": 1}):
            with self.library.open(target.pid, **values) as spy:
                for _ in range(3):
                    self.assertEqual(self.library.stacks(spy), want, str(values))

    def test_already_locked(self):
        target, want = self.standing()
        os.kill(target.pid, signal.SIGSTOP)
        try:
            with self.library.open(target.pid, lock=2) as spy:
                self.assertEqual(self.library.stacks(spy), want)
        finally:
            os.kill(target.pid, signal.SIGCONT)

    def test_lines(self):
        target, want = self.standing()
        with self.library.open(target.pid, lines=0) as spy:
            lines = {frame[2] for stack in self.library.stacks(spy).values() for frame in stack}
            self.assertEqual(lines, {0})
        with self.library.open(target.pid, lines=1) as spy:
            first = self.library.stacks(spy)
        for key, stack in want.items():
            for wanted, shown in zip(stack, first[key]):
                self.assertEqual(wanted[:2], shown[:2])
                self.assertLessEqual(shown[2], wanted[2])

    def test_thread_ids_are_frames(self):
        target, want = self.standing()
        with self.library.open(target.pid, include_thread_ids=True) as spy:
            for (_, tid), stack in self.library.stacks(spy).items():
                self.assertEqual(stack[-1][0], "thread (%d)" % tid)
                self.assertEqual(stack[:-1], want[target.pid, tid])

    def test_some_threads(self):
        target, want = self.standing()
        tids = sorted(tid for _, tid in want)
        self.assertGreaterEqual(len(tids), 3)
        snapshot = target.path("threads.zst")
        support.capture(target.pid, snapshot)
        thread_ids = {
            thread["os_thread_id"]: thread["thread_id"] for thread in support.dump_json(snapshot)
        }
        for asked, given in (
            (tids[:1], tids[:1]),
            ([tids[2], 999999999, tids[0]], [tids[0], tids[2]]),
            ([thread_ids[tids[1]]], [tids[1]]),
        ):
            expected = {(target.pid, tid): want[target.pid, tid] for tid in given}
            values = {"tids": asked, "tid_count": len(asked)}
            with self.library.open(target.pid, **values) as spy:
                self.assertEqual(self.library.stacks(spy), expected)
            with self.library.open_file(snapshot, **values) as spy:
                self.assertEqual(self.library.stacks(spy), expected)
            with self.library.sampler(target.pid, include_idle=True, **values) as take:
                self.assertEqual(take(), expected)
        # None of them is there, yet: a handle says so each time, a sampler goes on.
        values = {"tids": [999999999], "tid_count": 1}
        with self.library.open(target.pid, **values) as spy:
            self.assert_fails(NOT_FOUND, self.library.stacks, spy)
        with self.library.open_file(snapshot, **values) as spy:
            self.assert_fails(NOT_FOUND, self.library.stacks, spy)
        with self.library.sampler(target.pid, include_idle=True, **values) as take:
            self.assertEqual(take(), {})

    def test_ways_of_native_stacks(self):
        """Each gives what pyspy-analyze gives with the option of that name."""
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        ready, snapshot = os.path.join(folder, "ready"), os.path.join(folder, "native.zst")
        text = (
            "import ctypes, sys, time\n"
            "libc = ctypes.CDLL(None)\n"
            "thread = ctypes.c_ulong()\n"
            "assert libc.pthread_create(ctypes.byref(thread), None, libc.pause, None) == 0\n"
            "open(sys.argv[1], 'w').close()\n"
            "time.sleep(1000)\n"
        )
        target = subprocess.Popen(
            self.interpreter.command + ["-c", text, ready],
            env=dict(os.environ, **self.interpreter.environment),
            preexec_fn=support._prepare_target,
        )
        self.addCleanup(target.wait)
        self.addCleanup(target.kill)
        wait_until(lambda: os.path.exists(ready), 60, "the target")
        wait_until(lambda: support.state_of(target.pid) == "S", 60, "its sleep")
        support.capture(target.pid, snapshot, "--native")

        def names(stacks):
            return {tid: [frame[0] for frame in stack] for (_, tid), stack in stacks.items()}

        seen = []
        for way in ("native", "native_all", "native_last", "native_internal"):
            want = {
                thread["os_thread_id"]: [frame["name"] or "?" for frame in thread["frames"]]
                for thread in support.dump_json(snapshot, "--" + way.replace("_", "-"))
            }
            with self.library.open_file(snapshot, **{way: True}) as spy:
                self.assertEqual(names(self.library.stacks(spy)), want, way)
            with self.library.open(target.pid, **{way: True}) as spy:
                self.assertEqual(names(self.library.stacks(spy)), want, way)
            self.assertNotIn(want, seen, way)
            seen.append(want)
        self.assertEqual([len(one) for one in seen], [1, 2, 1, 1])

    def test_exhaustive(self):
        """Where there is no Python, the message says whether all was tried."""
        sleep = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(sleep.wait)
        self.addCleanup(sleep.kill)
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        snapshot = os.path.join(folder, "sleep.zst")
        support.capture(sleep.pid, snapshot, "--level", "full")

        def message(way, what, **values):
            def use():
                with way(what, **values) as spy:
                    self.library.stacks(spy)

            return self.assert_fails(NOT_PYTHON, use)

        for way, what in ((self.library.open, sleep.pid), (self.library.open_file, snapshot)):
            self.assertIn("try --exhaustive", message(way, what))
            self.assertNotIn("try --exhaustive", message(way, what, exhaustive=True))

    def test_waiting_for_python(self):
        """What is no Python yet is tried again for as long as was asked for."""
        for use in (self.library.open, self.library.sampler):
            shell = self.start_shell("sleep 1")

            def try_it(**values):
                with use(shell.pid, **values):
                    pass

            self.assert_fails(NOT_PYTHON, try_it)
            shell.stdin.write(b"go\n")
            shell.stdin.flush()
            try_it(wait_ns=60 * 10**9)
            shell.kill()

    def test_files(self):
        target, want = self.standing()
        snapshot = target.path("snapshot.zst")
        support.capture(target.pid, snapshot)
        with self.library.open_file(snapshot) as spy:
            functions = self.library.functions
            self.assertEqual(self.library.stacks(spy), want)
            self.assertFalse(functions.pyspy_is_alive(spy))
            self.assertEqual(functions.pyspy_process_count(spy), 1)
            self.assertEqual(functions.pyspy_sample_count(spy), 1)
            version = functions.pyspy_python_version(spy).decode()
            self.assertEqual(version, "%d.%d.%d" % self.interpreter.version)
            # After a selection that failed there is nothing to read, and then there is again.
            for process, sample in ((1, 0), (0, 1)):
                failure = functions.pyspy_select(spy, process, sample)
                self.assert_fails(NOT_FOUND, self.library.check, failure)
            self.library.check(functions.pyspy_select(spy, 0, 0))
            self.assertEqual(self.library.stacks(spy), want)
        with self.library.open_file(snapshot, locals=1) as spy:
            message = self.assert_fails(NOT_FOUND, self.library.stacks, spy)
            self.assertIn("--locals", message)
        with self.library.open_file(snapshot, native=True) as spy:
            message = self.assert_fails(NOT_FOUND, self.library.stacks, spy)
            self.assertIn("--native", message)
        core, reason = target.make_core()
        if core is None:
            self.skipTest(reason)
        with self.library.open_file(core) as spy:
            self.assertEqual(set(self.library.stacks(spy).values()), set(want.values()))

    def test_a_handle_after_the_end(self):
        target = self.running()
        with self.library.open(target.pid) as spy:
            self.assertTrue(self.library.stacks(spy))
            self.assertTrue(self.library.functions.pyspy_is_alive(spy))
            target.process.kill()
            wait_until(
                lambda: not self.library.functions.pyspy_is_alive(spy), 30, "the end of the target"
            )
            for _ in range(3):
                self.assert_fails(NO_PROCESS, self.library.stacks, spy)
            target.process.wait()
            self.assert_fails(NO_PROCESS, self.library.stacks, spy)

    def test_a_handle_after_an_error(self):
        """A process that begins to run another program, without Python and then with it again."""
        target = self.start(self.interpreter, "exec_twice.py")
        target.wait_for("ready")
        with self.library.open(target.pid) as spy:
            self.assertTrue(self.library.stacks(spy))
            with open(target.path("go"), "wb") as go:
                go.write(b"!")
            target.wait_for("shell")
            with self.assertRaises(LibraryError):
                self.library.stacks(spy)
            os.kill(target.pid, signal.SIGTERM)
            target.wait_for("again")

            def stacks():
                try:
                    return self.library.stacks(spy)
                except LibraryError:
                    return None

            self.assertTrue(wait_until(stacks, 60, "stacks of the second Python"))

    def test_a_process_that_starts(self):
        for _ in range(3 if SMALL else 10):
            target = self.start(self.interpreter, "known_times.py", 600)
            with self.library.open(target.pid, retries=500) as spy:
                # Its thread can be known before it has a frame.
                wait_until(lambda: any(self.library.stacks(spy).values()), 60, "a stack")
            target.close()

    def test_what_is_no_python(self):
        sleep = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(sleep.wait)
        self.addCleanup(sleep.kill)

        def use():
            with self.library.open(sleep.pid, retries=2):
                self.fail("sleep is Python")

        with self.assertRaises(LibraryError):
            use()

    def test_different_handles_in_different_threads(self):
        targets = [self.running() for _ in range(3)]
        code = (
            "import sys, threading; sys.path.insert(0, %r); import library_api as t\n"
            "library = t.Library()\n"
            "def use(pid):\n"
            "    with library.open(pid) as spy:\n"
            "        for _ in range(100):\n"
            "            for (who, _), stack in library.stacks(spy).items():\n"
            "                assert who == pid and stack[-1][0] == '<module>', stack\n"
            "    done.append(pid)\n"
            "done = []\n"
            "threads = [threading.Thread(target=use, args=(int(a),)) for a in sys.argv[1:]]\n"
            "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
            "assert len(done) == 3, done\n" % support.FOLDER
        )
        done = check([sys.executable, "-c", code] + [str(target.pid) for target in targets])
        # It prints nothing of its own.
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_memory_does_not_grow(self):
        target = self.start(self.interpreter, "stacks.py", 5, 20)
        target.settle()
        calls = 1000 if SMALL else 4000
        program = os.path.join(BUILD, "tests", "tools", "library_calls")
        done = check([program, str(target.pid), str(calls)])
        figures = json.loads(done.stdout.decode())
        self.assertEqual(figures["failed"], 0, done.stderr.decode())
        self.assertGreaterEqual(figures["frames"], calls * 5)
        # An object that was leaked with each call would be 100 KiB and more.
        self.assertLess(figures["late_kib"] - figures["early_kib"], 256, str(figures))


class Samplers(LibraryCalls):
    def test_two_samplers_on_one_process(self):
        target = self.running()
        with self.library.sampler(target.pid) as one, self.library.sampler(target.pid) as other:
            for _ in range(50):
                for take in (one, other):
                    for stack in take().values():
                        self.assertEqual(stack[-1][0], "<module>")
        self.assertIsNone(target.process.poll())
        self.assertEqual(support.process_status(target.pid)["TracerPid"], "0")

    def test_a_sampler_ends(self):
        target = self.running()
        with self.library.sampler(target.pid) as take:
            self.assertTrue(take())
            target.process.kill()
            while take() is not None:
                pass
            self.assertIsNone(take())
        with self.assertRaises(LibraryError):
            with self.library.sampler(target.pid):
                self.fail("the process has ended")

    def test_a_sampler_ends_after_its_duration(self):
        target = self.running()
        with self.library.sampler(target.pid, duration_ns=200000000) as take:
            taken = 0
            while take() is not None:
                taken += 1
            self.assertLessEqual(taken, 20)
            self.assertGreater(taken, 0)

    def test_a_sampler_that_nobody_asks(self):
        """It keeps a bounded number of samples, goes on when it is asked, and can be ended."""
        target = self.running()
        with self.library.sampler(target.pid, sampling_rate=1000) as take:
            time.sleep(1)
            for _ in range(200):
                self.assertTrue(take())

    def test_what_is_left_out_is_counted(self):
        """Samples that nobody takes fill the queue; each time that was passed over is in `missed` of
        the next one, and none is counted twice or forgotten."""
        target = self.running()
        functions, period = self.library.functions, 1000000

        def figures(sample):
            self.assertFalse(functions.pyspy_sample_error(sample, 0))
            one = sample.contents
            self.assertEqual(one.error_count, 0)
            return one.index, one.missed, one.late_ns, functions.pyspy_traces_time_ns(one.traces)

        with self.library.sampler(target.pid, sampling_rate=1000) as take:
            first = take(of=figures)
            time.sleep(1)
            taken = [first] + [take(of=figures) for _ in range(300)]
        self.assertEqual([sample[0] for sample in taken], list(range(len(taken))))
        slot, slots = -1, []
        for _, missed, late_ns, _ in taken:
            # What is late is late by all the periods that were left out, and by a part of one more.
            self.assertGreaterEqual(late_ns, missed * period)
            if not missed:
                self.assertTrue(late_ns == 0 or late_ns >= period, str(late_ns))
            slot += 1 + missed
            slots.append(slot)
        worst = max(range(1, len(taken)), key=lambda number: taken[number][1])
        self.assertGreater(taken[worst][1], 1)
        self.assertGreaterEqual(taken[worst][3] - taken[worst - 1][3], period * taken[worst][1] // 2)
        # The times of that second are all there: taken, or left out.
        self.assertGreaterEqual(slots[-1], 990)
        # None is taken before its time, as counted from one that was hardly late.
        begin = min(sample[3] - slot * period for slot, sample in zip(slots[:100], taken))
        self.assertGreaterEqual(taken[-1][3] - begin, (slots[-1] - 100) * period)

    def test_idle_threads(self):
        target, want = self.standing()
        with self.library.sampler(target.pid, include_idle=True) as take:
            self.assertEqual(take(), want)
        with self.library.sampler(target.pid) as take:
            self.assertEqual(take(), {})
            self.assert_fails(BUSY, lambda: [take(0) for _ in range(1000)])

    def test_subprocesses(self):
        target = self.start(self.interpreter, "processes.py", "spawn", 2)
        target.wait_for("ready")
        paths = glob.glob(target.path("[0-9]*.json"))
        pids = {int(os.path.basename(path).partition(".")[0]) for path in paths}
        self.assertGreaterEqual(len(pids), 3)
        with self.library.sampler(target.pid, subprocesses=True, include_idle=True) as take:
            seen = set()
            while not pids <= seen:
                seen |= {pid for pid, _ in take()}
            target.process.kill()
            while take() is not None:
                pass

    def test_subprocesses_of_what_is_no_python(self):
        target_folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, target_folder, True)
        shell = subprocess.Popen(
            ["/bin/sh", "-c", '"$@"; true', "sh"]
            + self.interpreter.command
            + [os.path.join(TARGETS, "known_times.py"), target_folder, "3"],
            env=dict(os.environ, **self.interpreter.environment),
        )
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        with self.library.sampler(shell.pid, subprocesses=True) as take:
            seen = set()
            for stacks in iter(take, None):
                seen |= set(stacks)
        self.assertTrue(seen)
        self.assertNotIn(shell.pid, {pid for pid, _ in seen})

    def test_a_process_that_becomes_python_late(self):
        """With subprocesses the one that is named may begin to be Python long after it was named."""
        shell = self.start_shell("true")
        with self.library.sampler(shell.pid, subprocesses=True) as take:
            self.assert_fails(BUSY, take, 200)
            version = self.library.functions.pyspy_sampler_python_version
            shell.stdin.write(b"go\n")
            shell.stdin.flush()
            seen = set()
            while not any(seen):
                for (pid, _), stack in take(60000).items():
                    self.assertEqual(pid, shell.pid)
                    seen.add(stack)
            shell.kill()
            while take() is not None:
                pass


if __name__ == "__main__":
    support.main()
