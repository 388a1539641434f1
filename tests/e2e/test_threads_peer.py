"""What a dump says of threads, against py-spy's dump of the same process: ids, names, who runs, who has
the GIL."""

import json
import os
import re
import shutil

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

_FOLDER = os.path.join(os.environ.get("PYSPY_PEERS", "build/peers"), "bin")
PEER = shutil.which("py-spy", path=_FOLDER + os.pathsep + os.environ.get("PATH", ""))
THREAD_KEYS = "pid thread_id thread_name os_thread_id active owns_gil".split()
BLOCKED = {"sleeper", "locker", "poller", "receiver", "waiter"}
FRAME_KEYS = "name filename line".split()


def facts(thread):
    known = {key: thread[key] for key in THREAD_KEYS}
    known["frames"] = [{key: frame[key] for key in FRAME_KEYS} for frame in thread["frames"]]
    if thread["thread_name"] not in BLOCKED:
        # Where a thread stands that runs is another place each time.
        known["frames"] = known["frames"][-2:]
    return known


def headings(text):
    """The heading lines of threads, without what only ours has."""
    lines = [line for line in text.splitlines() if line.startswith("Thread ")]
    lines = [line for line in lines if "no Python" not in line]
    return [re.sub(r", (waiting for GIL|collecting garbage)", "", line) for line in lines]


@template
class ThreadsPeer(EndToEndTest):
    interpreter = None

    def test_same(self):
        target = Target(self.interpreter, "waiting.py", "keep")
        self.addCleanup(target.close)
        target.wait_for("roles.json")

        def look():
            path = target.path("look.zst")
            if os.path.exists(path):
                os.unlink(path)
            support.capture(target.pid, path)
            return support.dump_json(path)

        def kept():
            dump = look()
            waiting = [thread for thread in dump if thread["waiting_for_gil"]]
            return len(waiting) == 3 and dump

        # Who has the GIL keeps it: nothing changes between the two.
        ours = support.wait_until(kept, 60, "one thread keeps the GIL")
        done = support.run([PEER, "dump", "--json", "--pid", str(target.pid)])
        if done.returncode != 0:
            self.skipTest("py-spy: %s" % done.stderr.decode(errors="replace").strip()[-200:])
        theirs = json.loads(done.stdout.decode())
        key = "os_thread_id"
        ours = sorted(ours, key=lambda thread: thread[key])
        theirs = sorted(theirs, key=lambda thread: thread[key])
        self.assertEqual([facts(thread) for thread in theirs], [facts(thread) for thread in ours])
        text = support.check([support.ANALYZE, target.path("look.zst")]).stdout.decode()
        peer_text = support.check([PEER, "dump", "--pid", str(target.pid)]).stdout.decode()
        self.assertEqual(headings(peer_text), headings(text))


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
    elif not PEER:
        add_skip(globals(), _interpreter.name, "py-spy is not installed (scripts/make-peers, PYSPY_PEERS)")
    elif _interpreter.minor < (3, 7) or not _interpreter.has_gil:
        add_skip(globals(), _interpreter.name, "who waits for the GIL is not told")
    else:
        add_class(globals(), ThreadsPeer, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
