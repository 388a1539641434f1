#include "capture/module_extract.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { COPY_BYTES = 64 << 10 };

/* Sections that are kept by what they are called; others by their type. */
static const char *const kept_names[] = {
	".eh_frame", ".eh_frame_hdr", ".debug_frame", ".gnu_debugdata", ".gnu_debuglink",
};

struct extraction {
	int fd;
	Elf *elf;
	uint64_t file_size;
	struct module_image *image;
	uint64_t bytes; /* so far */
};

static void elf_endp(Elf **elf)
{
	elf_end(*elf);
}

/* Copy a part of the file. False if it is not in the file, or more than an image holds. */
static bool copy_range(struct extraction *extraction, uint64_t offset, uint64_t size,
		       struct error **ret_error)
{
	uint8_t buffer[COPY_BYTES / 8];
	if (offset > extraction->file_size || size > extraction->file_size - offset ||
	    size > MODULE_IMAGE_MAX_BYTES - extraction->bytes)
		return false;
	extraction->bytes += size;
	while (size) {
		size_t wanted = size < sizeof(buffer) ? size : sizeof(buffer);
		ssize_t got = pread(extraction->fd, buffer, wanted, (off_t)offset);
		if (got <= 0)
			return false;
		*ret_error =
			memory_image_put(extraction->image->contents, offset, buffer, (size_t)got);
		if (*ret_error)
			return false;
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return true;
}

static bool is_kept(const struct extraction *extraction, const GElf_Shdr *section, size_t names)
{
	switch (section->sh_type) {
	case SHT_SYMTAB:
	case SHT_DYNSYM:
	case SHT_NOTE:
	case SHT_DYNAMIC:
	case SHT_SYMTAB_SHNDX:
		return true;
	case SHT_NOBITS:
		return false;
	default:
		break;
	}
	const char *name = elf_strptr(extraction->elf, names, section->sh_name);
	for (size_t i = 0; name && i < sizeof(kept_names) / sizeof(*kept_names); i++) {
		if (strcmp(name, kept_names[i]) == 0)
			return true;
	}
	return false;
}

static bool copy_section(struct extraction *extraction, size_t index, struct error **ret_error)
{
	GElf_Shdr section;
	Elf_Scn *found = elf_getscn(extraction->elf, index);
	return found && gelf_getshdr(found, &section) &&
	       copy_range(extraction, section.sh_offset, section.sh_size, ret_error);
}

static bool copy_sections(struct extraction *extraction, size_t names, struct error **ret_error)
{
	Elf_Scn *found = NULL;
	while ((found = elf_nextscn(extraction->elf, found))) {
		GElf_Shdr section;
		if (!gelf_getshdr(found, &section))
			return false;
		if (!is_kept(extraction, &section, names))
			continue;
		bool has_strings = section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM;
		if (!copy_range(extraction, section.sh_offset, section.sh_size, ret_error) ||
		    (has_strings && !copy_section(extraction, section.sh_link, ret_error)))
			return false;
	}
	return true;
}

/* libdwfl finds call frame information by the section headers, and modules by the program headers.
 */
static bool copy_headers(struct extraction *extraction, struct error **ret_error)
{
	GElf_Ehdr header;
	size_t segments = 0;
	size_t sections = 0;
	size_t names = 0;
	if (!gelf_getehdr(extraction->elf, &header) ||
	    elf_getphdrnum(extraction->elf, &segments) != 0 ||
	    elf_getshdrnum(extraction->elf, &sections) != 0 || !sections ||
	    elf_getshdrstrndx(extraction->elf, &names) != 0)
		return false;
	return copy_range(extraction, 0, header.e_ehsize, ret_error) &&
	       copy_range(extraction, header.e_phoff, segments * header.e_phentsize, ret_error) &&
	       copy_range(extraction, header.e_shoff, sections * header.e_shentsize, ret_error) &&
	       copy_section(extraction, names, ret_error) &&
	       copy_sections(extraction, names, ret_error);
}

/* The file that is mapped. Its inode was checked by who opened it; the build-id settles the rest.
 */
static int open_module(const struct module_files *files, const struct module *module)
{
	CLEANUP_CLOSE int fd = files->open(files, module);
	if (fd >= 0 && module->build_id.size && !module_file_has_build_id(fd, module))
		return -1;
	return take_fd(&fd);
}

struct error *module_extract(const struct module_files *files, const struct module *module,
			     struct module_image *ret, bool *ret_found)
{
	CLEANUP_CLOSE int fd = open_module(files, module);
	CLEANUP(elf_endp) Elf *elf = NULL;
	struct stat status;
	struct error *error = module_image_init(ret);
	*ret_found = false;
	if (error || fd < 0 || fstat(fd, &status) < 0 ||
	    (uint64_t)status.st_size > MODULE_IMAGE_MAX_SIZE)
		return error;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return NULL;
	ret->build_id = module->build_id;
	ret->size = (uint64_t)status.st_size;
	ret->path = strdup(module->path);
	if (!ret->path)
		return &error_out_of_memory;
	struct extraction extraction = {
		.fd = fd,
		.elf = elf,
		.file_size = ret->size,
		.image = ret,
	};
	*ret_found = copy_headers(&extraction, &error) && !error;
	return error;
}
