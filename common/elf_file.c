#include "common/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/elf_header.h"

/* A table of symbols, its names and its hash table; foreign bytes, each with its size. */
struct symbol_table {
	struct cursor symbols;
	size_t count;
	struct cursor names;
	struct cursor gnu_hash; /* size 0: none */
};

struct elf_file {
	int fd;
	Elf *elf;
	Elf64_Ehdr header;
	struct cursor program_headers;
	size_t program_header_count;
	const uint8_t *bytes; /* the whole file */
	size_t size;
	struct symbol_table dynamic;
	struct symbol_table complete;
};

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

void build_id_format(const struct build_id *build_id, char *text)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < build_id->size; i++) {
		*text++ = digits[build_id->bytes[i] >> 4];
		*text++ = digits[build_id->bytes[i] & 0xf];
	}
	*text = '\0';
}

static bool build_id_aligned(struct cursor notes, size_t alignment, struct build_id *ret)
{
	struct elf_note note;
	bool damaged;
	while (elf_note_next(&notes, alignment, &note, &damaged)) {
		struct build_id build_id = {.size = note.description.size};
		if (note.type != NT_GNU_BUILD_ID || !note.name || strcmp(note.name, "GNU") != 0 ||
		    !build_id.size || build_id.size > BUILD_ID_MAX)
			continue;
		cursor_copy(&note.description, build_id.bytes, build_id.size);
		*ret = build_id;
		return true;
	}
	return false;
}

/* A segment that begins with NT_GNU_PROPERTY_TYPE_0 can be aligned to 8. */
bool build_id_from_notes(const void *notes, size_t size, struct build_id *ret)
{
	struct cursor cursor = cursor_make(notes, size);
	return build_id_aligned(cursor, 4, ret) || build_id_aligned(cursor, 8, ret);
}

static struct cursor section_bytes(Elf_Scn *section)
{
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	if (!data || !data->d_buf)
		return cursor_make(NULL, 0);
	return cursor_make(data->d_buf, data->d_size);
}

static void elf_file_find_tables(struct elf_file *file)
{
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		const Elf64_Shdr *header = elf64_getshdr(section);
		if (!header)
			continue;
		/* Sections keep no pointer to the table that a hash belongs to but sh_link; a file
		 * has one of each. */
		if (header->sh_type == SHT_GNU_HASH)
			file->dynamic.gnu_hash = section_bytes(section);
		if (header->sh_type != SHT_DYNSYM && header->sh_type != SHT_SYMTAB)
			continue;
		struct symbol_table *table =
			header->sh_type == SHT_DYNSYM ? &file->dynamic : &file->complete;
		table->symbols = section_bytes(section);
		table->count = table->symbols.size / sizeof(Elf64_Sym);
		table->names = section_bytes(elf_getscn(file->elf, header->sh_link));
	}
}

/* Where libelf believes the file, it is looked at first: tables are used where they lie. */
static bool tables_are_sound(const Elf64_Ehdr *header, uint64_t size)
{
	const struct {
		uint64_t offset;
		uint64_t size;
	} tables[] = {
		{header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)},
		{header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)},
	};
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		if (tables[i].offset > size || tables[i].size > size - tables[i].offset ||
		    tables[i].offset % sizeof(uint64_t))
			return false;
	}
	return true;
}

static struct error *elf_file_check(int fd, const char *path, Elf64_Ehdr *ret)
{
	struct stat status;
	uint8_t bytes[sizeof(*ret)];
	if (fstat(fd, &status) < 0)
		return error_errno(ERROR_IO, errno, "cannot look at '%s'", path);
	if (!S_ISREG(status.st_mode))
		return error_create(ERROR_FORMAT, "'%s' is not a regular file", path);
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
	if (size < 0)
		return error_errno(ERROR_IO, errno, "cannot read '%s'", path);
	if (!elf_header_parse(bytes, (size_t)size, ret))
		return error_create(ERROR_FORMAT, "'%s' is not a 64-bit little-endian ELF file",
				    path);
	if (!tables_are_sound(ret, (uint64_t)status.st_size))
		return error_create(ERROR_FORMAT,
				    "'%s' is a damaged ELF file: its tables of headers "
				    "are not where they can be",
				    path);
	return NULL;
}

/* Bytes of the file, as far as they are there. */
static struct cursor file_range(const struct elf_file *file, uint64_t offset, uint64_t size)
{
	if (offset >= file->size)
		return cursor_make(NULL, 0);
	uint64_t left = file->size - offset;
	return cursor_make(file->bytes + offset, size < left ? size : left);
}

static struct error *elf_file_read(struct elf_file *file, const char *path)
{
	elf_version(EV_CURRENT);
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	size_t count = 0;
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
	    elf_getphdrnum(file->elf, &count) != 0)
		return error_create(ERROR_FORMAT, "cannot read '%s' as ELF: %s", path,
				    elf_errmsg(-1));
	file->bytes = (const uint8_t *)elf_rawfile(file->elf, &file->size);
	if (!file->bytes)
		return error_create(ERROR_FORMAT, "cannot read '%s': %s", path, elf_errmsg(-1));
	file->program_headers =
		file_range(file, file->header.e_phoff, (uint64_t)count * sizeof(Elf64_Phdr));
	file->program_header_count = file->program_headers.size / sizeof(Elf64_Phdr);
	elf_file_find_tables(file);
	return NULL;
}

struct error *elf_file_open(int fd, const char *path, struct elf_file **ret)
{
	CLEANUP(elf_file_destroyp) struct elf_file *file = calloc(1, sizeof(*file));
	if (!file)
		return &error_out_of_memory;
	file->fd = -1;
	struct error *error = elf_file_check(fd, path, &file->header);
	if (error)
		return error;
	/* libelf falls back to reading where it cannot map, and then needs the file for long. */
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0)
		return error_errno(ERROR_IO, errno, "cannot keep '%s' open", path);
	error = elf_file_read(file, path);
	if (error)
		return error;
	*ret = TAKE_POINTER(file);
	return NULL;
}

void elf_file_destroy(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

void elf_file_destroyp(struct elf_file **file)
{
	elf_file_destroy(*file);
}

int elf_file_machine(const struct elf_file *file)
{
	return file->header.e_machine;
}

uint64_t elf_file_entry(const struct elf_file *file)
{
	return file->header.e_entry;
}

static Elf64_Phdr program_header(const struct elf_file *file, size_t index)
{
	struct cursor cursor = file->program_headers;
	Elf64_Phdr header;
	cursor_skip(&cursor, index * sizeof(header));
	cursor_copy(&cursor, &header, sizeof(header));
	return header;
}

bool elf_file_build_id(const struct elf_file *file, struct build_id *ret)
{
	for (size_t i = 0; i < file->program_header_count; i++) {
		Elf64_Phdr segment = program_header(file, i);
		if (segment.p_type != PT_NOTE)
			continue;
		struct cursor notes = file_range(file, segment.p_offset, segment.p_filesz);
		if (build_id_from_notes(notes.data, notes.size, ret))
			return true;
	}
	return false;
}

/* The symbol at `index`, if it is defined and has this name. */
static bool symbol_matches(const struct symbol_table *table, size_t index, const char *name,
			   size_t name_size, Elf64_Sym *ret)
{
	struct cursor cursor = table->symbols;
	struct cursor names = table->names;
	Elf64_Sym symbol;
	cursor_skip(&cursor, index * sizeof(symbol));
	cursor_copy(&cursor, &symbol, sizeof(symbol));
	cursor_seek(&names, symbol.st_name);
	const char *found = (const char *)cursor_bytes(&names, name_size);
	if (!found || *found != *name || memcmp(found, name, name_size) != 0)
		return false;
	/* A thread-local symbol's value is no address, nor is that of a source file's name. */
	unsigned int type = ELF64_ST_TYPE(symbol.st_info);
	if (symbol.st_shndx == SHN_UNDEF || type == STT_TLS || type == STT_FILE)
		return false;
	*ret = symbol;
	return true;
}

/* Local symbols of one name can be several: a global one is taken before them. */
static bool symbol_by_scan(const struct symbol_table *table, const char *name, Elf64_Sym *ret)
{
	size_t name_size = strlen(name) + 1;
	Elf64_Sym symbol;
	bool found = false;
	for (size_t i = 0; i < table->count; i++) {
		if (!symbol_matches(table, i, name, name_size, &symbol))
			continue;
		bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
		if (!found || !is_local)
			*ret = symbol;
		found = true;
		if (!is_local)
			break;
	}
	return found;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;
	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/*
 * DT_GNU_HASH (dl_new_hash and do_lookup_x in glibc, elf/dl-lookup.c): counts, a Bloom filter,
 * buckets with each the first symbol of a chain, chains of hashes whose lowest bit marks the end.
 * It touches a handful of pages where a scan touches all names.
 */
static bool symbol_by_hash(const struct symbol_table *table, const char *name, Elf64_Sym *ret)
{
	struct cursor cursor = table->gnu_hash;
	uint32_t bucket_count = cursor_u32(&cursor);
	uint32_t first = cursor_u32(&cursor);
	uint32_t bloom_count = cursor_u32(&cursor);
	uint32_t bloom_shift = cursor_u32(&cursor);
	uint32_t hash = gnu_hash(name);
	struct cursor bloom = cursor_slice(&cursor, (size_t)bloom_count * sizeof(uint64_t));
	struct cursor buckets = cursor_slice(&cursor, (size_t)bucket_count * sizeof(uint32_t));
	if (!cursor_ok(&cursor) || !bucket_count || !bloom_count || bloom_shift > 31)
		return false;
	cursor_skip(&bloom, (size_t)(hash / 64 % bloom_count) * sizeof(uint64_t));
	uint64_t word = cursor_u64(&bloom);
	if (!(word >> hash % 64 & 1) || !(word >> (hash >> bloom_shift) % 64 & 1))
		return false;
	cursor_skip(&buckets, (size_t)(hash % bucket_count) * sizeof(uint32_t));
	size_t index = cursor_u32(&buckets);
	if (!index || index < first)
		return false;
	cursor_skip(&cursor, (index - first) * sizeof(uint32_t));
	for (; index < table->count; index++) {
		uint32_t chained = cursor_u32(&cursor);
		if (!cursor_ok(&cursor))
			return false;
		if ((chained | 1) == (hash | 1) &&
		    symbol_matches(table, index, name, strlen(name) + 1, ret))
			return true;
		if (chained & 1)
			return false;
	}
	return false;
}

bool elf_file_symbol(const struct elf_file *file, const char *name, struct elf_symbol *ret)
{
	Elf64_Sym symbol;
	bool found = file->dynamic.gnu_hash.size ? symbol_by_hash(&file->dynamic, name, &symbol)
						 : symbol_by_scan(&file->dynamic, name, &symbol);
	if (!found && !symbol_by_scan(&file->complete, name, &symbol))
		return false;
	*ret = (struct elf_symbol){.address = symbol.st_value, .size = symbol.st_size};
	return true;
}

bool elf_file_section(const struct elf_file *file, const char *name, struct elf_symbol *ret)
{
	size_t names;
	if (elf_getshdrstrndx(file->elf, &names) != 0)
		return false;
	Elf_Scn *section = NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		const Elf64_Shdr *header = elf64_getshdr(section);
		if (!header || !(header->sh_flags & SHF_ALLOC))
			continue;
		const char *found = elf_strptr(file->elf, names, header->sh_name);
		if (!found || strcmp(found, name) != 0)
			continue;
		*ret = (struct elf_symbol){.address = header->sh_addr, .size = header->sh_size};
		return true;
	}
	return false;
}

size_t elf_file_segment_count(const struct elf_file *file)
{
	return file->program_header_count;
}

bool elf_file_segment(const struct elf_file *file, size_t index, struct elf_segment *ret)
{
	if (index >= file->program_header_count)
		return false;
	Elf64_Phdr header = program_header(file, index);
	*ret = (struct elf_segment){
		.type = header.p_type,
		.flags = header.p_flags,
		.offset = header.p_offset,
		.address = header.p_vaddr,
		.file_size = header.p_filesz,
		.memory_size = header.p_memsz,
	};
	return true;
}

size_t elf_file_segment_bytes(const struct elf_file *file, size_t index, void *buffer, size_t size)
{
	if (index >= file->program_header_count)
		return 0;
	Elf64_Phdr header = program_header(file, index);
	struct cursor part = file_range(file, header.p_offset, header.p_filesz);
	size_t wanted = size < part.size ? size : part.size;
	cursor_copy(&part, buffer, wanted);
	return wanted;
}

/* The part of a read-only segment from `address` on that is in the file. */
static struct cursor read_only_part(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->program_header_count; i++) {
		Elf64_Phdr segment = program_header(file, i);
		if (segment.p_type != PT_LOAD || segment.p_flags & PF_W ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		uint64_t skip = address - segment.p_vaddr;
		if (skip > UINT64_MAX - segment.p_offset)
			continue;
		return file_range(file, segment.p_offset + skip, segment.p_filesz - skip);
	}
	return cursor_make(NULL, 0);
}

size_t elf_file_read_only_bytes(const struct elf_file *file, uint64_t address, void *buffer,
				size_t size)
{
	size_t done = 0;
	while (done < size) {
		struct cursor part = read_only_part(file, address + done);
		size_t wanted = size - done < part.size ? size - done : part.size;
		if (!wanted)
			break;
		cursor_copy(&part, (uint8_t *)buffer + done, wanted);
		done += wanted;
	}
	return done;
}
