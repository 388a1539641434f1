"""Native stacks of a process that goes on as another program, again and again, while it is captured."""

import json
import unittest

import support
from interpreters import newest_supported
from support import Target

# What these look for happens rarely.
SECOND_TRY = False

ATTEMPTS = 20


class Exec(unittest.TestCase):
    def test_exec(self):
        """What is shown is whole or marked, or it is said why there is nothing; the process goes on."""
        with Target(newest_supported(), "native_exec.py", flags=["-S", "-E"]) as target:
            target.wait_for("settled")
            whole = 0
            for number in range(ATTEMPTS):
                snapshot = target.path("%d.zst" % number)
                done = support.run(
                    [support.CAPTURE, "--pid", str(target.pid), "--native", "-o", snapshot]
                )
                if done.returncode not in (support.EXIT_DONE, support.EXIT_PARTIAL):
                    self.assertTrue(done.stderr)
                    continue
                done = support.run([support.ANALYZE, "dump", "--json", "--native", snapshot])
                if done.returncode not in (support.EXIT_DONE, support.EXIT_PARTIAL):
                    # It was just starting, or ending.
                    self.assertTrue(done.stderr)
                    continue
                for thread in json.loads(done.stdout.decode()):
                    names = [f["name"] for f in thread["frames"] if not f["native"]]
                    names = [name for name in names if name != "<gap>"]
                    if "innermost" in names:
                        self.assertEqual(["innermost", "middle", "<module>"], names)
                        whole += not any(frame["gap"] for frame in thread["frames"])
            self.assertIsNone(target.process.poll(), target.output())
        self.assertTrue(whole)


if __name__ == "__main__":
    support.main()
