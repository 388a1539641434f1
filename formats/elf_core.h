/*
 * Reading an ELF core (core(5), elf(5)): mapped, not copied; only the pages that are touched cost
 * anything. A core that was cut is read as far as it goes.
 */
#ifndef PYSPY_FORMATS_ELF_CORE_H
#define PYSPY_FORMATS_ELF_CORE_H

#include "common/facts.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"

struct elf_core;

bool elf_core_recognize(int fd);

/*
 * The descriptor stays the caller's. ERROR_FORMAT if it is not a core; ERROR_UNSUPPORTED for
 * 32-bit, big-endian and other machines than x86_64 and aarch64, with a message that names what it
 * is.
 */
struct error *elf_core_open(int fd, const char *path, struct elf_core **ret);
void elf_core_destroy(struct elf_core *core);
void elf_core_destroyp(struct elf_core **core);

/* Borrowed from the core. */
const struct process_facts *elf_core_process(const struct elf_core *core);
const struct thread_list *elf_core_threads(const struct elf_core *core); /* crashed one first */
/* Segments, with the paths of NT_FILE where that names them. */
const struct mappings *elf_core_mappings(const struct elf_core *core);
/* Bytes that the core holds; a range it has only by name is MEMORY_NOT_CAPTURED. */
struct memory *elf_core_memory(struct elf_core *core);
/* Whether it tells which files are mapped (NT_FILE): qemu-user's cores do not. */
bool elf_core_names_files(const struct elf_core *core);
/* What is wrong with it, in words for the user (cut, notes damaged); NULL-terminated. */
const char *const *elf_core_losses(const struct elf_core *core);

/* Add to them what was lost on the way to the core: it was packed, and the package is damaged. */
void elf_core_add_loss(struct elf_core *core, const char *loss);

/* NT_AUXV (getauxval(3)); false if there is no such entry. */
bool elf_core_auxv(const struct elf_core *core, uint64_t type, uint64_t *ret);

/* Add the program to the modules of a core that names no files, as far as the kernel told the
 * process of it: its name, and where it is. Its writable data stays unknown. */
struct error *elf_core_add_program(const struct elf_core *core, struct modules *modules);

/* Add the libraries of such a core, as the dynamic linker's list in its memory tells them. After
 * elf_core_add_program. */
struct error *elf_core_add_libraries(struct elf_core *core, struct modules *modules);

/* Whether a file can be what was mapped as a module whose build-id the core does not have: by where
 * its segments lie, and by what the kernel or the dynamic linker left in memory of it. `ret_bias`
 * is the load bias according to the file. */
bool elf_core_file_agrees(struct elf_core *core, const struct module *module,
			  const struct elf_file *file, uint64_t *ret_bias);

/*
 * A layer over the core's memory (both borrowed): read-only pages that the core lacks come from the
 * modules' files, where those are there and their build-id is the one in the core.
 */
struct error *elf_core_files_memory(struct elf_core *core, const struct modules *modules,
				    const struct module_files *files, struct memory **ret);

#endif
