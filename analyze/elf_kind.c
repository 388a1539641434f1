#include "analyze/elf_kind.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/cursor.h"

enum elf_kind elf_kind_of_path(const char *path)
{
	uint8_t start[sizeof(Elf64_Ehdr)];
	struct stat status;
	uint64_t type;
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return ELF_KIND_NONE;
	ssize_t size = pread(fd, start, sizeof(start), 0);
	/* elf(5): e_type is the first field after e_ident, in every class. */
	if (size < SELFMAG || memcmp(start, ELFMAG, SELFMAG) != 0 ||
	    !bytes_field(start, (size_t)size, EI_NIDENT, 2, &type))
		return ELF_KIND_NONE;
	return type == ET_EXEC || type == ET_DYN ? ELF_KIND_PROGRAM : ELF_KIND_OTHER;
}
