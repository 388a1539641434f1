/*
 * What a target has in a range of its writable data, piece by piece. A range can be claimed to be
 * as large as the address space: gaps that are known are skipped, and there is an end to the rest.
 */
#ifndef PYSPY_COMMON_SCAN_PIECES_H
#define PYSPY_COMMON_SCAN_PIECES_H

#include <stdbool.h>

#include "common/memory.h"

enum {
	SCAN_PIECE_BYTES = 1 << 18,
	SCAN_WORD_BYTES = 8,
};

/*
 * Of one range, from its start on. A mapping that holds a module's data begins with them, and code
 * reaches no data that are 2 GiB away (System V ABI for x86-64, 3.5.1, small code model; AArch64's
 * ADRP, 4 GiB).
 */
#define SCAN_RANGE_BYTES (UINT64_C(1) << 32)

struct scan_range {
	uint64_t start;
	uint64_t end; /* exclusive */
};

struct scan_pieces {
	struct memory *memory;
	uint64_t end;
	uint64_t next; /* where the next piece begins at the earliest */
	uint64_t left; /* bytes that are still asked for, there or not */
	/* The piece. */
	uint64_t address; /* a multiple of SCAN_WORD_BYTES */
	uint8_t *data;	  /* owned; what cannot be read amid it is zero */
	size_t size;
};

void scan_pieces_init(struct scan_pieces *pieces, struct memory *memory, struct scan_range range);
void scan_pieces_deinit(struct scan_pieces *pieces);

/* Read the next piece. It begins with the last `overlap` bytes (a multiple of SCAN_WORD_BYTES) of
 * the one before, unless there is a gap between them. False at the end. */
bool scan_pieces_next(struct scan_pieces *pieces, size_t overlap);

#endif
