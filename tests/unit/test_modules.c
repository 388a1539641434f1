#include "tests/unit/cmocka_headers.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/memory_image.h"
#include "common/modules.h"
#include "tests/unit/elf_builder.h"

/* This process's own memory. */
static enum memory_status own_read(struct memory *memory, uint64_t address, void *buffer,
				   size_t size)
{
	(void)memory;
	struct iovec local = {.iov_base = buffer, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
		return MEMORY_NOT_MAPPED;
	return MEMORY_OK;
}

static const struct memory_operations own_operations = {.read = own_read};
static struct memory own_memory = {.operations = &own_operations};

static void own_mappings(struct mappings *ret)
{
	size_t size;
	char *text = read_file("/proc/self/maps", &size);
	assert_null(mappings_parse(text, size, ret));
	free(text);
}

struct expected {
	const struct modules *modules;
	size_t checked;
};

/* The dynamic linker's own list is the truth. */
static int compare_loaded(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	struct expected *expected = data;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD)
			continue;
		uint64_t address = info->dlpi_addr + segment->p_vaddr;
		const struct module *module = modules_find(expected->modules, address);
		assert_non_null(module);
		assert_true(module->bias == info->dlpi_addr);
		assert_true(address + segment->p_memsz <= module->end);
		if (!(segment->p_flags & PF_W))
			continue;
		assert_true(module->data_start <= address);
		assert_true(module->data_end >= address + segment->p_memsz);
	}
	expected->checked++;
	return 0;
}

static int own_data = 1;
static int own_bss;

static void test_own_process(void **state)
{
	(void)state;
	struct mappings mappings;
	struct modules modules;
	own_mappings(&mappings);
	assert_null(modules_from_mappings(&mappings, &own_memory, &modules));
	struct expected expected = {.modules = &modules};
	dl_iterate_phdr(compare_loaded, &expected);
	assert_true(expected.checked >= 3);
	const struct module *self = modules_find(&modules, (uint64_t)(uintptr_t)&own_data);
	assert_non_null(self);
	assert_ptr_equal(self, modules_find(&modules, (uint64_t)(uintptr_t)&own_bss));
	assert_int_equal(self->path[0], '/');
	const struct module *libc = modules_find(&modules, (uint64_t)(uintptr_t)&printf);
	assert_non_null(libc);
	assert_int_equal(libc->build_id.size, 20);
	modules_deinit(&modules);
	mappings_deinit(&mappings);
}

static void add_mapping(struct mappings *mappings, uint64_t start, uint64_t end, uint64_t offset,
			uint32_t flags, const char *path)
{
	struct mapping mapping = {
		.start = start,
		.end = end,
		.offset = offset,
		.flags = flags,
		.path = (char *)(uintptr_t)path,
		.inode = path[0] == '/' ? 7 : 0,
	};
	assert_null(mappings_append(mappings, &mapping));
}

enum {
	R = MAPPING_READ,
	RW = MAPPING_READ | MAPPING_WRITE,
	RX = MAPPING_READ | MAPPING_EXECUTE,
};

/* One file loaded twice, with .bss behind, and nothing to read but the mappings. */
static void test_without_headers(void **state)
{
	(void)state;
	struct mappings mappings = {0};
	struct modules modules;
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	add_mapping(&mappings, 0x400000, 0x401000, 0, RX, "/bin/fixed");
	add_mapping(&mappings, 0x401000, 0x402000, 0x1000, RW, "/bin/fixed");
	for (uint64_t base = 0x7f0000000000; base <= 0x7f0000100000; base += 0x100000) {
		add_mapping(&mappings, base, base + 0x1000, 0, R, "/lib/twice.so");
		add_mapping(&mappings, base + 0x1000, base + 0x3000, 0x1000, RX, "/lib/twice.so");
		add_mapping(&mappings, base + 0x3000, base + 0x4000, 0x2000, RW, "/lib/twice.so");
		add_mapping(&mappings, base + 0x4000, base + 0x6000, 0, RW, "");
		add_mapping(&mappings, base + 0x6000, base + 0x7000, 0, RW, "");
	}
	add_mapping(&mappings, 0x7f0000200000, 0x7f0000300000, 0, R, "/data/locale-archive");
	assert_null(modules_from_mappings(&mappings, memory_image_memory(image), &modules));
	assert_int_equal(modules.count, 3);
	assert_int_equal(modules.items[0].bias, 0);
	assert_int_equal(modules.items[0].data_start, 0x401000);
	for (size_t i = 1; i < 3; i++) {
		uint64_t base = 0x7f0000000000 + 0x100000 * (i - 1);
		assert_int_equal(modules.items[i].start, base);
		assert_int_equal(modules.items[i].bias, base);
		assert_int_equal(modules.items[i].end, base + 0x6000);
		assert_int_equal(modules.items[i].data_start, base + 0x3000);
		assert_int_equal(modules.items[i].data_end, base + 0x6000);
		assert_int_equal(modules.items[i].build_id.size, 0);
	}
	assert_null(modules_find(&modules, 0x7f0000200000));
	modules_deinit(&modules);
	mappings_deinit(&mappings);
	memory_image_destroy(image);
}

static struct elf_builder library_header(uint16_t type, uint64_t base, uint64_t data_memory)
{
	struct elf_builder builder = elf_builder_start(type, EM_X86_64);
	elf_builder_segment(&builder, PT_LOAD, PF_R, 0, base, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0x1000, base + 0x1000, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x2800, base + 0x3800, 0x800,
			    data_memory);
	elf_builder_segment(&builder, PT_NOTE, PF_R, 0x400, base + 0x400, 36, 36);
	elf_builder_write_headers(&builder);
	elf_builder_pad(&builder, 0x400);
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, "01234567890123456789", 20);
	return builder;
}

static void check_library(uint16_t type, uint64_t start, uint64_t base)
{
	struct elf_builder builder = library_header(type, base, 0x3000);
	struct mappings mappings = {0};
	struct modules modules;
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, start, builder.bytes.data, builder.bytes.size));
	add_mapping(&mappings, start, start + 0x1000, 0, R, "/lib/x.so");
	/* Code moved to huge pages, relocated data made read-only, .bss that the heap follows. */
	add_mapping(&mappings, start + 0x1000, start + 0x2000, 0, RX, "");
	add_mapping(&mappings, start + 0x3000, start + 0x4000, 0x2000, R, "/lib/x.so");
	add_mapping(&mappings, start + 0x4000, start + 0x5000, 0x3000, RW, "/lib/x.so");
	add_mapping(&mappings, start + 0x5000, start + 0x9000, 0, RW, "[heap]");
	assert_null(modules_from_mappings(&mappings, memory_image_memory(image), &modules));
	assert_int_equal(modules.count, 1);
	assert_int_equal(modules.items[0].bias, start - base);
	assert_int_equal(modules.items[0].end, start + 0x7000);
	assert_int_equal(modules.items[0].data_start, start + 0x3800);
	assert_int_equal(modules.items[0].data_end, start + 0x6800);
	assert_int_equal(modules.items[0].build_id.size, 20);
	assert_memory_equal(modules.items[0].build_id.bytes, "0123", 4);
	modules_deinit(&modules);
	mappings_deinit(&mappings);
	memory_image_destroy(image);
	elf_builder_deinit(&builder);
}

static void test_with_headers(void **state)
{
	(void)state;
	check_library(ET_DYN, 0x7f0000000000, 0);
	check_library(ET_DYN, 0x7f0000000000, 0x10000);
	check_library(ET_EXEC, 0x400000, 0x400000);
}

/* A header that claims the whole address space gets what is mapped, and hides no other module. */
static void test_wild_header(void **state)
{
	(void)state;
	uint64_t start = 0x7f0000000000;
	struct elf_builder builder = library_header(ET_DYN, 0, UINT64_MAX);
	struct mappings mappings = {0};
	struct modules modules;
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, start, builder.bytes.data, builder.bytes.size));
	add_mapping(&mappings, start, start + 0x1000, 0, RX, "/lib/wild.so");
	add_mapping(&mappings, start + 0x3000, start + 0x5000, 0x2000, RW, "/lib/wild.so");
	add_mapping(&mappings, start + 0x5000, start + 0x6000, 0, RX, "/lib/other.so");
	assert_null(modules_from_mappings(&mappings, memory_image_memory(image), &modules));
	assert_int_equal(modules.count, 2);
	assert_int_equal(modules.items[0].end, start + 0x5000);
	assert_int_equal(modules.items[0].data_end, start + 0x5000);
	assert_string_equal(modules.items[1].path, "/lib/other.so");
	modules_deinit(&modules);
	mappings_deinit(&mappings);
	memory_image_destroy(image);
	elf_builder_deinit(&builder);
}

static const char *open_path;

static int open_fixed(const struct module_files *files, const struct module *module)
{
	(void)files;
	(void)module;
	return open_path ? open(open_path, O_RDONLY | O_CLOEXEC) : -1;
}

static void test_open_file(void **state)
{
	(void)state;
	struct module_files files = {.open = open_fixed};
	struct mappings mappings;
	struct modules modules;
	own_mappings(&mappings);
	assert_null(modules_from_mappings(&mappings, &own_memory, &modules));
	const struct module *libc = modules_find(&modules, (uint64_t)(uintptr_t)&printf);
	struct elf_file *file = NULL;
	bool mismatch = true;
	assert_null(module_open_file(&files, libc, &file, &mismatch));
	assert_null(file);
	assert_false(mismatch);
	open_path = libc->path;
	assert_null(module_open_file(&files, libc, &file, &mismatch));
	assert_non_null(file);
	assert_false(mismatch);
	struct elf_symbol symbol;
	assert_true(elf_file_symbol(file, "printf", &symbol));
	assert_true(symbol.address + libc->bias == (uint64_t)(uintptr_t)dlsym(NULL, "printf"));
	elf_file_destroy(file);
	open_path = "/proc/self/exe";
	assert_null(module_open_file(&files, libc, &file, &mismatch));
	assert_null(file);
	assert_true(mismatch);
	open_path = "/proc/self/maps";
	assert_null(module_open_file(&files, libc, &file, &mismatch));
	assert_null(file);
	assert_true(mismatch);
	modules_deinit(&modules);
	mappings_deinit(&mappings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_process),  cmocka_unit_test(test_without_headers),
		cmocka_unit_test(test_with_headers), cmocka_unit_test(test_wild_header),
		cmocka_unit_test(test_open_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
