#include "analyze/native/debug_file.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/target_files.h"
#include "common/cleanup.h"
#include "common/root_file.h"

enum { READ_BYTES = 64 << 10 };

/* GDB's and libdwfl's global folder. */
static const char debug_folder[] = "/usr/lib/debug";

static bool debuginfod_wanted(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && *urls;
}

static bool has_build_id(int fd, const struct build_id *wanted)
{
	const void *bytes = NULL;
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	ssize_t size = elf ? dwelf_elf_gnu_build_id(elf, &bytes) : -1;
	bool equal = size > 0 && (size_t)size == wanted->size &&
		     memcmp(bytes, wanted->bytes, wanted->size) == 0;
	elf_end(elf);
	return equal;
}

/* CRC-32 of ISO 3309, as objcopy --add-gnu-debuglink makes it. */
static uint32_t checksum_add(uint32_t checksum, const uint8_t *bytes, size_t size)
{
	/* Of the values of four bits. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	for (size_t i = 0; i < size; i++) {
		checksum ^= bytes[i];
		checksum = (checksum >> 4) ^ table[checksum & 15];
		checksum = (checksum >> 4) ^ table[checksum & 15];
	}
	return checksum;
}

static bool has_checksum(int fd, uint32_t wanted)
{
	CLEANUP_FREE uint8_t *buffer = malloc(READ_BYTES);
	uint32_t checksum = UINT32_MAX;
	off_t at = 0;
	ssize_t got;
	if (!buffer)
		return false;
	while ((got = pread(fd, buffer, READ_BYTES, at)) > 0) {
		checksum = checksum_add(checksum, buffer, (size_t)got);
		at += got;
	}
	return got == 0 && ~checksum == wanted;
}

/* One place. Gives a file that belongs to the module, or -1. */
static int try_place(struct debug_file_search *search, const char *root, const char *path,
		     const uint32_t *checksum)
{
	const struct build_id *build_id = &search->module->build_id;
	CLEANUP_CLOSE int fd = root_file_open(root, path);
	if (fd < 0)
		return -1;
	if (build_id->size ? has_build_id(fd, build_id) : checksum && has_checksum(fd, *checksum))
		return take_fd(&fd);
	search->refused = true;
	return -1;
}

static int find_by_build_id(struct debug_file_search *search, const char *root)
{
	const struct build_id *build_id = &search->module->build_id;
	char path[sizeof(debug_folder) + sizeof("/.build-id//.debug") + 2 * BUILD_ID_MAX];
	if (build_id->size < 2)
		return -1;
	int length = snprintf(path, sizeof(path), "%s/.build-id/%02x/", debug_folder,
			      build_id->bytes[0]);
	for (size_t i = 1; i < build_id->size; i++)
		length += snprintf(path + length, sizeof(path) - (size_t)length, "%02x",
				   build_id->bytes[i]);
	snprintf(path + length, sizeof(path) - (size_t)length, ".debug");
	return try_place(search, root, path, NULL);
}

/* Beside the module, in .debug there, and in the global folder (objcopy(1), gdb's manual,
 * "Debugging Information in Separate Files"). */
static int find_by_link(struct debug_file_search *search, const char *root, const char *link,
			uint32_t checksum)
{
	static const char *const places[][2] = {
		{"", "/"},
		{"", "/.debug/"},
		{debug_folder, "/"},
	};
	const char *module = search->module->path;
	const char *slash = strrchr(module, '/');
	/* A link is a name: one that leads elsewhere is none. */
	if (!slash || module[0] != '/' || strchr(link, '/') || !*link)
		return -1;
	int folder = slash - module < PATH_MAX ? (int)(slash - module) : PATH_MAX;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s%.*s%s%s", places[i][0], folder, module, places[i][1],
			     link) < 0) {
			path = NULL;
			return -1;
		}
		/* A file can bear the name of its own link. */
		int fd = strcmp(path, module) == 0 ? -1 : try_place(search, root, path, &checksum);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

int debug_file_find(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    const char *file_name, const char *link, GElf_Word checksum, char **ret_path)
{
	struct debug_file_search *search = *userdata;
	const char *root;
	int fd = -1;
	if (!search->files)
		return -1;
	for (size_t i = 0; fd < 0 && target_files_root(search->files, i, &root); i++) {
		fd = find_by_build_id(search, root);
		if (fd < 0 && link)
			fd = find_by_link(search, root, link, checksum);
	}
	if (fd < 0 && debuginfod_wanted())
		fd = dwfl_standard_find_debuginfo(module, userdata, name, base, file_name, link,
						  checksum, ret_path);
	search->refused &= fd < 0;
	return fd;
}

int debug_file_fetch_module(const struct module *module)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	if (!module->build_id.size || !debuginfod_wanted())
		return -1;
	Dwfl *dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return -1;
	int fd = -1;
	void **userdata;
	const char *name = module->path;
	char *path = NULL;
	Elf *elf = NULL;
	Dwfl_Module *wanted = dwfl_report_module(dwfl, name, module->start, module->end);
	if (wanted && dwfl_module_report_build_id(wanted, module->build_id.bytes,
						  module->build_id.size, 0) == 0) {
		dwfl_module_info(wanted, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		fd = dwfl_build_id_find_elf(wanted, userdata, name, module->start, &path, &elf);
	}
	free(path);
	elf_end(elf);
	dwfl_end(dwfl);
	return fd;
}
