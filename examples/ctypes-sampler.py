#!/usr/bin/env python3
"""Samples a Python process through ctypes, and prints where its threads were.

    ctypes-sampler.py PID [SECONDS]

The library is libpyspy.so.0 as the dynamic linker finds it, or the file that PYSPY_LIBRARY names.
"""

import collections
import ctypes
import os
import sys
from ctypes import POINTER, Structure, byref, c_bool, c_char_p, c_double, c_int, c_int32, c_size_t
from ctypes import c_uint, c_uint64, c_void_p


class Config(Structure):
    """struct pyspy_config."""

    _fields_ = [
        ("size", c_size_t),
        ("pid", c_int32),
        ("core_file", c_char_p),
        ("command", POINTER(c_char_p)),
        ("lock", c_int),
        ("native", c_bool),
        ("subprocesses", c_bool),
        ("gil_only", c_bool),
        ("include_idle", c_bool),
        ("locals", c_uint),
        ("lines", c_int),
        ("sampling_rate", c_uint64),
        ("duration_ns", c_uint64),
        ("show_line_numbers", c_bool),
        ("full_filenames", c_bool),
        ("include_thread_ids", c_bool),
        ("hide_progress", c_bool),
        ("capture_output", c_bool),
        ("json", c_bool),
        ("format", c_int),
        ("output", c_char_p),
        ("refresh_seconds", c_double),
        ("executable", c_char_p),
        ("sysroot", c_char_p),
        ("search_paths", c_char_p * 16),
        ("search_roots", c_char_p * 16),
        ("tid_count", c_size_t),
        ("tids", c_uint64 * 32),
        ("exhaustive", c_bool),
        ("native_all", c_bool),
        ("native_last", c_bool),
        ("native_internal", c_bool),
        ("wait_ns", c_uint64),
    ]


class Trace(Structure):
    """struct pyspy_trace; what a newer library adds comes behind."""

    _fields_ = [
        ("size", c_size_t),
        ("pid", c_int32),
        ("os_thread_id", c_int32),
        ("thread_id", c_uint64),
        ("thread_name", c_char_p),
        ("active", c_bool),
        ("owns_gil", c_bool),
        ("waits_for_gil", c_bool),
        ("collects_garbage", c_bool),
        ("is_inferred", c_bool),
        ("is_partial", c_bool),
        ("frame_count", c_size_t),
        ("process", c_void_p),
    ]


class Sample(Structure):
    """struct pyspy_sample."""

    _fields_ = [
        ("size", c_size_t),
        ("traces", c_void_p),
        ("error_count", c_size_t),
        ("late_ns", c_uint64),
        ("missed", c_uint64),
        ("index", c_uint64),
    ]


class Frame(Structure):
    """struct pyspy_frame, as far as it is needed here: only the library makes them."""

    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int),
        ("line", c_int32),
        ("name", c_char_p),
        ("filename", c_char_p),
        ("short_filename", c_char_p),
    ]


def load():
    library = ctypes.CDLL(os.environ.get("PYSPY_LIBRARY", "libpyspy.so.0"))
    # A function of which ctypes is not told that it takes pointers cuts them to 32 bits.
    for name, result, arguments in (
        ("pyspy_config_init", None, [POINTER(Config), c_size_t]),
        ("pyspy_error_message", c_char_p, [c_void_p]),
        ("pyspy_error_free", None, [c_void_p]),
        ("pyspy_sampler_create", c_void_p, [c_int32, POINTER(Config), POINTER(c_void_p)]),
        ("pyspy_sampler_next", c_void_p, [c_void_p, c_int, POINTER(POINTER(Sample))]),
        ("pyspy_sampler_python_version", c_char_p, [c_void_p]),
        ("pyspy_sampler_destroy", None, [c_void_p]),
        ("pyspy_sample_free", None, [POINTER(Sample)]),
        ("pyspy_traces_count", c_size_t, [c_void_p]),
        ("pyspy_traces_get", POINTER(Trace), [c_void_p, c_size_t]),
        ("pyspy_trace_frame", POINTER(Frame), [POINTER(Trace), c_size_t]),
    ):
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


class PyspyError(Exception):
    """An error of the library."""


def check(library, error):
    if error:
        message = library.pyspy_error_message(error).decode(errors="replace")
        library.pyspy_error_free(error)
        raise PyspyError(message)


def text(value):
    return value.decode(errors="replace") if value else "?"


def samples(library, sampler):
    """Each sample, freed when the next one is asked for."""
    while True:
        sample = POINTER(Sample)()
        check(library, library.pyspy_sampler_next(sampler, -1, byref(sample)))
        if not sample:
            return
        try:
            yield sample.contents
        finally:
            library.pyspy_sample_free(sample)


def main():
    library = load()
    config = Config()
    library.pyspy_config_init(byref(config), ctypes.sizeof(config))
    config.duration_ns = int(float(sys.argv[2] if len(sys.argv) > 2 else 1) * 1e9)
    sampler = c_void_p()
    check(library, library.pyspy_sampler_create(int(sys.argv[1]), byref(config), byref(sampler)))
    places = collections.Counter()
    taken = 0
    try:
        print("Python", text(library.pyspy_sampler_python_version(sampler)))
        for sample in samples(library, sampler):
            taken += 1
            for index in range(library.pyspy_traces_count(sample.traces)):
                trace = library.pyspy_traces_get(sample.traces, index)
                if trace.contents.frame_count:
                    frame = library.pyspy_trace_frame(trace, 0).contents
                    places["%s:%s" % (text(frame.name), text(frame.short_filename))] += 1
    finally:
        library.pyspy_sampler_destroy(sampler)
    print("%d samples" % taken)
    for place, count in places.most_common(10):
        print("%6d  %s" % (count, place))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main()
    except PyspyError as failure:
        sys.exit(str(failure))
