/* Images of modules: their parts in chunks, the list of them, and taking them out of files. */
#include <gelf.h>

#include "capture/module_extract.h"
#include "common/cleanup.h"
#include "formats/module_image.h"
#include "formats/snapshot_images.h"
#include "tests/unit/cmocka_headers.h"
#include "tests/unit/snapshot_builder.h"

static struct module_image make_image(uint8_t id, uint64_t size)
{
	struct module_image image;
	check(module_image_init(&image));
	image.build_id = (struct build_id){.size = id ? 4 : 0, .bytes = {id, 2, 3, 4}};
	image.path = strdup("/lib/one.so");
	image.size = size;
	return image;
}

static struct buffer make_part(uint8_t id, uint64_t size, uint64_t offset, const char *bytes)
{
	struct buffer buffer = {0};
	struct module_image image = make_image(id, size);
	check(module_image_part_encode(&buffer, &image, offset, bytes, strlen(bytes)));
	module_image_deinit(&image);
	return buffer;
}

static void part_round_trip(void **state)
{
	struct buffer buffer = make_part(1, 100, 40, "bytes");
	struct module_image_part part;
	(void)state;
	assert_true(module_image_part_decode(cursor_make(buffer.data, buffer.size), &part));
	assert_int_equal(part.build_id.size, 4);
	assert_int_equal(part.build_id.bytes[0], 1);
	assert_int_equal(part.path_size, strlen("/lib/one.so"));
	assert_int_equal(part.size, 100);
	assert_int_equal(part.offset, 40);
	assert_int_equal(part.byte_count, 5);
	assert_memory_equal(part.bytes, "bytes", 5);
	/* Cut anywhere, it is refused or has less; it is never read beyond. */
	for (size_t size = 0; size < buffer.size; size++) {
		void *copy = malloc(size + 1);
		memcpy(copy, buffer.data, size);
		bool whole = module_image_part_decode(cursor_make(copy, size), &part);
		assert_false(whole && part.byte_count);
		free(copy);
	}
	buffer_deinit(&buffer);
}

static void hostile_parts(void **state)
{
	static const struct {
		uint64_t size;
		uint64_t offset;
	} cases[] = {
		{4, 0},	    /* the bytes are more than the image */
		{100, 96},  /* they go beyond it */
		{100, 101}, /* they begin beyond it */
		{100, UINT64_MAX - 2},
		{MODULE_IMAGE_MAX_SIZE + 1, 0},
		{UINT64_MAX, UINT64_MAX - 8},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct module_image_part part;
		struct buffer buffer = make_part(1, cases[i].size, cases[i].offset, "bytes");
		assert_false(
			module_image_part_decode(cursor_make(buffer.data, buffer.size), &part));
		buffer_deinit(&buffer);
	}
}

static void add(struct snapshot_images *images, uint32_t frame, const struct buffer *part)
{
	static const uint8_t header[SNAPSHOT_BLOCK_HEADER_SIZE];
	CLEANUP(buffer_deinit) struct buffer content = {0};
	check(buffer_append(&content, header, sizeof(header)));
	check(block_chunk_append(&content, SNAPSHOT_CHUNK_THREADS, 0, "other", 5));
	check(block_chunk_append(&content, SNAPSHOT_CHUNK_MODULE_IMAGE, 0, part->data, part->size));
	check(snapshot_images_add(images, frame, &content));
}

static const struct snapshot_image *find(const struct snapshot_images *images, uint8_t id,
					 const char *path)
{
	const struct build_id build_id = {.size = id ? 4 : 0, .bytes = {id, 2, 3, 4}};
	return snapshot_images_find(images, &build_id, path);
}

static void list_of_images(void **state)
{
	CLEANUP(snapshot_images_deinit) struct snapshot_images images = {0};
	CLEANUP(buffer_deinit) struct buffer one = make_part(1, 100, 0, "begin");
	CLEANUP(buffer_deinit) struct buffer more = make_part(1, 100, 50, "end");
	CLEANUP(buffer_deinit) struct buffer another_size = make_part(1, 101, 50, "end");
	CLEANUP(buffer_deinit) struct buffer empty = make_part(1, 100, 7, "");
	CLEANUP(buffer_deinit) struct buffer unnamed = make_part(0, 100, 0, "begin");
	(void)state;
	add(&images, 3, &one);
	add(&images, 4, &more);
	add(&images, 5, &another_size);
	add(&images, 6, &empty);
	assert_int_equal(images.count, 1);
	const struct snapshot_image *image = find(&images, 1, "/any");
	assert_non_null(image);
	assert_int_equal(image->part_count, 2);
	assert_int_equal(image->bytes, 8);
	assert_int_equal(image->parts[1].frame, 4);
	assert_int_equal(image->parts[1].offset, 50);
	/* By path only where neither has a build-id. */
	assert_null(find(&images, 2, "/lib/one.so"));
	assert_null(find(&images, 0, "/lib/one.so"));
	add(&images, 7, &unnamed);
	assert_int_equal(images.count, 2);
	assert_non_null(find(&images, 0, "/lib/one.so"));
	assert_null(find(&images, 0, "/lib/one.s"));
	assert_null(find(&images, 0, ""));
}

static void add_map(struct snapshot_images *images, uint64_t size, uint64_t offset,
		    const char *bytes)
{
	CLEANUP(buffer_deinit) struct buffer part = {0};
	struct module_image image = {.path = (char *)"[perf-7.map]", .size = size};
	check(module_image_part_encode(&part, &image, offset, bytes, strlen(bytes)));
	add(images, 1, &part);
}

static void perf_map_grows(void **state)
{
	CLEANUP(snapshot_images_deinit) struct snapshot_images images = {0};
	(void)state;
	add_map(&images, 5, 0, "first");
	const struct snapshot_image *image = find(&images, 0, "[perf-7.map]");
	assert_non_null(image);
	assert_int_equal(image->size, 5);
	add_map(&images, 11, 5, "second");
	assert_int_equal(image->size, 11);
	assert_int_equal(image->part_count, 2);
	/* What does not go on where it ended is no part of it. */
	add_map(&images, 30, 20, "gap");
	assert_int_equal(image->size, 11);
	assert_int_equal(image->part_count, 2);
	/* Another one begins. */
	add_map(&images, 3, 0, "new");
	assert_int_equal(image->size, 3);
	assert_int_equal(image->part_count, 1);
	assert_int_equal(images.part_count, 1);
	assert_int_equal(images.count, 1);
}

static void known_size_is_of_the_last(void **state)
{
	static const struct build_id none = {0};
	CLEANUP(snapshot_images_deinit) struct snapshot_images images = {0};
	(void)state;
	check(snapshot_images_note(&images, &none, "[perf-7.map]", 5));
	check(snapshot_images_note(&images, &none, "[perf-7.map]", 11));
	assert_int_equal(images.count, 1);
	assert_int_equal(find(&images, 0, "[perf-7.map]")->size, 11);
}

static void list_is_bounded(void **state)
{
	CLEANUP(snapshot_images_deinit) struct snapshot_images images = {0};
	(void)state;
	for (unsigned i = 0; i < SNAPSHOT_IMAGES_MAX + 10; i++) {
		struct build_id build_id = {.size = 4};
		memcpy(build_id.bytes, &i, sizeof(i));
		if (images.count < SNAPSHOT_IMAGES_MAX)
			check(snapshot_images_note(&images, &build_id, "/x", 1));
	}
	CLEANUP(buffer_deinit) struct buffer part = make_part(255, 100, 0, "begin");
	add(&images, 1, &part);
	assert_int_equal(images.count, SNAPSHOT_IMAGES_MAX);
}

static int open_self(const struct module_files *files, const struct module *module)
{
	(void)files, (void)module;
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_text(const struct module_files *files, const struct module *module)
{
	(void)files, (void)module;
	return file_of("no ELF file at all", 18);
}

static size_t count_symbols(int fd)
{
	size_t count = 0;
	Elf_Scn *section = NULL;
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		assert_non_null(gelf_getshdr(section, &header));
		Elf_Data *data = header.sh_type == SHT_SYMTAB ? elf_getdata(section, NULL) : NULL;
		for (size_t i = 0; data && i < header.sh_size / header.sh_entsize; i++) {
			GElf_Sym symbol;
			assert_non_null(gelf_getsym(data, (int)i, &symbol));
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
			count += name && strcmp(name, "main") == 0;
		}
	}
	elf_end(elf);
	return count;
}

static void extracts_from_a_file(void **state)
{
	const struct module_files self = {.open = open_self};
	const struct module_files text = {.open = open_text};
	struct module module = {.path = (char *)"/proc/self/exe"};
	struct module_image image;
	bool found;
	(void)state;
	check(module_extract(&self, &module, &image, &found));
	assert_true(found);
	assert_true(memory_image_size_bytes(image.contents) < image.size);
	int fd;
	check(module_image_file(&image, &fd));
	module_image_deinit(&image);
	assert_int_equal(count_symbols(fd), 1);
	close(fd);
	/* Another build-id; no ELF file. */
	module.build_id = (struct build_id){.size = 2, .bytes = {1, 2}};
	check(module_extract(&self, &module, &image, &found));
	assert_false(found);
	module_image_deinit(&image);
	module.build_id.size = 0;
	check(module_extract(&text, &module, &image, &found));
	assert_false(found);
	module_image_deinit(&image);
}

static int damaged_fd;

static int open_damaged(const struct module_files *files, const struct module *module)
{
	(void)files, (void)module;
	return dup(damaged_fd);
}

/* A file whose section headers lie, each of their words in turn: what is taken out is bounded. */
static void damaged_files(void **state)
{
	static const uint64_t lies[] = {0, UINT64_MAX, 1 << 20, UINT64_C(1) << 40};
	const struct module_files self = {.open = open_self};
	const struct module_files files = {.open = open_damaged};
	const struct module module = {.path = (char *)"/damaged"};
	struct module_image image;
	Elf64_Ehdr header;
	bool found;
	(void)state;
	check(module_extract(&self, &module, &image, &found));
	check(module_image_file(&image, &damaged_fd));
	module_image_deinit(&image);
	assert_int_equal(pread(damaged_fd, &header, sizeof(header), 0), sizeof(header));
	size_t words = header.e_shnum * sizeof(Elf64_Shdr) / sizeof(uint64_t);
	for (size_t i = 0; i < words; i++) {
		uint64_t word;
		off_t offset = (off_t)(header.e_shoff + i * sizeof(word));
		assert_int_equal(pread(damaged_fd, &word, sizeof(word), offset), sizeof(word));
		assert_int_equal(pwrite(damaged_fd, &lies[i % 4], sizeof(word), offset),
				 sizeof(word));
		check(module_extract(&files, &module, &image, &found));
		assert_true(memory_image_size_bytes(image.contents) <= MODULE_IMAGE_MAX_BYTES);
		module_image_deinit(&image);
		assert_int_equal(pwrite(damaged_fd, &word, sizeof(word), offset), sizeof(word));
	}
	close(damaged_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_round_trip),	cmocka_unit_test(hostile_parts),
		cmocka_unit_test(list_of_images),	cmocka_unit_test(list_is_bounded),
		cmocka_unit_test(perf_map_grows),	cmocka_unit_test(known_size_is_of_the_last),
		cmocka_unit_test(extracts_from_a_file), cmocka_unit_test(damaged_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
