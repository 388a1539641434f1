"""The names of threads, as the target's threading module has them: live, from snapshots and cores."""

import json
import os
import subprocess

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

CHURN_CAPTURES = 30 if SMALL else 200
MODULES = 1000


def names_of(dump):
    return {thread["thread_id"]: thread["thread_name"] for thread in dump}


@template
class ThreadNames(EndToEndTest):
    interpreter = None

    def start(self, *arguments):
        target = Target(self.interpreter, "thread_names.py", *arguments)
        self.addCleanup(target.close)
        target.wait_for("names.json")
        target.wait_quiet()
        with open(target.path("names.json"), "rb") as file:
            return target, {int(ident): name for ident, name in json.load(file).items()}

    def capture(self, target, level, *options):
        path = target.path(level + ".zst")
        support.capture(target.pid, path, "--level", level, *options)
        self.addCleanup(os.unlink, path)
        return support.dump_json(path)

    def test_live_and_core(self):
        target, expected = self.start()
        stacks = self.capture(target, "stacks")
        self.assertEqual(expected, names_of(stacks))
        full = self.capture(target, "full")
        self.assert_identical(stacks, full, "captured ranges, whole memory")
        text = support.check([support.ANALYZE, target.path("stacks.zst")]).stdout.decode()
        self.assertIn(': "MainThread"\n', text)
        self.assertIn(': "スレッド"\n', text)
        core, reason = target.make_core()
        if core is None:
            self.skipTest(reason)
        self.assertEqual(expected, names_of(support.dump_json(core)))

    def test_nonblocking(self):
        target, expected = self.start()
        self.assertEqual(expected, names_of(self.capture(target, "stacks", "--nonblocking")))

    def test_late_name(self):
        """A run sees soon that a thread which has just begun got its name."""
        target = Target(self.interpreter, "late_name.py")
        self.addCleanup(target.close)
        target.wait_for("started")
        path = target.path("run.zst")
        command = [support.CAPTURE, "--pid", str(target.pid), "-r", "100", "--count", "60", "-o", path]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(run.wait)
        support.wait_until(lambda: os.path.exists(path) or run.poll() is not None, 30, "the run begins")
        open(target.path("register"), "w").close()
        output, _ = run.communicate()
        self.assertEqual(run.returncode, 0, output)
        names = names_of(support.dump_json(path)).values()
        self.assertEqual(len(names), 2)
        self.assertNotIn(None, names)

    def test_many_modules(self):
        target, expected = self.start(MODULES)
        self.assertEqual(expected, names_of(self.capture(target, "stacks")))
        # Not the modules' names.
        self.assertLess(os.path.getsize(target.path("stacks.zst")), 64 << 10)

    def test_threading_is_not_imported(self):
        if self.interpreter.minor < (3, 4):
            self.skipTest("%s: small.py is for 3.4 and later" % self.interpreter.name)
        with Target(self.interpreter, "small.py", flags=["-S", "-E", "-I"]) as target:
            target.wait_for("expected.py")
            target.wait_quiet()
            path = target.path("stacks.zst")
            support.capture(target.pid, path)
            self.assertEqual(set(names_of(support.dump_json(path)).values()), {None})

    def test_subinterpreters(self):
        """A thread that runs code of another interpreter is called as that one's threading says, or,
        where that is not imported there, as the main interpreter's."""
        with Target(self.interpreter, "subinterpreters.py", 2) as target:
            target.settle_interpreters()
            path = target.path("stacks.zst")
            support.capture(target.pid, path)
            names = {}
            for thread in support.dump_json(path):
                names.setdefault(thread["interpreter_id"], {})[thread["thread_id"]] = thread["thread_name"]
            main = names.pop(0)
            self.assertEqual(len(names), 2)
            self.assertIn("MainThread", main.values())
            for ident in [ident for threads in names.values() for ident in threads]:
                self.assertTrue(main[ident].startswith("Thread-"), main)
            for threads in names.values():
                for ident, name in threads.items():
                    self.assertIn(name, (main[ident], "MainThread"))

    def test_never_that_of_another_thread(self):
        named = 0
        with Target(self.interpreter, "thread_churn.py") as target:
            target.wait_for("settled")
            path = target.path("churn.zst")
            captures = 0
            # Slow builds and busy machines meet few threads that live as long as a capture takes.
            while captures < CHURN_CAPTURES or (not named and captures < 10 * CHURN_CAPTURES):
                captures += 1
                done = support.run([support.CAPTURE, "--pid", str(target.pid), "-o", path])
                self.assertIn(done.returncode, (0, support.EXIT_PARTIAL), done.stderr.decode())
                done = support.run([support.ANALYZE, "dump", "--json", path])
                for thread in json.loads(done.stdout.decode()):
                    named += self.check_name(thread)
                os.unlink(path)
        self.assertGreater(named, 0)

    def check_name(self, thread):
        """1 for a task that has its name."""
        name = thread["thread_name"] or ""
        tasks = [frame["function"] for frame in thread["frames"] if frame["function"]]
        tasks = [function for function in tasks if function.startswith(("task_", "churn"))]
        if not tasks or not name.startswith(("task_", "churn", "MainThread")):
            return 0
        # Of a thread that began just now there may be the system's name only: its parent's.
        if name == thread["os_thread_name"] and [name] != tasks:
            return 0
        self.assertEqual([name], tasks, thread)
        return int(name.startswith("task_"))


for _interpreter in find_interpreters():
    if _interpreter.undecoded:
        add_skip(globals(), _interpreter.name, _interpreter.undecoded)
        continue
    add_class(globals(), ThreadNames, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
