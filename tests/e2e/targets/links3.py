"""Links that only Python 3 can parse. The target loads a copy of this file whose name is not ASCII.

The names of functions here use all widths that a str is stored in: one byte (ASCII and Latin-1), two
bytes, four bytes.
"""

import asyncio
import contextlib

from links import link, once


@link
def café_latin_1(state):
    return state.take()(state)


@link
def имя_two_bytes(state):
    return state.take()(state)


@link
def 名前_two_bytes(state):
    def 内側():
        return state.take()(state)
    return 内側()


@link
def 𠀀_four_bytes(state):
    class Классе:
        def メソッド(self):
            return state.take()(state)
    return Классе().メソッド()


@link
def through_yield_from(state):
    def innermost():
        yield state.take()(state)

    def middle():
        yield from innermost()

    def outermost():
        yield from (
            middle()
        )
    return list(outermost())


@link
def through_coroutines(state):
    async def innermost():
        return state.take()(
            state)

    async def middle():
        return await innermost()

    async def outermost():
        return [
            await middle(),
        ]
    try:
        outermost().send(None)
    except StopIteration:
        pass


@link
def through_async_generator(state):
    async def generate():
        yield state.take()(state)

    async def consume():
        async for _ in generate():
            pass
    try:
        consume().send(None)
    except StopIteration:
        pass


@link
def through_async_with(state):
    class Manager:
        async def __aenter__(self):
            state.take()(state)

        async def __aexit__(self, *unused):
            return None

    async def use():
        async with Manager():
            pass
    try:
        use().send(None)
    except StopIteration:
        pass


@link
def through_context_manager(state):
    @contextlib.contextmanager
    def manager():
        yield state.take()(state)
    with manager():
        pass


@link
def through_init_subclass(state):
    class Base:
        def __init_subclass__(cls):
            state.take()(state)

    class Derived(Base):
        pass


@link
def through_comprehension_in_class(state):
    class Body:
        values = [s.take()(s) for s in (state,)]
    return Body


@link
def through_f_string(state):
    class Formatted:
        def __format__(self, specification):
            state.take()(state)
            return ""
    return f"{Formatted()}"


@once
def through_event_loop(state):
    async def work():
        await asyncio.sleep(0)
        return await step()

    async def step():
        return state.take()(state)
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()
