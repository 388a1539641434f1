"""pyspy-analyze's command line on real files: exit statuses, streams, outputs, several files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402

PROGRAM = """
import sys, threading, time
class Worker:
    def run(self):
        time.sleep(1000)
threading.Thread(target=Worker().run, daemon=True).start()
print("ready", flush=True)
time.sleep(1000)
"""


class AnalyzeCommandLine(support.EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="pyspy-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.snapshot = os.path.join(cls.folder, "snap.zst")
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=support._prepare_target,
        )
        try:
            process.stdout.readline()
            support.capture(process.pid, cls.snapshot)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        cls.pid = process.pid

    def path(self, name):
        return os.path.join(self.folder, name)

    def analyze(self, *words, expected=support.EXIT_DONE, **options):
        """Standard output and standard error, as text."""
        done = support.check([support.ANALYZE, *words], expected, **options)
        error = done.stderr.decode() if done.stderr is not None else ""
        return (done.stdout or b"").decode(), error

    def test_text(self):
        text, error = self.analyze(self.snapshot)
        self.assertEqual(error, "")
        lines = text.splitlines()
        self.assertRegex(lines[0], r"^Process %d: \S*python\S* -c " % self.pid)
        self.assertRegex(lines[1], r"^Python v3\.\d+\.\d+\S* \(/.*\)")
        self.assertEqual(lines[2], "")
        self.assertRegex(lines[3], r"^Thread %d \((idle|active(\+gil)?)\)" % self.pid)
        self.assertRegex(text, r"(?m)^    (Worker\.)?run \(<string>:5\)$")
        # The program's text is in the command line: its newlines are not.
        self.assertIn("\\nimport sys", lines[0])

    def test_dump_is_the_default_and_d_its_short_name(self):
        text = self.analyze(self.snapshot)
        self.assertEqual(self.analyze("dump", self.snapshot), text)
        self.assertEqual(self.analyze("d", self.snapshot), text)
        self.assertEqual(self.analyze("--", self.snapshot), text)
        self.assertEqual(self.analyze("-c", self.snapshot), text)

    def test_standard_input(self):
        with open(self.snapshot, "rb") as file:
            self.assertEqual(self.analyze("-", stdin=file), self.analyze(self.snapshot))
        with open(self.snapshot, "rb") as file:
            piped = self.analyze("-", input=file.read())
        self.assertEqual(piped, self.analyze(self.snapshot))

    def test_several_files(self):
        text, _ = self.analyze(self.snapshot, self.snapshot)
        one, _ = self.analyze(self.snapshot)
        section = "==> %s <==\n%s" % (self.snapshot, one)
        self.assertEqual(text, section + "\n" + section)
        threads = json.loads(self.analyze("-j", self.snapshot, self.snapshot)[0])
        self.assertEqual({thread["file"] for thread in threads}, {self.snapshot})
        self.assertEqual(len(threads), 4)

    def test_one_of_several_fails(self):
        text, error = self.analyze(
            self.path("none"), self.snapshot, expected=support.EXIT_PARTIAL
        )
        self.assertIn("Process %d" % self.pid, text)
        self.assertRegex(error, r"^pyspy-analyze: error: .*none")

    def test_statuses(self):
        for words, status in (
            ([], support.EXIT_USAGE),
            (["--unknown", self.snapshot], support.EXIT_USAGE),
            (["--locals", self.snapshot], support.EXIT_FAILED),
            (["top", self.snapshot], support.EXIT_FAILED),
            ([self.path("none")], support.EXIT_FAILED),
            ([__file__], support.EXIT_FAILED),
            ([sys.executable], support.EXIT_FAILED),
            (["--tid", "1", self.snapshot], support.EXIT_FAILED),
            (["--pid", "1", self.snapshot], support.EXIT_FAILED),
            (["--sample", "2", self.snapshot], support.EXIT_FAILED),
            (["--sample", "0", self.snapshot], support.EXIT_USAGE),
            (["--sample", "1970-01-01T00:00:00Z", self.snapshot], support.EXIT_FAILED),
            (["--sample", "0.0", self.snapshot], support.EXIT_DONE),
            (["info", "--sample", "9999-01-01T00:00:00Z", self.snapshot], support.EXIT_USAGE),
            (["info", "--sample", "2500-01-01T00:00:00Z", self.snapshot], support.EXIT_DONE),
            (["--pid", hex(self.pid), "--sample", "1", self.snapshot], support.EXIT_DONE),
            (["--hideprogress", self.snapshot], support.EXIT_DONE),
            (["info", "--hideprogress", self.snapshot], support.EXIT_DONE),
            (["top", "--hideprogress", self.snapshot], support.EXIT_FAILED),
            (["report", "-i", "-f", "Raw", self.snapshot], support.EXIT_DONE),
            (["--help"], support.EXIT_DONE),
            (["info", "-V"], support.EXIT_DONE),
        ):
            with self.subTest(words=words):
                text, error = self.analyze(*words, expected=status)
                self.assertEqual(bool(error), status != support.EXIT_DONE)
                self.assertEqual(bool(text), status == support.EXIT_DONE)

    def test_choices_are_named(self):
        _, error = self.analyze("report", "-f", "flame", self.snapshot, expected=support.EXIT_USAGE)
        self.assertIn("'flame' is not one of flamegraph, raw, collapsed, ", error)

    def test_output_file(self):
        output = self.path("out.txt")
        self.assertEqual(self.analyze("-o", output, self.snapshot), ("", ""))
        with open(output, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.analyze(self.snapshot)[0])
        self.assertEqual(os.stat(output).st_mode & 0o777, 0o600)
        _, error = self.analyze("-o", output, self.snapshot, expected=support.EXIT_FAILED)
        self.assertIn("exists", error)
        self.analyze("-o", self.path("not"), self.path("none"), expected=support.EXIT_FAILED)
        self.assertFalse(os.path.exists(self.path("not")))

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_disk(self):
        for words in (["dump"], ["info"], ["-j"], ["info", "-j"], ["--help"], ["-V"]):
            with self.subTest(words=words), open("/dev/full", "wb") as full:
                _, error = self.analyze(
                    *words, self.snapshot, expected=support.EXIT_FAILED, stdout=full
                )
                self.assertIn("No space left", error)
        self.analyze("-o", "/dev/full", self.snapshot, expected=support.EXIT_FAILED)

    def test_closed_pipe_is_quiet(self):
        for prepare, status in (
            (lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL), -signal.SIGPIPE),
            (lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN), support.EXIT_FAILED),
        ):
            reader, writer = os.pipe()
            os.close(reader)
            done = support.run(
                [support.ANALYZE, self.snapshot],
                stdout=writer,
                preexec_fn=prepare,
                restore_signals=False,
            )
            os.close(writer)
            self.assertEqual(done.returncode, status)
            self.assertEqual(done.stderr, b"")

    def test_closed_standard_output(self):
        """The file that is read must not become standard output."""
        with open(self.snapshot, "rb") as file:
            before = file.read()
        done = support.run(["sh", "-c", '"$0" "$1" >&-', support.ANALYZE, self.snapshot])
        self.assertEqual(done.returncode, support.EXIT_FAILED)
        with open(self.snapshot, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_color(self):
        def text(**variables):
            environment = dict(os.environ, TERM="xterm")
            environment.pop("NO_COLOR", None)
            environment.pop("CLICOLOR_FORCE", None)
            environment.update(variables)
            return self.analyze(self.snapshot, env=environment)[0]

        plain = text()
        colored = text(CLICOLOR_FORCE="1")
        self.assertNotIn("\x1b", plain)
        self.assertIn("\x1b[", colored)
        self.assertEqual(re.sub("\x1b\\[[0-9]*m", "", colored), plain)
        self.assertEqual(text(CLICOLOR_FORCE="1", NO_COLOR="1"), plain)

    def test_info(self):
        text, error = self.analyze("info", self.snapshot)
        self.assertEqual(error, "")
        self.assertIn("Kind:       snapshot, container version ", text)
        self.assertIn("Level:      stacks\n", text)
        facts = json.loads(self.analyze("info", "--json", self.snapshot)[0])
        self.assertEqual(facts["process"]["pid"], self.pid)
        self.assertEqual(facts["python"]["version"].split(".")[0], "3")
        self.assertEqual(facts["sample"]["count"], 1)
        self.assertEqual(len(facts["threads"]), 2)
        self.assertEqual(facts["losses"], [])

    def test_json_has_the_keys_of_py_spy(self):
        thread = support.dump_json(self.snapshot)[0]
        self.assertEqual(
            list(thread)[:8],
            "pid thread_id thread_name os_thread_id active owns_gil frames process_info".split(),
        )
        self.assertEqual(
            list(thread["frames"][0])[:8],
            "name filename module short_filename line locals is_entry is_shim_entry".split(),
        )
        self.assertEqual(
            list(thread["process_info"])[:3], "pid command_line parent".split()
        )


if __name__ == "__main__":
    support.main()
