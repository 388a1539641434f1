/*
 * What locating an interpreter needs of an ELF file: symbols, sections, the build-id. A thin layer
 * over libelf, which does the parsing; addresses are the file's own (add the load bias).
 */
#ifndef PYSPY_COMMON_ELF_FILE_H
#define PYSPY_COMMON_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct elf_file;

enum { BUILD_ID_MAX = 64 };

struct build_id {
	uint8_t bytes[BUILD_ID_MAX];
	size_t size; /* 0: none */
};

bool build_id_equal(const struct build_id *a, const struct build_id *b);

/* Hexadecimal text, NUL-terminated; `text` holds 2 * BUILD_ID_MAX + 1. */
void build_id_format(const struct build_id *build_id, char *text);

/* Find NT_GNU_BUILD_ID in the bytes of a PT_NOTE segment (elf(5)). False if there is none. */
bool build_id_from_notes(const void *notes, size_t size, struct build_id *ret);

/* Open from a file descriptor, which stays the caller's and may be closed after. ERROR_FORMAT if it
 * is not a 64-bit little-endian ELF. */
struct error *elf_file_open(int fd, const char *path, struct elf_file **ret);
void elf_file_destroy(struct elf_file *file);
void elf_file_destroyp(struct elf_file **file);

int elf_file_machine(const struct elf_file *file);    /* EM_… */
uint64_t elf_file_entry(const struct elf_file *file); /* address of the entry point */
bool elf_file_build_id(const struct elf_file *file, struct build_id *ret);

struct elf_symbol {
	uint64_t address;
	uint64_t size;
};

/* A defined symbol by name: .dynsym first, then .symtab. */
bool elf_file_symbol(const struct elf_file *file, const char *name, struct elf_symbol *ret);

/* An allocated section by name: its address and size. */
bool elf_file_section(const struct elf_file *file, const char *name, struct elf_symbol *ret);

struct elf_segment {
	uint32_t type;	/* PT_… */
	uint32_t flags; /* PF_… */
	uint64_t offset;
	uint64_t address;
	uint64_t file_size;
	uint64_t memory_size;
};

size_t elf_file_segment_count(const struct elf_file *file);
bool elf_file_segment(const struct elf_file *file, size_t index, struct elf_segment *ret);
/* The bytes of a segment as they are in the file, which is not what they are in a process that has
 * written to them. Gives how many were copied, up to `size`. */
size_t elf_file_segment_bytes(const struct elf_file *file, size_t index, void *buffer, size_t size);

/*
 * Bytes of the file as they were mapped at `address` (the file's own address), read-only segments
 * only: nothing that the process could have changed. Gives how many were copied, up to `size`.
 */
size_t elf_file_read_only_bytes(const struct elf_file *file, uint64_t address, void *buffer,
				size_t size);

#endif
