"""The text of objects, compared with the interpreter's own repr(): from the whole memory, and from
nothing but what is read of it (tests/tools/object_texts.c)."""

import json
import os

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

TOOL = os.path.join(support.BUILD, "tests", "tools", "object_texts")


def texts(path, rows):
    """What the tool says of each row."""
    lines = "".join("%s %d\n" % (row[1], row[2]) for row in rows)
    done = support.check([TOOL, path], input=lines.encode())
    return done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


@template
class Objects(EndToEndTest):
    interpreter = None

    def compare(self, rows, shown):
        self.assertEqual(len(rows), len(shown))
        wrong = ["%s: expected %.300s\n%*s: shown    %.300s" % (row[0], row[3], len(row[0]), "", text)
                 for row, text in zip(rows, shown) if row[3] != text]
        if wrong:
            self.fail("%d of %d differ\n%s" % (len(wrong), len(rows), "\n".join(wrong[:40])))

    def test_core(self):
        with Target(self.interpreter, "objects.py") as target:
            target.wait_for("objects.json")
            target.wait_quiet()
            with open(target.path("objects.json"), "rb") as file:
                rows = json.loads(file.read().decode())
            self.assertGreater(len(rows), 100)
            core, reason = target.make_core()
            if core is None:
                self.skipTest(reason)
            self.compare(rows, texts(core, rows))


for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
        continue
    add_class(globals(), Objects, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
