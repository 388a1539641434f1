"""Native frames against gdb's, and Python frames among them, live and from cores.

What gdb shows of tail calls is left out on both sides: it infers these frames, they are on no stack.
"""

import os
import re
import shutil
import unittest

import support
from generate import add_class, add_skip, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

LIBRARY_SOURCE = os.path.join(support.FOLDER, "native_library.cc")
GDB_SCRIPT = os.path.join(support.FOLDER, "gdb_stacks.py")
ALIASES = re.compile(r"^(__GI_)?_*")
CLONES = re.compile(r"(\.(constprop|part|isra|cold|lto_priv)(\.\d+)?)+$")


def gdb_stacks(*arguments):
    """{tid: frames}, of what gdb is pointed to by the arguments."""
    import json

    done = support.run(
        ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", GDB_SCRIPT]
        + list(arguments)
    )
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("STACKS "):
            return {int(tid): frames for tid, frames in json.loads(line[7:]).items()}
    raise AssertionError("gdb gave no stacks:\n" + done.stderr.decode(errors="replace"))


def without_groups(name):
    """Without what stands in brackets of either kind: template arguments, parameters."""
    depth, kept = 0, []
    for character in name.replace("operator()", "call").replace("operator<", "less"):
        depth += character in "(<{"
        if not depth:
            kept.append(character)
        depth -= character in ")>}"
    return "".join(kept)


def plain_name(name):
    """A function has aliases, and clones of it other names in symbol tables than in DWARF; what
    belongs to C++ names besides the last part of it is written in many ways."""
    name = CLONES.sub("", (name or "").split("@")[0])
    return ALIASES.sub("", without_groups(name).replace(" const", "").strip().split("::")[-1].split(" ")[-1])


def is_native(frame):
    return frame["native"]


@template
class Native(EndToEndTest):
    interpreter = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("gdb"):
            raise unittest.SkipTest("gdb is not installed")

    def start(self):
        """The target, with a library of C++ if there is a compiler."""
        target = Target(self.interpreter, "native_calls.py", *self.library())
        self.addCleanup(target.close)
        target.wait_for("settled")
        target.wait_quiet()
        return target

    def library(self):
        import tempfile

        compiler = shutil.which("c++")
        if not compiler:
            return []
        folder = tempfile.mkdtemp(prefix="pyspy-native-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "libcalls.so")
        support.check(
            [compiler, "-O1", "-g", "-fPIC", "-shared", "-o", path, LIBRARY_SOURCE]
        )
        return [path]

    def check_natives(self, dump, oracle, message, inlined=True):
        """The same native frames as gdb's, one by one: address, function."""
        compared = 0
        for thread in dump:
            theirs = [
                (kind == "inlined" or frame_pc, plain_name(name))
                for frame_pc, name, _, kind in oracle[thread["os_thread_id"]]
                if kind != "tail call" and (inlined or kind != "inlined")
            ]
            ours = [
                (frame["inlined"] or frame["address"], plain_name(self.name_of(frame)))
                for frame in thread["frames"]
                if is_native(frame) and (inlined or not frame["inlined"])
            ]
            if not inlined:
                theirs = self.without_separate_names(theirs, ours, thread["frames"])
            self.assertEqual(theirs, ours, "%s: thread %s" % (message, thread["os_thread_id"]))
            compared += len(ours)
        self.assertGreater(compared, 100)

    @staticmethod
    def without_separate_names(theirs, ours, frames):
        """gdb knows local functions of the C library, and local names of others (__libc_start_main_impl), from a
        separate file, which is no part of the process."""
        natives = [frame for frame in frames if is_native(frame) and not frame["inlined"]]
        c_library = re.compile(r"/(libc|libm|ld-linux|ld-musl)[.-]")
        return [
            (pc, own) if name.startswith(own) and c_library.search(frame["module"] or "") else (pc, name)
            for (pc, name), (_, own), frame in zip(theirs, ours, natives)
        ] + theirs[len(ours) :]

    @staticmethod
    def name_of(frame):
        """gdb names no function by an address."""
        return "" if frame["name"] == "" or frame["name"].startswith("0x") else frame["name"]

    def check_python(self, merged, python, message):
        """Python's frames are among the native ones as they are without."""
        keep = ("name", "filename", "line", "first_line", "qualified_name")
        for with_native, without in zip(merged, python):
            self.assertEqual(with_native["os_thread_id"], without["os_thread_id"])
            self.assertEqual(
                [[frame[key] for key in keep] for frame in without["frames"]],
                [[f[key] for key in keep] for f in with_native["frames"] if not is_native(f)],
                message,
            )

    def check_order(self, dump):
        """A callback's Python frame is inside of the C function that called it, and that is inside of
        the Python function that called this."""
        seen = set()
        for thread in dump:
            names = [frame["name"].split(".")[-1] for frame in thread["frames"]]
            plain = [plain_name(name) for name in names]
            if "compare" in names:
                seen.add("compare")
                self.assertLess(names.index("compare"), plain.index("qsort_r"))
                self.assertLess(plain.index("qsort_r"), names.index("comparison"))
            if names.count("alternating") > 1:
                seen.add("alternating")
                places = [i for i, name in enumerate(names) if name == "alternating"]
                self.assertEqual(13, len(places))
                for one, other in zip(places, places[1:]):
                    between = thread["frames"][one + 1 : other]
                    self.assertTrue(between and all(is_native(frame) for frame in between), names)
            if "recursion" in names:
                seen.add("recursion")
        self.assertEqual({"compare", "alternating", "recursion"}, seen)

    def test_live(self):
        target = self.start()
        snapshot = target.path("native.zst")
        support.capture(target.pid, snapshot, "--native")
        internal = support.dump_json(snapshot, "--native-internal")
        self.check_python(internal, support.dump_json(snapshot), "live")
        oracle = gdb_stacks("-p", str(target.pid))
        self.check_natives(internal, oracle, "live")
        self.check_order(support.dump_json(snapshot, "--native"))
        # On a machine that has none of the files: the images in the snapshot.
        empty = target.path("empty")
        os.mkdir(empty)
        alone = support.dump_json(snapshot, "--native-internal", "--sysroot", empty)
        self.check_natives(alone, oracle, "without files", inlined=False)
        self.assertEqual(self.modules(internal), self.modules(alone))

    @staticmethod
    def modules(dump):
        return [
            [f["module"] for f in thread["frames"] if is_native(f) and not f["inlined"]]
            for thread in dump
        ]

    def test_core(self):
        target = self.start()
        core, reason = target.make_core()
        if core is None:
            self.skipTest("no core: " + reason)
        internal = support.dump_json(core, "--native-internal")
        self.check_python(internal, support.dump_json(core), "core")
        self.check_natives(
            internal, gdb_stacks(self.interpreter.real_path, core), "core"
        )
        self.check_order(support.dump_json(core, "--native"))
        last = support.dump_json(core, "--native-last")
        self.check_python(last, support.dump_json(core), "--native-last")
        for thread in last:
            kinds = [is_native(frame) for frame in thread["frames"]]
            self.assertEqual(sorted(kinds, reverse=True), kinds)


for _interpreter in find_interpreters():
    if _interpreter.unsupported:
        add_skip(globals(), _interpreter.name, _interpreter.unsupported)
    else:
        add_class(globals(), Native, _interpreter.name, interpreter=_interpreter)
load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
