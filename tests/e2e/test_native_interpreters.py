"""Native stacks of a thread that several interpreters know: they belong to what it runs."""

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import ANALYZE, EndToEndTest, Target, check

COUNT = 2
SAMPLES = 10
SINCE = (3, 8)


@template
class NativeInterpreters(EndToEndTest):
    interpreter = None

    def start(self):
        target = Target(self.interpreter, "idle_interpreters.py", COUNT)
        self.addCleanup(target.close)
        target.settle_interpreters()
        return target

    def test_idle(self):
        target = self.start()
        path = target.path("run.zst")
        support.capture(target.pid, path, "--native", "-r", "50", "--count", str(SAMPLES))
        dump = [one for one in support.dump_json(path, "--native") if one["os_thread_id"] == target.pid]
        # Some versions have no thread state in an interpreter that is not run.
        running = [one for one in dump if one["frames"]]
        self.assertEqual(len(running), 1)
        self.assertEqual([f["name"] for f in running[0]["frames"] if not f["native"]], ["wait", "<module>"])
        self.assertTrue([f for f in running[0]["frames"] if f["native"]])
        raw = check([ANALYZE, "report", "--native", "-i", "-f", "raw", path]).stdout.decode()
        (line,) = [line for line in raw.splitlines() if "wait (" in line]
        self.assertEqual(line.rpartition(" ")[2], str(SAMPLES))
        self.assertEqual(raw.splitlines(), [line])


for _interpreter in find_interpreters():
    if _interpreter.version >= SINCE and not _interpreter.unsupported:
        add_class(globals(), NativeInterpreters, _interpreter.name, interpreter=_interpreter)
load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
