#include "common/utf8.h"

size_t utf8_encode(uint32_t point, char ret[UTF8_MAX_BYTES])
{
	/* The high bits of the first byte, by the number of bytes. */
	static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	if ((point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
		return 0;
	size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--) {
		ret[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	ret[0] = (char)(marks[size] | point);
	return size;
}
