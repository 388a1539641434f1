"""Columns and end lines of every instruction of real code objects, as each interpreter itself gives them.

Each interpreter compiles parts of its standard library, and code that is made to be odd, and says its
co_positions(); the decoder must say the same (build/tests/unit/test_positions --oracle). With and
without -X no_debug_ranges.
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interpreters  # noqa: E402
from generate import add_class, make_load_tests, template  # noqa: E402

ORACLE = os.path.join(os.environ["PYSPY_BUILD"], "tests", "unit", "test_positions")
MINIMUM = 50000  # lines: what is compiled below has more instructions

# Runs in the interpreter under test.
DUMP = r"""
import os, sys, types
sources = ["argparse.py", "typing.py", "dataclasses.py", "asyncio/base_events.py", "pickle.py",
           "_pydecimal.py", "contextlib.py", "asyncio/tasks.py", "inspect.py"]
folder = os.path.dirname(os.__file__)

ODD = '''
@str
@ \
    str
def decorated(first=1, *,
              second={a: b for a in range(3)
                      for b in range(4)}):
    x = lambda: (yield
                 from ())
    return (decorated(
        1,
        second=2)
        .method()
            [3])
class Class(metaclass=
            type):
    x = [y for y in
         range(3)]
async def coroutine():
    async with a as b, c as d:
        async for e in f:
            await (
                g)
    try:
        raise A from B
    except* C as D:
        assert E, (
            F)
def wide(): return''' + " " * 300 + "f(" + "x, " * 500 + ")" + '''
nonascii("\u00e4\U0001f600", a.b.c(d))
def tall():
    return f(
''' + "\n" * 40000 + '''1)
tail = [
''' + "1,\n" * 3000 + '''
a.b]
'''

def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            for inner in codes(constant):
                yield inner

def all_codes():
    yield compile(ODD, "odd", "exec")
    for name in sources:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "rb") as stream:
                yield compile(stream.read(), path, "exec")

lines = []
for module in all_codes():
    for code in codes(module):
        lines.append("code %d %s" % (code.co_firstlineno, code.co_linetable.hex()))
        for line, end_line, column, end_column in code.co_positions():
            if not line:  # 3.11 says 0 of a module's first instruction
                line, end_line, column, end_column = 0, 0, None, None
            lines.append("%d %d %d %d" % (line, end_line, -1 if column is None else column,
                                          -1 if end_column is None else end_column))
# A code object's line table that was replaced.
code = compile("f(1,\n 2)", "replaced", "eval").replace(co_linetable=b"")
lines.append("code %d %s" % (code.co_firstlineno, code.co_linetable.hex()))
lines += ["0 0 -1 -1"] * (len(code.co_code) // 2)
sys.stdout.write("\n".join(lines) + "\n")
"""


@template
class Positions(unittest.TestCase):
    interpreter = None

    def check(self, *flags):
        dump = subprocess.run(
            self.interpreter.command + list(flags) + ["-c", DUMP],
            env=dict(os.environ, PYTHONUTF8="1", **self.interpreter.environment),
            stdout=subprocess.PIPE,
            check=True,
        )
        self.assertGreater(dump.stdout.count(b"\n"), MINIMUM)
        result = subprocess.run(
            [ORACLE, "--oracle"],
            input=dump.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stdout[-2000:].decode())
        return dump.stdout

    def test_all_instructions(self):
        lines = self.check().splitlines()
        known = [line for line in lines if not line.startswith(b"code") and b" -1" not in line]
        self.assertGreater(len(known), len(lines) // 2)

    def test_without_columns(self):
        for line in self.check("-X", "no_debug_ranges").splitlines():
            self.assertTrue(line.startswith(b"code") or line.endswith(b" -1 -1"), line)


for _interpreter in interpreters.find_interpreters():
    if _interpreter.minor >= (3, 11):
        add_class(globals(), Positions, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    unittest.main()
