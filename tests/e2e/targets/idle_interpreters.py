"""A target whose main thread has a thread state in interpreters that it does not run.

    idle_interpreters.py FOLDER COUNT
"""

import os
import sys
import time

from interpreters_module import interpreters


def wait():
    time.sleep(10000000)


if __name__ == "__main__":
    # Up to 3.12 what is not kept is destroyed.
    kept = [interpreters.create() for _ in range(int(sys.argv[2]))]
    open(os.path.join(sys.argv[1], "settled"), "w").close()
    wait()
