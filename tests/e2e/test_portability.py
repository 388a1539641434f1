"""A snapshot needs neither the process nor the interpreter's files; pipes carry it as well as files."""

import os
import shutil
import subprocess
import tempfile

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest, Target

# Of a standard library, what no target here imports.
LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "ensurepip", "site-packages", "__pycache__", "lib2to3",
            "turtledemo", "pydoc_data", "distutils", "config"}


def copy_interpreter(interpreter, folder):
    """A private copy of an interpreter that lives under one prefix; the command, or a reason.

    Hard links where the file system allows: nothing is written to them.
    """
    prefix, name = os.path.split(interpreter.real_path)
    prefix = os.path.dirname(prefix)
    library = os.path.join(prefix, "lib", interpreter.library_name)
    if not os.path.exists(os.path.join(library, "os.py")):
        return None, "its standard library is not at %s" % library
    if prefix in ("/usr", "/"):
        return None, "its files are the system's"

    def place(source, destination, **unused):
        try:
            os.link(source, destination)
        except OSError:
            shutil.copy2(source, destination)

    os.makedirs(os.path.join(folder, "bin"))
    os.makedirs(os.path.join(folder, "lib"))
    place(interpreter.real_path, os.path.join(folder, "bin", name))
    for entry in os.listdir(os.path.dirname(library)):
        if entry.startswith("libpython") and ".so" in entry:
            place(os.path.join(prefix, "lib", entry), os.path.join(folder, "lib", entry))
    shutil.copytree(
        library,
        os.path.join(folder, "lib", os.path.basename(library)),
        ignore=lambda path, names: [n for n in names if n in LEFT_OUT or n.startswith("config-")],
        copy_function=place,
    )
    return [os.path.join(folder, "bin", name)], None


def output(*arguments, **options):
    """Standard output, standard error and exit status of pyspy-analyze."""
    done = support.run([support.ANALYZE] + list(arguments), **options)
    return done.stdout, done.stderr, done.returncode


@template
class Portability(EndToEndTest):
    interpreter = None

    def test_files_and_process_gone(self):
        folder = tempfile.mkdtemp(prefix="pyspy-portable-")
        self.addCleanup(shutil.rmtree, folder, True)
        copy = os.path.join(folder, "copy")
        command, reason = copy_interpreter(self.interpreter, copy)
        if command is None:
            self.skipTest("%s: %s" % (self.interpreter.name, reason))
        environment = {"LD_LIBRARY_PATH": os.path.join(copy, "lib"), "PYTHONHOME": copy}
        snapshots = [os.path.join(folder, level + ".zst") for level in ("stacks", "full")]
        target = Target(self.interpreter, "stacks.py", 20, 20, command=command, environment=environment)
        with target:
            target.settle()
            expected = target.expected()
            with open("/proc/%d/maps" % target.pid) as maps:
                self.assertIn(copy, maps.read(), "the target runs from the copy")
            for path in snapshots:
                level = os.path.basename(path)[: -len(".zst")]
                support.capture(target.pid, path, "--level", level)
            before = [output("dump", *options, path) for path in snapshots for options in ([], ["--json"])]
            for path in snapshots:
                self.assert_stacks(expected, support.dump_json(path))
        shutil.rmtree(copy)
        after = [output("dump", *options, path) for path in snapshots for options in ([], ["--json"])]
        self.assertEqual(before, after)
        self.assertEqual({status for _, _, status in after}, {0})
        for path in snapshots:
            self.assert_stacks(expected, support.dump_json(path), message="after all is gone")
            # Nor with a folder of other files in the place of the host's.
            shown = output("dump", "--json", "--sysroot", folder, path)
            self.assertEqual(shown[::2], (output("dump", "--json", path)[0], 0), shown[1])


class Pipes(EndToEndTest):
    def setUp(self):
        usable = [item for item in find_interpreters() if not item.unsupported]
        if not usable:
            self.skipTest("no supported interpreter was found")
        self.target = Target(usable[-1], "stacks.py", 5, 20)
        self.addCleanup(self.target.close)
        self.target.settle()
        self.expected = self.target.expected()
        self.snapshot = self.target.path("snapshot.zst")
        support.capture(self.target.pid, self.snapshot)

    def test_snapshot_from_standard_input_file(self):
        with open(self.snapshot, "rb") as file:
            shown = output("-", stdin=file)
        self.assertEqual(shown[::2], output(self.snapshot)[::2])

    def test_snapshot_from_pipe(self):
        with open(self.snapshot, "rb") as file:
            content = file.read()
        for arguments in (["-"], ["dump", "-"], ["dump", "--json", "-"]):
            shown = output(*arguments, input=content)
            direct = output(*(arguments[:-1] + [self.snapshot]))
            self.assertEqual(shown[::2], direct[::2], shown[1])

    def test_capture_into_analyze(self):
        for options in ([], ["--level", "full"], ["--nonblocking"]):
            command = [support.CAPTURE, "--pid", str(self.target.pid), "-o", "-"] + options
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as capture:
                shown = support.dump_json("-", stdin=capture.stdout)
                errors = capture.stderr.read()
            self.assertEqual(capture.returncode, 0, errors.decode())
            self.assert_stacks(self.expected, shown, message=" ".join(options))

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = support.run(
                [support.CAPTURE, "--pid", str(self.target.pid), "-o", "-"], stdout=writer
            )
        finally:
            os.close(writer)
        self.assertEqual(done.returncode, support.EXIT_FAILED, done.stderr)
        self.assertTrue(done.stderr)
        self.target.wait_quiet()
        self.assertIsNone(self.target.process.poll())


for _interpreter in find_interpreters():
    if not _interpreter.unsupported:
        add_class(globals(), Portability, _interpreter.name, interpreter=_interpreter)

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
