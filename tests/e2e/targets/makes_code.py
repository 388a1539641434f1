"""A target that makes functions as it runs: with -X perf, each one gets code of its own.

    makes_code.py FOLDER

It calls each once, for FUNCTION_SECONDS. FOLDER/started is made when BEFORE are there: soon after, what
is made does not fit into the memory that the first ones are in.
"""

import os
import sys
import time

BEFORE = 900
FUNCTION_SECONDS = 0.005


def make(number):
    scope = {"sleep": time.sleep}
    name = "made_%d" % number
    eval(compile("def %s(seconds):\n    sleep(seconds)\n" % name, name + ".py", "exec"), scope)
    return scope[name]


def main(folder):
    kept = []
    for number in range(BEFORE):
        kept.append(make(number))
        kept[-1](0)
    open(os.path.join(folder, "started"), "w").close()
    while True:
        kept.append(make(len(kept)))
        kept[-1](FUNCTION_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
