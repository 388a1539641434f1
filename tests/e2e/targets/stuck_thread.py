"""A thread that waits uninterruptibly, with the GIL, for a FIFO to be opened for writing: the child of
posix_spawn(3) opens it before its execve(2), and its parent waits for that (vfork(2)). The other
thread computes without the GIL."""

import hashlib
import os
import sys
import threading
import time

folder = sys.argv[1]
fifo = os.path.join(folder, "fifo")
os.mkfifo(fifo)
threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"a", b"b", 2**30), daemon=True).start()
open(os.path.join(folder, "ready"), "w").close()
while not os.path.exists(os.path.join(folder, "block")):
    time.sleep(0.01)
open_fifo = [(os.POSIX_SPAWN_OPEN, 5, fifo, os.O_RDONLY, 0)]
os.waitpid(os.posix_spawn("/bin/true", ["true"], {}, file_actions=open_fifo), 0)
while True:
    time.sleep(0.01)
