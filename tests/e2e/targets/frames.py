"""A target with frames of every kind, which the interpreter itself has written down.

    frames.py FOLDER [SCENARIO ...]

As stacks.py, each thread builds a stack and stands still; here each in a scenario of its own, all but
ALONE if none is named. Runs on Python 3.7 and later. FOLDER/expected.json has also the module, the
positions and the scenario of each thread. Frames that the interpreter leaves out are named by who makes
them: HIDDEN.
"""

import json
import os
import signal
import sys
import threading
import time

import stacks

VERSION = sys.version_info[:2]
DEEP = 3000
HIDDEN = {}  # scenario: [index among the frames, name, line]
SCENARIOS = {}
ALONE = ["incomplete_frame"]  # changes how the others' garbage is collected
NAMES = {}  # pthread ident: scenario
FOLDER = None


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def block(*unused, **also_unused):
    """Ends every stack."""
    stacks.THREAD_IDS[threading.get_ident()] = stacks.native_id()
    stacks.ARRIVED.append(None)
    while True:
        time.sleep(10000000)


# --- what is evaluated --------------------------------------------------------------------------------


@scenario
def class_body():
    class Outer(object):
        class Inner(object):
            block()


@scenario
def functions_without_names():
    (lambda x: (lambda: block(
        x)
    )())(1)


@scenario
def comprehensions():
    return [
        {key: {
            block() for _ in range(1)
        } for key in range(1)}
        for _ in range(1)
    ]


@scenario
def generator_expression():
    return list(
        block() for _ in
        (other for other in range(1)))


@scenario
def generator_chain():
    def inner():
        yield 1
        yield block()

    def middle():
        yield from inner()

    def outer():
        result = yield from middle()
        return result

    suspended = [inner(), middle(), outer()]  # on no stack
    for generator in suspended[:2]:
        next(generator)
    for _ in outer():
        pass


@scenario
def coroutine_chain():
    class Awaitable(object):
        def __await__(self):
            yield block()

    async def inner():
        return await Awaitable()

    async def numbers():
        yield 1
        yield await inner()

    class Context(object):
        async def __aenter__(self):
            return [number async for number in numbers()]

        async def __aexit__(self, *unused):
            pass

    async def outer():
        async with Context() as context:
            return context

    outer().send(None)


@scenario
def generator_first_step():
    def generator(argument=block):
        try:
            argument()
        finally:
            yield
    next(generator())


@scenario
def generator_thrown_into():
    def generator():
        try:
            yield
        except ValueError:
            block()

    running = generator()
    next(running)
    running.throw(ValueError())


@scenario
def executed():
    """Code whose globals have no module's name, or another, or one among many keys."""
    source = "def inner(): block()\ndef outer():\n    inner()\n"
    first = {"block": block}
    exec(compile(source, "<made up>", "exec"), first)
    second = {"a": 1, "b": 2, "c": first["outer"], "__name__": "made.up"}
    exec(compile("def middle(): c()\n", "/made/up.py", "exec"), second)
    third = {"d": second["middle"], "__name__": 12}
    exec("\n\n\nclass Body: d()", third)


@scenario
def evaluated():
    eval("[block(\n)\nfor _ in 'x']")


@scenario
def properties_and_operators():
    class Object(object):
        @property
        def attribute(self):
            block()

        def __getitem__(self, index):
            return self.attribute

        def __add__(self, other):
            return self[
                other
            ]

        def __enter__(self):
            return self + 1

        def __exit__(self, *unused):
            pass

        def __getattr__(self, name):
            with self:
                pass

        def __del__(self):
            self.missing

    made = Object()
    del made


@scenario
def constructors():
    class Meta(type):
        def __call__(cls, *arguments):
            return type.__call__(cls, *arguments)

    class Base(object):
        def __init__(self, depth):
            if depth:
                type(self)(depth - 1)
            else:
                block()

    class Derived(Base, metaclass=Meta):
        def __init__(self, depth):
            super().__init__(
                depth)

    Derived(2)


# --- what the interpreter has rewritten ---------------------------------------------------------------

WARM = 3000  # calls until all of it is specialised


class Hot(object):
    """Everything is called often, before the call that stays."""

    __slots__ = ("left",)

    def __init__(self, left=0):
        if left < 0:
            block()

    @property
    def value(self):
        return Hot(self.left)

    def __getitem__(self, index):
        return self.value

    def method(self, *, keyword=1):
        return self[keyword]

    def generate(self):
        for _ in range(2):
            yield self.method(keyword=2)

    def __call__(self):
        for item in self.generate():
            pass
        return item

    def __lt__(self, other):
        return self() is None


def hot(item):
    return (item < item) if item else None


@scenario
def specialised():
    item = Hot()
    for left in range(WARM, -2, -1):
        item.left = left
        hot(
            item)


def recursive(depth):
    if depth:
        return recursive(depth - 1)
    block()


@scenario
def deep():
    recursive(DEEP)


class Made(object):
    """Made by a call that is specialised: 3.13 and later put a frame of their own below __init__."""

    def __init__(self, left):
        if left < 0:
            block()


def make(left):
    return Made(left)


@scenario
def specialised_constructor():
    for left in range(WARM, -2, -1):
        make(left)


@scenario
def deep_from_c():
    def again(depth):
        return max([depth], key=lambda _: again(depth - 1)) if depth else block()
    again(100)


@scenario
def extended_arguments():
    """Positions behind EXTENDED_ARG: many names, many arguments, long jumps."""
    names = "\n".join("    v%d = %d.5" % (i, i) for i in range(400))
    source = (
        "def wide(name_%(last)d=None):\n%(names)s\n"
        "    for _ in range(2):\n"
        "        if v1 == v2:\n%(skipped)s\n"
        "        else:\n"
        "            many(*(v399, ), **{'a': 1,\n 'k': block(v398,\n%(arguments)s\n)})\n"
    ) % {
        "last": 7,
        "names": names,
        "skipped": "\n".join("            v%d = g%d(v%d)" % (i, i, i) for i in range(400)),
        "arguments": ",\n".join("v%d" % i for i in range(300)),
    }
    namespace = {"block": block, "many": block, "__name__": "extended"}
    exec(compile(source, "/made/extended.py", "exec"), namespace)
    namespace["wide"]()


# --- while somebody looks on --------------------------------------------------------------------------


@scenario
def traced():
    def tracer(frame, event, argument):
        return tracer

    def target():
        x = [1,
             block()]
        return x

    sys.settrace(tracer)
    target()


@scenario
def inside_a_tracer():
    """The tracer's own frame, and the traced one at a line event."""
    def tracer(frame, event, argument):
        if frame.f_code is target.__code__ and event == "line" and frame.f_lineno >= last:
            block()
        return tracer

    def target():
        x = 1
        y = 2
        z = [x,
             y]
        return z

    last = target.__code__.co_firstlineno + 3
    sys.settrace(tracer)
    target()


@scenario
def inside_a_tracer_at_a_call():
    def tracer(frame, event, argument):
        if frame.f_code is target.__code__:
            block()

    def target():
        return 1

    sys.settrace(tracer)
    target()


@scenario
def inside_a_tracer_at_a_return():
    def tracer(frame, event, argument):
        if frame.f_code is target.__code__ and event == "return":
            block()
        return tracer

    def target():
        return (
            1)

    sys.settrace(tracer)
    target()


@scenario
def profiled():
    def profiler(frame, event, argument):
        if event == "c_call" and frame.f_code is target.__code__:
            block()

    def target():
        return sorted(
            [1])

    sys.setprofile(profiler)
    target()


if VERSION >= (3, 12):
    def monitored(events, callbacks):
        """Watch one function by sys.monitoring; other threads run the same code in peace."""
        monitoring = sys.monitoring
        tool = 3
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, "frames")
        for name, callback in callbacks.items():
            monitoring.register_callback(tool, getattr(monitoring.events, name), callback)
        return lambda code: monitoring.set_local_events(
            tool, code, sum(getattr(monitoring.events, name) for name in events))

    @scenario
    def monitored_lines_and_instructions():
        """Every instruction replaced by an instrumented one."""
        def target(depth):
            if depth:
                return target(
                    depth - 1)
            return [
                block() for _ in (1,)]

        monitored(["LINE", "INSTRUCTION", "PY_START", "CALL", "BRANCH", "JUMP"], {})(target.__code__)
        target(3)

    @scenario
    def inside_a_monitor():
        def target():
            x = 1
            return (x +
                    1)

        def look(code, *unused):
            if code is target.__code__:
                block()

        monitored(["PY_RETURN"], {"PY_RETURN": look})(target.__code__)
        target()


@scenario
def in_a_finalizer_of_garbage():
    import gc

    class Cycle(object):
        def __del__(self):
            block()

    def target():
        cycle = Cycle()
        cycle.self = cycle
        del cycle
        return gc.collect()

    target()


if VERSION == (3, 11):
    @scenario
    def incomplete_frame():
        """Garbage is collected while a function's cells are made, before its first line: 3.11 leaves
        its frame out of what it shows. Later versions collect at places where frames are complete."""
        import gc

        def caller():
            target()

        def target(kept=1):
            return lambda: kept

        def look(phase, information):
            frame = sys._getframe(1)
            if phase == "start" and frame.f_code is caller.__code__:
                block()

        class Counted(object):
            pass

        code = target.__code__
        HIDDEN["incomplete_frame"] = [2, code.co_qualname, code.co_firstlineno]
        gc.callbacks.append(look)
        gc.set_threshold(50)
        for count in range(100):
            gc.disable()
            gc.collect()
            kept = [Counted() for _ in range(count)]
            gc.enable()
            caller()
            del kept


@scenario
def importing():
    name = "frames_imported"
    with open(os.path.join(FOLDER, name + ".py"), "w") as file:
        file.write('"""A module."""\nfrom __main__ import block\n\nclass Body:\n    block()\n')
    os.mkdir(os.path.join(FOLDER, "frames_package"))
    with open(os.path.join(FOLDER, "frames_package", "__init__.py"), "w") as file:
        file.write("from . import inner\n")
    with open(os.path.join(FOLDER, "frames_package", "inner.py"), "w") as file:
        file.write("import %s\n" % name)
    import frames_package  # noqa: F401


def signal_handler(number, frame):
    block()


def in_signal_handler():
    """The main thread: the frame below the handler's is at whatever instruction looked."""
    def target(times):
        total = 0
        while True:
            total += times
            if total == times * 1000:
                os.kill(os.getpid(), signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, signal_handler)
    target(3)


# --- the report ---------------------------------------------------------------------------------------


def describe(frame):
    frames = []
    for plain in stacks.describe_plain(frame):
        code = frame.f_code
        name = frame.f_globals.get("__name__")
        positions = None
        if VERSION >= (3, 11) and frame.f_lasti >= 0:
            positions = list(code.co_positions())[frame.f_lasti // 2]
        plain["module"] = name if isinstance(name, str) else None
        plain["positions"] = positions
        frames.append(plain)
        frame = frame.f_back
    return frames


def put(folder, name, content):
    if name == "expected.json":
        expected = json.loads(content.decode())
        for thread in expected["threads"]:
            thread["scenario"] = NAMES.get(thread["ident"], "main")
        expected["hidden"] = HIDDEN
        content = json.dumps(expected).encode("ascii")
    stacks.put_plain(folder, name, content)


def run(name):
    NAMES[threading.get_ident()] = name
    try:
        SCENARIOS[name]()
    finally:
        sys.settrace(None)
        sys.stderr.write("scenario %s came to its end\n" % name)
        os._exit(70)


def main(folder, names):
    global FOLDER
    FOLDER = folder
    stacks.permit_tracing()
    stacks.describe_plain, stacks.describe = stacks.describe, describe
    stacks.put_plain, stacks.put = stacks.put, put
    sys.path.insert(0, folder)
    sys.setrecursionlimit(DEEP * 2)
    threading.stack_size(64 << 20)
    names = names or sorted(set(SCENARIOS) - set(ALONE))
    for name in names:
        count = len(stacks.ARRIVED)
        threading.Thread(target=run, args=(name,), name=name, daemon=True).start()
        while len(stacks.ARRIVED) == count:
            time.sleep(0.001)
    threading.Thread(target=stacks.report, args=(folder, len(names) + 1), daemon=True).start()
    in_signal_handler()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
