"""A CPython that nobody knows, and one whose _Py_DebugOffsets are damaged: made from the committed cores.

The version in _Py_DebugOffsets and in the interpreter's version text is changed to 3.16 (the offsets are then
those of the newest version that is known, as a first release of the next one mostly has them), or offsets are
changed; the core is read without any file.
"""

import json
import os
import random
import re
import shutil
import struct
import tempfile

import damage
import support
from core_image import CoreImage
from support import EndToEndTest, FOLDER
from generate import make_load_tests

FIXTURES = os.path.join(FOLDER, os.pardir, "fixtures")
NEWEST = "3.15-stripped"
COOKIE = struct.unpack("<Q", b"xdebugpy")[0]
HEADER_WORDS = 3
WORDS = 90  # about what the versions tell
DAMAGED = {"3.13": 0x030D, "3.14-stripped": 0x030E, NEWEST: 0x030F}
ABSURD = (0, 1, 7, 8, 0x7F, 1 << 20, 1 << 31, (1 << 32) - 8, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)


class Cores(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="pyspy-unknown-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.empty = os.path.join(cls.folder, "empty")
        os.mkdir(cls.empty)

    def image(self, name):
        """The fixture's core, and where its interpreter's offsets are."""
        if not shutil.which("zstd"):
            self.skipTest("zstd is not installed")
        path = os.path.join(self.folder, "core")
        packed = os.path.join(FIXTURES, name, "core.zst")
        support.check(["zstd", "-q", "-d", "-f", "--long=31", packed, "-o", path])
        image = CoreImage(path)
        with open(os.path.join(FIXTURES, name, "expected.json"), encoding="utf-8") as file:
            expected = json.load(file)
        places = [at for at in image.find(COOKIE) if image.word(at + 8) >> 16 == DAMAGED[name]]
        self.assertTrue(places, "no _Py_DebugOffsets in the core of %s" % name)
        return image, places, expected

    def save(self, image):
        path = os.path.join(self.folder, "changed")
        image.save(path)
        return path

    def dump(self, path):
        done = support.run(
            [support.ANALYZE, "dump", "--json", "--sysroot", self.empty, path], timeout=damage.SECONDS_AT_MOST
        )
        shown = json.loads(done.stdout.decode()) if done.stdout.strip() else []
        return done.returncode, shown, done.stderr.decode()


def rename(image, places, old, new):
    """Another minor version, in the offsets and in Py_GetVersion()'s text."""
    for place in places:
        image.write(place + 8, image.word(place + 8) & ~0xFF0000 | new << 16)
    text = re.compile(rb"3\.%d(\.\d+[\w+]* \()" % old)
    content, count = text.subn(lambda match: b"3.%d%s" % (new, match.group(1)), bytes(image.content))
    assert count, "no version text"
    image.content[:] = content


class UnknownVersion(Cores):
    def test_shown_with_the_newest_layout(self):
        image, places, expected = self.image(NEWEST)
        rename(image, places, 15, 16)
        status, shown, errors = self.dump(self.save(image))
        self.assertEqual(support.EXIT_PARTIAL, status, errors)
        self.assert_stacks(expected, shown)
        for thread in shown:
            info = thread["process_info"]
            self.assertTrue(info["is_unknown_version"])
            self.assertTrue(info["python_version"].startswith("3.16."), info["python_version"])
            self.assertEqual(1, len(info["notes"]))
            self.assertRegex(info["notes"][0], r"CPython 3\.16\S* is not known; shown with the layout of 3\.15")

    def test_known_versions_are_not_marked(self):
        image, _, _ = self.image(NEWEST)
        status, shown, errors = self.dump(self.save(image))
        self.assertEqual(support.EXIT_DONE, status, errors)
        self.assertFalse(any(thread["process_info"]["is_unknown_version"] for thread in shown))

    def test_older_offsets_do_not_fit(self):
        """Those of 3.13 are not where the newest schema has them."""
        image, places, _ = self.image("3.13")
        rename(image, places, 13, 16)
        status, shown, errors = self.dump(self.save(image))
        self.assertNotEqual(support.EXIT_DONE, status)
        self.assertEqual([], [thread for thread in shown if thread["frames"]], errors)
        self.assertIn("CPython 3.16.0 is not known", errors)

    def test_text_that_disagrees(self):
        image, places, _ = self.image(NEWEST)
        for place in places:
            image.write(place + 8, image.word(place + 8) & ~0xFF0000 | 16 << 16)
        status, shown, errors = self.dump(self.save(image))
        self.assertNotEqual(support.EXIT_DONE, status)
        self.assertEqual([], [thread for thread in shown if thread["frames"]])
        self.assertRegex(errors, r"_Py_DebugOffsets is of CPython 3\.16\S*, the interpreter is 3\.15")


class DamagedOffsets(Cores):
    def check_honest(self, expected, path, what):
        status, shown, errors = self.dump(path)
        self.assertIn(status, (0, 1, 3, 4), "%s: %s" % (what, errors))
        truth = support.expected_stacks(expected)
        said = errors + "".join(note for t in shown for note in t["process_info"]["notes"])
        if status == 0:
            self.assertEqual("", support.stack_difference(truth, support.shown_stacks(shown)), what)
            return
        self.assertTrue(said, what)
        if "are not those that are known" in said:
            return
        for thread in shown:
            stack = [(f["name"], f["filename"], f["line"]) for f in thread["frames"] if not f["gap"]]
            wholes = [truth[thread["os_thread_id"]]] if thread["os_thread_id"] in truth else truth.values()
            self.assertTrue(
                not stack or any(damage.is_subsequence(stack, whole) for whole in wholes),
                "%s: shows what never was: %r" % (what, stack),
            )

    def check_fixture(self, name):
        image, places, expected = self.image(name)
        chooser = random.Random(name)
        whole = bytes(image.content)
        for word in range(HEADER_WORDS, WORDS, 3):
            value = chooser.choice(ABSURD)
            for place in places:
                image.write(place + 8 * word, value)
            self.check_honest(expected, self.save(image), "%s: word %d is %d" % (name, word, value))
            image.content[:] = whole
        for kind in ("zeros", "ones", "exchanged"):
            for place in places:
                words = [image.word(place + 8 * i) for i in range(HEADER_WORDS, WORDS)]
                if kind == "exchanged":
                    chooser.shuffle(words)
                for i, value in enumerate(words):
                    new = {"zeros": 0, "ones": (1 << 64) - 1}.get(kind, value)
                    image.write(place + 8 * (HEADER_WORDS + i), new)
            self.check_honest(expected, self.save(image), "%s: %s" % (name, kind))
            image.content[:] = whole

    def test_absurd_offsets(self):
        for name in sorted(DAMAGED):
            with self.subTest(name):
                self.check_fixture(name)

    def test_exchanged_strings(self):
        """Offsets that could be right, and are not those of the version, are marked."""
        image, places, expected = self.image("3.13")
        word = self.find_pair(image, places[0])
        for place in places:
            one, other = image.word(place + 8 * word), image.word(place + 8 * (word + 1))
            image.write(place + 8 * word, other)
            image.write(place + 8 * (word + 1), one)
        status, shown, errors = self.dump(self.save(image))
        self.assertNotEqual(support.EXIT_DONE, status)
        said = errors + "".join(note for t in shown for note in t["process_info"]["notes"])
        self.assertIn("are not those that are known", said)

    def find_pair(self, image, place):
        """code_object.filename and .name follow each other, 8 bytes apart."""
        for word in range(HEADER_WORDS, WORDS):
            if (image.word(place + 8 * word), image.word(place + 8 * (word + 1))) == (112, 120):
                return word
        raise AssertionError("no such pair")


load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
