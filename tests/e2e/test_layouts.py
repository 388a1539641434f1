"""Layouts against every interpreter's own objects.

Each interpreter takes its layout (the generated row, and from 3.13 on what its own _Py_DebugOffsets
gives as well), reads its own memory at those offsets, and compares with what Python says of the same
objects: strings, code objects, frames, thread states, the GIL's owner.
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interpreters  # noqa: E402

ORACLE = os.path.join(os.environ["PYSPY_BUILD"], "tests", "unit", "test_debug_offsets")
CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets", "layout_check.py")


class Layouts(unittest.TestCase):
    """One test for each interpreter."""


def add(interpreter):
    def test(self):
        result = subprocess.run(
            interpreter.command + [CHECK, ORACLE],
            env=dict(os.environ, **interpreter.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        text = result.stdout.decode(errors="replace")
        if result.returncode == 77:
            self.skipTest(text.strip())
        self.assertEqual(result.returncode, 0, text[-3000:])

    setattr(Layouts, "test_" + interpreter.name.replace(".", "_").replace("-", "_"), test)


for found in interpreters.find_interpreters():
    if found.minor >= interpreters.OLDEST_SUPPORTED:
        add(found)

if __name__ == "__main__":
    unittest.main()
