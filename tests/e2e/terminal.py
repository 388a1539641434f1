"""A real terminal for tests: tmux, with a screen to look at and keys to press."""

import os
import re
import shutil
import subprocess
import tempfile

import support

REASON = None if shutil.which("tmux") else "there is no tmux"

# What runs in the terminal: something before and after the program, so that it can be seen whether
# the terminal is as it was.
_SHELL = 'trap : INT; echo "text before"; stty -a >{0}/before; {1}; echo $? >{0}/status; stty -a >{0}/after; cat'


class Terminal:
    """A program in a terminal of its own. `command` is a line for the shell."""

    def __init__(self, command, width=80, height=24, term=None, environment=None):
        self.folder = tempfile.mkdtemp(prefix="pyspy-terminal-")
        self.socket = os.path.join(self.folder, "tmux")
        variables = {"LC_ALL": "C.UTF-8", "PYSPY_TERMINAL": "1"}
        variables.update(environment or {})
        words = ["env", "-u", "NO_COLOR"] if "NO_COLOR" not in variables else ["env"]
        words += ["%s=%s" % item for item in sorted(variables.items())]
        if term is not None:
            words.append("TERM=" + term)
        words += ["sh", "-c", _SHELL.format(self.folder, command)]
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "test", "-x", str(width), "-y", str(height),
            *words
        )

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        subprocess.run(
            ["tmux", "-S", self.socket, "kill-server"], check=False, stderr=subprocess.DEVNULL
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tmux(self, *words):
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        environment.pop("TMUX", None)
        return subprocess.run(
            ("tmux", "-S", self.socket) + words,
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=30,
        ).stdout.decode()

    def press(self, *keys):
        self._tmux("send-keys", "-t", "test", *keys)

    def type(self, text):
        self._tmux("send-keys", "-t", "test", "-l", text)

    def resize(self, width, height):
        self._tmux("resize-window", "-t", "test", "-x", str(width), "-y", str(height))

    def screen(self, escapes=False):
        text = self._tmux("capture-pane", "-p", "-t", "test", *(["-e"] if escapes else []))
        return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n") + "\n"

    def wait_for(self, pattern, seconds=30):
        """Until a regular expression is found on the screen; gives the match."""
        try:
            return support.wait_until(
                lambda: re.search(pattern, self.screen(), re.MULTILINE), seconds, pattern
            )
        except AssertionError as error:
            raise AssertionError("%s; the screen is:\n%s" % (error, self.screen())) from None

    def wait_for_screen(self, expected, mask=lambda text: text, seconds=30):
        try:
            support.wait_until(lambda: mask(self.screen()) == expected, seconds, "the screen")
        except AssertionError:
            return mask(self.screen())
        return expected

    def _read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def wait_for_end(self, seconds=30):
        """The exit status of the program."""
        path = os.path.join(self.folder, "after")
        support.wait_until(
            lambda: os.path.exists(path) and os.path.getsize(path), seconds, "the program's end"
        )
        return int(self._read("status"))

    def modes(self):
        """The terminal's modes before the program and after it."""
        return self._read("before"), self._read("after")

    def is_alternate(self):
        return self._tmux("display", "-p", "-t", "test", "#{alternate_on}").strip() == "1"

    def program(self, name):
        """The process with a name that runs in the terminal."""
        session = self._tmux("display", "-p", "-t", "test", "#{pane_pid}").strip()

        def find():
            pids = subprocess.run(
                ["ps", "-e", "-o", "pid=,sid=,comm="], check=True, stdout=subprocess.PIPE
            ).stdout.decode()
            for line in pids.splitlines():
                pid, sid, command = line.split(None, 2)
                if sid == session and command.startswith(name[:15]):
                    return int(pid)
            return None

        return support.wait_until(find, 30, name)
