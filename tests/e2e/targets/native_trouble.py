"""A target that calls one function of a library, below some Python frames.

    native_trouble.py FOLDER LIBRARY FUNCTION
"""

import ctypes
import os
import sys


def innermost(function):
    function()


def middle(function):
    innermost(function)


def main():
    library = ctypes.CDLL(sys.argv[2])
    function = getattr(library, sys.argv[3])
    open(os.path.join(sys.argv[1], "settled"), "w").close()
    middle(function)


main()
