"""libpyspy through ctypes, with the structures of the example in examples/ctypes-sampler.py."""

import contextlib
import ctypes
import importlib.util
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_int32, c_size_t, c_uint, c_uint64, c_void_p

from support import BUILD, FOLDER

ROOT = os.path.dirname(os.path.dirname(FOLDER))
LIBRARY = os.path.join(BUILD, "libpyspy.so.0")
CTYPES_EXAMPLE = os.path.join(ROOT, "examples", "ctypes-sampler.py")


def _example():
    specification = importlib.util.spec_from_file_location("ctypes_sampler", CTYPES_EXAMPLE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def load_library():
    os.environ["PYSPY_LIBRARY"] = LIBRARY
    library = example.load()
    for name, result, arguments in (
        ("pyspy_error_code", c_int, [c_void_p]),
        ("pyspy_config_check", c_void_p, [POINTER(example.Config)]),
        ("pyspy_open", c_void_p, [c_int32, POINTER(example.Config), POINTER(c_void_p)]),
        ("pyspy_open_retry", c_void_p, [c_int32, POINTER(example.Config), c_uint, POINTER(c_void_p)]),
        ("pyspy_open_file", c_void_p, [c_char_p, POINTER(example.Config), POINTER(c_void_p)]),
        ("pyspy_close", None, [c_void_p]),
        ("pyspy_get_traces", c_void_p, [c_void_p, POINTER(c_void_p)]),
        ("pyspy_traces_free", None, [c_void_p]),
        ("pyspy_traces_time_ns", c_uint64, [c_void_p]),
        ("pyspy_sample_error", c_void_p, [POINTER(example.Sample), c_size_t]),
        ("pyspy_is_alive", c_bool, [c_void_p]),
        ("pyspy_python_version", c_char_p, [c_void_p]),
        ("pyspy_process_count", c_size_t, [c_void_p]),
        ("pyspy_sample_count", c_size_t, [c_void_p]),
        ("pyspy_select", c_void_p, [c_void_p, c_size_t, c_size_t]),
        ("pyspy_trace_status", c_char_p, [POINTER(example.Trace)]),
    ):
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


example = _example()


class LibraryError(Exception):
    def __init__(self, code, message):
        super().__init__("%d: %s" % (code, message))
        self.code = code


class Library:
    """The library for tests: errors are exceptions, stacks are tuples."""

    def __init__(self):
        self.functions = load_library()

    def check(self, error):
        if error:
            code = self.functions.pyspy_error_code(error)
            message = self.functions.pyspy_error_message(error).decode()
            self.functions.pyspy_error_free(error)
            raise LibraryError(code, message)

    def config(self, **values):
        config = example.Config()
        self.functions.pyspy_config_init(byref(config), ctypes.sizeof(config))
        for name, value in values.items():
            # Arrays are filled from their beginning.
            if isinstance(value, (list, tuple)):
                getattr(config, name)[: len(value)] = value
            else:
                setattr(config, name, value)
        return config

    @contextlib.contextmanager
    def open(self, pid, retries=0, **values):
        spy = c_void_p()
        config = self.config(**values)
        self.check(self.functions.pyspy_open_retry(pid, byref(config), retries, byref(spy)))
        try:
            yield spy
        finally:
            self.functions.pyspy_close(spy)

    @contextlib.contextmanager
    def open_file(self, path, **values):
        spy = c_void_p()
        config = self.config(**values)
        self.check(self.functions.pyspy_open_file(path.encode(), byref(config), byref(spy)))
        try:
            yield spy
        finally:
            self.functions.pyspy_close(spy)

    def stacks_of(self, traces):
        """{(pid, tid): ((name, filename, line), ...)}, innermost first."""
        stacks = {}
        for index in range(self.functions.pyspy_traces_count(traces)):
            trace = self.functions.pyspy_traces_get(traces, index)
            frames = (
                self.functions.pyspy_trace_frame(trace, i).contents
                for i in range(trace.contents.frame_count)
            )
            stacks[trace.contents.pid, trace.contents.os_thread_id] = tuple(
                (example.text(frame.name), example.text(frame.filename), frame.line)
                for frame in frames
            )
        return stacks

    def stacks(self, spy):
        traces = c_void_p()
        self.check(self.functions.pyspy_get_traces(spy, byref(traces)))
        try:
            return self.stacks_of(traces)
        finally:
            self.functions.pyspy_traces_free(traces)

    @contextlib.contextmanager
    def sampler(self, pid, **values):
        """Gives a function that gives the next sample's stacks, or None at the end. Other things can
        be made of a sample with `of`, a function of a pointer to it."""
        sampler = c_void_p()
        config = self.config(**values)
        self.check(self.functions.pyspy_sampler_create(pid, byref(config), byref(sampler)))

        def take(timeout_ms=-1, of=lambda sample: self.stacks_of(sample.contents.traces)):
            sample = POINTER(example.Sample)()
            self.check(self.functions.pyspy_sampler_next(sampler, timeout_ms, byref(sample)))
            if not sample:
                return None
            try:
                return of(sample)
            finally:
                self.functions.pyspy_sample_free(sample)

        try:
            yield take
        finally:
            self.functions.pyspy_sampler_destroy(sampler)
