"""Reports of a program that is known, in every format, as programs that read them see them.

The target stands still: N snapshots of it are N samples of each of its stacks. Snapshots behind one another
in one file are a file with N samples.
"""

import collections
import gzip
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.dom.minidom

import interpreters
import support
from support import EndToEndTest, Target

SAMPLES = 5


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def read_fields(data):
    """{field: [number or bytes]} of a message of protocol buffers."""
    fields = collections.defaultdict(list)
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        fields[key >> 3].append(value)
    return fields


def read_varints(data):
    values = []
    at = 0
    while at < len(data):
        value, at = read_varint(data, at)
        values.append(value)
    return values


FAMILY = """
import subprocess, sys, time
if len(sys.argv) > 1:
    print(1, flush=True)
    while True:
        pass
children = [
    subprocess.Popen([sys.executable, sys.argv[0], "x;<%d>" % n], stdout=subprocess.PIPE)
    for n in range(2)
]
for child in children:
    child.stdout.readline()
print(" ".join(str(child.pid) for child in children), flush=True)
while True:
    pass
"""


class Report(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.interpreter = interpreters.newest_supported()
        if cls.interpreter is None:
            raise unittest.SkipTest("no interpreter that is supported")
        cls.target = Target(cls.interpreter, "stacks.py", 3, 5)
        cls.addClassCleanup(cls.target.close)
        cls.target.settle()
        cls.files = [cls.target.path("s%d.zst" % number) for number in range(SAMPLES)]
        for path in cls.files:
            support.capture(cls.target.pid, path)
        cls.many = cls.target.path("many.zst")
        with open(cls.many, "wb") as many:
            for path in cls.files:
                with open(path, "rb") as one:
                    shutil.copyfileobj(one, many)
        cls.dump = support.dump_json(cls.files[0])

    def report(self, *words, expected=support.EXIT_DONE, binary=False):
        done = support.run([support.ANALYZE, "report"] + list(words))
        self.assertEqual(done.returncode, expected, done.stderr.decode(errors="replace"))
        self.error = done.stderr.decode()
        return done.stdout if binary else done.stdout.decode()

    def stacks(self, *, idle=True, lines=True, threads=False):
        """What must be counted, by collapsed stack, for one sample."""
        counts = collections.Counter()
        for thread in self.dump:
            if not thread["frames"] or not (idle or thread["active"]):
                continue
            labels = []
            if threads:
                name = thread["thread_name"]
                labels.append("thread (%s)" % thread["os_thread_id"] + (": " + name if name else ""))
            for frame in reversed(thread["frames"]):
                line = ":%d" % frame["line"] if lines and frame["line"] else ""
                labels.append("%s (%s%s)" % (frame["name"], frame["short_filename"], line))
            counts[";".join(labels)] += 1
        return counts

    def parse_raw(self, text):
        counts = collections.Counter()
        for line in text.splitlines():
            stack, count = re.fullmatch(r"(.*) (\d+)", line).groups()
            counts[stack] += int(count)
        return counts

    def times(self, counts, number):
        return collections.Counter({stack: count * number for stack, count in counts.items()})

    def test_raw(self):
        for inputs in (self.files, [self.many]):
            for words, options in (
                (["-i"], {}),
                ([], {"idle": False}),
                (["-i", "--nolineno"], {"lines": False}),
                (["-i", "-t"], {"threads": True}),
            ):
                with self.subTest(inputs=len(inputs), words=words):
                    expected = self.times(self.stacks(**options), SAMPLES)
                    if not expected:
                        continue
                    found = self.parse_raw(self.report("-f", "raw", *words, *inputs))
                    self.assertEqual(found, expected)

    def test_filters(self):
        stacks = self.stacks()
        name = max(stacks, key=len).split(";")[-1]
        expected = {s: c * SAMPLES for s, c in stacks.items() if name in s.split(";")}
        found = self.report("-i", "-f", "raw", "--include", "^" + re.escape(name) + "$", self.many)
        self.assertEqual(self.parse_raw(found), expected)
        found = self.report("-i", "-f", "raw", "--exclude", "^" + re.escape(name) + "$", self.many)
        self.assertEqual(
            self.parse_raw(found),
            {s: c * SAMPLES for s, c in stacks.items() if name not in s.split(";")},
        )
        thread = next(t for t in self.dump if t["frames"])
        found = self.parse_raw(
            self.report("-i", "-f", "raw", "--tid", str(thread["os_thread_id"]), self.many)
        )
        self.assertEqual(sum(found.values()), SAMPLES)
        self.report("--pid", "1", self.many, expected=support.EXIT_FAILED)
        self.report("--from", "1000000", self.many, expected=support.EXIT_FAILED)
        first = self.parse_raw(self.report("-i", "-f", "raw", "--to", "0.000000001", self.many))
        self.assertEqual(first, stacks)

    def test_times(self):
        counts = self.parse_raw(self.report("-i", "-f", "raw", "--weight", "wall", self.many))
        values = set(counts.values())
        self.assertEqual(set(counts), set(self.stacks()))
        self.assertGreater(min(values), 0)
        self.report("-i", "--weight", "wall", self.files[0], expected=support.EXIT_FAILED)

    def test_speedscope(self):
        data = json.loads(self.report("-i", "-f", "speedscope", self.many))
        self.assertEqual(data["$schema"], "https://www.speedscope.app/file-format-schema.json")
        frames = data["shared"]["frames"]
        self.assertEqual(len(data["profiles"]), sum(1 for t in self.dump if t["frames"]))
        found = set()
        for profile in data["profiles"]:
            self.assertEqual((profile["type"], profile["unit"]), ("sampled", "nanoseconds"))
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertEqual(profile["endValue"] - profile["startValue"], sum(profile["weights"]))
            # It stands still.
            self.assertEqual(len(profile["samples"]), 1)
            found.add(
                ";".join(
                    "%s (%s:%d)" % (frames[i]["name"], frames[i]["file"], frames[i]["line"])
                    for i in profile["samples"][0]
                )
            )
        self.assertEqual(found, set(self.stacks()))

    def test_chrometrace(self):
        data = json.loads(self.report("-i", "-f", "chrometrace", self.many))
        stacks = collections.defaultdict(list)
        begun = collections.Counter()
        for event in data["traceEvents"]:
            self.assertEqual(event["pid"], self.target.pid)
            stack = stacks[event["tid"]]
            if event["ph"] == "B":
                stack.append(event["name"])
                begun[event["tid"]] += 1
            elif event["ph"] == "E":
                self.assertEqual(stack.pop(), event["name"])
        self.assertFalse(any(stacks.values()))
        expected = {t["os_thread_id"]: len(t["frames"]) for t in self.dump if t["frames"]}
        self.assertEqual(begun, expected)

    def test_pprof(self):
        path = self.target.path("report.pb.gz")
        self.report("-i", "-f", "pprof", "-o", path, self.many)
        with gzip.open(path) as file:
            profile = read_fields(file.read())
        strings = [text.decode() for text in profile[6]]
        functions = {}
        for message in profile[5]:
            fields = read_fields(message)
            functions[fields[1][0]] = strings[fields[2][0]]
        locations = {}
        for message in profile[4]:
            fields = read_fields(message)
            line = read_fields(fields[4][0])
            locations[fields[1][0]] = (functions[line[1][0]], line[2][0])
        counts = collections.Counter()
        for message in profile[2]:
            fields = read_fields(message)
            stack = tuple(locations[number] for number in read_varints(fields[1][0]))
            counts[stack] += read_varints(fields[2][0])[0]
        expected = collections.Counter(
            tuple((frame["name"], frame["line"]) for frame in thread["frames"])
            for thread in self.dump
            if thread["frames"]
        )
        self.assertEqual(counts, self.times(expected, SAMPLES))
        types = [read_fields(message) for message in profile[1]]
        self.assertEqual(
            [(strings[t[1][0]], strings[t[2][0]]) for t in types],
            [("samples", "count")] + [(unit, "nanoseconds") for unit in ("wall", "cpu", "gil")],
        )
        go = shutil.which("go")
        if go is None:
            self.skipTest("all but go tool pprof passed: there is no go")
        top = subprocess.run(
            [go, "tool", "pprof", "-top", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.assertEqual(top.returncode, 0, top.stderr.decode())
        self.assertIn(b"Total samples = %d" % sum(counts.values()), top.stdout)

    def test_flamegraph(self):
        document = xml.dom.minidom.parseString(self.report("-i", self.many))
        titles = [node.firstChild.data for node in document.getElementsByTagName("title")]
        total = SAMPLES * sum(self.stacks().values())
        self.assertTrue(titles[0].startswith("all \u2014 %d samples, 100.00%%" % total), titles[0])
        for stack in self.stacks():
            self.assertTrue(any(title.startswith(stack.split(";")[-1]) for title in titles), stack)

    def test_html(self):
        page = self.report("-i", "--source", "-f", "html", self.many)
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
        self.assertEqual(
            sum(node[2] for node in data["nodes"]), SAMPLES * sum(self.stacks().values())
        )
        self.assertTrue(data["sources"])
        self.assertNotRegex(page, r"(src|href)=|https?://")
        chromium = shutil.which("chromium")
        if chromium is None:
            self.skipTest("all but drawing it passed: there is no chromium")
        path = self.target.path("page.html")
        with open(path, "w") as file:
            file.write(page)
        drawn = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
            + ["file://%s#functions" % path],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,
        ).stdout.decode()
        text = self.report("-i", "-f", "text", self.many).splitlines()
        rows = text[text.index("") + 2 :]
        self.assertEqual(drawn.count("<tr>") - 1, len(rows))

    def test_ndjson_and_text(self):
        lines = [json.loads(line) for line in self.report("-i", "-f", "ndjson", self.many).splitlines()]
        stacks = [line for line in lines if line["type"] == "stack"]
        self.assertEqual(sum(s["samples"] for s in stacks), SAMPLES * sum(self.stacks().values()))
        text = self.report("-i", "-f", "text", self.many)
        self.assertRegex(text, r"^%d samples of 1 process" % SAMPLES)

    def test_processes(self):
        path = self.target.path("family.py")
        with open(path, "w") as file:
            file.write(FAMILY)
        snapshot = self.target.path("family.zst")
        parent = subprocess.Popen(
            self.interpreter.command + [path],
            env=dict(os.environ, **self.interpreter.environment),
            stdout=subprocess.PIPE,
        )
        children = []
        try:
            children = [int(pid) for pid in parent.stdout.readline().split()]
            support.capture(parent.pid, snapshot, "--subprocesses")
        finally:
            for pid in children:
                os.kill(pid, 9)
            parent.kill()
            parent.communicate()
        counts = self.parse_raw(self.report("-i", "-f", "raw", snapshot))
        self.assertEqual(sum(counts.values()), 1)
        self.assertIn("--subprocesses", self.error)
        counts = self.parse_raw(self.report("-i", "-s", "-f", "raw", snapshot))
        self.assertEqual(sum(counts.values()), 3)
        roots = sorted(re.findall(r"process (\d+):", stack) for stack in counts)
        expected = [[parent.pid]] + [[parent.pid, pid] for pid in children]
        self.assertEqual(roots, sorted([str(pid) for pid in pids] for pids in expected))
        self.assertTrue(all(stack.startswith('process %d:"' % parent.pid) for stack in counts))
        counts = self.parse_raw(
            self.report("-i", "-f", "raw", "--pid", str(children[0]), snapshot)
        )
        self.assertEqual(sum(counts.values()), 1)

    def test_merge_and_diff(self):
        merged = self.target.path("merged.zst")
        done = support.run([support.ANALYZE, "merge", "-o", merged] + self.files[:2])
        self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr)
        found = self.parse_raw(self.report("-i", "-f", "raw", merged))
        self.assertEqual(found, self.times(self.stacks(), 2))
        done = support.run([support.ANALYZE, "merge", "-o", merged, self.files[0]])
        self.assertEqual(done.returncode, support.EXIT_FAILED)  # it exists
        done = support.run([support.ANALYZE, "diff", "-i", "-f", "raw", merged, self.many])
        self.assertEqual(done.returncode, support.EXIT_DONE, done.stderr)
        self.assertEqual(
            sorted(done.stdout.decode().splitlines()),
            sorted("%s %d %d" % (s, 2 * c, SAMPLES * c) for s, c in self.stacks().items()),
        )
        done = support.run([support.ANALYZE, "diff", "-i", "-f", "text", merged, self.many])
        self.assertTrue(all("+0.00" in row for row in done.stdout.decode().splitlines()[2:]))
        done = support.run([support.ANALYZE, "diff", "-i", merged, self.many])
        xml.dom.minidom.parseString(done.stdout)

    def test_record_names_its_file(self):
        folder = self.target.path("record")
        os.mkdir(folder)
        done = subprocess.run(
            [os.path.abspath(support.ANALYZE), "record", "-i", "-f", "speedscope", self.many],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        (name,) = os.listdir(folder)
        self.assertRegex(name, r"^[\w.-]+-\d{4}-\d\d-\d\dT\d{6}Z\.json$")
        self.assertIn(name, done.stderr.decode())

    def test_record_loses_no_file_of_the_same_second(self):
        """Programs that end in one second have one name."""
        folder = self.target.path("same-second")
        os.mkdir(folder)
        words = [os.path.abspath(support.ANALYZE), "record", "-i", "-f", "raw", self.many]
        started = [
            subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(12)
        ]
        said = [process.communicate(timeout=60)[1].decode() for process in started]
        self.assertEqual([process.returncode for process in started], [0] * len(started), said)
        names = os.listdir(folder)
        self.assertEqual(sorted(said), sorted("wrote %s\n" % name for name in names))
        for name in names:
            self.assertRegex(name, r"^[\w.-]+-\d{4}-\d\d-\d\dT\d{6}Z(-\d+)?\.txt$")
            with open(os.path.join(folder, name)) as text:
                self.assertEqual(self.parse_raw(text.read()), self.times(self.stacks(), SAMPLES))

    def test_cut_and_foreign_files(self):
        cut = self.target.path("cut.zst")
        with open(self.many, "rb") as many, open(cut, "wb") as file:
            file.write(many.read()[:-20])
        text = self.report("-i", "-f", "raw", cut, expected=support.EXIT_PARTIAL)
        counts = self.parse_raw(text)
        self.assertEqual(set(counts), set(self.stacks()))
        self.assertIn("cut.zst", self.error)
        text = self.report("-i", "-f", "raw", self.files[0], __file__, expected=support.EXIT_PARTIAL)
        self.assertEqual(self.parse_raw(text), self.stacks())
        self.report("-i", "-f", "raw", __file__, expected=support.EXIT_FAILED)


if __name__ == "__main__":
    support.main()
