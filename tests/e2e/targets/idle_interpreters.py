"""A target whose main thread has a thread state in interpreters that it does not run.

    idle_interpreters.py FOLDER COUNT
"""

import os
import sys
import time

try:
    import _interpreters as interpreters  # 3.13 and later
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        print("no module for subinterpreters")
        sys.exit(77)


def wait():
    time.sleep(10000000)


if __name__ == "__main__":
    # Up to 3.12 what is not kept is destroyed.
    kept = [interpreters.create() for _ in range(int(sys.argv[2]))]
    open(os.path.join(sys.argv[1], "settled"), "w").close()
    wait()
