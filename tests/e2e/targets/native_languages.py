"""A target that calls a compiled module or library with a callback, which waits.

    native_languages.py FOLDER KIND PATH
"""

import ctypes
import os
import sys
import time


def wait(*unused):
    open(os.path.join(sys.argv[1], "settled"), "w").close()
    time.sleep(1000000)


def load(path):
    import importlib.machinery
    import importlib.util

    name = os.path.basename(path).split(".")[0]
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def c(path):
    load(path).call(wait)


def rust(path):
    callback = ctypes.CFUNCTYPE(None)(wait)
    ctypes.CDLL(path).call_rust(callback)


def cython(path):
    module = load(path)
    module.Worker().work(lambda: next(module.generate(wait)))


def numpy(path):
    import numpy

    numpy.frompyfunc(wait, 1, 1)(numpy.arange(4))


{"c": c, "rust": rust, "cython": cython, "numpy": numpy}[sys.argv[2]](sys.argv[3])
