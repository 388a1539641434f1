/* Whether a file is a program or a core, before anything is opened. */
#ifndef PYSPY_ANALYZE_ELF_KIND_H
#define PYSPY_ANALYZE_ELF_KIND_H

enum elf_kind {
	ELF_KIND_NONE = 0, /* not ELF, or not there, or not a regular file */
	ELF_KIND_PROGRAM,  /* executable or library */
	ELF_KIND_OTHER,	   /* core, object file */
};

/* Reads a regular file only: a pipe's bytes would be lost. */
enum elf_kind elf_kind_of_path(const char *path);

#endif
