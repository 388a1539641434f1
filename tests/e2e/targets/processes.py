"""A tree of processes that stand still. Python 3 only.

    processes.py FOLDER WAY COUNT [COMMAND...]

WAY is how the COUNT children come about: fork, spawn, forkserver (multiprocessing's), command (COMMAND
with "FOLDER child 0" behind it), none, or child: it is one itself. Each process writes FOLDER/PID.json,
{"pid", "parent", "threads": names}, when it is where it stays; the main one writes FOLDER/ready when all
are. They end with their parent, or when FOLDER is gone.
"""

import json
import os
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]


def tell(name="%d.json" % os.getpid(), parent=None):
    path = os.path.join(FOLDER, name)
    content = {
        "pid": os.getpid(),
        "parent": os.getppid() if parent is None else parent,
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }
    with open(path + ".new", "w") as file:
        json.dump(content, file)
    os.rename(path + ".new", path)


def stay(parent):
    while os.getppid() == parent and os.path.isdir(FOLDER):
        time.sleep(0.1)
    os._exit(0)


def work(number, folder):
    global FOLDER
    FOLDER = folder
    thread = threading.Thread(target=stay, args=(os.getppid(),), name="helper %d" % number)
    thread.start()
    tell("%d.json" % os.getpid())
    stay(os.getppid())


def start_workers(way, count):
    import multiprocessing

    context = multiprocessing.get_context(way)
    for number in range(count):
        context.Process(target=work, args=(number, FOLDER), name="worker %d" % number).start()


def main(way, count, command):
    if way == "child":
        work(count, FOLDER)
    if way == "command":
        for number in range(count):
            subprocess.Popen([word.replace("@", "%s child %d" % (FOLDER, number)) for word in command])
    elif way != "none":
        start_workers(way, count)
    while len([name for name in os.listdir(FOLDER) if name.endswith(".json")]) < count:
        time.sleep(0.01)
    tell()
    tell("ready")
    stay(os.getppid())


if __name__ == "__main__":
    main(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
