/* Times, spans of time and sizes, for people. */
#ifndef PYSPY_FORMATS_UNIT_TEXT_H
#define PYSPY_FORMATS_UNIT_TEXT_H

#include <stdint.h>

enum { UNIT_TEXT_SIZE = 32 };

/* "2026-07-01T12:00:00.250Z" (RFC 3339, UTC) from nanoseconds since 1970. */
void time_text(uint64_t time_ns, char text[UNIT_TEXT_SIZE]);

/* "930 ns", "12.5 us", "1.2 ms", "3.0 s". */
void span_text(uint64_t span_ns, char text[UNIT_TEXT_SIZE]);

/* "512 bytes", "12.5 KiB", "2.4 GiB". */
void size_text(uint64_t size_bytes, char text[UNIT_TEXT_SIZE]);

#endif
