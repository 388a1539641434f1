#!/usr/bin/env python3
"""Which processes of a file a report shows does not depend on whose samples come first."""

import support
from interpreters import newest_supported
from support import ANALYZE, check
from test_processes import ProcessesTest

SAMPLES = 20


class ReportProcesses(ProcessesTest):
    def setUp(self):
        self.interpreter = newest_supported()
        if self.interpreter is None:
            self.skipTest("no interpreter of a supported version was found")

    def counted(self, path, *options):
        """{first frame: samples} of the main threads' report."""
        roots = {}
        for line in check([ANALYZE, "report", "-i", "-f", "raw", *options, path]).stdout.decode().splitlines():
            stack, _, count = line.rpartition(" ")
            root = stack.split(";")[0]
            roots[root] = roots.get(root, 0) + int(count)
        return roots

    def test_a_child_that_comes_first(self):
        target = self.start_tree(self.interpreter, "fork", 1)
        (child,) = set(self.told(target)) - {target.pid}
        parts = []
        for pid in (child, target.pid):
            parts.append(target.path("%d.zst" % pid))
            support.capture(pid, parts[-1], "-r", "100", "--count", str(SAMPLES))
        # One log after the other is a run, too.
        both = {}
        for name, order in (("child", parts), ("parent", parts[::-1])):
            both[name] = target.path(name + "-first.zst")
            with open(both[name], "wb") as file:
                for part in order:
                    with open(part, "rb") as content:
                        file.write(content.read())
        alone = self.counted(parts[1])
        self.assertTrue(alone)
        for path in both.values():
            self.assertEqual(self.counted(path), alone)
        trees = [self.counted(path, "-s") for path in both.values()]
        self.assertEqual(trees[0], trees[1])
        # The child is below its parent from its first sample on.
        self.assertEqual(len(trees[0]), 1, trees[0])


if __name__ == "__main__":
    support.main()
