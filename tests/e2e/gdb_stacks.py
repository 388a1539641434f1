"""Run by gdb: prints all threads' stacks as one line of JSON, {tid: [[pc, function, module, kind]]}."""

import json

import gdb

KINDS = {
    gdb.NORMAL_FRAME: "normal",
    gdb.INLINE_FRAME: "inlined",
    gdb.TAILCALL_FRAME: "tail call",
    gdb.SIGTRAMP_FRAME: "signal",
}


def stack():
    frames = []
    frame = gdb.newest_frame()
    while frame is not None:
        module = gdb.solib_name(frame.pc())
        frames.append([frame.pc(), frame.name(), module, KINDS.get(frame.type(), "other")])
        frame = frame.older()
    return frames


def main():
    stacks = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        stacks[thread.ptid[1] or thread.ptid[0]] = stack()
    print("STACKS " + json.dumps(stacks))


main()
