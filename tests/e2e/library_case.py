"""What the tests of libpyspy share: targets, and the library through ctypes."""

import os
import shutil
import subprocess
import tempfile
import unittest

import support
from interpreters import newest_supported
from library_api import Library, LibraryError
from support import BUILD, TARGETS, EndToEndTest, Target

SANITIZED = BUILD.endswith("-sanitize")

NOT_FOUND, NO_PROCESS, NOT_PYTHON, BUSY = 3, 6, 7, 13


class LibraryTest(EndToEndTest):
    def start(self, interpreter, script, *arguments, **keywords):
        target = Target(interpreter, script, *arguments, **keywords)
        self.addCleanup(target.close)
        return target


@unittest.skipIf(SANITIZED, "a library with sanitizers cannot be loaded by a program without")
class LibraryCalls(LibraryTest):
    """Through ctypes (library_api.py)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.interpreter = newest_supported()
        if cls.interpreter is None:
            raise unittest.SkipTest("no interpreter")
        cls.library = Library()

    def assert_fails(self, code, function, *arguments):
        with self.assertRaises(LibraryError) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return str(caught.exception)

    def start_shell(self, before):
        """A shell that becomes Python, after the command `before`, when it gets a line."""
        folder = tempfile.mkdtemp(prefix="pyspy-library-")
        self.addCleanup(shutil.rmtree, folder, True)
        shell = subprocess.Popen(
            ["/bin/sh", "-c", 'read word; %s; exec "$@"' % before, "sh"]
            + self.interpreter.command
            + [os.path.join(TARGETS, "known_times.py"), folder, "600"],
            env=dict(os.environ, **self.interpreter.environment),
            stdin=subprocess.PIPE,
        )
        self.addCleanup(shell.stdin.close)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        return shell

    def standing(self):
        target = self.start(self.interpreter, "stacks.py", 3, 6)
        target.settle()
        want = support.expected_stacks(target.expected())
        return target, {(target.pid, tid): stack for tid, stack in want.items()}

    def running(self):
        target = self.start(self.interpreter, "known_times.py", 600)
        target.wait_for("ready")
        return target
