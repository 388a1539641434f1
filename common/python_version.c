#include "common/python_version.h"

#include <stdio.h>
#include <string.h>

/* Release levels and how Py_GetVersion() writes them, CPython Include/patchlevel.h. */
static const struct {
	uint8_t level;
	const char *text;
} release_levels[] = {
	{0xa, "a"},
	{0xb, "b"},
	{0xc, "rc"},
	{0xf, ""},
};

enum { RELEASE_LEVELS = sizeof(release_levels) / sizeof(release_levels[0]) };

uint32_t python_version_hex(struct python_version version)
{
	return (uint32_t)version.major << 24 | (uint32_t)version.minor << 16 |
	       (uint32_t)version.micro << 8 | (version.level & 0xfu) << 4 | (version.serial & 0xfu);
}

struct python_version python_version_from_hex(uint32_t hex)
{
	return (struct python_version){
		.major = hex >> 24 & 0xff,
		.minor = hex >> 16 & 0xff,
		.micro = hex >> 8 & 0xff,
		.level = hex >> 4 & 0xf,
		.serial = hex & 0xf,
	};
}

static const char *level_text(uint8_t level)
{
	for (size_t i = 0; i < RELEASE_LEVELS; i++)
		if (release_levels[i].level == level)
			return release_levels[i].text;
	return NULL;
}

void python_version_format(struct python_version version, char text[PYTHON_VERSION_TEXT_SIZE])
{
	const char *level = level_text(version.level);
	if (level && !*level)
		snprintf(text, PYTHON_VERSION_TEXT_SIZE, "%u.%u.%u", version.major, version.minor,
			 version.micro);
	else
		snprintf(text, PYTHON_VERSION_TEXT_SIZE, "%u.%u.%u%s%u", version.major,
			 version.minor, version.micro, level ? level : "?", version.serial);
}

/* Text that is being parsed. */
struct scanner {
	const char *text;
	size_t size;
	size_t position;
};

static bool scan_number(struct scanner *scanner, uint8_t *ret)
{
	size_t start = scanner->position;
	unsigned value = 0;
	while (scanner->position < scanner->size) {
		char digit = scanner->text[scanner->position];
		if (digit < '0' || digit > '9')
			break;
		value = value * 10 + (unsigned)(digit - '0');
		if (value > UINT8_MAX)
			return false;
		scanner->position++;
	}
	if (scanner->position == start)
		return false;
	*ret = (uint8_t)value;
	return true;
}

static bool scan_text(struct scanner *scanner, const char *text)
{
	size_t length = strlen(text);
	if (scanner->size - scanner->position < length ||
	    memcmp(scanner->text + scanner->position, text, length) != 0)
		return false;
	scanner->position += length;
	return true;
}

/* "b2", "rc1"; nothing is a final release. */
static void scan_level(struct scanner *scanner, struct python_version *version)
{
	for (size_t i = 0; i < RELEASE_LEVELS; i++) {
		struct scanner attempt = *scanner;
		uint8_t serial = 0;
		if (!scan_text(&attempt, release_levels[i].text))
			continue;
		bool final = !*release_levels[i].text;
		if (!final && (!scan_number(&attempt, &serial) || serial > 0xf))
			continue;
		version->level = release_levels[i].level;
		version->serial = serial;
		*scanner = attempt;
		return;
	}
}

size_t python_version_parse(const char *text, size_t size, struct python_version *ret)
{
	struct scanner scanner = {.text = text, .size = size};
	struct python_version version = {0};
	if (!scan_number(&scanner, &version.major) || !scan_text(&scanner, ".") ||
	    !scan_number(&scanner, &version.minor) || !scan_text(&scanner, ".") ||
	    !scan_number(&scanner, &version.micro))
		return 0;
	scan_level(&scanner, &version);
	/* "3.12.1.4" and "3.12.1x" are no versions; "3.12.1+" is a build between two releases. */
	if (scanner.position < size) {
		char next = text[scanner.position];
		if (next == '.' || next == '_' || (next >= '0' && next <= '9') ||
		    (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))
			return 0;
	}
	*ret = version;
	return scanner.position;
}
