#include "common/memory.h"

#include "common/cursor.h"

const char *memory_status_name(enum memory_status status)
{
	static const char *const names[] = {
		[MEMORY_OK] = "ok",
		[MEMORY_NOT_CAPTURED] = "not captured",
		[MEMORY_NOT_MAPPED] = "not mapped",
		[MEMORY_IO_ERROR] = "I/O error",
	};
	return names[status];
}

enum memory_status memory_read(struct memory *memory, uint64_t address, void *buffer, size_t size)
{
	/* A range that wraps around the end of the address space exists nowhere. */
	if (size && address + (size - 1) < address)
		return MEMORY_NOT_MAPPED;
	return memory->operations->read(memory, address, buffer, size);
}

void memory_read_many(struct memory *memory, struct memory_request *requests, size_t count)
{
	if (memory->operations->read_many) {
		memory->operations->read_many(memory, requests, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		requests[i].status = memory_read(memory, requests[i].address, requests[i].buffer,
						 requests[i].size);
}

bool memory_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	if (address >= end)
		return false;
	if (memory->operations->next)
		return memory->operations->next(memory, address, end, ret);
	*ret = address;
	return true;
}

enum memory_status memory_read_integer(struct memory *memory, uint64_t address, size_t width,
				       uint64_t *ret)
{
	uint8_t bytes[sizeof(uint64_t)];
	if (width > sizeof(bytes))
		return MEMORY_NOT_MAPPED;
	enum memory_status status = memory_read(memory, address, bytes, width);
	if (status == MEMORY_OK)
		bytes_field(bytes, width, 0, width, ret);
	return status;
}

enum memory_status memory_read_u32(struct memory *memory, uint64_t address, uint32_t *ret)
{
	uint64_t value;
	enum memory_status status = memory_read_integer(memory, address, sizeof(*ret), &value);
	if (status == MEMORY_OK)
		*ret = (uint32_t)value;
	return status;
}

enum memory_status memory_read_u64(struct memory *memory, uint64_t address, uint64_t *ret)
{
	return memory_read_integer(memory, address, sizeof(*ret), ret);
}

struct error *memory_error(enum memory_status status, uint64_t address, const char *what)
{
	if (status == MEMORY_OK)
		return NULL;
	return error_at(ERROR_MEMORY_GAP, address, "cannot read %s (%s)", what,
			memory_status_name(status));
}

void memory_destroy(struct memory *memory)
{
	if (memory)
		memory->operations->destroy(memory);
}

void memory_destroyp(struct memory **memory)
{
	memory_destroy(*memory);
}
