"""The lines of every instruction of real code objects, as each interpreter itself gives them.

Each interpreter compiles parts of its own standard library and says the line of every instruction;
the decoder must say the same (build/tests/unit/test_line_table --oracle).
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interpreters  # noqa: E402

ORACLE = os.path.join(os.environ["PYSPY_BUILD"], "tests", "unit", "test_line_table")

# Runs in the interpreter under test. dis.findlinestarts() gives only the starts, so the line of each
# instruction is the last start at or before it; co_lines() gives ranges, None for "no line".
DUMP = r"""
import binascii, dis, os, sys, types
version = sys.version_info[:2]
kind = 4 if version <= (3, 5) else 1 if version <= (3, 9) else 2 if version == (3, 10) else 3
sources = ["argparse.py", "typing.py", "dataclasses.py", "asyncio/base_events.py", "pickle.py"]
folder = os.path.dirname(os.__file__)

def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            for inner in codes(constant):
                yield inner

def lines(code):
    if kind in (1, 4):
        line, starts = code.co_firstlineno, dict(dis.findlinestarts(code))
        for offset in range(0, len(code.co_code), 2 if kind == 1 else 1):
            line = starts.get(offset, line)
            yield offset, line
    else:
        for start, end, line in code.co_lines():
            for offset in range(start, end, 2):
                yield offset, line or 0

count = 0
for name in sources:
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        continue
    with open(path, "rb") as stream:
        module = compile(stream.read(), path, "exec")
    for code in codes(module):
        table = code.co_lnotab if kind in (1, 4) else code.co_linetable
        table = binascii.hexlify(table).decode("ascii")
        for offset, line in lines(code):
            count += 1
            if count % 7 == 0:
                sys.stdout.write("%d %d %d %d %s\n" % (kind, code.co_firstlineno, offset, line, table))
"""


class LineTables(unittest.TestCase):
    """One test for each interpreter."""


def add(interpreter):
    def test(self):
        dump = subprocess.run(
            interpreter.command + ["-c", DUMP],
            env=dict(os.environ, **interpreter.environment),
            stdout=subprocess.PIPE,
            check=True,
        )
        self.assertGreater(dump.stdout.count(b"\n"), 1000)
        result = subprocess.run(
            [ORACLE, "--oracle"],
            input=dump.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stdout[-2000:].decode())

    setattr(LineTables, "test_" + interpreter.name.replace(".", "_").replace("-", "_"), test)


for found in interpreters.find_interpreters():
    if not found.undecoded:
        add(found)

if __name__ == "__main__":
    unittest.main()
