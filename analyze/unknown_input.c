#include "analyze/unknown_input.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "common/cursor.h"

enum { LOOK_SIZE = 512 };

/* Kinds of files by their first bytes. */
static const struct {
	const char *magic;
	size_t size;
	const char *what;
} kinds[] = {
	{"#!", 2, "it is a script"},
	{"MDMP", 4, "it is a Windows minidump"},
	{"\xcf\xfa\xed\xfe", 4, "it is a Mach-O file (macOS)"},
	{"BZh", 3, "it is compressed with bzip2; unpack it first: bzip2 -dc FILE > core"},
	{"PK\x03\x04", 4, "it is a zip archive"},
	{"!<arch>\n", 8, "it is an archive of object files"},
	{"LPKSHHRH", 8, "it is a systemd journal; coredumpctl(1) finds cores"},
	{"KDUMP   ", 8, "it is a dump of a kernel"},
};

static const char *describe_elf(const uint8_t *bytes, size_t size)
{
	uint64_t type = 0;
	bytes_field(bytes, size, EI_NIDENT, 2, &type);
	if (type == ET_EXEC || type == ET_DYN)
		return "it is an executable or a library, not a core; put it after the core, or "
		       "name it with --exe";
	if (type == ET_REL)
		return "it is an object file, not a core";
	return "it is an ELF file, but not a core";
}

static bool is_text(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!bytes[i] || (bytes[i] < ' ' && !strchr("\t\n\v\f\r\x1b", bytes[i])))
			return false;
	}
	return true;
}

static const char *describe(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (size >= kinds[i].size && memcmp(bytes, kinds[i].magic, kinds[i].size) == 0)
			return kinds[i].what;
	}
	if (size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0)
		return size < EI_NIDENT + 2 ? "it is an ELF file that is cut"
					    : describe_elf(bytes, size);
	return is_text(bytes, size) ? "it looks like text" : "its first bytes are unknown";
}

struct error *unknown_input_error(int fd, const char *name)
{
	uint8_t bytes[LOOK_SIZE];
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
	return error_create(ERROR_FORMAT, "'%s' is neither a snapshot nor an ELF core: %s", name,
			    describe(bytes, size > 0 ? (size_t)size : 0));
}
