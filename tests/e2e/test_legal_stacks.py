"""In thousands of samples of a program that can only have certain stacks, no other stack appears."""

import collections
import re

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, Target

# What these look for happens rarely.
SECOND_TRY = False

SAMPLES = 400 if SMALL else 2000
RATE = 1000
THREADS = 5
MANY_THREADS = 100
# Some functions take microseconds of a turn: on a busy machine one run may not meet enough of them.
ROUNDS = 5

Call = collections.namedtuple("Call", "callee condition")
Function = collections.namedtuple("Function", "first last start calls")


def read_grammar(path):
    """{function without its prefix: Function}, of the text that targets/legal_stacks.py explains."""
    functions = {}
    with open(path) as file:
        lines = file.read().replace("t0_", "").splitlines()
    name = None
    for number, line in enumerate(lines, 1):
        found = re.match(r"(?:async )?def (\w+)\(", line)
        if found:
            name = found.group(1)
            start = re.search(r"# from (\d+)", line)
            decorated = lines[number - 2].startswith("@")
            functions[name] = Function(
                number - decorated, None, int(start.group(1)) if start else None, collections.defaultdict(list)
            )
        if name and line.strip():
            functions[name] = functions[name]._replace(last=number)
        found = re.search(r"# -> (\w+)(?: if (.*))?$", line)
        if found:
            condition = compile(found.group(2) or "True", path, "eval")
            functions[name].calls[number].append(Call(found.group(1), condition))
    return functions


def find_violation(grammar, stack):
    """Why the program cannot have had the stack of (function, line), outermost first, or None."""
    depths = collections.Counter()
    if stack[0][0] != "run":
        return "it does not begin with the thread's first function"
    for index, (name, line) in enumerate(stack):
        function = grammar.get(name)
        if function is None:
            return "%s does not belong there" % name
        # 3.10 gives a generator's first instruction (GEN_START) no line.
        if line != 0 and not function.first <= line <= function.last:
            return "%s has no line %d" % (name, line)
        depths[name] += 1
        if index + 1 == len(stack):
            return None
        callee = stack[index + 1][0]
        facts = {"n": function.start - depths[name] + 1} if function.start is not None else {}
        if not any(
            call.callee == callee and eval(call.condition, dict(facts))
            for call in function.calls.get(line, [])
        ):
            return "%s does not call %s in line %d %s" % (name, callee, line, facts or "")
    return None


class LegalStacksTest(EndToEndTest):
    interpreter = None

    def sample(self, target, count):
        """{stack of (label, file, line), outermost first: how often}; what was not read whole fails."""
        path = target.path("run.zst")
        support.capture(target.pid, path, "-r", str(RATE), "--count", str(count))
        done = support.check([support.ANALYZE, "report", "-i", "-f", "raw", "--full-filenames", path])
        self.assertEqual(done.stderr.decode(), "")
        stacks = collections.Counter()
        for line in done.stdout.decode().splitlines():
            text, _, count = line.rpartition(" ")
            frames = [re.fullmatch(r"(.*?) \((.*?)(?::(\d+))?\)", label) for label in text.split(";")]
            self.assertTrue(all(frames), line)
            stacks[tuple((f.group(1), f.group(2), int(f.group(3) or 0)) for f in frames)] += int(count)
        return stacks

    def assert_would_be_seen(self, grammar, stack):
        """The check is worth something: a frame that is left out or doubled does not pass it."""
        for index in range(1, len(stack) - 1):
            name = stack[index][0]
            # What calls itself and is not counted, or whose count tells the last call only, may pass;
            # so may what is counted if it is innermost: it calls nothing that its count forbids.
            if name in ("ping", "pong", "raise"):
                continue
            if name == stack[-1][0] and grammar[name].start is not None:
                continue
            for wrong in (stack[:index] + stack[index + 1 :], stack[:index] + stack[index:index + 1] + stack[index:]):
                if wrong != stack:
                    self.assertIsNotNone(find_violation(grammar, wrong), wrong)

    def check(self, target, threads, samples):
        """Fails at a stack that cannot be; (functions of the text, those that were met)."""
        prefixes = {target.path("legal_%d.py" % number): "t%d_" % number for number in range(threads)}
        grammar = read_grammar(target.path("legal_0.py"))
        met = collections.Counter()
        for stack, count in self.sample(target, samples).items():
            inside = [frame for frame in stack if frame[1] in prefixes]
            if not inside:
                continue
            path = inside[0][1]
            # All behind the first one is of the same thread.
            if inside != list(stack[len(stack) - len(inside) :]) or {f[1] for f in inside} != {path}:
                self.fail("frames of others are between those of a thread:\n%s" % (stack,))
            self.assertTrue(all(name.startswith(prefixes[path]) for name, _, _ in inside), inside)
            # But for the prefix the text of all threads is the same.
            met[tuple((name[len(prefixes[path]) :], line) for name, _, line in inside)] += count
        self.assertIsNone(target.process.poll(), target.output())
        for stack in met:
            violation = find_violation(grammar, stack)
            if violation:
                self.fail("%s:\n%s" % (violation, "\n".join("%s:%d" % frame for frame in stack)))
            self.assert_would_be_seen(grammar, stack)
        # Nearly all of it was inside.
        self.assertGreater(sum(met.values()), samples * threads * 9 // 10)
        return set(grammar), {name for stack in met for name, _ in stack}


@template
class LegalStacks(LegalStacksTest):
    def test_no_other_stack(self):
        with Target(self.interpreter, "legal_stacks.py", THREADS, 600, 0.0005) as target:
            target.wait_for("started")
            met = set()
            for _ in range(ROUNDS):
                functions, met_now = self.check(target, THREADS, SAMPLES)
                met |= met_now
                if len(met) > len(functions) * 3 // 4:
                    break
            # Most functions were met: what was looked at is not one moment of the program again and again.
            self.assertGreater(len(met), len(functions) * 3 // 4, sorted(functions - met))


@template
class LegalStacksMany(LegalStacksTest):
    """
    So many threads that the stacks of those that wait are read before the one that runs is stopped
    (capture/early_read.h), which is done where frames lie on a stack of their own: from 3.11 on.
    """

    def test_no_other_stack(self):
        # A GIL that changes hands as often as above would leave no time to read early.
        with Target(self.interpreter, "legal_stacks.py", MANY_THREADS, 600, 0.01) as target:
            target.wait_for("started")
            self.check(target, MANY_THREADS, SAMPLES // 10)


for _interpreter in find_interpreters():
    if not _interpreter.undecoded:
        add_class(globals(), LegalStacks, _interpreter.name, interpreter=_interpreter)
        if _interpreter.version >= (3, 11):
            add_class(globals(), LegalStacksMany, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
