"""Capture loops: one file for each period, named by a pattern, and how many of them are kept."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402
from capture_case import CAPTURE, IS_ROOT, PYTHON, CaptureCase  # noqa: E402

SUMMARY = re.compile(r"(\d+) files, (\d+) periods late, (\d+) failed")
PATTERN = "snap-%Y%m%dT%H%M%S.%{ms}.zst"
NAME = r"^snap-\d{8}T\d{6}\.\d{3}\.zst$"


class LoopCase(CaptureCase):
    def begin(self, *options, output=PATTERN, **keywords):
        keywords.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [CAPTURE, "-o", self.path(output), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **keywords
        )
        if process.stderr:
            self.addCleanup(process.stderr.close)
        self.targets.append(process)
        return process

    def end(self, process, status=support.EXIT_DONE):
        text = process.communicate(timeout=120)[1].decode(errors="replace")
        self.assertEqual(process.returncode, status, text)
        return text

    def loop(self, pid, *options, status=support.EXIT_DONE, **keywords):
        """(files, late, failed), and what was said."""
        text = self.end(self.begin("--pid", str(pid), *options, **keywords), status)
        found = SUMMARY.search(text)
        self.assertIsNotNone(found, text)
        return [int(number) for number in found.groups()], text

    def files(self):
        return sorted(os.listdir(self.output))

    def wait_for_files(self, count):
        support.wait_until(lambda: len(self.files()) >= count, 60, "%d files are there" % count)

    def wait_for_text(self, running, words):
        line = running.stderr.readline()
        while words not in line:
            self.assertTrue(line, "ended")
            line = running.stderr.readline()


class Loop(LoopCase):
    def assert_each_readable(self, names):
        for name in names:
            self.assertEqual(len(support.dump_json(self.path(name))), 1, name)
            self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o600)

    def test_a_file_for_each_period(self):
        process = self.start_python()
        counts, _ = self.loop(process.pid, "--every", "0.2", "--count", "4")
        self.assertEqual((counts[0], counts[2]), (4, 0))
        self.assertEqual(len(self.files()), 4)
        for name in self.files():
            self.assertRegex(name, NAME)
        self.assert_each_readable(self.files())
        self.assert_untouched(process)

    def test_what_is_not_there_was_counted(self):
        process = self.start_python()
        begin = time.monotonic()
        counts, _ = self.loop(process.pid, "--every", "0.1", "-d", "2")
        passed = time.monotonic() - begin
        self.assertGreaterEqual(sum(counts), 19)
        self.assertLessEqual(sum(counts), passed / 0.1 + 2)
        self.assertEqual(len(self.files()), counts[0])

    def test_names(self):
        process = self.start_python()
        self.loop(
            process.pid, "--every", "1", "--count", "1", output="%{host}-%{pid}-%s-%%.zst"
        )
        (name,) = self.files()
        host = re.escape(os.uname().nodename)
        self.assertRegex(name, r"^%s-%d-\d{10}-%%.zst$" % (host, process.pid))

    def test_default_names(self):
        process = self.start_python()
        done = support.check(
            [CAPTURE, "-p", str(process.pid), "--every", "0.1", "--count", "2"], cwd=self.output
        )
        self.assertIn("2 files", done.stderr.decode())
        for name in self.files():
            self.assertRegex(name, r"^python[\w.]*-%d-\d{8}T\d{6}\.\d{3}Z\.zst$" % process.pid)
        self.assertEqual(len(self.files()), 2)

    def test_a_sample_is_asked_for(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "1000")
        self.wait_for_files(1)
        for count in (2, 3):
            running.send_signal(signal.SIGUSR1)
            self.wait_for_files(count)
        running.send_signal(signal.SIGTERM)
        self.assertIn("3 files, ", self.end(running))
        self.assert_each_readable(self.files())

    def test_asked_for_within_what_the_name_tells_apart(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "1000", output="%s.zst")
        self.wait_for_files(1)
        running.send_signal(signal.SIGUSR1)
        self.wait_for_files(2)
        running.send_signal(signal.SIGINT)
        self.assertIn("2 files, 0 periods late, 0 failed", self.end(running))

    def test_ended_by_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start_python()
            before = len(self.files())
            running = self.begin("--pid", str(process.pid), "--every", "0.1")
            self.wait_for_files(before + 2)
            running.send_signal(number)
            self.end(running)
            self.assert_untouched(process)
            self.assertFalse([name for name in self.files() if not re.match(NAME, name)])
        self.assert_each_readable(self.files())

    def test_the_target_ends(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "0.1")
        self.wait_for_files(2)
        process.kill()
        process.wait()
        self.end(running)
        self.assert_each_readable(self.files())

    def test_no_such_process(self):
        process = self.start_python()
        process.kill()
        process.wait()
        text = self.end(
            self.begin("--pid", str(process.pid), "--every", "0.1"), support.EXIT_FAILED
        )
        self.assertIn(str(process.pid), text)
        self.assertEqual(self.files(), [])

    def test_no_python(self):
        process = self.start_sleep()
        text = self.end(
            self.begin("--pid", str(process.pid), "--every", "0.1"), support.EXIT_NO_PYTHON
        )
        self.assertIn("no Python", text)

    # What is kept.

    def decoys(self):
        """Files that look as if they were of the loop."""
        names = ["snap-20200101T000000.000.zst", "snap-29990101T000000.000.zst", "notes.txt"]
        for name in names:
            with open(self.path(name), "w") as stream:
                stream.write("mine")
        return names

    def test_keep(self):
        process = self.start_python()
        decoys = self.decoys()
        self.loop(process.pid, "--every", "0.1", "--count", "6", "--keep", "2")
        self.assertEqual(len(self.files()), len(decoys) + 2)
        for name in decoys:
            with open(self.path(name)) as stream:
                self.assertEqual(stream.read(), "mine")

    def test_the_newest_are_kept(self):
        process = self.start_python()
        _, text = self.loop(process.pid, "--every", "0.1", "--count", "6", "--keep", "3")
        written = [os.path.basename(path) for path in re.findall(r"wrote (\S+)", text)]
        self.assertEqual(len(written), 6)
        self.assertEqual(self.files(), sorted(written[3:]))
        self.assert_each_readable(self.files())

    def test_keep_bytes(self):
        process = self.start_python()
        self.loop(process.pid, "--every", "1", "--count", "1")
        size = os.path.getsize(self.path(self.files()[0]))
        decoys = self.files()
        self.loop(process.pid, "--every", "0.1", "--count", "6", "--keep-bytes", str(size * 3))
        left = [name for name in self.files() if name not in decoys]
        self.assertLessEqual(sum(os.path.getsize(self.path(name)) for name in left), size * 3)
        self.assertGreaterEqual(len(left), 2)
        self.assertTrue(os.path.exists(self.path(decoys[0])))

    def test_what_was_replaced_is_kept(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "1000", "--keep", "1")
        self.wait_for_files(1)
        (name,) = self.files()
        with open(self.path("mine"), "w") as stream:
            stream.write("mine")
        os.rename(self.path("mine"), self.path(name))
        running.send_signal(signal.SIGUSR1)
        self.wait_for_files(2)
        running.send_signal(signal.SIGINT)
        self.end(running)
        with open(self.path(name)) as stream:
            self.assertEqual(stream.read(), "mine")

    # Trouble.

    def test_existing_file(self):
        """Told for each period that has no file, and none is overwritten."""
        process = self.start_python()
        now = int(time.time())
        for second in range(now, now + 60):
            with open(self.path("%d.zst" % second), "w"):
                pass
        text = self.end(
            self.begin("--pid", str(process.pid), "--every", "1", output="%s.zst"),
            support.EXIT_FAILED,
        )
        self.assertIn("exists already", text)
        self.assertEqual([os.path.getsize(self.path(name)) for name in self.files()], [0] * 60)

    def test_a_file_that_is_too_large(self):
        """What fails later is counted, and the loop goes on."""
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "1000")
        self.wait_for_files(1)
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
        running.send_signal(signal.SIGUSR1)
        self.wait_for_text(running, b"File too large")
        hard = resource.RLIM_INFINITY
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (hard, hard))
        running.send_signal(signal.SIGUSR1)
        self.wait_for_files(2)
        running.send_signal(signal.SIGTERM)
        self.assertIn("2 files, 0 periods late, 1 failed", self.end(running, support.EXIT_PARTIAL))
        self.assert_each_readable(self.files())
        self.assert_untouched(process)

    @unittest.skipUnless(IS_ROOT, "needs root, to mount a small file system")
    def test_full_disk(self):
        process = self.start_python()
        # The disk fills while the loop goes on, and is emptied again.
        script = """
            mount -t tmpfs -o size=64k none "$1" || exit 77
            cd "$1"; log=$2; shift 2; : > "$log"
            until_said() { while kill -0 $loop && [ $(grep -c "$1" "$log") -lt $2 ]; do sleep 0.05; done; }
            "$@" 2> "$log" & loop=$!
            until_said wrote 2
            cat /dev/zero > fill 2> /dev/null
            until_said "No space left" 2
            rm fill
            until_said wrote $(($(grep -c wrote "$log") + 2))
            kill -TERM $loop; wait $loop; status=$?
            ls -A
            exit $status
        """
        log = os.path.join(self.base, "log")
        command = ["unshare", "-m", "sh", "-c", script, "sh", self.output, log, CAPTURE]
        command += ["--pid", str(process.pid), "--every", "0.1", "--keep", "3", "-o", PATTERN]
        done = support.run(command)
        if done.returncode == 77 or b"unshare" in done.stderr:
            self.skipTest("cannot mount a file system here: %s" % done.stderr.decode())
        with open(log) as stream:
            text = stream.read()
        self.assertEqual(done.returncode, support.EXIT_PARTIAL, text)
        files, _, failed = map(int, SUMMARY.search(text).groups())
        self.assertEqual(failed, text.count("No space left"))
        self.assertEqual(files, text.count("wrote"))
        names = done.stdout.decode().split()
        self.assertEqual(len(names), 3, names)
        for name in names:
            self.assertRegex(name, NAME)
        self.assert_untouched(process)

    def test_the_loop_is_killed(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "--every", "0.1")
        self.wait_for_files(3)
        running.kill()
        running.wait()
        self.assert_untouched(process)
        self.assert_each_readable([name for name in self.files() if re.match(NAME, name)])


# Many stacks, none like the one before: files of it grow.
BRANCHING = """
import threading, random
def a(n): return b(n - 1) if random.random() < 0.5 else c(n - 1)
def b(n): return c(n - 1) if n > 0 else sum(range(50))
def c(n): return a(n - 1) if n > 0 else sum(range(100))
def go():
    while True: a(random.randrange(60))
for _ in range(6): threading.Thread(target=go).start()
"""
RUN_SUMMARY = re.compile(r"\((\d+) samples, (\d+) late, (\d+) failed, (\d+) incomplete, (\d+) dropped")


class Series(LoopCase):
    """Runs in several files."""

    def info(self, name, expected=support.EXIT_DONE):
        done = support.check([support.ANALYZE, "info", self.path(name)], expected)
        return done.stdout.decode()

    def counts(self, name):
        """(samples, late, failed and dropped) of a complete file of its own."""
        self.assertRegex(self.info(name), r"Log:.*, ended\n")
        done = support.check([support.ANALYZE, "info", "--json", self.path(name)])
        counts = json.loads(done.stdout.decode())["container"]["counts"]
        # The stacks can be read without the files before it.
        for number in (1, counts["samples"]):
            dump = support.dump_json(self.path(name), "--sample", str(number))
            self.assertTrue(any(thread["frames"] for thread in dump), name)
        return counts["samples"], counts["late"], counts["failed"] + counts["dropped"]

    def assert_adds_up(self, names, text):
        samples, late, failed, _, dropped = map(int, RUN_SUMMARY.search(text).groups())
        found = [self.counts(name) for name in names]
        self.assertEqual(
            tuple(map(sum, zip(*found))), (samples, late, failed + dropped), (found, text)
        )

    def test_a_run_for_each_period(self):
        process = self.start_python(BRANCHING)
        running = self.begin("--pid", str(process.pid), "-r", "50", "--every", "0.3", "-d", "2")
        text = self.end(running)
        self.assertGreaterEqual(len(self.files()), 4)
        last = self.path(self.files()[-1])
        self.assertIn("wrote %d files, the last %s (" % (len(self.files()), last), text)
        for name in self.files():
            self.assertRegex(name, NAME)
            self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o600)
        self.assert_adds_up(self.files(), text)
        self.assert_untouched(process)

    def test_several_processes(self):
        """Each file has all of them."""
        pids = [str(self.start_python().pid) for _ in range(2)]
        options = ["-r", "50", "--every", "0.5", "-d", "2"]
        self.end(self.begin("--pid", pids[0], "--pid", pids[1], *options))
        self.assertGreaterEqual(len(self.files()), 3)
        for name in self.files()[:-1]:
            for pid in pids:
                (thread,) = support.dump_json(self.path(name), "--pid", pid)
                self.assertEqual(thread["pid"], int(pid))

    def test_keep(self):
        process = self.start_python()
        decoy = "snap-20200101T000000.000.zst"
        open(self.path(decoy), "w").close()
        options = ["-r", "50", "--every", "0.2", "-d", "2", "--keep", "2"]
        text = self.end(self.begin("--pid", str(process.pid), *options))
        made = int(re.search(r"wrote (\d+) files", text).group(1))
        self.assertGreater(made, 4)
        self.assertEqual(len(self.files()), 3)
        self.assertIn(decoy, self.files())
        for name in self.files()[1:]:
            self.counts(name)

    def test_keep_bytes(self):
        process = self.start_python(BRANCHING)
        options = ["-r", "200", "--max-bytes", "32K", "--keep-bytes", "64K", "-d", "10"]
        text = self.end(self.begin("--pid", str(process.pid), *options))
        made = int(re.search(r"wrote (\d+) files", text).group(1))
        self.assertGreater(made, 2)
        sizes = [os.path.getsize(self.path(name)) for name in self.files()]
        self.assertLessEqual(sum(sizes), 64 << 10)

    def test_max_bytes_ends_the_run(self):
        process = self.start_python(BRANCHING)
        running = self.begin(
            "--pid", str(process.pid), "-r", "200", "--max-bytes", "32K", output="run.zst"
        )
        text = self.end(running)
        self.assertIn("--max-bytes", text)
        self.assertLessEqual(os.path.getsize(self.path("run.zst")), 32 << 10)
        self.assert_adds_up(["run.zst"], text)

    def test_max_bytes_begins_a_file(self):
        process = self.start_python(BRANCHING)
        options = ["-r", "200", "--max-bytes", "32K", "-d", "6"]
        text = self.end(self.begin("--pid", str(process.pid), *options))
        self.assertGreater(len(self.files()), 1)
        for name in self.files():
            self.assertLessEqual(os.path.getsize(self.path(name)), 32 << 10)
        self.assert_adds_up(self.files(), text)

    def test_asked_for(self):
        """By a signal, whatever the run's file is called."""
        for options, regex in (
            (["-o", self.path("100%.zst")], r"^100%(-\d{8}T\d{6}\.\d{3}Z)?\.zst$"),
            ([], r"^python[\w.]*-\d+-\d{8}T\d{6}\.\d{3}Z\.zst$"),
        ):
            process = self.start_python()
            running = subprocess.Popen(
                [CAPTURE, "--pid", str(process.pid), "-r", "50", *options],
                cwd=self.output,
                stderr=subprocess.PIPE,
            )
            self.addCleanup(running.stderr.close)
            self.targets.append(running)
            self.wait_for_files(1)
            for count in (2, 3):
                running.send_signal(signal.SIGUSR1)
                self.wait_for_files(count)
            running.send_signal(signal.SIGINT)
            text = self.end(running)
            self.assertIn("wrote 3 files", text)
            for name in self.files():
                self.assertRegex(name, regex)
            self.assert_adds_up(self.files(), text)
            for name in self.files():
                os.unlink(self.path(name))

    def test_a_stream_stays_one(self):
        process = self.start_python()
        with open(self.path("stream.zst"), "wb") as stream:
            running = subprocess.Popen(
                [CAPTURE, "--pid", str(process.pid), "-r", "50", "-o", "-"],
                stdout=stream,
                stderr=subprocess.PIPE,
            )
        self.addCleanup(running.stderr.close)
        self.targets.append(running)
        path = self.path("stream.zst")
        support.wait_until(lambda: os.path.getsize(path) > 0, 60, "the first sample")
        size = os.path.getsize(path)
        running.send_signal(signal.SIGUSR1)
        support.wait_until(lambda: os.path.getsize(path) > size, 60, "more samples")
        running.send_signal(signal.SIGTERM)
        self.assert_adds_up(["stream.zst"], self.end(running))

    def test_names_that_are_taken(self):
        """The run goes on in the file that it has, until there is a name."""
        process = self.start_python()
        now = int(time.time())
        taken = ["%d.zst" % second for second in range(now + 3, now + 6)]
        for name in taken:
            open(self.path(name), "w").close()
        running = self.begin(
            "--pid", str(process.pid), "-r", "20", "--every", "1", "-d", "7", output="%s.zst"
        )
        text = self.end(running, support.EXIT_PARTIAL)
        self.assertIn("exists already", text)
        for name in taken:
            self.assertEqual(os.path.getsize(self.path(name)), 0)
        made = [name for name in self.files() if name not in taken]
        self.assertGreater(int(made[-1][:-4]), now + 5)
        self.assert_adds_up(made, text)

    def begin_limited(self, process, *options):
        """Its file of the moment cannot grow any more."""
        running = self.begin("--pid", str(process.pid), "-r", "100", *options)
        self.wait_for_files(1)
        path = self.path(self.files()[0])
        support.wait_until(lambda: os.path.getsize(path) > 0, 60, "the first sample")
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
        return running

    def test_a_file_that_cannot_be_written(self):
        """What is there stays readable, and the next period may succeed."""
        process = self.start_python()
        running = self.begin_limited(process, "--every", "1")
        self.wait_for_text(running, b"File too large")
        hard = resource.RLIM_INFINITY
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (hard, hard))
        before = self.files()
        support.wait_until(
            lambda: [n for n in self.files() if n not in before and os.path.getsize(self.path(n))],
            60,
            "a file of the next period",
        )
        running.send_signal(signal.SIGTERM)
        text = self.end(running, support.EXIT_PARTIAL)
        self.assertIn("could not be written to their end", text)
        first, last = self.files()[0], self.files()[-1]
        self.assertNotRegex(self.info(first, support.EXIT_PARTIAL), r"Log:.*, ended\n")
        self.assertEqual(len(support.dump_json(self.path(first), expected=support.EXIT_PARTIAL)), 1)
        self.counts(last)
        self.assert_untouched(process)

    def test_parts_of_files_count(self):
        """What a failure leaves is one of the files that are kept, and goes with its turn."""
        process = self.start_python()
        running = self.begin_limited(process, "--every", "0.3", "--keep", "2")
        for _ in range(5):
            self.wait_for_text(running, b"File too large")
        running.send_signal(signal.SIGTERM)
        self.end(running, support.EXIT_PARTIAL)
        self.assertLessEqual(len(self.files()), 2)
        self.assert_untouched(process)

    def test_the_reader_goes(self):
        """What happens to be called as standard output is none of ours."""
        process = self.start_python()
        with open(self.path("-"), "w"):
            pass
        running = subprocess.Popen(
            [CAPTURE, "--pid", str(process.pid), "-r", "200", "-o", "-"],
            cwd=os.path.dirname(self.path("-")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(running.stderr.close)
        self.targets.append(running)
        running.stdout.read(1)
        running.stdout.close()
        self.end(running, support.EXIT_FAILED)
        self.assertEqual(self.files(), ["-"])
        self.assert_untouched(process)

    def test_the_only_file_cannot_be_written(self):
        process = self.start_python()
        running = self.begin_limited(process)
        text = self.end(running, support.EXIT_FAILED)
        (name,) = self.files()
        self.assertIn("cannot write %s: File too large" % self.path(name), text)
        self.assertEqual(len(support.dump_json(self.path(name), expected=support.EXIT_PARTIAL)), 1)
        self.assert_untouched(process)

    def test_the_target_ends(self):
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "-r", "50", "--every", "0.3")
        self.wait_for_files(3)
        process.kill()
        process.wait()
        text = self.end(running)
        self.assert_adds_up(self.files(), text)

    def test_killed(self):
        """All files but the last are complete."""
        process = self.start_python()
        running = self.begin("--pid", str(process.pid), "-r", "50", "--every", "0.3")
        self.wait_for_files(4)
        running.kill()
        running.wait()
        self.assert_untouched(process)
        for name in self.files()[:-2]:
            self.counts(name)

    def test_of_a_command(self):
        path = os.path.join(self.base, "program.py")
        with open(path, "w") as stream:
            stream.write("import time, sys\nfor _ in range(200): time.sleep(0.01)\nsys.exit(3)\n")
        options = ["-r", "50", "--every", "0.5", "--", *PYTHON.command, path]
        environment = dict(os.environ, **PYTHON.environment)
        text = self.end(self.begin(*options, env=environment), 3)
        self.assertIn("wrote %d files" % len(self.files()), text)
        self.assertGreaterEqual(len(self.files()), 3)
        # The first begins before the program does, and the last can see its end.
        for name in self.files()[1:-1]:
            self.counts(name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
