"""Native frames of extensions in C, Rust and Cython, and of numpy, between Python's frames.

PYSPY_TEST_CYTHON and PYSPY_TEST_NUMPY are interpreters that have Cython with setuptools, and numpy;
python3 on PATH is tried otherwise.
"""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

import support
from interpreters import interpreter_of, newest_supported
from support import Target

C_SOURCE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static __attribute__((noinline)) PyObject *call_back(PyObject *callback)
{
	PyObject *volatile result = PyObject_CallObject(callback, NULL);
	return result;
}
static PyObject *call(PyObject *self, PyObject *callback)
{
	PyObject *volatile result = call_back(callback);
	return result;
}
static PyMethodDef methods[] = {{"call", call, METH_O, 0}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "cmod", 0, -1, methods};
PyMODINIT_FUNC PyInit_cmod(void) { return PyModule_Create(&definition); }
"""

RUST_SOURCE = """
pub mod inner {
    pub struct Worker { pub times: u32 }
    pub trait Work { fn work(&self, callback: extern "C" fn()) -> u32; }
    impl Work for Worker {
        #[inline(never)]
        fn work(&self, callback: extern "C" fn()) -> u32 {
            for _ in 0..self.times { callback(); }
            std::hint::black_box(self.times)
        }
    }
}
#[no_mangle]
pub extern "C" fn call_rust(callback: extern "C" fn()) -> u32 {
    use inner::Work;
    std::hint::black_box(inner::Worker { times: 2 }.work(callback))
}
"""

CYTHON_SOURCE = """\
cdef class Worker:
    cdef int times

    def work(self, callback):
        cdef int i
        for i in range(2):
            self.inner(callback)

    cdef inner(self, callback):
        plain(callback)


cdef plain(callback):
    callback()


def generate(callback):
    yield callback()
"""


def interpreter_with(variable, *modules):
    """One of the interpreters that has the modules, or a skip."""
    path = os.environ.get(variable) or shutil.which("python3")
    statement = "import " + ", ".join(modules)
    if subprocess.run([path, "-c", statement], stderr=subprocess.DEVNULL).returncode:
        raise unittest.SkipTest("%s: no interpreter that has %s" % (variable, " and ".join(modules)))
    return interpreter_of(path)


class Languages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyspy-native-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def names(self, interpreter, kind, path, *options, strip_command=False):
        """(name, line) of the frames of the one thread, innermost first; and the frames."""
        command = [os.environ.get("PYSPY_TEST_" + kind.upper()) or shutil.which("python3")]
        with Target(
            interpreter,
            "native_languages.py",
            kind,
            path,
            command=command if strip_command else None,
        ) as target:
            target.wait_for("settled")
            target.wait_quiet()
            snapshot = target.path("native.zst")
            support.capture(target.pid, snapshot, "--native")
            dump = support.dump_json(snapshot, "--native", *options)
        frames = [thread for thread in dump if thread["thread_name"] in ("MainThread", None)]
        return (frames or dump)[0]["frames"]

    def assert_order(self, expected, frames):
        """These names come in this order, others between them."""
        names = [frame["name"] for frame in frames]
        self.assertEqual(expected, [name for name in names if name in expected], names)

    def test_c(self):
        if not shutil.which("cc"):
            self.skipTest("there is no C compiler")
        interpreter = newest_supported()
        include = subprocess.check_output(
            interpreter.command + ["-c", "import sysconfig; print(sysconfig.get_paths()['include'])"],
            env=dict(os.environ, **interpreter.environment),
        )
        include = include.decode().strip()
        if not os.path.exists(os.path.join(include, "Python.h")):
            self.skipTest("%s has no headers" % interpreter.name)
        source, path = self.write("cmod.c", C_SOURCE), os.path.join(self.folder, "cmod.so")
        support.check(["cc", "-g", "-O1", "-fPIC", "-shared", "-I", include, "-o", path, source])
        frames = self.names(interpreter, "c", path)
        self.assert_order(["wait", "call_back", "call", "c", "<module>"], frames)
        (call,) = [frame for frame in frames if frame["name"] == "call"]
        self.assertEqual((source, 11), (call["filename"], call["line"]))

    def test_rust(self):
        if not shutil.which("rustc"):
            self.skipTest("rustc is not installed")
        source, path = self.write("calls.rs", RUST_SOURCE), os.path.join(self.folder, "libcalls.so")
        done = support.run(
            ["rustc", "--crate-type", "cdylib", "--crate-name", "calls", "-O", "-g"]
            + ["-C", "link-arg=-Wl,--build-id", "-o", path, source]
        )
        if done.returncode:
            self.skipTest("rustc: " + done.stderr.decode()[-200:])
        frames = self.names(newest_supported(), "rust", path)
        names = [frame["name"] for frame in frames]
        (work,) = [name for name in names if name.endswith("::work")]
        self.assertIn("Worker", work)
        self.assertNotRegex(work, "17h[0-9a-f]{16}|^_")
        self.assert_order(["wait", work, "call_rust", "rust", "<module>"], frames)

    def test_cython(self):
        interpreter = interpreter_with("PYSPY_TEST_CYTHON", "Cython", "setuptools")
        python = os.environ.get("PYSPY_TEST_CYTHON") or shutil.which("python3")
        self.write("cymod.pyx", CYTHON_SOURCE)
        done = support.run(
            [python, "-m", "Cython.Build.Cythonize", "-i", "cymod.pyx"],
            cwd=self.folder,
            env=dict(os.environ, CFLAGS="-g -O1"),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        (path,) = glob.glob(os.path.join(self.folder, "cymod*.so"))
        frames = self.names(interpreter, "cython", path, strip_command=True)
        places = [
            (frame["name"], frame["line"])
            for frame in frames
            if frame["native"] and (frame["filename"] or "").endswith("cymod.pyx")
        ]
        self.assertEqual(
            [
                ("cymod.generator", 18),
                ("cymod.plain", 14),
                ("cymod.Worker.inner", 10),
                ("cymod.Worker.work", 7),
            ],
            places,
        )
        self.assert_order(["wait", "cython.<locals>.<lambda>", "cython", "<module>"], frames)
        # Without the generated code: its lines, but readable names.
        os.unlink(os.path.join(self.folder, "cymod.c"))
        frames = self.names(interpreter, "cython", path, strip_command=True)
        self.assert_order([name for name, _ in places], frames)

    def test_numpy(self):
        interpreter = interpreter_with("PYSPY_TEST_NUMPY", "numpy")
        frames = self.names(interpreter, "numpy", "-", strip_command=True)
        names = [frame["name"] for frame in frames]
        between = frames[names.index("wait") + 1 : names.index("numpy")]
        modules = {os.path.basename(frame["module"] or "") for frame in between}
        self.assertTrue([name for name in modules if "umath" in name], names)
        self.assertFalse([frame["gap"] for frame in frames if frame["gap"]])


if __name__ == "__main__":
    support.main()
