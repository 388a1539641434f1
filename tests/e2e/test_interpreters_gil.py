"""Threads of subinterpreters: which interpreter they belong to, and who has and who wants which GIL."""

import os

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

COUNT = 3


@template
class InterpretersGil(EndToEndTest):
    interpreter = None

    def start(self, kind):
        self.own_gils = kind == "isolated"
        target = Target(self.interpreter, "busy_interpreters.py", COUNT, kind)
        self.addCleanup(target.close)
        try:
            target.wait_for("settled")
        except AssertionError:
            if target.process.poll() == 77:
                self.skipTest("%s has no module for subinterpreters" % self.interpreter.name)
            raise
        return target

    def look(self, target):
        path = target.path("look.zst")
        if os.path.exists(path):
            os.unlink(path)
        support.capture(target.pid, path)
        return support.dump_json(path)

    def busy(self, dump):
        """{interpreter: its threads}, of the subinterpreters."""
        found = {}
        for thread in dump:
            if thread["interpreter_id"]:
                found.setdefault(thread["interpreter_id"], []).append(thread)
        return found

    def marks(self, dump):
        """How many own a GIL and how many wait for one, for each subinterpreter."""
        return [
            (
                sum(thread["owns_gil"] for thread in threads),
                sum(thread["waiting_for_gil"] is True for thread in threads),
            )
            for threads in self.busy(dump).values()
        ]

    def check(self, target, settled):
        """`settled` says whether the marks are those of threads that keep what they have."""
        support.wait_until(lambda: settled(self.marks(self.look(target))), 60, "each keeps its GIL")
        dump = self.look(target)
        self.check_dump(dump, settled)
        text = support.check([support.ANALYZE, target.path("look.zst")]).stdout.decode()
        for identity, threads in self.busy(dump).items():
            self.assertEqual(text.count("interpreter %d)" % identity), len(threads))
            self.assertIn("(active+gil, interpreter", text)
            self.assertIn("(idle, waiting for GIL, interpreter", text)
        self.assertNotIn("interpreter 0", text)
        only_owners = support.dump_json(target.path("look.zst"), "--gil")
        self.assertEqual(only_owners, [thread for thread in dump if thread["owns_gil"]])
        core, reason = target.make_core()
        if core is None:
            self.skipTest("all but the core passed; no core: " + reason)
        self.check_dump(support.dump_json(core), settled)

    def check_dump(self, dump, settled):
        interpreters = self.busy(dump)
        self.assertEqual(len(interpreters), COUNT)
        for threads in interpreters.values():
            self.assertEqual(len(threads), 2)
            for thread in threads:
                self.assertIn("busy", [frame["function"] for frame in thread["frames"]])
        self.assertTrue(settled(self.marks(dump)), self.marks(dump))
        # The main thread waits for an event; with one GIL for all, it may not come to that.
        (main,) = [thread for thread in dump if thread["thread_name"] == "MainThread"
                   and not thread["interpreter_id"]]
        self.assertIs(main["owns_gil"], False)
        if self.own_gils:
            self.assertIs(main["waiting_for_gil"], False)

    def test_isolated(self):
        if self.interpreter.minor < (3, 12):
            self.skipTest("before 3.12 all interpreters share one GIL")
        self.check(self.start("isolated"), lambda marks: marks == [(1, 1)] * COUNT)

    def test_one_gil(self):
        def settled(marks):
            return len(marks) == COUNT and sum(owner for owner, _ in marks) == 1 \
                and sum(waiting for _, waiting in marks) == 2 * COUNT - 1

        self.check(self.start("legacy"), settled)


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
        continue
    if not _interpreter.has_gil:
        add_skip(globals(), _interpreter.name, "%s has no GIL" % _interpreter.name)
        continue
    add_class(globals(), InterpretersGil, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
