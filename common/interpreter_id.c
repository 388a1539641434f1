#include "common/interpreter_id.h"

#include "common/struct_view.h"

/* A list that is longer, or comes back to itself, gives this number. */
enum { MAX_OLDER_INTERPRETERS = 1024 };

enum memory_status interpreter_id_read(struct memory *memory, const struct python_layout *layout,
				       uint64_t interpreter, int64_t *ret)
{
	enum memory_status status;
	uint64_t id = 0;
	if (layout->interpreter.id != LAYOUT_ABSENT) {
		status = struct_read_pointer(memory, interpreter, layout->interpreter.id, &id);
		*ret = (int64_t)id;
		return status;
	}
	status = struct_read_pointer(memory, interpreter, layout->interpreter.next, &interpreter);
	while (status == MEMORY_OK && interpreter && id < MAX_OLDER_INTERPRETERS) {
		id++;
		status = struct_read_pointer(memory, interpreter, layout->interpreter.next,
					     &interpreter);
	}
	*ret = (int64_t)id;
	return status;
}
