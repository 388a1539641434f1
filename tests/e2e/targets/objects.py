# -*- coding: utf-8 -*-
"""Objects of every kind. FOLDER/objects.json says for each its address, the text that is expected,
which is repr() unless said otherwise, and in how many characters.

    objects.py FOLDER
"""

import collections
import datetime
import json
import os
import sys
import time
import types

PYTHON2 = sys.version_info[0] == 2
KEPT = []  # nothing may be freed
ROWS = []  # [what, address, characters, text]
if PYTHON2:
    unichr_, text_type = unichr, unicode  # noqa: F821
else:
    unichr_, text_type = chr, str


def add(what, value, expected=None, characters=20000):
    KEPT.append(value)
    ROWS.append([what, "%x" % id(value), characters, repr(value) if expected is None else expected])


def add_all(what, values):
    for number, value in enumerate(values):
        add("%s %d" % (what, number), value)


def numbers():
    add_all("constant", [None, True, False, Ellipsis, NotImplemented])
    add_all("int", [0, 1, -1, 5, -5, 255, 256, 257, 2 ** 30 - 1, 2 ** 30, -(2 ** 30), 2 ** 31, 2 ** 60 - 1,
                    2 ** 60, 2 ** 63 - 1, 2 ** 63, -(2 ** 63), 2 ** 64, 10 ** 18, 10 ** 27, 10 ** 100,
                    -(10 ** 100) - 1, 3 ** 2000, 10 ** 4000 + 7])
    if PYTHON2:
        add_all("unicode", [u"\U0001f40d", u"a", u"\x10\x00"])
    add("int bits", 1 << 40000, "<int of 40001 bits>")
    add("int bits negative", -(1 << 40000), "<negative int of 40001 bits>")
    floats = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3.0, 1e15, 1e16, 1e17, 123456789012345680.0, 1e22, 1e-4,
              1e-5, 1.5e-7, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 100.0, 123.456,
              9007199254740993.0, 0.5, 1e100, float("inf"), -float("inf"), float("nan"), 3.14, 2.5e-5,
              1234567.125, 0.00012345, 12345678901234567.0]
    add_all("float", floats)
    add_all("complex", [0j, 1j, -1j, 1 + 2j, 1.5 - 2.5j, complex(-0.0, 1), complex(1, -0.0),
                        complex(float("nan"), float("inf")), complex(0, -float("inf")), 1e20 + 1e-20j])


def strings():
    texts = [u"", u"a", u"it's", u'say "x"', u"both ' and \"", u"back\\slash", u"\t\n\r", u"\x00\x01\x1f\x7f",
             u"naïve", u"\x80\xa0\xad\xff", u"поток", u"スレッド", u"\u2028\u202e\u200b\ufeff", u"\ue000",
             u"x" * 5000]
    if not PYTHON2:
        texts += ["\U0001f40d astral", "\ud800 lone", "\U000e0001", "\U0010ffff", "é" * 300, "я" * 300]
    add_all("str", texts)
    add_all("bytes", [b"", b"a", b"it's", b'say "x"', b"both ' and \"", b"\\", b"\t\n\r\x00\x7f\x80\xff",
                      bytes(bytearray(range(256)))])
    add_all("bytearray", [bytearray(b""), bytearray(b"it's"), bytearray(range(256))])
    shifted = bytearray(b"0123456789")
    del shifted[:3]
    add("bytearray shifted", shifted)


def containers():
    add_all("tuple", [(), (1,), (1, 2), ("a", (1.5, None)), tuple(range(1000))])
    add_all("list", [[], [1], [1, [2, [3, [4]]]], list(range(1000)), ["x"] * 100])
    own = [1]
    own.append(own)
    add("list in itself", own)
    inside = ([],)
    inside[0].append(inside)
    add("tuple in itself", inside)
    own = {}
    own["x"] = own
    add("dict in itself", own)
    ordered = sys.version_info >= (3, 6)
    many = {number: str(number) for number in range(500)}
    add_all("dict", [{}, {1: 2}, {"a": 1}] + ([{"a": 1, 2: "b", None: {}}, many, {"k%d" % n: n for n in range(100)},
            {(1, 2): [3]}] if ordered else []))
    if ordered:
        holes = {number: number for number in range(100)}
        for number in range(0, 100, 2):
            del holes[number]
        add("dict with holes", holes)
        more = dict(holes)
        more["more"] = 1
        add("dict with holes, and more", more)


class Plain(object):
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        pass


class Fixed(object):
    """Attributes in its own values or in a split table, as the version has them."""

    def __init__(self):
        self.one = 1
        self.two = "two"


class Slotted(object):
    __slots__ = ("zebra", "apple")

    def __init__(self):
        self.zebra, self.apple = 1, "a"


class SlottedMore(Slotted):
    __slots__ = ("more", "unset")

    def __init__(self):
        Slotted.__init__(self)
        self.more = None


class SlottedAndDict(Slotted):
    def __init__(self):
        Slotted.__init__(self)
        self.own = 5


class MyList(list):
    pass


class MyDict(dict):
    pass


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyFloat(float):
    pass


class MySet(set):
    pass


class MyFrozenset(frozenset):
    pass


class MyBytes(bytes):
    pass


class MyBytearray(bytearray):
    pass


class MyDeque(collections.deque):
    pass


class MyError(ValueError):
    pass


class Loud(list):
    def __repr__(self):
        return "loud"


class LoudInt(int):
    def __repr__(self):
        return "loud"


class Meta(type):
    pass


class Outer(object):
    class Inner(object):
        __slots__ = ()


Point = collections.namedtuple("Point", "x y")


class NamedPoint(Point):
    pass


def head(value):
    """repr() without the last ">"."""
    return object.__repr__(value)[:-1]


def attributes_in_order():
    value = Fixed()
    add("attributes in place", value, head(value) + " one=1, two='two'>")
    value = Fixed()
    value.__dict__["three"] = 3.0
    add("attributes in a dict", value, head(value) + " one=1, two='two', three=3.0>")
    value = Fixed()
    value.more = value
    add("instance in itself", value, head(value) + " one=1, two='two', more=%s>" % object.__repr__(value))
    inner = Fixed()
    value = Plain(inner=inner)
    add("instance in instance", value, head(value) + " inner=%s>" % object.__repr__(inner))


def instances():
    add_all("instance", [object(), Plain(), Meta("Made", (object,), {})()] + ([] if PYTHON2 else [Outer.Inner()]))
    value = Plain(x=1)
    add("attributes", value, head(value) + " x=1>")
    if sys.version_info >= (3, 6):
        attributes_in_order()
    value = Slotted()
    add("slots", value, head(value) + " apple='a', zebra=1>")
    value = SlottedMore()
    add("slots of a base", value, head(value) + " more=None, apple='a', zebra=1>")
    value = SlottedAndDict()
    add("slots and dict", value, head(value) + " apple='a', zebra=1, own=5>")
    add_all("subclass", [MyList([1, 2]), MyDict(a=1), MyInt(7), MyStr("text"), MyStr("text" * 500),
                         MyFloat(1.5), MySet([1]), MySet(), MyFrozenset([1]), MyFrozenset(), MyBytes(b"x"),
                         MyBytearray(b"x")])
    if not PYTHON2:
        add("subclass of int", MyInt(-2 ** 70))
        add("subclass of deque", MyDeque([1]))
        add("subclass of named tuple", NamedPoint(None, [2]))
        add("subclass of str", MyStr("текст"))
    add("own repr", Loud([1, 2]), "Loud([1, 2])")
    add("own repr int", LoudInt(5), "LoudInt(5)")
    add("namedtuple", Point(1, "y"))
    add_all("exception", [ValueError("x"), KeyError(), OSError(2, "no"), MyError("mine", 2), SystemExit(3),
                          ValueError(u"it's")])


def collections_():
    many = set(range(1000))
    holes = set(range(200))
    for number in range(150):
        holes.discard(number)
    own = collections.deque()
    own.append(own)
    long_deque = collections.deque(range(300))
    long_deque.rotate(77)
    add_all("set", [set(), {1}, {"a"}, many, holes, frozenset(), frozenset([1, 2]), {(1, 2), (3,)}])
    if not PYTHON2:
        add_all("deque", [collections.deque(), collections.deque([1, 2]), collections.deque([1], maxlen=5), long_deque,
                          own])
        add("mappingproxy", types.MappingProxyType({"a": 1}))
        add_all("range", [range(5), range(1, 10, 2), range(-5, 2 ** 70), range(3, 0, -1)])
        if sys.version_info >= (3, 6):
            add_all("defaultdict", [collections.defaultdict(int, a=1), collections.defaultdict(None),
                                    collections.defaultdict(list, {1: [2]})])
            add_all("OrderedDict", [collections.OrderedDict(), collections.OrderedDict([("a", 1), ("b", [2])])])
            add_all("Counter", [collections.Counter(), collections.Counter("aab")])
    add_all("slice", [slice(1), slice(None, "a", -1)])


def function(argument=None):
    def inner():
        return argument

    return inner


def generator():
    yield 1


def callables():
    add_all("type", [int, type, Plain, Meta, ValueError, type(None)] + ([] if PYTHON2 else [Outer.Inner, collections.OrderedDict]))
    values = [function, function(), (lambda: 0), len, [].append, {}.get, time.sleep, "x".join]
    if not PYTHON2:
        values += [MyList([1]).append, Plain.__init__]
    started = generator()
    next(started)
    values += [generator(), started, (x for x in [1]), function.__code__]
    if not PYTHON2:
        values.append(function(5).__closure__[0])
    slotted = Outer.Inner()
    if not PYTHON2:
        values += [types.MethodType(function, slotted), types.MethodType(function, [1]), Point(1, 2)._asdict]
    if sys.version_info >= (3, 6):
        namespace = {}
        exec("async def coroutine():\n    pass\nasync def agenerator():\n    yield 1\n", namespace)
        coroutine = namespace["coroutine"]()
        values += [coroutine, namespace["agenerator"]()]
    add_all("callable", values)
    # Before 3.9 importlib asks the loader of a module without an origin.
    if sys.version_info >= (3, 9):
        add("module sys", sys)
    add_all("module", [os, json, time, collections, sys.modules["__main__"], types.ModuleType("made"), datetime])


def dates():
    add_all("date", [datetime.date(2024, 1, 2), datetime.date.min, datetime.date.max])
    add_all("datetime", [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5),
                         datetime.datetime(2024, 1, 2, 3, 4, 0, 7), datetime.datetime.max])
    add_all("time", [datetime.time(), datetime.time(1, 2, 3), datetime.time(1, 2, 0, 5)])
    add_all("timedelta", [datetime.timedelta(0), datetime.timedelta(1, 2, 3), datetime.timedelta(-1),
                          datetime.timedelta(seconds=5), datetime.timedelta(microseconds=1)])
    if not PYTHON2:
        zone = datetime.timezone(datetime.timedelta(hours=2))
        named = datetime.timezone(datetime.timedelta(hours=-3), "X")
        add_all("timezone", [datetime.timezone.utc, zone, named,
                             datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
                             datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=zone), datetime.time(5, tzinfo=named)])
        add_all("fold", [datetime.datetime(2024, 1, 2, fold=1), datetime.time(1, fold=1)])


def enums():
    try:
        import enum
    except ImportError:
        return
    Color = enum.Enum("Color", "RED GREEN")
    Number = enum.IntEnum("Number", "ONE")
    Flags = enum.Flag("Flags", "A B")
    Text = enum.Enum("Text", {"A": "a", "T": (1, 2)})
    for value in (Color.RED, Number.ONE, Flags.A, Text.A, Text.T):
        add("enum", value, "<%s.%s: %r>" % (type(value).__name__, value.name, value.value))


DATA_CLASSES = """
@dataclasses.dataclass
class Data(object):
    x: int
    y: object = None
    hidden: int = dataclasses.field(default=3, repr=False)

@dataclasses.dataclass
class Nested(object):
    data: object
    items: list
"""
NEWER_DATA_CLASSES = """
@dataclasses.dataclass(slots=True)
class Slots(object):
    b: int
    a: str

@dataclasses.dataclass(kw_only=True)
class Keyword(object):
    b: int = 0
    a: str = "a"
"""


def dataclasses_():
    try:
        import dataclasses
    except ImportError:
        return

    # Not Python to older versions.
    namespace = {"dataclasses": dataclasses}
    exec(DATA_CLASSES, namespace)
    Data, Nested = namespace["Data"], namespace["Nested"]
    data = Data(1, "y")
    data.more = 5
    own = Nested(1, [])
    own.data = own
    add_all("dataclass", [data, Nested(Data(2), [Data(3), 4]), own])
    if sys.version_info >= (3, 10):
        exec(NEWER_DATA_CLASSES, namespace)
        add_all("dataclass of slots", [namespace["Slots"](1, "a"), namespace["Keyword"]()])


def cut():
    add("cut list", list(range(10000)), "[" + ", ".join(map(str, range(17))) + ", ...]", 64)
    add("cut str", "x" * 100, repr("x" * 59) + "...", 64)
    add("fits", "x" * 62, repr("x" * 62), 64)
    add("cut int", 10 ** 100, "1" + "0" * 60 + "...", 64)
    deep = []
    for _ in range(30):
        deep = [deep]
    add("deep", deep, "[" * 9 + "..." + "]" * 9)
    nested = [list(range(30)), "tail"]
    add("cut inside", nested, "[[" + ", ".join(map(str, range(15))) + ", ...], ...]", 64)
    big = set(range(2000000))
    shown = range(16 if PYTHON2 else 17)
    add("two million", big, ("set([%s])" if PYTHON2 else "{%s}") % (", ".join(map(str, shown)) + ", ..."), 64)
    big = dict.fromkeys(range(2000000))
    add("two million keys", big, "{0: None, 1: None, 2: None, 3: None, 4: None, 5: None, ...}", 64)
    value = Plain(text="x" * 1000)
    add("cut instance", value, head(value) + " text='%s'...>" % ("x" * (128 - len(head(value)) - 17)), 128)


def main(folder):
    numbers()
    strings()
    containers()
    instances()
    collections_()
    callables()
    dates()
    enums()
    if sys.version_info >= (3, 7):
        dataclasses_()
    cut()
    path = os.path.join(folder, "objects.json")
    with open(path + ".new", "w") as file:
        json.dump(ROWS, file)
    os.rename(path + ".new", path)
    time.sleep(10000000)


if __name__ == "__main__":
    main(sys.argv[1])
