"""A target with a thread that gets its name late, as each does between its begin and its first line.

    late_name.py FOLDER

FOLDER/started is made when the thread runs; when there is FOLDER/register, threading gets to know it.
"""

import os
import sys
import threading
import time

try:
    import _thread
except ImportError:
    import thread as _thread


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.001)


def run(folder):
    open(os.path.join(folder, "started"), "w").close()
    wait_for(os.path.join(folder, "register"))
    threading.current_thread()
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    _thread.start_new_thread(run, (sys.argv[1],))
    while True:
        time.sleep(0.1)
