"""A target whose functions have known shares of the time.

    known_times.py FOLDER SECONDS

In each round `hot` runs for six parts of the time, `warm` for three and `cool`, which `caller` calls, for
one; parts are of random length, not to keep step with who samples. At the end it writes FOLDER/shares.json: for how many seconds each did run. FOLDER/ready is there from
the first round on.
"""

import json
import os
import random
import sys
import time

FOLDER = sys.argv[1]
PART = 0.01
SPENT = {"hot": 0.0, "warm": 0.0, "cool": 0.0}


def hot(until):
    while time.time() < until:
        pass


def warm(until):
    while time.time() < until:
        pass


def cool(until):
    while time.time() < until:
        pass


def caller(until):
    cool(until)


def spend(function, name, parts):
    begin = time.time()
    function(begin + parts * PART * random.uniform(0.3, 1.7))
    SPENT[name] += time.time() - begin


def main():
    end = time.time() + float(sys.argv[2])
    open(os.path.join(FOLDER, "ready"), "w").close()
    while time.time() < end:
        spend(hot, "hot", 6)
        spend(warm, "warm", 3)
        spend(caller, "cool", 1)
    path = os.path.join(FOLDER, "shares.json")
    with open(path + ".new", "w") as file:
        json.dump(SPENT, file)
    os.rename(path + ".new", path)


main()
