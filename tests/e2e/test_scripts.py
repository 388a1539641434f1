"""The project's own scripts: installing dependencies, counting tests, the demo."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "scripts")


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as stream:
            stream.write(text)
        os.chmod(path, 0o755)
        return path

    def run_script(self, *command, **more):
        environment = dict(os.environ, **more)
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=120,
        )


class InstallDepsTest(Folder):
    """With a PATH that has nothing but a package manager, which writes down what it is asked."""

    BASE = ["cat", "env", "grep", "id", "mktemp", "rm", "sh"]

    def install(self, manager, *arguments):
        for name in self.BASE:
            link = os.path.join(self.folder, "bin", name)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(shutil.which(name), link)
        log = os.path.join(self.folder, "log")
        open(log, "w").close()
        self.write("bin/" + manager, '#!/bin/sh\necho "%s $*" >>%s\n' % (manager, log))
        bin_folder = os.path.join(self.folder, "bin")
        result = self.run_script(
            os.path.join(bin_folder, "sh"),
            os.path.join(SCRIPTS, "install-deps"),
            *arguments,
            PATH=bin_folder
        )
        with open(log) as stream:
            return result, stream.read().splitlines()

    def test_check_only_looks(self):
        result, log = self.install("apt-get", "--check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("missing: make bash cc", result.stdout)
        self.assertIn("libdw-dev", result.stdout)
        self.assertEqual(log, [])

    def test_unknown_option(self):
        result, log = self.install("apt-get", "--frobnicate")
        self.assertEqual(result.returncode, 2)
        self.assertIn("usage:", result.stderr)
        self.assertEqual(log, [])

    def check_names(self, manager, update, names):
        if os.geteuid() != 0:
            self.skipTest("only root installs packages")
        result, log = self.install(manager, "--dev")
        self.assertEqual(log[0].startswith(manager + " update") or "update" in log[0], update)
        asked = log[-1].split() if len(log) <= 2 else " ".join(log).split()
        for name in names:
            self.assertIn(name, asked)
        # The fake manager installs nothing, and that is noticed.
        self.assertEqual(result.returncode, 1)
        self.assertIn("still missing", result.stderr)

    def test_names_on_debian(self):
        self.check_names("apt-get", True, ["build-essential", "libelf-dev", "libcmocka-dev"])

    def test_names_on_fedora(self):
        self.check_names("dnf", False, ["gcc", "elfutils-devel", "libcmocka-devel", "ShellCheck"])

    def test_names_on_alpine(self):
        self.check_names("apk", True, ["build-base", "elfutils-dev", "cmocka-dev", "bash"])

    def test_no_package_manager(self):
        result, _log = self.install("nothing")
        self.assertEqual(result.returncode, 1)
        self.assertIn("libelf, libdw, zstd, cJSON, ncurses and cmocka", result.stderr)


class RunTestsTest(Folder):
    """scripts/run-tests in a tree of its own."""

    def run_tests(self, *arguments):
        script = os.path.join(self.folder, "scripts", "run-tests")
        os.makedirs(os.path.dirname(script), exist_ok=True)
        shutil.copy(os.path.join(SCRIPTS, "run-tests"), script)
        build = os.path.join(self.folder, "build")
        return self.run_script(
            sys.executable, script, "--build", build, *arguments, PYSPY_E2E_SECOND_TRY=""
        )

    def unit(self, name, output, status=0):
        lines = "".join("echo '%s'\n" % line for line in output)
        self.write("build/tests/unit/" + name, "#!/bin/sh\n%sexit %d\n" % (lines, status))

    def last_line(self, result):
        return result.stdout.splitlines()[-1]

    def test_counts_units(self):
        self.unit("test_one", ["1..3", "ok 1 - a", "no zstd here", "not ok 2 # SKIP b", "ok 3 - c"])
        result = self.run_tests()
        self.assertEqual(self.last_line(result), "2 passed, 0 failed, 2 skipped")
        self.assertIn("skipped b: no zstd here", result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_a_failure_is_shown(self):
        self.unit("test_one", ["1..2", "ok 1 - a", "not ok 2 - b", "# 0x1 != 0x2"], 1)
        result = self.run_tests("--only", "unit")
        self.assertEqual(self.last_line(result), "1 passed, 1 failed, 0 skipped")
        self.assertIn("0x1 != 0x2", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_a_program_that_dies_has_failed(self):
        self.unit("test_one", ["1..2", "ok 1 - a"])
        result = self.run_tests("--only", "unit")
        self.assertEqual(self.last_line(result), "1 passed, 1 failed, 0 skipped")
        self.assertEqual(result.returncode, 1)

    def test_no_test_is_a_failure(self):
        result = self.run_tests("--only", "unit")
        self.assertEqual(self.last_line(result), "0 passed, 0 failed, 0 skipped")
        self.assertEqual(result.returncode, 1)

    def test_counts_end_to_end_tests(self):
        self.write(
            "tests/e2e/test_some.py",
            "import unittest\n"
            "class Some(unittest.TestCase):\n"
            "    def test_a(self): pass\n"
            "    def test_b(self): self.skipTest('no python 9')\n"
            "    def test_c(self): self.assertEqual(1, 2)\n"
            "    def test_d(self):\n"
            "        with self.subTest(n=1): self.fail('one')\n"
            "        with self.subTest(n=2): self.fail('two')\n",
        )
        self.write("tests/e2e/test_wrong.py", "import no_such_module\n")
        self.write("tests/e2e/test_exits.py", "import os\nos._exit(0)\n")
        result = self.run_tests("--only", "e2e")
        self.assertEqual(self.last_line(result), "1 passed, 5 failed, 1 skipped")
        self.assertIn("no python 9", result.stdout)
        self.assertEqual(result.returncode, 1)

    SECOND = (
        "import os, unittest\n"
        "class Some(unittest.TestCase):\n"
        "    def test_a(self):\n"
        "        path = __file__ + '.seen'\n"
        "        seen = os.path.exists(path)\n"
        "        open(path, 'w').close()\n"
        "        self.assertTrue(seen, 'the first time')\n"
        "    def test_ab(self): self.fail('each time')\n"
    )

    def test_second_try(self):
        self.write("tests/e2e/test_some.py", self.SECOND)
        result = self.run_tests("--only", "e2e", "--second-try")
        self.assertEqual(self.last_line(result), "1 passed, 1 failed, 0 skipped")
        self.assertIn("passed at the second try, alone: e2e/test_some.py: test_a", result.stdout)
        self.assertIn("the first time", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_no_second_try(self):
        self.write("tests/e2e/test_some.py", self.SECOND)
        result = self.run_tests("--only", "e2e")
        self.assertEqual(self.last_line(result), "0 passed, 2 failed, 0 skipped")
        self.write("tests/e2e/test_some.py", "SECOND_TRY = False\n" + self.SECOND)
        os.unlink(os.path.join(self.folder, "tests/e2e/test_some.py.seen"))
        result = self.run_tests("--only", "e2e", "--second-try")
        self.assertEqual(self.last_line(result), "0 passed, 2 failed, 0 skipped")

    def test_a_file_that_hangs_has_failed(self):
        self.write(
            "tests/e2e/test_slow.py",
            "import time, unittest\n"
            "class Slow(unittest.TestCase):\n"
            "    def test_a(self): time.sleep(600)\n",
        )
        result = self.run_tests("--only", "e2e", "--timeout", "1")
        self.assertEqual(self.last_line(result), "0 passed, 1 failed, 0 skipped")
        self.assertIn("did not end within 1 s", result.stdout)


class DemoTest(Folder):
    def setUp(self):
        super().setUp()
        self.build = os.environ["PYSPY_BUILD"]

    def demo(self, build):
        return self.run_script(
            os.path.join(SCRIPTS, "demo"), build, PYTHON=sys.executable, TMPDIR=self.folder
        )

    def test_demo(self):
        result = self.demo(self.build)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("demo: the stacks from the snapshot are right", result.stdout)
        self.assertIn("demo: the stacks from the core are right", result.stdout)
        self.assertEqual(os.listdir(self.folder), [])

    def test_demo_notices_a_wrong_output(self):
        os.mkdir(os.path.join(self.folder, "build"))
        os.symlink(
            os.path.join(self.build, "pyspy-capture"),
            os.path.join(self.folder, "build", "pyspy-capture"),
        )
        self.write("build/pyspy-analyze", "#!/bin/sh\necho 'Thread 1 (idle): \"MainThread\"'\n")
        result = self.demo(os.path.join(self.folder, "build"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("the stacks from the snapshot are wrong", result.stderr)
        self.assertEqual(os.listdir(self.folder), ["build"])


if __name__ == "__main__":
    unittest.main()
