#include "formats/elf_core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file_time.h"
#include "formats/elf_core_parts.h"

/* Machines by name, and which of them we read. */
static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "x86"},
	{EM_ARM, "ARM"},       {EM_PPC, "PowerPC"},	{EM_PPC64, "PowerPC"},
	{EM_S390, "s390"},     {EM_RISCV, "RISC-V"},	{EM_MIPS, "MIPS"},
	{EM_SPARC, "SPARC"},   {EM_SPARCV9, "SPARC"},	{258 /* EM_LOONGARCH */, "LoongArch"},
	{EM_IA_64, "Itanium"},
};

void core_add_loss(struct elf_core *core, const char *format, ...)
{
	char *text;
	va_list arguments;
	if (core->loss_count == CORE_LOSSES_MAX)
		return;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length >= 0)
		core->losses[core->loss_count++] = text;
}

struct cursor core_file_bytes(const struct elf_core *core, uint64_t offset, uint64_t size)
{
	if (offset >= core->size)
		return cursor_make(NULL, 0);
	uint64_t left = core->size - offset;
	return cursor_make(core->bytes + offset, size < left ? size : left);
}

/* Ask for a range that will be read from its start to its end at once, not page by page. */
static void core_prefetch(const struct elf_core *core, struct cursor bytes)
{
	enum { PREFETCH_MAX = 1 << 24 };
	uintptr_t start = (uintptr_t)bytes.data & ~(uintptr_t)0xfff;
	size_t size = (uintptr_t)bytes.data + bytes.size - start;
	if (bytes.size && start >= (uintptr_t)core->bytes)
		madvise((void *)start, size < PREFETCH_MAX ? size : PREFETCH_MAX, MADV_WILLNEED);
}

/* e_type lies at the same offset in 32-bit files; of a big-endian one the bytes are swapped. */
bool elf_core_recognize(int fd)
{
	uint8_t bytes[EI_NIDENT + 2];
	if (pread(fd, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return false;
	return (bytes[EI_NIDENT] | bytes[EI_NIDENT + 1]) == ET_CORE &&
	       bytes[bytes[EI_DATA] == ELFDATA2MSB ? EI_NIDENT + 1 : EI_NIDENT] == ET_CORE;
}

static struct error *unsupported_core(const char *path, const uint8_t *bytes)
{
	bool big = bytes[EI_DATA] == ELFDATA2MSB;
	const uint8_t *field = bytes + offsetof(Elf64_Ehdr, e_machine);
	unsigned int machine = big ? (unsigned int)field[0] << 8 | field[1]
				   : (unsigned int)field[1] << 8 | field[0];
	const char *name = "unknown";
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (machines[i].machine == machine)
			name = machines[i].name;
	}
	return error_create(ERROR_UNSUPPORTED,
			    "'%s' is a %s-bit%s %s core (ELF machine %u); cores of 64-bit "
			    "little-endian x86_64 and aarch64 can be read",
			    path, bytes[EI_CLASS] == ELFCLASS64 ? "64" : "32",
			    big ? " big-endian" : "", name, machine);
}

static struct error *core_check_header(struct elf_core *core, const char *path)
{
	if (core->size < sizeof(Elf64_Ehdr)) {
		if (core->size >= SELFMAG && memcmp(core->bytes, ELFMAG, SELFMAG) == 0)
			return error_create(ERROR_TRUNCATED,
					    "'%s' is cut within its first %zu bytes", path,
					    sizeof(Elf64_Ehdr));
		return error_create(ERROR_FORMAT, "'%s' is not an ELF core", path);
	}
	if (memcmp(core->bytes, ELFMAG, SELFMAG) != 0)
		return error_create(ERROR_FORMAT, "'%s' is not an ELF core", path);
	if (!elf_header_parse(core->bytes, core->size, &core->header))
		return unsupported_core(path, core->bytes);
	if (core->header.e_type != ET_CORE)
		return error_create(ERROR_FORMAT, "'%s' is an ELF file, but not a core", path);
	if (core->header.e_machine != EM_X86_64 && core->header.e_machine != EM_AARCH64)
		return unsupported_core(path, core->bytes);
	if (core->header.e_phentsize != sizeof(Elf64_Phdr))
		return error_create(ERROR_FORMAT,
				    "'%s' is damaged: its program headers have %u bytes, not %zu",
				    path, core->header.e_phentsize, sizeof(Elf64_Phdr));
	return NULL;
}

/*
 * More than 65534 segments do not fit into e_phnum: the count is in sh_info of section 0 (elf(5),
 * PN_XNUM), which the kernel puts at the file's very end. When that was cut off, the notes, which
 * follow the program headers at once, tell where these end.
 */
static uint64_t core_segment_count(const struct elf_core *core)
{
	Elf64_Shdr section;
	Elf64_Phdr first;
	if (core->header.e_phnum != PN_XNUM)
		return core->header.e_phnum;
	struct cursor cursor = core_file_bytes(core, core->header.e_shoff, sizeof(section));
	cursor_copy(&cursor, &section, sizeof(section));
	if (core->header.e_shoff && cursor_ok(&cursor))
		return section.sh_info;
	cursor = core_file_bytes(core, core->header.e_phoff, sizeof(first));
	cursor_copy(&cursor, &first, sizeof(first));
	if (cursor_ok(&cursor) && first.p_type == PT_NOTE && first.p_offset > core->header.e_phoff)
		return (first.p_offset - core->header.e_phoff) / sizeof(first);
	return PN_XNUM;
}

/* A copy of the program headers, which need not be aligned in the file. */
static struct error *core_read_headers(struct elf_core *core, const char *path, Elf64_Phdr **ret,
				       size_t *ret_count)
{
	uint64_t expected = core_segment_count(core);
	struct cursor cursor = core_file_bytes(core, core->header.e_phoff,
					       expected * (uint64_t)sizeof(Elf64_Phdr));
	size_t count = cursor.size / sizeof(Elf64_Phdr);
	if (!count && expected)
		return error_create(ERROR_TRUNCATED,
				    "'%s' is cut after %zu bytes, before the list of its segments",
				    path, core->size);
	if (count < expected)
		core_add_loss(core,
			      "the core is cut within the list of its segments: %zu of "
			      "%" PRIu64 " are known",
			      count, expected);
	Elf64_Phdr *headers = calloc(count ? count : 1, sizeof(*headers));
	if (!headers)
		return &error_out_of_memory;
	core_prefetch(core, cursor);
	cursor_copy(&cursor, headers, count * sizeof(*headers));
	*ret = headers;
	*ret_count = count;
	return NULL;
}

static struct error *core_read_notes(struct elf_core *core, const Elf64_Phdr *headers, size_t count)
{
	struct core_notes notes = {.core = core};
	/* Notes that overlap cannot make us read more than the whole file once. */
	size_t budget = core->size;
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type != PT_NOTE)
			continue;
		struct cursor bytes =
			core_file_bytes(core, headers[i].p_offset, headers[i].p_filesz);
		notes.damaged |= bytes.size < headers[i].p_filesz || bytes.size > budget;
		if (bytes.size > budget)
			break;
		budget -= bytes.size;
		core_prefetch(core, bytes);
		struct error *error = core_notes_read(&notes, bytes, headers[i].p_align);
		if (error)
			return error;
	}
	if (notes.damaged)
		core_add_loss(core, "notes of the core are cut or damaged: threads and names of "
				    "files can be missing");
	if (notes.too_many_threads)
		core_add_loss(core, "the core lists more than %zu threads; the rest was left out",
			      core->threads.count);
	if (!core->threads.count)
		core_add_loss(core, "the core tells of no threads of the operating system");
	return NULL;
}

/* A string in the target's memory, bounded by a path's length; NULL if it is not there. */
static char *core_read_string(struct elf_core *core, uint64_t address)
{
	char text[4096];
	size_t size = 0;
	while (size < sizeof(text)) {
		if (memory_read(&core->memory, address + size, text + size, 1) != MEMORY_OK)
			return NULL;
		if (!text[size++])
			return strdup(text);
	}
	return NULL;
}

/* The executable is the file that holds the program headers which the kernel told the process of
 * (AT_PHDR, getauxval(3)); without NT_FILE, what it was started as. */
static void core_find_executable(struct elf_core *core)
{
	uint64_t address;
	if (elf_core_auxv(core, AT_PHDR, &address)) {
		const struct mapping *mapping = mappings_find(&core->mappings, address);
		if (mapping && mapping->path[0])
			core->process.executable = strdup(mapping->path);
	}
	if (!core->process.executable && elf_core_auxv(core, AT_EXECFN, &address))
		core->process.executable = core_read_string(core, address);
}

/* What needs threads and process together. */
static void core_complete_threads(struct elf_core *core)
{
	for (size_t i = 0; i < core->threads.count; i++) {
		struct thread_facts *thread = &core->threads.items[i];
		if (thread->tid != core->process.pid)
			continue;
		/* pr_fname is the first thread's name; its times are of the whole process. */
		if (core->process.command_name)
			strncpy(thread->name, core->process.command_name, THREAD_NAME_SIZE - 1);
		thread->cpu_time_ns = 0;
	}
}

static struct error *core_map(struct elf_core *core, int fd, const char *path)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return error_errno(ERROR_IO, errno, "cannot look at '%s'", path);
	if (!S_ISREG(status.st_mode) || status.st_size <= 0)
		return error_create(ERROR_FORMAT, "'%s' is not a file, or it is empty", path);
	core->process.capture_time_ns = file_modified_ns(&status);
	size_t size = (size_t)status.st_size;
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_errno(ERROR_IO, errno, "cannot map '%s'", path);
	core->bytes = bytes;
	core->size = size;
	/* Reads are few and far between: reading ahead would fetch what nobody asks for. */
	madvise(bytes, size, MADV_RANDOM);
	return NULL;
}

static struct error *core_read_all(struct elf_core *core, const char *path)
{
	CLEANUP_FREE Elf64_Phdr *headers = NULL;
	size_t count = 0;
	struct error *error = core_check_header(core, path);
	if (!error)
		error = core_read_headers(core, path, &headers, &count);
	if (!error)
		error = core_segments_read(core, headers, count);
	if (!error)
		error = core_read_notes(core, headers, count);
	if (!error)
		error = core_mappings_make(core);
	if (error)
		return error;
	core->process.machine = core->header.e_machine;
	core_find_executable(core);
	core_complete_threads(core);
	return core_find_command_line(core);
}

struct error *elf_core_open(int fd, const char *path, struct elf_core **ret)
{
	CLEANUP(elf_core_destroyp) struct elf_core *core = calloc(1, sizeof(*core));
	if (!core)
		return &error_out_of_memory;
	core->memory.operations = &core_memory_operations;
	core->process.uid = UINT32_MAX;
	struct error *error = core_map(core, fd, path);
	if (!error)
		error = core_read_all(core, path);
	if (!error)
		*ret = TAKE_POINTER(core);
	return error;
}

void elf_core_destroy(struct elf_core *core)
{
	if (!core)
		return;
	if (core->bytes)
		munmap((void *)(uintptr_t)core->bytes, core->size);
	for (size_t i = 0; i < core->loss_count; i++)
		free(core->losses[i]);
	process_facts_deinit(&core->process);
	thread_list_deinit(&core->threads);
	mappings_deinit(&core->mappings);
	free(core->segments);
	free(core->file_ranges);
	free(core);
}

void elf_core_destroyp(struct elf_core **core)
{
	elf_core_destroy(*core);
}

const struct process_facts *elf_core_process(const struct elf_core *core)
{
	return &core->process;
}

const struct thread_list *elf_core_threads(const struct elf_core *core)
{
	return &core->threads;
}

const struct mappings *elf_core_mappings(const struct elf_core *core)
{
	return &core->mappings;
}

bool elf_core_names_files(const struct elf_core *core)
{
	return core->file_range_count != 0;
}

struct memory *elf_core_memory(struct elf_core *core)
{
	return &core->memory;
}

const char *const *elf_core_losses(const struct elf_core *core)
{
	return (const char *const *)core->losses;
}

void elf_core_add_loss(struct elf_core *core, const char *loss)
{
	core_add_loss(core, "%s", loss);
}

bool elf_core_auxv(const struct elf_core *core, uint64_t type, uint64_t *ret)
{
	struct cursor cursor = core->auxv;
	while (cursor_left(&cursor)) {
		uint64_t found = cursor_u64(&cursor);
		uint64_t value = cursor_u64(&cursor);
		if (!cursor_ok(&cursor) || found == AT_NULL)
			return false;
		if (found == type) {
			*ret = value;
			return true;
		}
	}
	return false;
}
