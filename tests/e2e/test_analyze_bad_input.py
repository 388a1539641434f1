"""pyspy-analyze on what is no core or snapshot, on damaged ones, and on memory full of wild pointers.

Whole and true, or less and said so; never a signal, never for long.
"""

import os
import random
import shutil
import struct
import subprocess
import tempfile

import support
from core_image import CoreImage
from damage import DamagedInput, places, representative_interpreters
from generate import add_class, make_load_tests, template
from support import EndToEndTest, SMALL

CUTS_OF_CORE = 12 if SMALL else 36
CUTS_OF_SNAPSHOT = 20 if SMALL else 60
FLIPS = 40 if SMALL else 220
WILD = (0x10, 0x7FFFFFFFF000, 0xFFFFFFFFFFFFFFF0, 0x4141414141414141)


class NotAnInput(EndToEndTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyspy-bad-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def check_refused(self, path, status=support.EXIT_FAILED, **options):
        for command in ([], ["dump"], ["dump", "--json"], ["info"]):
            done = support.run([support.ANALYZE] + command + [path], **options)
            errors = done.stderr.decode()
            self.assertEqual(done.returncode, status, (command, errors))
            self.assertEqual(done.stdout, b"", command)
            self.assertIn("standard input" if path == "-" else path, errors)
            self.assertLessEqual(errors.count("\n"), 3, errors)

    def write(self, content):
        path = os.path.join(self.folder, "file")
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_text(self):
        self.check_refused(self.write(b"Hello, this is no core.\n" * 100))

    def test_empty(self):
        self.check_refused(self.write(b""))

    def test_one_byte(self):
        self.check_refused(self.write(b"\x7f"))

    def test_executable(self):
        self.check_refused(support.ANALYZE)

    def test_folder(self):
        self.check_refused(self.folder, support.EXIT_USAGE)

    def test_missing(self):
        self.check_refused(os.path.join(self.folder, "missing"))

    def test_zeros(self):
        self.check_refused(self.write(bytes(100000)))

    def test_empty_standard_input(self):
        self.check_refused("-")

    def test_text_on_standard_input(self):
        self.check_refused("-", input=b"no snapshot\n" * 1000)

    def test_compressed_text(self):
        if not shutil.which("zstd"):
            self.skipTest("zstd is not installed")
        done = support.check(["zstd", "-q", "-c"], input=b"no snapshot\n" * 1000)
        self.check_refused(self.write(done.stdout))

    def test_core_without_python(self):
        reason = support.core_obstacle()
        if reason:
            self.skipTest(reason)
        process = subprocess.Popen(
            ["sleep", "1000"], cwd=self.folder, preexec_fn=support._prepare_target
        )
        started = os.readlink("/proc/self/exe")
        support.wait_until(
            lambda: os.readlink("/proc/%d/exe" % process.pid) != started, 10, "sleep's start"
        )
        process.send_signal(6)
        process.wait()
        cores = [name for name in os.listdir(self.folder) if name.startswith("core")]
        self.assertTrue(cores, "no core was written")
        done = support.run([support.ANALYZE, os.path.join(self.folder, cores[0])])
        self.assertEqual(done.returncode, support.EXIT_NO_PYTHON, done.stderr.decode())
        self.assertTrue(done.stderr)


@template
class Damaged(DamagedInput):
    """Files cut and changed at random, but reproducible, places."""

    def test_whole_files_are_true(self):
        for path in (self.snapshot, self.full) + ((self.core,) if self.core else ()):
            self.assertEqual(self.check_honest(path, path)[0], 0)

    def test_core_cut(self):
        self.need_core()
        with open(self.core, "rb") as file:
            content = file.read()
        for place in places(len(content), CUTS_OF_CORE, 1):
            self.check_honest(self.write_damaged(content[:place]), "core cut at %d" % place)

    def check_cut(self, path):
        with open(path, "rb") as file:
            content = file.read()
        for place in places(len(content), CUTS_OF_SNAPSHOT, 2):
            status, _ = self.check_honest(self.write_damaged(content[:place]), "cut at %d" % place)
            self.assertNotEqual(status, 0, "cut at %d of %d, not said" % (place, len(content)))

    def test_snapshot_cut(self):
        self.check_cut(self.snapshot)

    def test_full_snapshot_cut(self):
        self.check_cut(self.full)

    def check_flips(self, path, count, seed):
        with open(path, "rb") as file:
            content = bytearray(file.read())
        chooser = random.Random(seed)
        statuses = {}
        for _ in range(count):
            place, bit = chooser.randrange(len(content)), chooser.randrange(8)
            content[place] ^= 1 << bit
            status, _ = self.check_honest(
                self.write_damaged(content), "byte %d, bit %d flipped" % (place, bit)
            )
            statuses[status] = statuses.get(status, 0) + 1
            content[place] ^= 1 << bit
        return statuses

    def test_snapshot_bits(self):
        self.check_flips(self.snapshot, FLIPS, 3)

    def test_full_snapshot_bits(self):
        self.check_flips(self.full, FLIPS // 2, 4)

    def test_core_bits(self):
        """A core has no checksum: what was changed may be shown, but nothing may break."""
        self.need_core()
        image = CoreImage(self.core)
        chooser = random.Random(5)
        used = [at for at in range(0, len(image.content), 64) if any(image.content[at : at + 64])]
        for _ in range(FLIPS // 2):
            changed = []
            for _ in range(chooser.choice((1, 1, 20))):
                place = chooser.choice(used) + chooser.randrange(64)
                if place < len(image.content):
                    changed.append((place, image.content[place]))
                    image.content[place] ^= 1 << chooser.randrange(8)
            self.analyze(self.write_damaged(image.content), "core, bytes %r" % changed)
            for place, value in reversed(changed):
                image.content[place] = value

    def recompress(self, change):
        """The snapshot with its one block changed, and frame and checksum made anew."""
        if not shutil.which("zstd"):
            self.skipTest("zstd is not installed")
        block = bytearray(support.check(["zstd", "-q", "-d", "-c", self.snapshot]).stdout)
        self.assertEqual(block[:4], b"PSNP")
        change(block)
        path = os.path.join(self.folder, "block")
        with open(path, "wb") as file:
            file.write(block)
        return self.write_damaged(support.check(["zstd", "-q", "--check", "-c", path]).stdout)

    def test_recompressed_alone_is_true(self):
        self.assertEqual(self.check_honest(self.recompress(lambda block: None), "recompressed")[0], 0)

    def test_newer_version(self):
        path = self.recompress(lambda block: struct.pack_into("<H", block, 4, 2))
        status, dump, errors = self.analyze(path, "version 2")
        self.assertEqual((status, dump), (support.EXIT_FAILED, None), errors)
        self.assertIn("version 2", errors)

    def test_contents_changed_under_a_good_checksum(self):
        """Any bytes in the block: no crash (what it says then cannot be known to be false)."""
        chooser = random.Random(6)
        for _ in range(FLIPS // 4):
            place = []

            def change(block):
                place.append(chooser.randrange(24, len(block)))
                block[place[0]] = chooser.randrange(256)

            path = self.recompress(change)
            self.analyze(path, "byte %r of the block" % place)


@template
class WildPointers(DamagedInput):
    """Memory in which one pointer leads astray: the rest of the stacks is shown, the loss is marked."""

    def setUp(self):
        self.need_core()
        self.image = CoreImage(self.core)
        self.places = self.expected["places"]
        self.waiting = next(
            tid for tid, stack in self.truth.items() if stack[0][0].endswith("wait")
        )

    def check_marked(self, what, whole_threads):
        """Partial, honest, and that many threads without a loss."""
        self.image.save(self.damaged)
        status, dump = self.check_honest(self.damaged, what)
        self.assertEqual(status, support.EXIT_PARTIAL, what)
        whole = support.shown_stacks(dump)
        same = [tid for tid in self.truth if whole.get(tid) == self.truth[tid]]
        self.assertGreaterEqual(len(same), whole_threads, what)
        return dump

    def patch_code(self, code, target, what):
        """The code object's pointer to `target` goes astray, in several ways."""
        found = self.image.find(self.places[target], self.places[code], 256)
        self.assertTrue(found, "no %s in the code object" % target)
        for value in WILD + (self.places[code],):
            for place in found:
                self.image.write(place, value)
            dump = self.check_marked("%s is 0x%x" % (what, value), 2)
            stack = [t for t in dump if t["os_thread_id"] == self.waiting][0]["frames"]
            # The frames around it are there.
            self.assertEqual(stack[-1]["filename"], self.truth[self.waiting][-1][1])
            self.assertGreaterEqual(len(stack), len(self.truth[self.waiting]))

    def test_name(self):
        self.patch_code("wait code", "wait name", "the shown name")

    def test_file_name(self):
        self.patch_code("wait code", "file name", "co_filename")

    def frame_link(self):
        """Where the innermost frame of the waiting thread keeps the address of the next outer one."""
        frame = self.places["wait frame"]
        version = self.interpreter.minor
        if version <= (3, 10):
            return frame, frame + 24  # PyFrameObject.f_back, after PyObject_VAR_HEAD
        inner = self.image.word(frame + 24)  # PyFrameObject.f_frame, after f_back
        return inner, inner + (48 if version == (3, 11) else 8)  # _PyInterpreterFrame.previous

    def test_frame_leads_to_itself(self):
        frame, link = self.frame_link()
        self.image.write(link, frame)
        self.check_marked("a frame's next is itself", 2)

    def test_frames_in_a_circle(self):
        frame, link = self.frame_link()
        outer = self.image.word(link)
        further = self.image.word(outer + link - frame)
        self.image.write(further + link - frame, frame)
        self.check_marked("three frames in a circle", 2)

    def test_frame_leads_astray(self):
        _, link = self.frame_link()
        for value in WILD:
            self.image.write(link, value)
            self.check_marked("a frame's next is 0x%x" % value, 2)

    def test_code_astray(self):
        frame, _ = self.frame_link()
        code = self.image.find(self.places["wait code"], frame, 128)
        self.assertTrue(code)
        for value in WILD + (frame,):
            self.image.write(code[0], value)
            dump = self.check_marked("a frame's code is 0x%x" % value, 2)
            stack = [t for t in dump if t["os_thread_id"] == self.waiting][0]["frames"]
            self.assertTrue(stack[0]["gap"], stack[0])
            self.assertGreater(len(stack), 3, "the frames outside of it are there")

    def thread_states(self):
        """Addresses of thread states that follow each other: previous at 0, next at 8, their
        interpreter at 16, the pthread's number further on."""
        idents = [thread["ident"] for thread in self.expected["threads"]]
        near = {ident: self.image.find(ident) for ident in idents}
        for ident in idents:
            for at in near[ident]:
                for state in range(at - 400, at, 8):
                    follower = self.image.word(state + 8)
                    if not follower or self.image.word(follower) != state:
                        continue
                    interpreter = self.image.word(state + 16)
                    if not interpreter or self.image.word(follower + 16) != interpreter:
                        continue
                    others = [i for i in idents if i != ident]
                    if any(self.image.find(other, follower, 400) for other in others):
                        return state, follower
        self.fail("no thread states were found in the core")

    def test_threads_in_a_circle(self):
        state, follower = self.thread_states()
        last = self.image.word(follower + 8)
        self.image.write(state + 8, state)
        self.check_marked("a thread state's next is itself", 1)
        self.image.write(state + 8, follower)
        self.image.write((last or follower) + 8, state)
        self.check_marked("the last thread state's next is an earlier one", 3)

    def test_thread_astray(self):
        state, _ = self.thread_states()
        for value in WILD:
            self.image.write(state + 8, value)
            self.check_marked("a thread state's next is 0x%x" % value, 1)


for _interpreter in representative_interpreters():
    add_class(globals(), Damaged, _interpreter.name, interpreter=_interpreter)
    add_class(globals(), WildPointers, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
