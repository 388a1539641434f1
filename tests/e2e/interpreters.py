"""Finds the Python interpreters of this machine that the end-to-end tests run against.

PYSPY_TEST_PYTHONS, if set, is the whole list: entries separated by colons, each a path or a command
on PATH, or `env NAME=value ... PATH` where an interpreter needs variables of its own (a relocated one
needs PYTHONHOME, for example). Otherwise: python3 on PATH, those of version managers, /usr/bin.
PYSPY_E2E_INTERPRETERS=N keeps N of them, the oldest, the newest and others evenly between.
Run as a program, prints the list; with --json for PYSPY_FOUND_INTERPRETERS, which scripts/run-tests sets so
that not each file looks for itself.
"""

import functools
import glob
import json
import os
import shutil
import subprocess
import sys

# Versions whose stacks the programs decode. 3.14 and later are read through _Py_DebugOffsets, whose
# schema the build either knows or does not.
OLDEST_DECODED = (3, 3)
PYTHON_2 = (2, 7)
# The oldest version that all targets of the tests can run on; some can on older ones.
OLDEST_SUPPORTED = (3, 7)

_VERSION_MANAGER_GLOBS = (
    "~/.pyenv/versions/*/bin/python",
    "~/.asdf/installs/python/*/bin/python3",
    "~/.local/share/mise/installs/python/*/bin/python3",
    "~/.local/share/uv/python/*/bin/python3",
    "/opt/python/*/bin/python3",
    "/opt/hostedtoolcache/Python/*/x64/bin/python3",
)

_PROBE = (
    "import sys, os; v = sys.version_info;"
    "print('%d %d %d' % v[:3]); print(v[3]); print(os.path.realpath(sys.executable));"
    "import struct, sysconfig; get = lambda name: str(sysconfig.get_config_var(name) or '');"
    "print(int(get('Py_GIL_DISABLED') != '1')); print(struct.calcsize('P')); print(sys.executable);"
    "words = ['t'] * (get('Py_GIL_DISABLED') == '1') + ['d'] * hasattr(sys, 'gettotalrefcount')"
    " + ['-tail'] * ('--with-tail-call-interp' in get('CONFIG_ARGS'))"
    " + ['-jit'] * ('--enable-experimental-jit' in get('CONFIG_ARGS')) + ['-musl'] * ('musl' in get('CC'));"
    "print(''.join(words))"
)


class Interpreter:
    """One interpreter: `command` (argument list), `environment` (variables it needs)."""

    def __init__(self, command, environment, version, release_level, real_path, has_gil, build):
        self.command = command
        self.environment = environment
        self.version = version
        self.release_level = release_level
        self.real_path = real_path
        self.has_gil = has_gil
        self.build = build

    @property
    def name(self):
        """Unique enough for a test's name: python3.12.1, python3.14.0t, python3.14.0-jit."""
        return "python%d.%d.%d%s" % (self.version + (self.build,))

    @property
    def minor(self):
        return self.version[:2]

    @property
    def has_jit(self):
        """Whether it compiles hot loops, if PYTHON_JIT asks for it."""
        return "-jit" in self.build

    @property
    def library_name(self):
        """Of its standard library's folder in lib."""
        return "python%d.%d%s" % (self.minor + ("" if self.has_gil else "t",))

    @property
    def undecoded(self):
        """Why the programs do not decode it, or None."""
        if self.minor < OLDEST_DECODED and self.minor != PYTHON_2:
            return "%s: versions before %d.%d are not supported" % ((self.name,) + OLDEST_DECODED)
        return None

    @property
    def unsupported(self):
        """Why a test whose target needs a Python 3 of today cannot run on it, or None."""
        if self.minor < OLDEST_SUPPORTED:
            return "%s: the test's target is for %d.%d and later" % ((self.name,) + OLDEST_SUPPORTED)
        return None

    def __repr__(self):
        return "<%s %s>" % (self.name, self.real_path)


def _split_entry(entry):
    """`env A=b /path/python` gives ({"A": "b"}, "/path/python")."""
    words = entry.split()
    environment = {}
    if words and words[0] == "env":
        words = words[1:]
        while words and "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
    return environment, " ".join(words)


def _probe(path, environment):
    found = shutil.which(os.path.expanduser(path))
    if not found:
        return None, "not found"
    try:
        done = subprocess.run(
            [found, "-c", _PROBE],
            env=dict(os.environ, **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or len(lines) < 7:
        return None, "does not run: %s" % done.stderr.decode(errors="replace").strip()[-200:]
    if lines[4] != "8":
        return None, "is not a 64-bit build"
    return (
        Interpreter(
            [lines[5]],  # not a version manager's shim
            environment,
            tuple(int(word) for word in lines[0].split()),
            lines[1],
            lines[2],
            lines[3] == "1",
            lines[6],
        ),
        None,
    )


def interpreter_of(path):
    """The one of a path, or of a command on PATH, whether or not it is to be tested."""
    interpreter, problem = _probe(path, {})
    if interpreter is None:
        raise RuntimeError("%s: %s" % (path, problem))
    return interpreter


def _candidates():
    listed = os.environ.get("PYSPY_TEST_PYTHONS")
    if listed:
        return [(_split_entry(entry), True) for entry in listed.split(":") if entry.strip()]
    paths = ["python3"]
    for pattern in _VERSION_MANAGER_GLOBS:
        paths += sorted(glob.glob(os.path.expanduser(pattern)))
    paths += sorted(path for path in glob.glob("/usr/bin/python3*") if not path.endswith("config"))
    return [(({}, path), False) for path in paths]


def _look(log=None):
    """All interpreters, oldest first, each real binary once. `log` gets a line for each that fails."""
    seen = {}
    for (environment, path), required in _candidates():
        interpreter, problem = _probe(path, environment)
        if interpreter is None:
            if log:
                log("%s: %s" % (path, problem))
            if required:
                raise RuntimeError("PYSPY_TEST_PYTHONS: %s: %s" % (path, problem))
            continue
        seen.setdefault((interpreter.real_path, interpreter.version), interpreter)
    return sorted(seen.values(), key=lambda item: (item.version, item.real_path))


def _told():
    """What whoever runs the tests has found, or None."""
    text = os.environ.get("PYSPY_FOUND_INTERPRETERS")
    if not text:
        return None
    return [Interpreter(**dict(item, version=tuple(item["version"]))) for item in json.loads(text)]


@functools.lru_cache(maxsize=None)
def find_interpreters(log=None):
    """Those that the tests are to run against, oldest first."""
    found = _told()
    if found is None:
        found = _look(log)
    most = int(os.environ.get("PYSPY_E2E_INTERPRETERS", "0"))
    if 1 < most < len(found):
        found = [found[index * (len(found) - 1) // (most - 1)] for index in range(most)]
    return tuple(found)


def newest_supported():
    """The newest interpreter that has a released, decodable version, or None."""
    usable = [item for item in find_interpreters() if item.unsupported is None]
    proven = [item for item in usable if item.minor <= (3, 13)]
    return (proven or usable or [None])[-1]


if __name__ == "__main__":
    if "--json" in sys.argv[1:]:
        print(json.dumps([vars(found) for found in _look()]))
    else:
        for found in _look(print):
            print(found.name, " ".join(found.command), found.real_path, found.unsupported or "")
