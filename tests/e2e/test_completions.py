"""The scripts of `pyspy-analyze completions` and `pyspy-capture --completions` load, and offer what there is."""

import os
import re
import shutil
import tempfile

import support
from support import EndToEndTest

# Completes the words given, the last of which is being typed; one offer a line.
BASH = """
source "$1"; name=$2; shift 2
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
"$name" && printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completions(EndToEndTest):
    def script(self, shell, program="pyspy-analyze"):
        if program == "pyspy-analyze":
            done = support.check([support.ANALYZE, "completions", shell])
        else:
            done = support.check([support.CAPTURE, "--completions", shell])
        self.assertEqual(done.stderr, b"")
        folder = tempfile.mkdtemp(prefix="pyspy-completions-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "_" + program)
        with open(path, "wb") as file:
            file.write(done.stdout)
        return path

    def options(self, *words):
        """Long names in the help of a command."""
        text = support.check(list(words) + ["--help"]).stdout.decode()
        return set(re.findall(r"^  (?:-\w, |    )(--[\w-]+)", text, re.MULTILINE))

    def need(self, shell):
        if shutil.which(shell) is None:
            self.skipTest("there is no %s" % shell)

    def bash(self, *words):
        program = words[0]
        function = "_" + program.replace("-", "_")
        done = support.check(
            ["bash", "--norc", "-c", BASH, "bash", self.script("bash", program), function] + list(words)
        )
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode().split()

    def test_bash(self):
        self.need("bash")
        for command in ("dump", "info", "report", "diff", "merge"):
            offered = self.bash("pyspy-analyze", command, "--")
            self.assertLessEqual(self.options(support.ANALYZE, command), set(offered), command)
        self.assertNotIn("--weight", self.bash("pyspy-analyze", "--"))
        self.assertIn("--locals", self.bash("pyspy-analyze", "--"))
        self.assertIn("report", self.bash("pyspy-analyze", "rep"))
        self.assertEqual(self.bash("pyspy-analyze", "report", "-f", "sp"), ["speedscope"])
        self.assertEqual(self.bash("pyspy-analyze", "report", "--format", "=", "sp"), ["speedscope"])
        self.assertIn(str(os.getpid()), self.bash("pyspy-analyze", "dump", "--pid", ""))
        offered = self.bash("pyspy-capture", "--")
        self.assertLessEqual(self.options(support.CAPTURE), set(offered))
        self.assertEqual(self.bash("pyspy-capture", "--level", "lo"), ["locals"])

    def test_output(self):
        printed = self.script("bash")
        path = printed + ".file"
        command = [support.ANALYZE, "completions", "-o", path, "bash"]
        self.assertEqual(support.check(command).stdout, b"")
        with open(printed, "rb") as one, open(path, "rb") as other:
            self.assertEqual(one.read(), other.read())
        done = support.check(command, support.EXIT_FAILED)
        self.assertIn(b"exists already", done.stderr)

    def test_zsh(self):
        self.need("zsh")
        for program in ("pyspy-analyze", "pyspy-capture"):
            path = self.script("zsh", program)
            done = support.check(["zsh", "-f", "-n", path])
            self.assertEqual(done.stderr, b"")
            loads = (
                "fpath=(%s $fpath); autoload -Uz compinit && compinit -u -d %s/dump; "
                "print -r -- $_comps[%s]; autoload +X _%s && print loaded"
                % (os.path.dirname(path), os.path.dirname(path), program, program)
            )
            done = support.check(["zsh", "-f", "-c", loads])
            self.assertEqual(done.stdout.decode().split(), ["_" + program, "loaded"])
            self.assertEqual(done.stderr, b"")

    def test_fish(self):
        self.need("fish")
        path = self.script("fish")
        for words, wanted, unwanted in (
            ("pyspy-analyze report --", self.options(support.ANALYZE, "report"), {"--json"}),
            ("pyspy-analyze info --", self.options(support.ANALYZE, "info"), {"--weight"}),
            ("pyspy-analyze report --format sp", {"speedscope"}, {"html"}),
            ("pyspy-analyze re", {"report", "record"}, set()),
        ):
            done = support.check(
                ["fish", "--no-config", "-c", "source %s; complete -C '%s'" % (path, words)]
            )
            offered = {line.split("\t")[0] for line in done.stdout.decode().splitlines()}
            self.assertLessEqual(wanted, offered, words)
            self.assertFalse(unwanted & offered, words)
        path = self.script("fish", "pyspy-capture")
        done = support.check(
            ["fish", "--no-config", "-c", "source %s; complete -C 'pyspy-capture --level '" % path]
        )
        offered = {line.split("\t")[0] for line in done.stdout.decode().splitlines()}
        self.assertEqual(offered, {"stacks", "locals", "full"})

    def test_another_shell(self):
        for words in (["tcsh"], []):
            done = support.run([support.ANALYZE, "completions"] + words)
            self.assertEqual(done.returncode, support.EXIT_USAGE)
            self.assertIn(b"bash", done.stderr)
            self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    support.main()
