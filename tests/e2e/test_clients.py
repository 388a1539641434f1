"""Reports opened in the programs that they are made for: speedscope, `go tool pprof`, flamegraph.pl, and
Chromium, in which search and zoom are clicked through. Who is not on the machine is skipped
(scripts/install-deps --dev and scripts/make-clients install them)."""

import base64
import collections
import glob
import html
import itertools
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.dom.minidom

import browser
import interpreters
import support
from support import EndToEndTest, Target

SAMPLES = 60
CLIENTS = os.environ.get(
    "PYSPY_CLIENTS", os.path.join(support.FOLDER, os.pardir, os.pardir, "build", "clients")
)

# "Trace Event Format" (the document of Chrome's tracing, that Perfetto reads too): what each kind of event
# that reports have must have, and may have.
EVENT_FIELDS = {
    "B": ({"ph", "pid", "tid", "ts", "name", "cat"}, {"args"}),
    "E": ({"ph", "pid", "tid", "ts"}, {"name", "cat", "args"}),
    "M": ({"ph", "pid", "tid", "name", "args"}, {"cat", "ts"}),
}
METADATA = {"process_name": "name", "thread_name": "name", "process_labels": "labels"}


def check_trace_events(text):
    """Hold a trace against the format. Gives {(pid, tid): {stack: microseconds}}."""
    trace = json.loads(text)
    unknown = set(trace) - {"traceEvents", "displayTimeUnit", "otherData", "metadata", "stackFrames"}
    assert not unknown, unknown
    assert trace.get("displayTimeUnit", "ms") in ("ms", "ns")
    stacks = collections.defaultdict(list)
    last = {}
    spent = collections.defaultdict(collections.Counter)
    for event in trace["traceEvents"]:
        needed, allowed = EVENT_FIELDS[event["ph"]]
        assert needed <= set(event) <= needed | allowed, event
        assert type(event["pid"]) is int and type(event["tid"]) is int, event
        key = event["pid"], event["tid"]
        if event["ph"] == "M":
            assert isinstance(event["args"][METADATA[event["name"]]], str), event
            continue
        assert isinstance(event["ts"], (int, float)) and event["ts"] >= 0, event
        assert event["ts"] >= last.get(key, 0), "time goes backwards: %r" % event
        stack = stacks[key]
        spent[key][tuple(stack)] += event["ts"] - last.get(key, event["ts"])
        last[key] = event["ts"]
        if event["ph"] == "B":
            assert isinstance(event.get("args", {}), dict)
            stack.append(event["name"])
        else:
            assert stack and stack.pop() == event.get("name"), event
    assert not any(stacks.values()), "an event does not end"
    return spent


class Clients(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        interpreter = interpreters.newest_supported()
        if interpreter is None:
            raise unittest.SkipTest("no interpreter that is supported")
        cls.target = Target(interpreter, "moving.py", 3, 600)
        cls.addClassCleanup(cls.target.close)
        cls.target.wait_for("tree.json")
        cls.run_file = cls.target.path("run.zst")
        cls.numbers = itertools.count()
        support.capture(cls.target.pid, cls.run_file, "-r", "100", "--count", str(SAMPLES))

    def report(self, form, *words, command=("report",), files=None):
        path = self.target.path("%d.%s" % (next(self.numbers), form))
        support.check(
            [support.ANALYZE] + list(command) + ["-i", "-f", form, "-o", path]
            + list(words) + (files or [self.run_file])
        )
        return path

    def read(self, *arguments, **keywords):
        with open(self.report(*arguments, **keywords), encoding="utf-8") as file:
            return file.read()

    def raw(self, *words):
        """{stack as a tuple of labels, outermost first: samples}."""
        counts = collections.Counter()
        for line in self.read("raw", *words).splitlines():
            stack, _, count = line.rpartition(" ")
            counts[tuple(stack.split(";"))] += int(count)
        return counts

    def need(self, program):
        found = shutil.which(program)
        if found is None:
            self.skipTest("there is no %s" % program)
        return found

    def open_browser(self):
        if browser.find() is None:
            self.skipTest("there is no chromium")
        window = browser.Browser()
        self.addCleanup(window.close)
        return window

    def assert_quiet(self, window, path):
        """Nothing went wrong in the page, and it asked for nothing but itself."""
        self.assertEqual(window.complaints(), [])
        self.assertEqual(window.requests(), ["file://" + path])

    # --- programs of the command line

    def test_go_pprof(self):
        go = self.need("go")
        path = self.report("pprof")
        functions = collections.Counter()
        for stack, count in self.raw("--nolineno").items():
            functions[stack[-1].rpartition(" (")[0]] += count
        total = sum(functions.values())
        done = support.check([go, "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", path])
        text = done.stdout.decode()
        self.assertIn("Type: samples", text)
        self.assertIn("accounting for %d, 100%% of %d total" % (total, total), text.lower())
        shown = collections.Counter()
        for flat, name in re.findall(r"^ *(\d+) +[\d.]+% +[\d.]+% +\d+ +[\d.]+% +(\S.*)$", text, re.MULTILINE):
            shown[name] += int(flat)
        self.assertEqual(+shown, functions)
        for unit in ("wall", "cpu"):
            done = support.check([go, "tool", "pprof", "-top", "-sample_index=" + unit, path])
            self.assertIn("Type: " + unit, done.stdout.decode())
        done = support.check([go, "tool", "pprof", "-traces", path])
        self.assertIn(max(functions, key=functions.get), done.stdout.decode())

    def test_flamegraph_pl(self):
        perl = self.need("perl")
        scripts = [shutil.which("flamegraph.pl")] + glob.glob("/usr/share/perl5/**/flamegraph.pl", recursive=True)
        scripts = [path for path in scripts if path]
        if not scripts:
            self.skipTest("there is no flamegraph.pl")
        done = support.check(
            [perl, scripts[0], "--minwidth", "0", "--countname", "samples", self.report("raw")]
        )
        self.assertNotIn(b"gnored", done.stderr)  # "Ignored N lines with invalid format"
        theirs = collections.Counter()
        for label, count in re.findall(
            r"<title>(.*?) \(([\d,]+) samples?, [\d.]+%\)</title>", done.stdout.decode()
        ):
            theirs[(html.unescape(label), int(count.replace(",", "")))] += 1
        document = xml.dom.minidom.parseString(self.read("flamegraph"))
        ours = collections.Counter()
        for node in document.getElementsByTagName("title"):
            label, count = re.fullmatch(r"(.*) \u2014 (\d+) samples?, [\d.]+%", node.firstChild.data).groups()
            # It writes those characters of names as these.
            ours[(label.replace("<", "(").replace(">", ")"), int(count))] += 1
        self.assertEqual((theirs - ours, ours - theirs), ({}, {}))

    def test_trace_event_format(self):
        spent = check_trace_events(self.read("chrometrace"))
        self.assertEqual({pid for pid, _ in spent}, {self.target.pid})
        wall = collections.Counter()
        for stacks in spent.values():
            for stack, microseconds in stacks.items():
                wall[stack] += microseconds
        expected = collections.Counter()
        for stack, microseconds in self.raw("--weight", "wall").items():
            expected[tuple(label.rpartition(" (")[0] for label in stack)] += microseconds
        wall.pop((), None)
        self.assertEqual(set(+wall), set(expected))
        for stack, microseconds in (+wall).items():
            self.assertAlmostEqual(microseconds, expected[stack], delta=SAMPLES)

    # --- speedscope

    def speedscope_page(self):
        pages = glob.glob(os.path.join(CLIENTS, "node_modules/speedscope/dist/release/index.html"))
        if not pages:
            self.skipTest("there is no speedscope in %s (scripts/make-clients)" % CLIENTS)
        return os.path.abspath(pages[0])

    def load_in_speedscope(self, window, path):
        """As its own command line does it."""
        script = path + ".js"
        with open(path, "rb") as file, open(script, "w") as js:
            text = base64.b64encode(file.read()).decode()
            js.write('speedscope.loadFileFromBase64("%s", "%s")' % (os.path.basename(path), text))
        window.open(self.speedscope_page(), "#localProfilePath=" + script)
        window.wait("document.title.endsWith(' - speedscope')")

    def test_speedscope(self):
        self.speedscope_page()
        window = self.open_browser()
        names = {label.rpartition(" (")[0] for stack in self.raw() for label in stack}
        for form in ("speedscope", "raw", "chrometrace", "pprof"):
            with self.subTest(form=form):
                self.load_in_speedscope(window, self.report(form))
                text = window.run("document.body.innerText")
                self.assertNotIn("went wrong", text)
                rows = "[...document.querySelectorAll('table tr')]"
                if form in ("speedscope", "chrometrace"):
                    self.check_threads(window, rows)
                # The table of functions.
                window.key("3")
                window.wait("document.body.innerText.includes('Symbol Name')")
                shown = window.run(
                    "%s.filter(row => row.innerText.includes('%%')).map(row => row.lastChild.innerText)" % rows
                )
                self.assertTrue(shown)
                for name in shown:
                    # Of a trace it shows the arguments behind the name.
                    self.assertIn(name.partition(" ")[0], names)
                self.assertEqual(window.complaints(), [])

    def check_threads(self, window, rows):
        """The profiles that it offers: one for each thread, with the time that it has in the report."""
        profiles = json.loads(self.read("speedscope"))["profiles"]
        window.wait("%s.length" % rows)
        shown = window.run("%s.map(row => row.innerText)" % rows)[1:]
        self.assertEqual(len(shown), len(profiles), shown)
        for profile in profiles:
            title = re.sub(r"^thread \d+(: )?", "", profile["name"])
            (row,) = [row for row in shown if title in row]
            nanoseconds = profile["endValue"]
            shown_time = "%.2fs" % (nanoseconds / 1e9) if nanoseconds >= 1e9 else "%.2fms" % (nanoseconds / 1e6)
            self.assertIn(shown_time, row)

    # --- pages

    def test_svg(self):
        window = self.open_browser()
        path = self.report("flamegraph")
        svg = path + ".svg"
        os.rename(path, svg)
        window.open(svg)
        every = "[...document.querySelectorAll('#frames > svg')]"
        label = "(e => e.querySelector('title').textContent)"
        # The narrowest that can still be hit with a mouse, of those that are below another.
        chosen = "%s.filter(e => e.querySelector('rect').getBoundingClientRect().width > 4 && +e.dataset.d > 4).pop()" % every
        name = window.run("%s(%s)" % (label, chosen))
        depth = window.run("+%s.dataset.d" % chosen)
        start = window.run("[+%s.dataset.s, +%s.dataset.w]" % (chosen, chosen))
        place = window.place_of("%s.querySelector('rect')" % chosen)
        window.move(*place)
        self.assertEqual(window.run("document.getElementById('details').textContent"), name)
        window.click(*place)
        # What is left is the frame, its callers, all as wide as the page, and what it called.
        left = window.run(
            "%s.filter(e => e.style.display !== 'none').map(e => "
            "[+e.dataset.d, +e.dataset.s, +e.dataset.w, e.getAttribute('width')])" % every
        )
        self.assertEqual(len([1 for item in left if item[0] <= depth]), depth + 1)
        for level, first, weight, width in left:
            if level <= depth:
                self.assertEqual(width, "100%")
            else:
                self.assertTrue(start[0] <= first and first + weight <= sum(start), (level, first, weight))
        window.click_on("document.getElementById('reset')")
        self.assertEqual(window.run("%s.filter(e => e.style.display === 'none').length" % every), 0)

        # Search, by the mouse and by the keyboard; an invalid expression is a text.
        function = name.partition(" (")[0]
        expected = 100 * sum(
            count for stack, count in self.raw().items() if any(l.startswith(function + " ") for l in stack)
        ) / sum(self.raw().values())
        for ask in (lambda: window.click_on("document.getElementById('search')"), lambda: window.key("/")):
            window.answer = "^%s " % function
            ask()
            self.assertEqual(
                window.run("document.getElementById('search').textContent"),
                "Found %.2f%% (clear)" % expected,
            )
            self.assertTrue(window.run("%s.every(e => e.classList.contains('found') === "
                                       "%s(e).startsWith('%s '))" % (every, label, function)))
            window.click_on("document.getElementById('search')")
            self.assertEqual(window.run("document.querySelectorAll('.found').length"), 0)
        window.answer = "%s (" % function
        window.key("/")
        self.assertGreater(window.run("document.querySelectorAll('.found').length"), 0)
        self.assert_quiet(window, svg)

    def test_svg_light_and_dark(self):
        window = self.open_browser()
        path = self.report("flamegraph")
        svg = path + ".svg"
        os.rename(path, svg)
        colors = []
        for scheme in ("light", "dark"):
            window.prefer(scheme)
            window.open(svg)
            colors.append(window.run("getComputedStyle(document.documentElement).backgroundColor"))
            colors.append(window.run("getComputedStyle(document.querySelector('.words')).fill"))
        self.assertEqual(len(set(colors)), 4, colors)


    def open_page(self, window, *words, fragment=""):
        path = self.report("html", *words)
        page = path + ".html"
        os.rename(path, page)
        window.open(page, fragment)
        return page

    DETAILS = "document.getElementById('details').textContent"

    def test_html_graphs(self):
        """Zoom by mouse and by keyboard, search, all views."""
        window = self.open_browser()
        page = self.open_page(window)
        total = sum(self.raw().values())
        self.assertIn("%d samples, 100.00%%" % total, window.run(self.DETAILS))
        # With the mouse: the graph's outermost frames are in its second row.
        x, y = window.place_of("document.getElementById('graph')", 0.75, 0)
        window.move(x, y + 18 + 9)
        outermost = window.run(self.DETAILS)
        counts = collections.Counter()
        for stack, count in self.raw().items():
            counts[stack[0]] += count
        label = outermost.splitlines()[0]
        self.assertIn("%d samples" % counts[label], outermost)
        window.click(x, y + 18 + 9)
        self.assertFalse(window.run("document.getElementById('reset').hidden"))
        window.click_on("document.getElementById('reset')")
        self.assertTrue(window.run("document.getElementById('reset').hidden"))
        # With the keyboard: down the widest frames to the innermost, which is zoomed to.
        window.run("document.getElementById('graph').focus()")
        seen = []
        for _ in range(60):
            window.key("ArrowDown")
            label = window.run(self.DETAILS).splitlines()[0]
            if seen and seen[-1] == label:
                break
            seen.append(label)
        self.assertGreater(len(seen), 2)
        self.assertTrue(any(stack[: len(seen) - 1] == tuple(seen[1:]) for stack in self.raw()), seen)
        window.key("Enter")
        self.assertFalse(window.run("document.getElementById('reset').hidden"))
        window.key("Escape")
        self.assertTrue(window.run("document.getElementById('reset').hidden"))
        # Search.
        window.click_on("document.getElementById('search')")
        window.type("^t0_")
        part = sum(c for stack, c in self.raw().items() if any(l.startswith("t0_") for l in stack))
        self.assertEqual(
            window.run("document.getElementById('found').textContent"), "found %.2f%%" % (100 * part / total)
        )
        self.assert_quiet(window, page)

    def test_html_tables_and_timeline(self):
        window = self.open_browser()
        page = self.open_page(window, fragment="#functions")
        rows = "[...document.querySelectorAll('#table tbody tr')].map(row => row.innerText.split('\\t'))"
        functions = self.read("text").splitlines()
        functions = functions[functions.index("") + 2 :]
        self.assertEqual(len(window.run(rows)), len(functions))
        # Sorted by what is clicked on, or chosen by the keyboard.
        window.click_on("document.querySelectorAll('#table th')[3]")
        totals = [int(row[3].split()[0]) for row in window.run(rows)]
        self.assertEqual(totals, sorted(totals, reverse=True))
        window.run("document.querySelectorAll('#table th')[2].focus()")
        window.key("Enter")
        own = [int(row[2].split()[0]) for row in window.run(rows)]
        self.assertEqual(own, sorted(own, reverse=True))
        self.assertEqual(sum(own), sum(self.raw().values()))
        # A thread alone.
        tid = window.run("document.querySelectorAll('#thread option')[1].textContent").split()[1].rstrip(":")
        window.run(
            "(e => { e.selectedIndex = 1; e.dispatchEvent(new Event('change')); })"
            "(document.getElementById('thread'))"
        )
        own = [int(row[2].split()[0]) for row in window.run(rows)]
        self.assertEqual(sum(own), sum(self.raw("--tid", tid).values()))
        window.run("[...document.querySelectorAll('#views button')].pop().focus()")
        window.key("Enter")
        self.assertEqual(window.run("document.querySelectorAll('.lane').length"), 1)
        place = window.place_of("document.querySelector('.lane canvas')")
        window.move(*place)
        stacks = {label for stack in self.raw("--tid", tid) for label in stack}
        inner = window.run(self.DETAILS).partition(" s: ")[2].split(" < ")[0]
        self.assertIn(inner, stacks)
        self.assert_quiet(window, page)

    def test_html_light_and_dark(self):
        window = self.open_browser()
        colors = []
        for scheme in ("light", "dark"):
            window.prefer(scheme)
            self.open_page(window)
            colors.append(window.run("getComputedStyle(document.body).backgroundColor"))
            colors.append(window.run("getComputedStyle(document.body).color"))
        self.assertEqual(colors[0::2] + colors[1::2], ["rgb(255, 255, 255)", "rgb(20, 22, 26)",
                                                      "rgb(29, 33, 41)", "rgb(227, 229, 233)"])
        window.click_on("document.getElementById('theme')")
        self.assertEqual(window.run("getComputedStyle(document.body).backgroundColor"), colors[0])

    def test_html_of_a_big_tree(self):
        """What is too light is folded, and said; all of the weight is in the page."""
        target = Target(interpreters.newest_supported(), "many_stacks.py", 6, 600)
        self.addCleanup(target.close)
        target.wait_for("started")
        run = target.path("big.zst")
        support.capture(target.pid, run, "-r", "50", "--count", "150")
        page = self.read("html", files=[run])
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
        lines = [json.loads(line) for line in self.read("ndjson", files=[run]).splitlines()]
        total = next(line["samples"] for line in lines if line["type"] == "report")
        self.assertEqual(sum(node[2] for node in data["nodes"]), total)
        kept, places = map(int, re.search(r"<li>(\d+) of (\d+) places", page).groups())
        self.assertGreater(places, 45000)
        folded = [node for node in data["nodes"] if node[1] == len(data["frames"])]
        self.assertEqual(len(data["nodes"]) - len(folded), places - kept)
        self.assertEqual(places - kept, 40000)
        self.assertTrue(all(node[0] < index for index, node in enumerate(data["nodes"])))
        self.assertLess(len(page), 8 << 20)
        window = self.open_browser()
        path = self.target.path("big.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)
        for view in ("icicle", "flame", "functions", "lines", "timeline"):
            window.open(path, "#" + view)
            self.assertEqual(window.complaints(), [])
        self.assertIn("folded", window.run("document.getElementById('missing').textContent"))


if __name__ == "__main__":
    support.main()
