"""Links of a deep call chain, for Python 2.7 and 3.6 to 3.15.

Each link is a function `link(state)` that calls `state.take()(state)` exactly once, through one of the
constructs that CPython keeps frames for in a different way. `take` answers with the next link, or with
the function that blocks. LINKS lists them in a fixed order; ONCE lists those that a thread may hold at
most one of.
"""

import functools

LINKS = []
ONCE = []


def link(function):
    LINKS.append(function)
    return function


def once(function):
    ONCE.append(function)
    return function


def plain(state):
    """The cheapest link: one frame, used to reach a depth exactly."""
    return state.take()(state)


@link
def several_lines(state):
    # From 3.8 on the call's line is the line of its opening, before 3.8 that of its last argument.
    return state.take()(
        # a comment between
        *[
            state
        ]
    )


@link
def recursion(state, again=3):
    if again:
        return recursion(state, again - 1)
    return state.take()(state)


@link
def through_lambda(state):
    return (lambda s: (
        s.take()(
            s)))(state)


@link
def through_closure(state):
    def outer():
        def inner():
            return state.take()(state)
        return inner()
    return outer()


class Methods(object):
    class Nested(object):
        def method(self, state):
            return self.class_method(state)

        @classmethod
        def class_method(cls, state):
            return cls.static_method(state)

        @staticmethod
        def static_method(state):
            return state.take()(state)

    def __init__(self, state):
        self.state = state

    @property
    def value(self):
        return self.state.take()(self.state)

    def __getattr__(self, name):
        if name != "absent":
            raise AttributeError(name)
        return self.state.take()(self.state)

    def __call__(self):
        return self.state.take()(self.state)

    def __lt__(self, other):
        if self.state is not None:
            state, self.state, other.state = self.state, None, None
            state.take()(state)
        return False

    def __enter__(self):
        return self.state.take()(self.state)

    def __exit__(self, *unused):
        return False

    def __len__(self):
        self.state.take()(self.state)
        return 0

    def __add__(self, other):
        return self.state.take()(self.state)

    def __iter__(self):
        yield self.state.take()(self.state)


@link
def through_nested_class(state):
    return Methods.Nested().method(state)


@link
def through_property(state):
    return Methods(state).value


@link
def through_missing_attribute(state):
    return Methods(state).absent


@link
def through_call(state):
    return Methods(state)()


@link
def through_with(state):
    with Methods(state):
        pass


@link
def through_length(state):
    return len(Methods(state))


@link
def through_operator(state):
    return Methods(state) + 1


@link
def through_list_of_iterator(state):
    return list(Methods(state))


@link
def through_sort(state):
    items = [Methods(state), Methods(state)]
    items.sort()


@link
def through_sorted_key(state):
    return sorted([state], key=lambda s: s.take()(s) or 0)


@link
def through_map(state):
    return list(map(lambda s: s.take()(s), [state]))


@link
def through_reduce(state):
    def combine(left, right):
        return left.take()(left)
    return functools.reduce(combine, [state, None])


@link
def through_partial(state):
    return functools.partial(lambda unused, s: s.take()(s), 1)(state)


@link
def through_generator(state):
    def generator():
        value = 1
        yield state.take()(
            state)
        yield value
    return next(generator())


@link
def through_for_loop(state):
    def generator():
        for _ in range(1):
            yield (state
                   .take()
                   (state))
    for _ in generator():
        pass


@link
def through_send(state):
    def generator():
        got = yield
        yield got.take()(got)
    running = generator()
    next(running)
    running.send(state)


@link
def through_generator_expression(state):
    return sum(s.take()(s) or 0 for s in [state])


@link
def through_list_comprehension(state):
    return [
        s.take()(s)
        for s in [state]
    ]


@link
def through_dict_comprehension(state):
    return {
        1: s.take()(s)
        for s in (state,)
        if s
    }


@link
def through_exec(state):
    # Not written as a statement: that is a syntax error in one of the two languages.
    eval(compile("value = (\n  1,\n\n state.take()(state))\n", "<string>", "exec"), {"state": state})


@link
def through_eval(state):
    return eval("s.take()(s)", {}, {"s": state})


@link
def through_except(state):
    try:
        raise ValueError("expected")
    except ValueError:
        state.take()(state)


@link
def through_finally(state):
    try:
        pass
    finally:
        state.take()(state)


@link
def through_class_body(state):
    class Body(object):
        value = state.take()(state)
    return Body


def _decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper


@link
@_decorated
@_decorated
def through_decorators(state):
    return state.take()(state)


@link
def through_destructor(state):
    class Last(object):
        def __del__(self):
            state.take()(state)
    last = Last()
    del last


@link
def through_keywords(state, **keywords):
    if not keywords:
        return through_keywords(state, a=1, b=2)
    return state.take()(**{"state": state})


@link
def many_locals(state):
    # A big frame: more locals and stack than the usual chunk arithmetic meets.
    (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z) = range(26)
    return (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, state.take()(
        state))


@once
def through_loop_on_one_line(state):
    for _ in range(2): _ and state.take()(state)  # noqa: E701


@once
def through_traced(state):
    """A local trace function: up to 3.9 f_lineno, not f_lasti, then tells the line."""
    import sys

    def tracer(frame, event, argument):
        return tracer
    sys.settrace(tracer)
    try:
        value = 1
        del value
        return plain(state)
    finally:
        sys.settrace(None)
