/* A CPython version, as in patchlevel.h's PY_VERSION_HEX. */
#ifndef PYSPY_COMMON_PYTHON_VERSION_H
#define PYSPY_COMMON_PYTHON_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct python_version {
	uint8_t major;
	uint8_t minor;
	uint8_t micro;
	uint8_t level; /* 0xa alpha, 0xb beta, 0xc candidate, 0xf final */
	uint8_t serial;
};

enum { PYTHON_VERSION_TEXT_SIZE = 24 };

uint32_t python_version_hex(struct python_version version);
struct python_version python_version_from_hex(uint32_t hex);

/* "3.12.1", "3.15.0b2". */
void python_version_format(struct python_version version, char text[PYTHON_VERSION_TEXT_SIZE]);

/*
 * Parse a version at the start of `text`, as Py_GetVersion() gives it: "3.12.1 (main, …". Gives the
 * number of characters that the version takes, 0 if there is none.
 */
size_t python_version_parse(const char *text, size_t size, struct python_version *ret);

#endif
