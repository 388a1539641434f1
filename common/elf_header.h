/*
 * ELF headers (elf(5)) out of foreign bytes: from a file, a core, a target's memory. The structs of
 * <elf.h> are used as they are, so this host must be little-endian, as the targets are.
 */
#ifndef PYSPY_COMMON_ELF_HEADER_H
#define PYSPY_COMMON_ELF_HEADER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/cursor.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ELF structs are read in place");

/* False if the bytes do not begin a 64-bit little-endian ELF. */
static inline bool elf_header_parse(const void *bytes, size_t size, Elf64_Ehdr *ret)
{
	struct cursor cursor = cursor_make(bytes, size);
	Elf64_Ehdr header;
	cursor_copy(&cursor, &header, sizeof(header));
	if (!cursor_ok(&cursor) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	*ret = header;
	return true;
}

struct elf_note {
	uint32_t type;
	const char *name; /* up to the first NUL; NULL if it is not terminated */
	struct cursor description;
};

/*
 * Step to the next note of a note segment. False at its end, or where what is left makes no whole
 * note (`ret_damaged`). Name and description are each padded to 4 bytes, whatever elf(5) says of
 * 64-bit files: so do the kernel and the linkers; only notes aligned to 8 (p_align) differ.
 */
static inline bool elf_note_next(struct cursor *notes, size_t alignment, struct elf_note *ret,
				 bool *ret_damaged)
{
	*ret_damaged = false;
	if (!cursor_left(notes))
		return false;
	size_t mask = alignment - 1;
	size_t start = notes->position;
	uint32_t name_size = cursor_u32(notes);
	uint32_t description_size = cursor_u32(notes);
	struct elf_note note = {.type = cursor_u32(notes)};
	const char *name = (const char *)cursor_bytes(notes, name_size);
	cursor_skip(notes, -(notes->position - start) & mask);
	note.description = cursor_slice(notes, description_size);
	*ret_damaged = !cursor_ok(notes);
	if (*ret_damaged)
		return false;
	/* The last one's padding may be missing. */
	size_t padding = -(notes->position - start) & mask;
	cursor_skip(notes, padding < cursor_left(notes) ? padding : cursor_left(notes));
	note.name = name_size && memchr(name, '\0', name_size) ? name : NULL;
	*ret = note;
	return true;
}

#endif
