/* Any bytes as an ELF file of a module. */
#include <sys/mman.h>
#include <unistd.h>

#include "common/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_file(const struct elf_file *file)
{
	static const char *const names[] = {"_PyRuntime", "Py_Version", "main", "f", ""};
	static const char *const sections[] = {".PyRuntime", ".text", ""};
	struct elf_symbol symbol;
	struct build_id build_id;
	struct elf_segment segment;
	char text[2 * BUILD_ID_MAX + 1];
	char bytes[512];
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		elf_file_symbol(file, names[i], &symbol);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		elf_file_section(file, sections[i], &symbol);
	if (elf_file_build_id(file, &build_id))
		build_id_format(&build_id, text);
	for (size_t i = 0; elf_file_segment(file, i, &segment) && i < 64; i++) {
		elf_file_read_only_bytes(file, segment.address, bytes, sizeof(bytes));
		elf_file_read_only_bytes(file, segment.address + segment.file_size - 1, bytes,
					 sizeof(bytes));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file *file = NULL;
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		struct error *error = elf_file_open(fd, "input", &file);
		error_destroy(error);
	}
	close(fd);
	if (file)
		use_file(file);
	elf_file_destroy(file);
	return 0;
}
