/* Writing UTF-8; terminal_text.h reads it. */
#ifndef PYSPY_COMMON_UTF8_H
#define PYSPY_COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_MAX_BYTES = 4 };

/* How many bytes a code point has (RFC 3629); 0 if it has none: a surrogate, or beyond Unicode. */
size_t utf8_encode(uint32_t point, char ret[UTF8_MAX_BYTES]);

#endif
