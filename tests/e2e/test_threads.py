"""What a dump says of a thread besides its stack: whether it runs, waits, holds the GIL or waits for it,
collects garbage, which interpreter it belongs to, and whether it runs Python at all."""

import json
import os
import re
import shutil
import subprocess

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

SPINNING = {"main", "spinner-0", "spinner-1", "spinner-2"}
BLOCKED = {"sleeper", "locker", "poller", "receiver", "waiter"}
# A thread that is let go runs for 5 ms (sys.getswitchinterval): where it stands still is soon seen.
LOOKS = 100


@template
class Threads(EndToEndTest):
    interpreter = None

    @property
    def no(self):
        """What a thread that does not is marked with: before 3.7 there are no addresses to compare
        with, and without a GIL there is nothing to wait for."""
        return False if self.interpreter.has_gil and self.interpreter.minor >= (3, 7) else None

    def need_gil(self):
        if self.no is None:
            self.skipTest("%s does not tell who waits for a GIL" % self.interpreter.name)

    def start(self, task):
        target = Target(self.interpreter, "waiting.py", task)
        self.addCleanup(target.close)
        target.wait_for("roles.json")
        with open(target.path("roles.json")) as file:
            return target, json.load(file)

    def look(self, target, *options):
        path = target.path("look.zst")
        if os.path.exists(path):
            os.unlink(path)
        support.capture(target.pid, path, *options)
        return path

    def by_role(self, roles, dump):
        names = {role["tid"]: name for name, role in roles.items()}
        return {names[thread["os_thread_id"]]: thread for thread in dump}

    def check_blocked(self, threads):
        """The threads that wait for something else than the GIL."""
        for role in BLOCKED:
            thread = threads[role]
            self.assertEqual(thread["activity"], "idle", role)
            self.assertIs(thread["active"], False, role)
            self.assertIs(thread["owns_gil"], False, role)
            self.assertIs(thread["waiting_for_gil"], self.no, role)
            self.assertEqual(thread["thread_name"], role)
            self.assertIsNotNone(thread["system_call"], role)
            self.assertGreater(len(thread["frames"]), 0)

    def check_gil(self, threads):
        owners = [role for role, thread in threads.items() if thread["owns_gil"]]
        self.assertLessEqual(len(owners), 1)
        self.assertTrue(SPINNING.issuperset(owners), owners)
        for role in owners:
            self.assertIs(threads[role]["waiting_for_gil"], self.no)
            self.assertEqual(threads[role]["activity"], "active")
        for thread in threads.values():
            self.assertIs(thread["owns_gil_known"], self.interpreter.has_gil)
        return owners

    def check_ids(self, roles, threads):
        for role, thread in threads.items():
            self.assertEqual(thread["thread_id"], roles[role]["ident"])
            self.assertEqual(thread["interpreter_id"], 0)

    def check_all(self, roles, threads, source):
        self.assertEqual(set(threads), BLOCKED | SPINNING)
        self.check_ids(roles, threads)
        for thread in threads.values():
            if self.interpreter.minor >= (3, 7):
                self.assertIs(thread["collecting_garbage"], False)
        self.check_blocked(threads)
        owners = self.check_gil(threads)
        for role in BLOCKED:
            self.assertEqual(threads[role]["activity_source"], source)
            self.assertIs(threads[role]["activity_inferred"], source != "system")
        return owners

    def test_live(self):
        target, roles = self.start("spin")
        waited = owned = 0
        for _ in range(LOOKS):
            path = self.look(target)
            threads = self.by_role(roles, support.dump_json(path))
            owned += len(self.check_all(roles, threads, "system"))
            waiting = [role for role in SPINNING if threads[role]["waiting_for_gil"]]
            waited += len(waiting)
            self.check_text(path, roles, threads)
            if (waited >= 6 or self.no is None) and (owned >= 3 or not self.interpreter.has_gil):
                return
        self.fail("of %d looks, %d saw an owner, %d somebody who waits" % (LOOKS, owned, waited))

    def check_text(self, path, roles, threads):
        text = support.check([support.ANALYZE, path]).stdout.decode()
        for role, thread in threads.items():
            word = thread["activity"]
            if thread["owns_gil"]:
                word += "+gil"
            if thread["waiting_for_gil"]:
                word += ", waiting for GIL"
            name = "MainThread" if role == "main" else role
            self.assertIn('\nThread %d (%s): "%s"\n' % (roles[role]["tid"], word, name), text)
        line = 'Thread %d (idle, no Python): "without-python"\n' % roles["without"]["tid"]
        self.assertTrue(text.endswith(line), text)
        self.assertNotIn("inferred", text)

    def start_kept(self, task="keep"):
        """One of the threads has the GIL and keeps it, the others wait for it."""
        self.need_gil()
        for _ in range(20):
            target, roles = self.start(task)
            owner = self.wait_until_kept(target, task)
            # Whoever had asked for the GIL before the interval became long can have got it once more.
            if task != "callback" or owner == roles["main"]["tid"]:
                return target, roles
            target.close()
        self.fail("the main thread never kept the GIL")

    def wait_until_kept(self, target, task):
        """Gives the owner's id."""
        owners = []

        def all_wait():
            threads = support.dump_json(self.look(target))
            if task == "callback" and threads[-1]["frames"][-3]["function"] != "collect_and_stay":
                return False
            owners[:] = [thread["os_thread_id"] for thread in threads if thread["owns_gil"]]
            return sum(thread["waiting_for_gil"] is True for thread in threads) == len(SPINNING) - 1

        support.wait_until(all_wait, 60, "all but the owner wait for the GIL")
        return owners[0] if owners else None

    def check_kept(self, roles, threads, source):
        (owner,) = self.check_all(roles, threads, source)
        waiting = 0
        for role in SPINNING - {owner}:
            self.assertEqual(threads[role]["activity_source"], source)
            # Who waits wakes now and then to ask for the GIL: then it does not wait.
            if threads[role]["waiting_for_gil"]:
                waiting += 1
                self.assertEqual(threads[role]["activity"], "idle", role)
        self.assertGreater(waiting, 0)
        return waiting

    def test_kept(self):
        """From the captured ranges, the whole memory, and a core."""
        target, roles = self.start_kept()
        stacks = support.dump_json(self.look(target))
        self.check_kept(roles, self.by_role(roles, stacks), "system")
        full = support.dump_json(self.look(target, "--level", "full"))
        self.check_kept(roles, self.by_role(roles, full), "system")
        core, reason = target.make_core()
        if core is None:
            self.skipTest("all but the core passed; no core: " + reason)
        threads = self.by_role(roles, support.dump_json(core))
        waiting = self.check_kept(roles, threads, "registers")
        text = support.check([support.ANALYZE, core]).stdout.decode()
        self.assertIn("\nActive or idle is inferred from registers\n", text)
        self.assertIn("Thread %d (idle, no Python)" % roles["without"]["tid"], text)
        self.assertEqual(text.count("(idle, waiting for GIL)"), waiting)

    def test_filters(self):
        target, roles = self.start_kept()
        path = self.look(target)
        whole = support.dump_json(path)
        (owner,) = [thread for thread in whole if thread["owns_gil"]]
        self.assertEqual(support.dump_json(path, "--gil"), [owner])
        for role, ids in roles.items():
            for number in ids["tid"], hex(ids["tid"]), ids["ident"], hex(ids["ident"]):
                # The interpreter does not know what pthread_create gave.
                if role == "without" and number in (ids["ident"], hex(ids["ident"])):
                    continue
                (thread,) = support.dump_json(path, "--tid", str(number))
                self.assertEqual(thread["os_thread_id"], ids["tid"])
                self.assertIs(thread["python"], role != "without")
        sleeper, locker = roles["sleeper"]["tid"], roles["locker"]["tid"]
        both = support.dump_json(path, "--tid", str(sleeper), "--tid", str(locker))
        self.assertEqual({thread["os_thread_id"] for thread in both}, {sleeper, locker})
        self.assertEqual(support.dump_json(path, "--tid", str(sleeper), "--gil"), [])
        done = support.check([support.ANALYZE, "--gil", "--tid", str(sleeper), path])
        self.assertTrue(done.stdout.decode().endswith("\n\nNo thread held the GIL\n"))
        done = support.check([support.ANALYZE, "--tid", "1", path], support.EXIT_FAILED)
        self.assertEqual(done.stdout, b"")
        for tid in [1] + [ids["tid"] for ids in roles.values()]:
            self.assertIn(" %d" % tid, done.stderr.decode())
        # One is there, one is not: partial.
        done = support.check([support.ANALYZE, "--tid", "1", "--tid", str(sleeper), path], support.EXIT_PARTIAL)
        self.assertEqual(done.stdout.decode().count("\nThread "), 1)
        # py-spy's list has no threads without Python: only who asks for ids gets them.
        self.assertEqual({thread["python"] for thread in whole}, {True})
        listed = support.dump_json(path, "--threads")
        self.assertEqual(listed[: len(whole)], whole)
        (other,) = listed[len(whole):]
        self.assertIs(other["python"], False)
        self.assertEqual(other["os_thread_id"], roles["without"]["tid"])
        self.assertEqual(other["thread_name"], "without-python")
        self.assertEqual(other["frames"], [])

    def test_collecting(self):
        self.need_gil()
        target, roles = self.start("collect")
        seen = set()
        for _ in range(LOOKS):
            threads = self.by_role(roles, support.dump_json(self.look(target)))
            self.check_gil(threads)
            for role, thread in threads.items():
                if role != "main":
                    self.assertIsNot(thread["collecting_garbage"], True, role)
            seen.add(threads["main"]["collecting_garbage"])
            if True in seen:
                break
        self.assertIn(True, seen)
        text = support.check([support.ANALYZE, target.path("look.zst")]).stdout.decode()
        self.assertIn('(active+gil, collecting garbage): "MainThread"', text)

    def test_collecting_in_a_core(self):
        target, roles = self.start_kept("callback")
        looks = [self.look(target)]
        core, reason = target.make_core()
        if core:
            looks.append(core)
        for look in looks:
            threads = self.by_role(roles, support.dump_json(look))
            self.assertEqual(self.check_gil(threads), ["main"])
            self.assertEqual(
                {role: thread["collecting_garbage"] for role, thread in threads.items()},
                {role: True if role == "main" else None for role in threads},
            )
        if core is None:
            self.skipTest("all but the core passed; no core: " + reason)


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
        continue
    add_class(globals(), Threads, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
