# -*- coding: utf-8 -*-
"""Objects of every kind. FOLDER/objects.json says for each its address, the text that is expected,
which is repr() unless said otherwise, and in how many characters.

    objects.py FOLDER
"""

import json
import os
import sys
import time

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
        texts += ["\U0001f9f5 astral", "\ud800 lone", "\U000e0001", "\U0010ffff", "é" * 300, "я" * 300]
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
    pass


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


class Loud(list):
    def __repr__(self):
        return "loud"


class LoudInt(int):
    def __repr__(self):
        return "loud"


class Outer(object):
    class Inner(object):
        __slots__ = ()


def classes():
    add_all("instance", [object(), Outer.Inner()])
    add_all("subclass", [MyList([1, 2]), MyDict(a=1), MyInt(7), MyInt(-2 ** 70), MyStr("text"), MyStr("текст") ,
                         MyFloat(1.5)])
    add("own repr", Loud([1, 2]), "Loud([1, 2])")
    add("own repr int", LoudInt(5), "LoudInt(5)")


def cut():
    add("cut list", list(range(10000)), "[" + ", ".join(map(str, range(17))) + ", ...]", 64)
    add("cut str", "x" * 100, repr("x" * 59) + "...", 64)
    add("fits", "x" * 62, repr("x" * 62), 64)
    add("cut int", 10 ** 100, "1" + "0" * 60 + "...", 64)


def main(folder):
    numbers()
    strings()
    containers()
    classes()
    cut()
    path = os.path.join(folder, "objects.json")
    with open(path + ".new", "w") as file:
        json.dump(ROWS, file)
    os.rename(path + ".new", path)
    time.sleep(10000000)


if __name__ == "__main__":
    main(sys.argv[1])
