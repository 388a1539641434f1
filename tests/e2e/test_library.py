"""libpyspy's examples, which are linked with the static library, and the library outside of the tree."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters, newest_supported
from library_api import CTYPES_EXAMPLE, LIBRARY, ROOT, example
from library_case import SANITIZED, LibraryTest
from support import BUILD, SMALL, TARGETS, Target, check, wait_until

EXAMPLES = os.path.join(BUILD, "examples")

NOBODY, DAEMON = 65534, 1

HOT_LINE = re.compile(r"^(\d+)\. (.+):(.+) - (\d+) samples \((\d+\.\d\d)%\)$")
# Of some 200 samples: six standard deviations are 0.2.
SHARE_ERROR = 0.2


class ExampleTest(LibraryTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        check(["make", "-C", ROOT, "-s", "examples"] + ["SANITIZE=1"] * SANITIZED, timeout=600)


@template
class Examples(ExampleTest):
    """Each example against a process of one interpreter."""

    interpreter = None

    def hot_functions(self, *options):
        """(seconds that each function ran, {name: share}, standard error)."""
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        seconds = 3 if SMALL else 5
        done = check(
            [os.path.join(EXAMPLES, "hot-functions"), "-d", "60"]
            + list(options)
            + self.interpreter.command
            + [os.path.join(TARGETS, "known_times.py"), folder, str(seconds)],
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **self.interpreter.environment),
        )
        lines = done.stdout.decode().splitlines()
        total = int(re.match(r"^Total samples: (\d+)$", lines[0]).group(1))
        unique = int(re.match(r"^Unique functions: (\d+)$", lines[1]).group(1))
        self.assertEqual(lines[2], "")
        shares = {}
        for number, line in enumerate(lines[3:], 1):
            rank, name, filename, count, share = HOT_LINE.match(line).groups()
            self.assertEqual(int(rank), number)
            self.assertEqual("%.2f" % (100.0 * int(count) / total), share)
            if filename == "known_times.py":
                shares[name] = int(count) / total
        self.assertLessEqual(len(lines) - 3, min(unique, 10))
        self.assertGreater(total, 50)
        with open(os.path.join(folder, "shares.json")) as file:
            spent = json.load(file)
        return spent, shares, done.stderr.decode()

    def test_hot_functions(self):
        spent, shares, messages = self.hot_functions()
        for name, seconds in spent.items():
            share = seconds / sum(spent.values())
            self.assertAlmostEqual(shares.get(name, 0), share, delta=SHARE_ERROR, msg=str(shares))
        self.assertEqual(sorted(spent, key=spent.get), sorted(spent, key=shares.get))
        # Only what is innermost counts.
        self.assertLess(shares.get("main", 0), SHARE_ERROR)
        self.assertEqual(messages, "warning: the program has exited\n")

    def test_every_function_on_the_stack(self):
        spent, shares, _ = self.hot_functions("-a")
        self.assertGreater(shares["main"], 1 - SHARE_ERROR)
        self.assertGreater(shares["<module>"], 1 - SHARE_ERROR)
        # It does next to nothing itself.
        self.assertGreaterEqual(shares["caller"], shares["cool"])
        self.assertAlmostEqual(shares["caller"], shares["cool"], delta=SHARE_ERROR)
        self.assertAlmostEqual(
            shares["hot"], spent["hot"] / sum(spent.values()), delta=SHARE_ERROR
        )

    def test_dump_once(self):
        target = self.start(self.interpreter, "stacks.py", 4, 10)
        target.settle()
        expected = target.expected()
        program = os.path.join(EXAMPLES, "dump-once")
        live = check([program, str(target.pid)]).stdout.decode()
        snapshot = target.path("snapshot.zst")
        support.capture(target.pid, snapshot)
        stored = check([program, snapshot]).stdout.decode()
        self.assertEqual(stored.partition("\n\n")[2], live.partition("\n\n")[2])
        version = ".".join(str(number) for number in self.interpreter.version)
        self.assertRegex(live, r"\nPython v%s" % re.escape(version))
        self.assertIn("started by process %d:" % os.getpid(), live)
        for thread in expected["threads"]:
            innermost = thread["frames"][0]
            self.assertRegex(
                live,
                r"Thread %d \((idle|active|active\+gil)\): .*\n    %s \(\S*%s:%d\)"
                % (
                    thread["tid"],
                    re.escape(innermost["qualname"] or innermost["name"]),
                    re.escape(os.path.basename(innermost["filename"])),
                    innermost["line"],
                ),
            )

    def test_native_stacks(self):
        target = self.start(self.interpreter, "stacks.py", 3, 8)
        target.settle()
        shown = check([os.path.join(EXAMPLES, "native-stacks"), str(target.pid)]).stdout.decode()
        self.assertRegex(shown, r"\n    \S.* \(.*\)  <- Python\n")
        self.assertRegex(shown, r"\n    \S.* \(/.*\.so.*\)\n")
        self.assertRegex(shown, r"\nThe process stood still for \d+ us\.\n$")
        # The same as analysis makes of a snapshot.
        snapshot = target.path("native.zst")
        support.capture(target.pid, snapshot, "--native")
        for thread in support.dump_json(snapshot, "--native"):
            section = re.search(
                r"Thread %d \(.*\)\n((?:    .*\n)*)" % thread["os_thread_id"], shown
            ).group(1)
            names = [line.strip().partition(" (")[0] for line in section.splitlines()]
            self.assertEqual(
                [name.replace(" [inlined]", "") for name in names],
                [frame["name"] or "?" for frame in thread["frames"]],
            )

    def test_continuous(self):
        target = self.start(self.interpreter, "known_times.py", 600)
        target.wait_for("ready")
        sampling = subprocess.Popen(
            [os.path.join(EXAMPLES, "continuous"), "--pid", str(target.pid), "-r", "50"],
            stdout=subprocess.PIPE,
        )
        first = [sampling.stdout.readline().decode() for _ in range(2)]
        target.process.kill()
        rest = sampling.communicate(timeout=60)[0].decode()
        self.assertEqual(sampling.returncode, 0)
        self.assertRegex(first[0], r"^sampling process %d \(Python 3\." % target.pid)
        # What this machine was too slow for is counted too.
        samples, stacks, left = re.match(
            r"^(\d+) samples, (\d+) stacks(?:, (\d+) left out, .+ behind)?$", first[1]
        ).groups(default="0")
        self.assertEqual(samples, stacks)
        self.assertGreaterEqual(int(samples) + int(left), 50)
        self.assertTrue(rest.endswith("ended\n"), rest)

    def test_continuous_counts_what_is_left_out(self):
        """Far more often than can be sampled: a second is over when its samples are taken or left out."""
        target = self.start(self.interpreter, "known_times.py", 600)
        target.wait_for("ready")
        rate = 200000
        shown = check(
            [os.path.join(EXAMPLES, "continuous"), "-p", str(target.pid), "-r", str(rate), "-d", "4"]
        ).stdout.decode()
        pattern = r"^(\d+) samples, \d+ stacks, (\d+) left out, \d+\.\d ms behind$"
        seconds = [
            (int(samples), int(left)) for samples, left in re.findall(pattern, shown, re.M)
        ]
        self.assertGreaterEqual(len(seconds), 2, shown)
        for samples, left in seconds[:-1]:
            self.assertLess(samples, rate)
            self.assertGreaterEqual(samples + left, rate)

    def test_continuous_tells_what_cannot_be_sampled(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to have processes of two users")
        pid, child = support.start_two_users(self, self.interpreter, DAEMON, NOBODY)
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        os.chmod(folder, 0o755)
        program = os.path.join(folder, "continuous")
        shutil.copy(os.path.join(EXAMPLES, "continuous"), program)

        def as_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        done = support.run(
            [program, "-s", "-p", str(pid), "-r", "50", "-d", "3"], preexec_fn=as_nobody
        )
        message = done.stderr.decode()
        if done.returncode and "permission" in message:
            self.skipTest("this machine lets no ordinary user trace: %s" % message)
        self.assertEqual(done.returncode, 0, message)
        # Once, not with each sample.
        self.assertEqual(
            re.findall(r", (\d+) errors: process (\d+): (?:.+) \((.+)\)$", done.stdout.decode(), re.M),
            [("1", str(child), "permission")],
            done.stdout.decode(),
        )

    def test_hot_functions_of_what_does_not_end(self):
        text = (
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "end = time.time() + 100\nwhile time.time() < end: pass"
        )
        done = check(
            [os.path.join(EXAMPLES, "hot-functions"), "-d", "0.5"] + self.interpreter.command + ["-c", text],
            env=dict(os.environ, **self.interpreter.environment), timeout=60,
        )
        self.assertIn("<module>:<string> - ", done.stdout.decode())

    @unittest.skipIf(SANITIZED, "a library with sanitizers cannot be loaded by a program without")
    def test_ctypes(self):
        target = self.start(self.interpreter, "known_times.py", 600)
        target.wait_for("ready")
        done = check(
            [sys.executable, CTYPES_EXAMPLE, str(target.pid), "2"],
            env=dict(os.environ, PYSPY_LIBRARY=LIBRARY),
        )
        lines = done.stdout.decode().splitlines()
        self.assertRegex(lines[0], r"^Python %d\.%d\." % self.interpreter.minor)
        self.assertRegex(lines[1], r"^\d+ samples$")
        self.assertRegex(lines[2], r"^ +\d+  hot:known_times\.py$")


@unittest.skipIf(SANITIZED, "what is installed is built without sanitizers")
class OutsideOfTheTree(LibraryTest):
    def test_exports(self):
        check([os.path.join(ROOT, "scripts", "check-exports"), BUILD])

    def test_the_page_has_each_field(self):
        """Of a configuration; its structure here ends where the library's does."""
        with open(os.path.join(ROOT, "man", "libpyspy.3")) as file:
            items = " ".join(re.findall(r"^\.It Va (.+)$", file.read(), re.M))
        with open(os.path.join(ROOT, "include", "pyspy.h")) as file:
            body = re.search(r"struct pyspy_config \{(.*?)\n\};", file.read(), re.S).group(1)
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
        names = re.findall(r"(\w+)(?:\[\w+\])?;", body)
        self.assertEqual(names, [field[0] for field in example.Config._fields_])
        listed = re.findall(r"\w+", items)
        self.assertEqual([name for name in names[1:] if name not in listed], [])

    def test_installed(self):
        if not shutil.which("pkg-config"):
            self.skipTest("pkg-config is not installed")
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        root = os.path.join(folder, "root")
        # With prefix, so that the compiler finds what pkg-config says without a system root.
        check(["make", "-s", "-C", ROOT, "install", "PREFIX=" + root], timeout=900)
        environment = dict(
            os.environ,
            PKG_CONFIG_PATH=os.path.join(root, "lib", "pkgconfig"),
            LD_LIBRARY_PATH=os.path.join(root, "lib"),
        )
        self.assertTrue(os.path.exists(os.path.join(root, "share", "man", "man3", "libpyspy.3")))
        for compiler, options, suffix in (
            ("cc", ["-std=gnu11"], ".c"),
            ("c++", ["-std=c++17", "-x", "c++"], ".cc"),
        ):
            with self.subTest(compiler=compiler):
                if not shutil.which(compiler):
                    self.skipTest("%s is not installed" % compiler)
                self.build_and_use(folder, environment, compiler, options, suffix)
        check(["make", "-s", "-C", ROOT, "uninstall", "PREFIX=" + root])
        left = [name for _, _, names in os.walk(root) for name in names]
        self.assertEqual(left, [])

    def build_and_use(self, folder, environment, compiler, options, suffix):
        def flags(*what):
            done = check(["pkg-config"] + list(what) + ["pyspy"], env=environment)
            return done.stdout.decode().split()

        source = os.path.join(folder, "dump-once" + suffix)
        shutil.copy(os.path.join(ROOT, "examples", "dump-once.c"), source)
        interpreter = newest_supported()
        for kind, extra in (("shared", ()), ("static", ("--static",))):
            program = os.path.join(folder, kind)
            libraries = flags("--libs", *extra)
            if extra:
                libraries = ["-Wl,-Bstatic", "-lpyspy", "-Wl,-Bdynamic"] + libraries
            command = [compiler] + options + ["-Wall", "-Werror"] + flags("--cflags")
            search = [flag for flag in libraries if flag.startswith("-L")]
            check(command + [source, "-x", "none", "-o", program] + search + libraries)
            linked = check(["ldd", program], env=environment).stdout.decode()
            self.assertEqual("libpyspy.so.0" in linked, kind == "shared")
            if interpreter is None:
                continue
            with Target(interpreter, "stacks.py", 2, 4) as target:
                target.settle()
                shown = check([program, str(target.pid)], env=environment).stdout.decode()
                self.assertIn("Process %d:" % target.pid, shown)


for found in find_interpreters():
    if found.unsupported:
        add_skip(globals(), found.name, found.unsupported)
    else:
        add_class(globals(), Examples, found.name, interpreter=found)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
