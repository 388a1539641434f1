"""A target that runs another program in its place, and then Python again.

    exec_twice.py FOLDER [again]

It writes FOLDER/ready, waits for a byte in the FIFO FOLDER/go, and runs a shell in its place, which writes
FOLDER/shell, until SIGTERM; then Python runs again in the same process, writes FOLDER/again, and waits.
"""

import os
import sys
import threading

FOLDER = sys.argv[1]


def tell(name):
    with open(os.path.join(FOLDER, name + ".new"), "w"):
        pass
    os.rename(os.path.join(FOLDER, name + ".new"), os.path.join(FOLDER, name))


if sys.argv[2:] == ["again"]:
    tell("again")
    threading.Event().wait()
tell("ready")
with open(os.path.join(FOLDER, "go"), "rb") as go:
    go.read(1)
again = [sys.executable, os.path.abspath(__file__), FOLDER, "again"]
# A shell waits for a signal while it runs no other program.
script = 'trap \'exec "$@"\' TERM; : >"$0"; while :; do sleep 0.05; done'
os.execv("/bin/sh", ["/bin/sh", "-c", script, os.path.join(FOLDER, "shell")] + again)
