"""Local variables against `py-spy dump --locals` of the same process: names, argument flags, addresses
and representations. Where ours are others, a rule below says which and why; README, "The text of
objects", tells the same of representations.
"""

import json
import os
import re
import shutil

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest
from test_locals import LocalsTarget

_ROOT = os.path.dirname(os.path.dirname(support.FOLDER))
_PEERS = os.environ.get("PYSPY_PEERS", os.path.join(_ROOT, "build", "peers"))
PEER = shutil.which(
    "py-spy", path=os.path.join(_PEERS, "bin") + os.pathsep + os.environ.get("PATH", "")
)

# Strings: ours are as repr() writes them, theirs in double quotes and unescaped.
PLAIN = re.compile(r"^(?:[^<\\\"]|\\')*$")


def is_ours_alone(local):
    """Cells and free variables, and a class body's names: py-spy shows none of them, and in their
    place, of a captured argument, from 3.11 on the cell and not what is in it, and in 2.7 the argument."""
    return local["kind"] != "local"


def comparable(text):
    """What both write in one way: small ints, None, bool, strings of plain characters, and lists,
    dicts and tuples of them. Not: floats (py-spy: 1.0 is 1), big ints (+bigint), 1-tuples ((1)), what is
    longer than the limit, and types that py-spy does not know (<complex at 0x...>)."""
    if not PLAIN.match(text) or "..." in text or "<" in text or ",)" in text:
        return None
    if re.search(r"\d\.\d|\dj|\d{19}", text):
        return None
    return text.replace("'", '"')


@template
class LocalsPeer(EndToEndTest):
    interpreter = None

    def test_dump(self):
        with LocalsTarget(self.interpreter, "local_variables.py", 3, 5) as target:
            target.settle()
            expected = target.expected_locals()
            done = support.run([PEER, "dump", "--locals", "--json", "--pid", str(target.pid)])
            if done.returncode:
                self.skipTest("py-spy: %s" % done.stderr.decode(errors="replace").strip()[-200:])
            theirs = {thread["os_thread_id"]: thread for thread in json.loads(done.stdout.decode())}
            snapshot = target.path("locals.zst")
            support.capture(target.pid, snapshot, "--locals")
            ours = {thread["os_thread_id"]: thread for thread in support.dump_json(snapshot, "-l")}
            self.assertEqual(sorted(ours), sorted(theirs))
            self.compared = 0
            for tid, thread in theirs.items():
                self.assertEqual(len(ours[tid]["frames"]), len(thread["frames"]))
                for number, frame in enumerate(thread["frames"]):
                    name = expected[tid][number]["name"]
                    self.check_frame(ours[tid]["frames"][number], frame, name)
            self.assertGreater(self.compared, 20)

    def check_frame(self, ours, theirs, name):
        self.assertEqual(ours["name"], theirs["name"])
        if not any(is_ours_alone(local) for local in ours["locals"]):
            self.assertEqual(
                [local["name"] for local in ours["locals"]],
                [local["name"] for local in theirs["locals"]],
                name,
            )
        known = {local["name"]: local for local in ours["locals"]}
        shown = {local["name"]: local for local in theirs["locals"]}
        self.assertEqual(set(), set(shown) - set(known), name)
        for local in ours["locals"]:
            other = shown.get(local["name"])
            if is_ours_alone(local):
                if not other:
                    continue
                if self.interpreter.minor >= (3, 11):
                    self.assertIn("<cell at ", other["repr"], name)
                    continue
                # 2.7 keeps the argument where it was, besides the cell.
                self.assertEqual((2, 7), self.interpreter.minor, name)
            self.assertIsNotNone(other, "%s: %s" % (name, local["name"]))
            self.check_local(local, other, "%s: %s" % (name, local["name"]))

    def check_local(self, ours, theirs, message):
        self.assertEqual(ours["addr"], theirs["addr"], message)
        if ours["arg"] != theirs["arg"]:
            # py-spy counts positional arguments only: not keyword-only ones, *args and **kwargs.
            self.assertIn(ours["name"], ("args", "kwargs", "rest"), message)
            self.assertTrue(ours["arg"], message)
        text = comparable(ours["repr"])
        # Up to 3.5 py-spy does not look into dicts.
        if text and "{" in text and self.interpreter.minor < (3, 6):
            text = re.sub(r"\{.*\}", "dict", text)
        if text is not None:
            self.compared += 1
            self.assertEqual(text, theirs["repr"], message)


for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
    elif PEER is None:
        add_skip(
            globals(), _interpreter.name, "py-spy is not installed (scripts/make-peers, PYSPY_PEERS)"
        )
    else:
        add_class(globals(), LocalsPeer, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
