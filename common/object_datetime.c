/* Objects of _datetime: packed big-endian bytes (Include/datetime.h). */
#include "common/cursor.h"
#include "common/object_walk.h"

enum {
	DATE_BYTES = 4,
	DATETIME_BYTES = 10,
	TIME_BYTES = 6,
	FOLD_BYTES = 1, /* behind the others, 3.6 */
	MAX_PACKED = 1 + DATETIME_BYTES + FOLD_BYTES,
};

/* Widths of the packed numbers. */
static const uint8_t date_widths[] = {2, 1, 1, 0};
static const uint8_t datetime_widths[] = {2, 1, 1, 1, 1, 1, 3, 1, 0};
static const uint8_t time_widths[] = {1, 1, 1, 3, 1, 0};

static void unpack(const uint8_t *packed, const uint8_t *widths, int64_t fields[OBJECT_FIELDS])
{
	for (size_t i = 0; widths[i]; i++) {
		fields[i] = 0;
		for (size_t j = 0; j < widths[i]; j++)
			fields[i] = fields[i] << 8 | *packed++;
	}
}

/* `size` bytes at `offset`, and the time zone at `zone` if the byte in front of them says that
 * there is one. */
static struct error *read_packed(struct object_walk *walk, uint32_t node, layout_offset offset,
				 layout_offset zone, size_t size, const uint8_t *widths)
{
	uint8_t packed[MAX_PACKED];
	uint64_t address;
	enum memory_status status = MEMORY_NOT_MAPPED;
	if (offset != LAYOUT_ABSENT)
		status = memory_read(walk->memory, object_node_at(walk, node)->address + offset - 1,
				     packed, 1 + size);
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	unpack(packed + 1, widths, object_node_at(walk, node)->fields);
	if (!packed[0] || zone == LAYOUT_ABSENT)
		return NULL;
	if (!object_walk_pointer(walk, node, zone, &address))
		return NULL;
	return object_walk_value(walk, node, address);
}

struct error *object_read_date(struct object_walk *walk, uint32_t node)
{
	return read_packed(walk, node, walk->layout->datetime.date, LAYOUT_ABSENT, DATE_BYTES,
			   date_widths);
}

struct error *object_read_datetime(struct object_walk *walk, uint32_t node)
{
	return read_packed(walk, node, walk->layout->datetime.datetime,
			   walk->layout->datetime.datetime_zone, DATETIME_BYTES + FOLD_BYTES,
			   datetime_widths);
}

struct error *object_read_time(struct object_walk *walk, uint32_t node)
{
	return read_packed(walk, node, walk->layout->datetime.time,
			   walk->layout->datetime.time_zone, TIME_BYTES + FOLD_BYTES, time_widths);
}

struct error *object_read_timedelta(struct object_walk *walk, uint32_t node)
{
	const layout_offset offset = walk->layout->datetime.delta;
	struct struct_span span = {0};
	struct struct_view view;
	for (uint32_t i = 0; i < 3; i++)
		if (offset != LAYOUT_ABSENT)
			struct_span_add(&span, offset + 4 * i, sizeof(int32_t));
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	for (uint32_t i = 0; i < 3; i++)
		object_node_at(walk, node)->fields[i] = struct_view_i32(&view, offset + 4 * i);
	return NULL;
}

/* PyDateTime_TimeZone (Modules/_datetimemodule.c): offset and name are behind the head. */
struct error *object_read_timezone(struct object_walk *walk, uint32_t node)
{
	uint64_t offset;
	uint64_t name;
	layout_offset head = walk->layout->object.size;
	if (!object_walk_pointer(walk, node, head, &offset) ||
	    !object_walk_pointer(walk, node, head + OBJECT_WORD, &name))
		return NULL;
	struct error *error = object_walk_value(walk, node, offset);
	return error || !name ? error : object_walk_value(walk, node, name);
}
