"""A core file's memory by address, for tests that damage it at a known place."""

import struct

PT_LOAD = 1


class CoreImage:
    """Reads a core whole; `write` changes the copy in memory, `save` stores it."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.content = bytearray(file.read())
        offset, size, count = (
            struct.unpack_from("<Q", self.content, 32)[0],
            struct.unpack_from("<H", self.content, 54)[0],
            struct.unpack_from("<H", self.content, 56)[0],
        )
        self.segments = []  # (address, offset, size)
        for index in range(count):
            kind, _, start, address, _, length = struct.unpack_from(
                "<IIQQQQ", self.content, offset + index * size
            )
            if kind == PT_LOAD and length:
                self.segments.append((address, start, length))

    def offset_of(self, address, size=8):
        for start, offset, length in self.segments:
            if start <= address and address + size <= start + length:
                return offset + address - start
        return None

    def address_of(self, offset):
        for start, begin, length in self.segments:
            if begin <= offset < begin + length:
                return start + offset - begin
        return None

    def word(self, address):
        offset = self.offset_of(address)
        return None if offset is None else struct.unpack_from("<Q", self.content, offset)[0]

    def write(self, address, value):
        offset = self.offset_of(address)
        if offset is None:
            raise AssertionError("the core does not hold 0x%x" % address)
        struct.pack_into("<Q", self.content, offset, value)

    def find(self, value, start=None, size=None):
        """Addresses of aligned words with this value, in all memory or from `start` on."""
        pattern = struct.pack("<Q", value)
        if start is not None:
            return [at for at in range(start, start + size, 8) if self.word(at) == value]
        found = []
        for address, offset, length in self.segments:
            at = self.content.find(pattern, offset, offset + length)
            while at >= 0:
                if (at - offset + address) % 8 == 0:
                    found.append(at - offset + address)
                at = self.content.find(pattern, at + 1, offset + length)
        return found

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.content)
