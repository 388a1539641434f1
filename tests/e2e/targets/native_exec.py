"""A target that computes for some milliseconds and then begins anew by execve(2), with a thread that
waits in the kernel.

    native_exec.py FOLDER
"""

import os
import sys
import threading
import time


def innermost(end):
    while time.time() < end:
        pass


def middle(end):
    innermost(end)


open(os.path.join(sys.argv[1], "settled"), "w").close()
threading.Thread(target=time.sleep, args=(10,), daemon=True).start()
middle(time.time() + 0.03)
os.execv(sys.executable, [sys.executable, "-S", "-E"] + sys.argv)
