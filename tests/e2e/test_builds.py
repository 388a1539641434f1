"""Interpreters that are not where, or not as, they were installed.

Inside of a program that is no Python, started through a script or through ld.so, of another name, deleted
or replaced since, stripped of all that names anything, in a mount namespace of their own. The stacks must be
the interpreter's own, live and from a core, and never be read by the symbols of a file that is not the one
that runs.
"""

import ctypes
import glob
import json
import os
import shutil
import struct
import subprocess
import tempfile

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, SMALL, TARGETS, Target

THREADS, DEPTH = 4, 12
SIZES = (str(THREADS), str(DEPTH))
PT_INTERP = 3
CONFIG = ("INCLUDEPY", "LIBDIR", "LIBPL", "LDLIBRARY", "LIBRARY", "INSTSONAME", "LIBS", "SYSLIBS", "MODLIBS")
PR_CAPBSET_DROP, CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE = 24, 21, 40


def program_interpreter(path):
    """The ld.so that an ELF file asks for, or None."""
    with open(path, "rb") as file:
        head = file.read(64)
        offset, size, count = struct.unpack("<Q", head[32:40]) + struct.unpack("<HH", head[54:58])
        for index in range(count):
            file.seek(offset + index * size)
            kind, _, start, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == PT_INTERP:
                file.seek(start)
                return file.read(length).rstrip(b"\0").decode()
    return None


def forget_sections(path):
    """Without section headers: what no loader needs, and no symbol table is found without."""
    with open(path, "r+b") as file:
        file.seek(40)
        file.write(struct.pack("<Q", 0))
        file.seek(58)
        file.write(struct.pack("<HHH", 64, 0, 0))


def drop_map_files():
    """In the child, before exec: even root cannot open what is deleted by /proc/PID/map_files then."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE):
        libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)


def compiler():
    return shutil.which(os.environ.get("CC", "cc").split()[-1])


class Copy:
    """A private copy of an interpreter's binary and shared library; the standard library stays."""

    def __init__(self, interpreter, folder, name="worker"):
        self.prefix = os.path.dirname(os.path.dirname(interpreter.real_path))
        self.folder = folder
        self.binary = os.path.join(folder, "bin", name)
        os.makedirs(os.path.join(folder, "bin"))
        os.makedirs(os.path.join(folder, "lib"))
        shutil.copy2(interpreter.real_path, self.binary)
        self.libraries = [shutil.copy2(path, os.path.join(folder, "lib"))
                          for path in self.shared_libraries(interpreter)]

    @staticmethod
    def shared_libraries(interpreter):
        prefix = os.path.dirname(os.path.dirname(interpreter.real_path))
        return glob.glob(os.path.join(prefix, "lib", "libpython%d.%d*.so.*" % interpreter.minor))

    def files(self):
        return [self.binary] + self.libraries

    def environment(self, folder=None):
        return {
            "PYTHONHOME": self.prefix,
            "LD_LIBRARY_PATH": os.path.join(folder or self.folder, "lib"),
        }


@template
class Builds(EndToEndTest):
    interpreter = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyspy-builds-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, command=None, environment=None, script="stacks.py"):
        target = Target(self.interpreter, script, *SIZES, command=command, environment=environment)
        self.addCleanup(target.close)
        target.settle()
        return target

    def runs(self, target, *names):
        """The process really maps these files, or what they were."""
        with open("/proc/%d/maps" % target.pid) as maps:
            text = maps.read()
        for name in names:
            self.assertIn(name, text)

    def check_target(self, target, options=(), before_capture=None, method=None):
        """Live, both levels, and the core; `options` are for both programs, `method` is how the live
        interpreter is to be found."""
        expected = target.expected()
        for level in ("stacks", "full"):
            snapshot = target.path(level + ".zst")
            support.capture(target.pid, snapshot, "--level", level, *options, preexec_fn=before_capture)
            self.assert_stacks(expected, support.dump_json(snapshot, *options), message="level " + level)
            if method:
                told = support.check([support.ANALYZE, "info", "--json", snapshot]).stdout
                self.assertEqual(json.loads(told.decode())["python"]["method"], method)
            os.unlink(snapshot)
        core, reason = target.make_core()
        if core is None:
            self.skipTest("all but the core passed; no core: " + reason)
        self.assert_stacks(expected, support.dump_json(core, *options), message="core")

    # How it is started.

    def test_shebang(self):
        folder = shutil.copytree(TARGETS, os.path.join(self.folder, "targets"))
        script = os.path.join(folder, "stacks.py")
        with open(script, "rb") as file:
            content = file.read()
        with open(script, "wb") as file:
            file.write(b"#!" + self.interpreter.command[0].encode() + b"\n" + content)
        os.chmod(script, 0o755)
        target = self.start(["env"], script=script)
        with open("/proc/%d/comm" % target.pid) as comm:
            self.assertEqual(comm.read().strip(), "stacks.py")
        self.check_target(target)

    def test_through_the_loader(self):
        loader = program_interpreter(self.interpreter.real_path)
        if not loader:
            self.skipTest("%s is linked statically" % self.interpreter.name)
        target = self.start([loader] + self.interpreter.command)
        self.assertIn(os.path.basename(os.path.realpath(loader)), os.readlink("/proc/%d/exe" % target.pid))
        self.check_target(target)

    def test_virtual_environment(self):
        if self.interpreter.environment:
            self.skipTest("%s needs variables that forbid it" % self.interpreter.name)
        folder = os.path.join(self.folder, "venv")
        done = support.run(self.interpreter.command + ["-m", "venv", "--symlinks", "--without-pip", folder])
        if done.returncode != 0:
            self.skipTest("no virtual environment: %s" % done.stderr.decode(errors="replace")[-200:])
        target = self.start([os.path.join(folder, "bin", "python")])
        self.check_target(target)

    # What became of its files.

    def test_deleted(self):
        for before_capture in (None, drop_map_files):
            with self.subTest("with map_files" if before_capture is None else "without"):
                copy = Copy(self.interpreter, tempfile.mkdtemp(dir=self.folder))
                target = self.start([copy.binary], copy.environment())
                for path in copy.files():
                    os.unlink(path)
                self.runs(target, *(path + " (deleted)" for path in copy.files()))
                method = "scan" if before_capture and copy.libraries else None
                self.check_target(target, before_capture=before_capture, method=method)

    def test_replaced(self):
        """By another version's files where there is one, else by one whose addresses are others."""
        others = [item for item in find_interpreters() if item.minor != self.interpreter.minor]
        other = (others or [self.interpreter])[-1]
        for before_capture in (None, drop_map_files):
            with self.subTest("with map_files" if before_capture is None else "without"):
                copy = Copy(self.interpreter, tempfile.mkdtemp(dir=self.folder))
                target = self.start([copy.binary], copy.environment())
                files = Copy.shared_libraries(other) + [other.real_path]
                for path in copy.files():
                    shutil.copy2(files[0], path + ".new")
                    os.rename(path + ".new", path)
                self.runs(target, *(path + " (deleted)" for path in copy.files()))
                method = "scan" if before_capture and copy.libraries else None
                self.check_target(target, before_capture=before_capture, method=method)

    def test_stripped(self):
        if not shutil.which("strip"):
            self.skipTest("strip is not installed")
        for strip in (["strip", "-s"], ["true"]):
            copy = Copy(self.interpreter, tempfile.mkdtemp(dir=self.folder), "python")
            for path in copy.files():
                support.check(strip + [path])
                forget_sections(path)
            environment = dict(os.environ, **copy.environment())
            # strip spoils a file that patchelf has changed.
            if support.run([copy.binary, "-c", ""], env=environment).returncode == 0:
                break
        self.check_target(self.start([copy.binary], copy.environment()))

    def test_mount_namespace(self):
        """At a path that is something else, or nothing, outside of it."""
        place = os.path.join(self.folder, "place")
        os.mkdir(place)
        copy = Copy(self.interpreter, os.path.join(self.folder, "copy"))
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, copy.folder, place]
        probe = support.run(command + ["true"])
        if probe.returncode != 0:
            self.skipTest("no mount namespace: %s" % probe.stderr.decode(errors="replace").strip())
        target = self.start(command + [os.path.join(place, "bin", "worker")], copy.environment(place))
        self.assertFalse(os.path.exists(os.path.join(place, "bin")))
        self.check_target(target)

    def test_other_root(self):
        root = os.path.join(self.folder, "root")
        os.mkdir(root)
        script = 'mount --rbind / "$0" && exec chroot "$0" sh -c \'cd "$0" && exec "$@"\' "$PWD" "$@"'
        command = ["unshare", "-m", "sh", "-c", script, root]
        probe = support.run(command + ["true"])
        if probe.returncode != 0:
            self.skipTest("no mount namespace: %s" % probe.stderr.decode(errors="replace").strip())
        self.check_target(self.start(command + self.interpreter.command))

    # Inside of another program.

    def embed(self, *arguments):
        """The program, compiled with these arguments."""
        program = os.path.join(self.folder, "embedder")
        if not compiler():
            self.skipTest("no C compiler")
        # Static libraries are made for position-independent programs by some, for others by some.
        command = [compiler(), "-O0", os.path.join(TARGETS, "embed.c"), "-o", program] + list(arguments)
        if support.run(command).returncode != 0:
            support.check(command + ["-no-pie"])
        return program

    def start_embedded(self, program, **variables):
        command = ["sh", "-c", 'EMBED_ARGV=$(printf \'["%s", "%s", "%s", "%s"]\' "$@") exec "$0"', program]
        prefix = os.path.dirname(os.path.dirname(self.interpreter.real_path))
        variables.setdefault("PYTHONHOME", prefix)
        target = self.start(command, variables)
        self.assertEqual(os.readlink("/proc/%d/exe" % target.pid), program)
        return target

    def configuration(self):
        text = "import json, sysconfig; print(json.dumps({n: sysconfig.get_config_var(n) or '' for n in %r}))"
        done = support.check(
            self.interpreter.command + ["-c", text % (CONFIG,)],
            env=dict(os.environ, **self.interpreter.environment))
        return json.loads(done.stdout.decode())

    def shared_library(self, configuration):
        path = os.path.join(configuration["LIBDIR"], configuration["INSTSONAME"])
        if ".so" not in path or not os.path.exists(path):
            self.skipTest("%s has no shared library" % self.interpreter.name)
        return path

    def headers(self, configuration):
        if not os.path.exists(os.path.join(configuration["INCLUDEPY"], "Python.h")):
            self.skipTest("%s has no headers" % self.interpreter.name)
        return "-I" + configuration["INCLUDEPY"]

    def test_embedded(self):
        configuration = self.configuration()
        library = self.shared_library(configuration)
        program = self.embed(self.headers(configuration), library,
                             "-Wl,-rpath," + configuration["LIBDIR"], "-Wl,--allow-shlib-undefined")
        target = self.start_embedded(program)
        self.runs(target, library)
        self.check_target(target)

    def test_embedded_statically(self):
        configuration = self.configuration()
        library = os.path.join(configuration["LIBPL"], configuration["LIBRARY"])
        if not os.path.exists(library):
            self.skipTest("%s has no static library" % self.interpreter.name)
        arguments = [self.headers(configuration), "-Wl,--export-dynamic", library]
        for name in ("MODLIBS", "LIBS", "SYSLIBS"):
            arguments += configuration[name].split()
        try:
            program = self.embed(*arguments, "-lm")
        except support.CommandFailed as error:
            self.skipTest("%s: its static library does not link here: %s" % (
                self.interpreter.name, str(error).strip().splitlines()[-2]))
        support.check(["strip", "-s", program])
        self.check_target(self.start_embedded(program))

    def test_embedded_in_a_library_of_another_name(self):
        configuration = self.configuration()
        library = os.path.join(self.folder, "libengine.so")
        shutil.copy2(self.shared_library(configuration), library)
        program = self.embed("-DEMBED_BY_DLOPEN", "-ldl")
        target = self.start_embedded(program, EMBED_LIBRARY=library)
        self.runs(target, library)
        self.check_target(target)

    def test_embedded_in_a_stripped_library_of_another_name(self):
        """Nothing tells where it is but its own data: --exhaustive."""
        configuration = self.configuration()
        library = os.path.join(self.folder, "libengine.so")
        shutil.copy2(self.shared_library(configuration), library)
        program = self.embed("-DEMBED_BY_DLOPEN", "-ldl")
        target = self.start_embedded(program, EMBED_LIBRARY=library)
        os.unlink(library)
        self.check_target(target, options=["--exhaustive"], before_capture=drop_map_files, method="scan")


def chosen(found):
    """Those that were asked for, or the oldest, the newest, and those without a shared library."""
    if os.environ.get("PYSPY_TEST_PYTHONS") or not found:
        return found
    if SMALL:
        return found[-1:]
    return [item for item in found
            if item in (found[0], found[-1]) or not Copy.shared_libraries(item)]


for _interpreter in chosen([item for item in find_interpreters() if not item.undecoded]):
    add_class(globals(), Builds, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
