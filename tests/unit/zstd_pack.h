/* Compressed input for tests. */
#ifndef PYSPY_TESTS_ZSTD_PACK_H
#define PYSPY_TESTS_ZSTD_PACK_H

#include <zstd.h>

#include "common/buffer.h"
#include "tests/unit/cmocka_headers.h"

static inline struct buffer zstd_pack(const void *bytes, size_t size)
{
	struct buffer packed = {0};
	assert_null(buffer_reserve(&packed, ZSTD_compressBound(size)));
	packed.size = ZSTD_compress(packed.data, packed.capacity, bytes, size, 1);
	assert_false(ZSTD_isError(packed.size));
	return packed;
}

#endif
