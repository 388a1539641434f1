#include "common/scan_pieces.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096 };

void scan_pieces_init(struct scan_pieces *pieces, struct memory *memory, struct scan_range range)
{
	*pieces = (struct scan_pieces){
		.memory = memory,
		.end = range.end,
		.next = range.start,
		.left = SCAN_RANGE_BYTES,
	};
}

void scan_pieces_deinit(struct scan_pieces *pieces)
{
	free(pieces->data);
	*pieces = (struct scan_pieces){0};
}

/*
 * Read page by page, up to a gap that reaches beyond the end. `ret_end` is how far was looked;
 * gives how far there is something.
 */
static size_t read_pages(struct memory *memory, uint64_t address, uint8_t *data, size_t size,
			 size_t *ret_end)
{
	size_t used = 0;
	size_t offset = 0;
	while (offset < size) {
		size_t step = PAGE_BYTES - (size_t)((address + offset) % PAGE_BYTES);
		uint64_t next;
		step = step < size - offset ? step : size - offset;
		if (memory_read(memory, address + offset, data + offset, step) == MEMORY_OK) {
			offset += step;
			used = offset;
			continue;
		}
		if (!memory_next(memory, address + offset + step, address + size, &next)) {
			offset += step;
			break;
		}
		/* Zeros are never a find. */
		size_t gap = (size_t)(next - address) - offset;
		memset(data + offset, 0, gap);
		offset += gap;
	}
	*ret_end = offset;
	return used;
}

/* Where the next piece begins, and how much of it is to be asked for; 0 at the end. */
static size_t find_piece(struct scan_pieces *pieces, uint64_t *ret)
{
	uint64_t address;
	if (!memory_next(pieces->memory, pieces->next, pieces->end, &address))
		return 0;
	uint64_t aligned = (address + SCAN_WORD_BYTES - 1) & ~(uint64_t)(SCAN_WORD_BYTES - 1);
	if (aligned < address || aligned >= pieces->end)
		return 0;
	uint64_t size = pieces->end - aligned;
	size = size < pieces->left ? size : pieces->left;
	*ret = aligned;
	return size < SCAN_PIECE_BYTES ? (size_t)size : SCAN_PIECE_BYTES;
}

bool scan_pieces_next(struct scan_pieces *pieces, size_t overlap)
{
	uint64_t address;
	size_t size;
	if (!pieces->data)
		pieces->data = malloc(SCAN_PIECE_BYTES);
	while (pieces->data && (size = find_piece(pieces, &address)) != 0) {
		size_t looked = size;
		size_t used = size;
		if (memory_read(pieces->memory, address, pieces->data, size) != MEMORY_OK)
			used = read_pages(pieces->memory, address, pieces->data, size, &looked);
		bool joined = used == size && size > overlap && size < pieces->end - address;
		pieces->next = address + looked - (joined ? overlap : 0);
		pieces->left -= looked;
		pieces->address = address;
		pieces->size = used;
		if (used)
			return true;
	}
	return false;
}
