"""What the tests of libpyspy share: targets, and the library through ctypes."""

import unittest

import support
from interpreters import newest_supported
from library_api import Library, LibraryError
from support import BUILD, EndToEndTest, Target

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

    def standing(self):
        target = self.start(self.interpreter, "stacks.py", 3, 6)
        target.settle()
        want = support.expected_stacks(target.expected())
        return target, {(target.pid, tid): stack for tid, stack in want.items()}

    def running(self):
        target = self.start(self.interpreter, "known_times.py", 600)
        target.wait_for("ready")
        return target
