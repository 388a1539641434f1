/* Makes small ELF files and cores in memory, for tests: headers first, contents appended. */
#ifndef PYSPY_TESTS_ELF_BUILDER_H
#define PYSPY_TESTS_ELF_BUILDER_H

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/buffer.h"

enum { ELF_BUILDER_SEGMENTS = 64 };

struct elf_builder {
	Elf64_Ehdr header;
	Elf64_Phdr segments[ELF_BUILDER_SEGMENTS];
	struct buffer bytes;
};

static inline void elf_builder_require(bool condition)
{
	if (!condition) {
		fprintf(stderr, "elf_builder: out of memory or too many segments\n");
		abort();
	}
}

static inline struct elf_builder elf_builder_start(uint16_t type, uint16_t machine)
{
	struct elf_builder builder = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = type,
			   .e_machine = machine,
			   .e_version = EV_CURRENT,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_shentsize = sizeof(Elf64_Shdr)},
	};
	return builder;
}

static inline void elf_builder_deinit(struct elf_builder *builder)
{
	buffer_deinit(&builder->bytes);
}

static inline Elf64_Phdr *elf_builder_segment(struct elf_builder *builder, uint32_t type,
					      uint32_t flags, uint64_t offset, uint64_t address,
					      uint64_t file_size, uint64_t memory_size)
{
	elf_builder_require(builder->header.e_phnum < ELF_BUILDER_SEGMENTS);
	Elf64_Phdr *segment = &builder->segments[builder->header.e_phnum++];
	*segment = (Elf64_Phdr){
		.p_type = type,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_filesz = file_size,
		.p_memsz = memory_size,
		.p_align = type == PT_LOAD ? 0x1000 : 4,
	};
	return segment;
}

static inline void elf_builder_append(struct elf_builder *builder, const void *bytes, size_t size)
{
	elf_builder_require(!buffer_append(&builder->bytes, bytes, size));
}

/* Zeros up to an offset in the file. */
static inline void elf_builder_pad(struct elf_builder *builder, size_t offset)
{
	while (builder->bytes.size < offset)
		elf_builder_append(builder, "", 1);
}

/* Header and program headers, at the file's start: before anything else, or again after it. */
static inline void elf_builder_write_headers(struct elf_builder *builder)
{
	size_t size = builder->header.e_phnum * sizeof(Elf64_Phdr);
	elf_builder_pad(builder, sizeof(Elf64_Ehdr) + size);
	memcpy(builder->bytes.data, &builder->header, sizeof(Elf64_Ehdr));
	memcpy(builder->bytes.data + sizeof(Elf64_Ehdr), builder->segments, size);
}

static inline void elf_builder_note(struct elf_builder *builder, const char *name, uint32_t type,
				    const void *description, size_t size)
{
	Elf64_Nhdr note = {
		.n_namesz = (uint32_t)strlen(name) + 1,
		.n_descsz = (uint32_t)size,
		.n_type = type,
	};
	elf_builder_append(builder, &note, sizeof(note));
	elf_builder_append(builder, name, note.n_namesz);
	elf_builder_pad(builder, (builder->bytes.size + 3) & ~(size_t)3);
	elf_builder_append(builder, description, size);
	elf_builder_pad(builder, (builder->bytes.size + 3) & ~(size_t)3);
}

/* A file with these bytes that has no name; -1 if the system refuses. */
static inline int bytes_to_fd(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, bytes, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int elf_builder_fd(const struct elf_builder *builder)
{
	return bytes_to_fd(builder->bytes.data, builder->bytes.size);
}

/* A whole file, /proc's too; the caller frees it. */
static inline char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "r");
	struct buffer buffer = {0};
	elf_builder_require(file != NULL);
	for (;;) {
		elf_builder_require(!buffer_reserve(&buffer, 65536));
		size_t size = fread(buffer.data + buffer.size, 1, 65536, file);
		if (!size)
			break;
		buffer.size += size;
	}
	fclose(file);
	*ret_size = buffer.size;
	return (char *)buffer.data;
}

#endif
