#include "common/gc_state.h"

enum gc_state gc_state_read(struct memory *memory, const struct python_location *location,
			    uint64_t interpreter)
{
	const struct python_layout *layout = &location->layout;
	uint64_t address = interpreter + layout->interpreter.gc_collecting;
	uint32_t collecting;
	if (layout->runtime.gc_collecting != LAYOUT_ABSENT)
		address = location->runtime_address + layout->runtime.gc_collecting;
	else if (layout->interpreter.gc_collecting == LAYOUT_ABSENT)
		return GC_UNKNOWN;
	/* 0 or 1 (Modules/gcmodule.c, from 3.13 on Python/gc.c); anything else is not this. */
	if (memory_read_u32(memory, address, &collecting) != MEMORY_OK || collecting > 1)
		return GC_UNKNOWN;
	return collecting ? GC_COLLECTS : GC_RESTS;
}
