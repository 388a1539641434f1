"""Short file names and modules of programs that are laid out and started in different ways.

Where py-spy is at hand (scripts/make-peers, PYSPY_PEERS), its short names of the same process are compared: it
looks for __init__.py on the disk. Differences are listed in PEER_DIFFERS, with the reason.
"""

import json
import os
import shutil
import subprocess
import zipfile

import support
from generate import add_class, make_load_tests, template
from interpreters import find_interpreters
from support import EndToEndTest

PEERS = os.path.join(os.environ.get("PYSPY_PEERS", "build/peers"), "bin")
PEER = shutil.which("py-spy", path=PEERS + os.pathsep + os.environ.get("PATH", ""))

LEAF = "import time, sys\ndef leaf():\n    open('ready', 'w').close()\n    time.sleep(10000)\n"
MODULES = {
    "script.py": "import package.sub.inner\npackage.sub.inner.start()\n",
    "package/__init__.py": "",
    "package/__main__.py": "from package.sub import inner\ninner.start()\n",
    "package/tool.py": "import package.sub.inner\npackage.sub.inner.start()\n",
    "package/sub/__init__.py": "def call(function):\n    return function()\n",
    "package/sub/inner.py": "from . import call\nimport space.module\n"
                            "def start():\n    call(space.module.run)\n",
    "space/module.py": "import json.decoder, single, leaf\n"
                       "def run():\n    single.call(leaf.leaf)\n",
    "single.py": "import json.decoder\n"
                 "def call(function):\n"
                 "    json.decoder.JSONDecoder(object_hook=lambda _: function()).decode('{}')\n",
    "site-packages/leaf.py": LEAF,
}

# Where each kind of start finds the modules, its arguments, and the outermost frame.
STARTS = {
    "script": (["script.py"], "__main__", "script.py"),
    "absolute script": (["{folder}/script.py"], "__main__", "script.py"),
    "script of a package": (["package/tool.py"], "__main__", "tool.py"),
    "module of a package": (["-m", "package.tool"], "__main__", "package/tool.py"),
    "package": (["-m", "package"], "__main__", "package/__main__.py"),
    "command": (["-c", "import package.tool"], "__main__", "<string>"),
    "zip": (["{folder}/app.zip"], "__main__", "__main__.py"),
}

INNER = [
    ("leaf", "leaf", "leaf.py"),
    ("<lambda>", "single", "single.py"),
    ("raw_decode", "json.decoder", "json/decoder.py"),
    ("decode", "json.decoder", "json/decoder.py"),
    ("call", "single", "single.py"),
    ("run", "space.module", "space/module.py"),
    ("call", "package.sub", "package/sub/__init__.py"),
    ("start", "package.sub.inner", "package/sub/inner.py"),
]

# Ours: what py-spy says of the same file.
PEER_DIFFERS = {
    # A package without __init__.py (PEP 420) is none for it.
    "space/module.py": "module.py",
    # It goes by the folder, even where the program is no part of the package.
    "tool.py": "package/tool.py",
}


@template
class ShortNames(EndToEndTest):
    interpreter = None

    def setUp(self):
        self.folder = os.path.realpath(support.tempfile.mkdtemp(prefix="pyspy-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        for name, source in MODULES.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(source)
        with zipfile.ZipFile(os.path.join(self.folder, "app.zip"), "w") as archive:
            archive.writestr("__main__.py", "import package.tool\n")

    def start(self, arguments):
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **self.interpreter.environment)
        # A script's own folder is found first, but not the folder that it is started in.
        environment["PYTHONPATH"] = self.folder + ":" + os.path.join(self.folder, "site-packages")
        process = subprocess.Popen(
            self.interpreter.command + arguments,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            preexec_fn=support._prepare_target,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        ready = os.path.join(self.folder, "ready")
        support.wait_until(lambda: os.path.exists(ready) or process.poll() is not None, 60, "start")
        self.assertIsNone(process.poll(), arguments)
        os.unlink(ready)
        return process

    def check(self, kind):
        arguments, module, short_name = STARTS[kind]
        process = self.start([word.format(folder=self.folder) for word in arguments])
        for level in ("stacks", "full"):
            snapshot = os.path.join(self.folder, level + ".zst")
            support.capture(process.pid, snapshot, "--level", level)
            (thread,) = support.dump_json(snapshot)
            shown = [
                (frame["function"], frame["python_module"], frame["short_filename"])
                for frame in thread["frames"]
            ]
            self.assertEqual(INNER, shown[: len(INNER)])
            self.assertEqual(("<module>", module, short_name), self.program_frame(shown))
        return process, thread["frames"]

    def program_frame(self, shown):
        """The outermost, but for what runs modules."""
        return [frame for frame in shown if frame[1] not in ("runpy", "_frozen_importlib")][-1]

    def compare(self, kind):
        process, frames = self.check(kind)
        if not PEER:
            self.skipTest("all but the comparison passed; py-spy is not installed (scripts/make-peers, PYSPY_PEERS)")
        done = support.run([PEER, "dump", "--json", "--pid", str(process.pid)])
        if done.returncode:
            self.skipTest("py-spy: " + done.stderr.decode(errors="replace").strip()[-200:])
        (thread,) = json.loads(done.stdout.decode())
        self.assertEqual(len(frames), len(thread["frames"]))
        for ours, theirs in zip(frames, thread["frames"]):
            name = ours["short_filename"]
            if name.startswith("<frozen") or theirs["short_filename"] is None:
                continue  # in no file; or it was not found by a path that is relative
            self.assertIn(
                theirs["short_filename"], (name, PEER_DIFFERS.get(name)), ours["filename"]
            )


def _start_test(kind):
    return lambda self: self.compare(kind)


for _interpreter in find_interpreters():
    if not _interpreter.unsupported:
        add_class(
            globals(),
            ShortNames,
            _interpreter.name,
            interpreter=_interpreter,
            **{"test_" + kind.replace(" ", "_"): _start_test(kind) for kind in STARTS}
        )

load_tests = make_load_tests(globals())

if __name__ == "__main__":
    support.main()
