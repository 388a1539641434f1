/* Inside of the core reader: what its files share. Not for anybody else. */
#ifndef PYSPY_FORMATS_ELF_CORE_PARTS_H
#define PYSPY_FORMATS_ELF_CORE_PARTS_H

#include "common/cursor.h"
#include "common/elf_file.h"
#include "common/elf_header.h"
#include "formats/elf_core.h"

/* A PT_LOAD: memory that the process had, and the part of it that the file holds. */
struct core_segment {
	uint64_t address;
	uint64_t size;
	uint64_t offset;   /* in the core's file */
	uint64_t captured; /* bytes from `address` on that are in the file */
	uint32_t flags;	   /* MAPPING_… */
};

/* An entry of NT_FILE. */
struct core_file_range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;  /* in the mapped file, bytes */
	const char *path; /* borrowed from the core's bytes, not NUL-terminated */
	size_t path_size;
};

enum { CORE_LOSSES_MAX = 16 };

struct elf_core {
	struct memory memory;
	const uint8_t *bytes; /* the file, mapped */
	size_t size;
	Elf64_Ehdr header;
	struct core_segment *segments; /* ascending, disjoint */
	size_t segment_count;
	size_t recent_segment;		     /* where the last read was */
	struct core_file_range *file_ranges; /* ascending, disjoint */
	size_t file_range_count;
	struct cursor auxv;
	struct process_facts process;
	struct thread_list threads;
	struct mappings mappings;
	/* In place, so that what elf_core_losses gave stays right when one is added. */
	char *losses[CORE_LOSSES_MAX + 1];
	size_t loss_count;
};

/* Add a message for the user; those beyond the bound are dropped. */
void core_add_loss(struct elf_core *core, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes of the file, as far as they are there. */
struct cursor core_file_bytes(const struct elf_core *core, uint64_t offset, uint64_t size);

/* elf_core_notes.c: threads, process, auxv, file ranges, from the notes in `bytes`. */
struct core_notes {
	struct elf_core *core;
	bool damaged;
	bool has_signal_information;
	bool too_many_threads;
};
struct error *core_notes_read(struct core_notes *notes, struct cursor bytes, uint64_t alignment);

/* elf_core_files_note.c: NT_FILE, sorted and made disjoint; `ret_damaged` if part of it was lost.
 */
struct error *core_file_ranges_read(struct elf_core *core, struct cursor note, bool *ret_damaged);

/* elf_core_arguments.c: the command line in full, if it is found in memory. */
struct error *core_find_command_line(struct elf_core *core);

/*
 * elf_core_program.c: whether `file` is the program that the process was started as: its entry
 * point, number and place of program headers are those that the kernel told the process of, and all
 * its segments are mapped.
 */
bool core_program_agrees(const struct elf_core *core, const struct elf_file *file,
			 uint64_t *ret_bias);

/* Append a copy of a module, and keep the order. */
struct error *core_module_insert(struct modules *modules, const struct module *module);

/* elf_core_link_map.c: whether `file` is the library that was loaded as `module`: all its segments
 * are mapped, and its dynamic section is the one in memory. */
bool core_library_agrees(struct elf_core *core, const struct module *module,
			 const struct elf_file *file);

/* elf_core_memory.c */
struct error *core_segments_read(struct elf_core *core, const Elf64_Phdr *headers, size_t count);
extern const struct memory_operations core_memory_operations;

/* elf_core_mappings.c: segments and file ranges merged. */
struct error *core_mappings_make(struct elf_core *core);

#endif
