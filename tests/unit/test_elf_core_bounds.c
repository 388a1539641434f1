/* Small cores that ask for much: the same bytes, or the same name, again and again. */
#include "tests/unit/built_core.h"
#include "tests/unit/core_builder.h"

#define RANGE UINT64_C(0x7f0000000000)

enum { PAGE = 4096, SEGMENTS = ELF_BUILDER_SEGMENTS - 2, NAME_SIZE = 4000 };

static bool has_loss(const struct elf_core *core, const char *part)
{
	for (const char *const *loss = elf_core_losses(core); *loss; loss++) {
		if (strstr(*loss, part))
			return true;
	}
	return false;
}

/* One mapped file, in as many segments. */
static struct elf_core *open_named(size_t segments, size_t name_size)
{
	struct {
		uint64_t words[5];
		char name[NAME_SIZE + 1];
	} note = {.words = {1, PAGE, RANGE, RANGE + SEGMENTS * PAGE, 0}};
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	memset(note.name, 'x', name_size);
	note.name[0] = '/';
	elf_builder_segment(&builder, PT_NOTE, 0, PAGE, 0, 0, 0);
	for (size_t i = 0; i < segments; i++)
		elf_builder_segment(&builder, PT_LOAD, PF_R, PAGE, RANGE + i * PAGE, 0, PAGE);
	elf_builder_pad(&builder, PAGE);
	core_status(&builder, CORE_PID, 0);
	elf_builder_note(&builder, "CORE", NT_FILE, &note, sizeof(note.words) + name_size + 1);
	builder.segments[0].p_filesz = builder.bytes.size - PAGE;
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	return core;
}

static void test_names(void **state)
{
	static const struct {
		size_t segments;
		size_t name_size;
		bool whole;
	} cases[] = {{SEGMENTS, 20, true}, {2, NAME_SIZE, true}, {SEGMENTS, NAME_SIZE, false}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct elf_core *core = open_named(cases[i].segments, cases[i].name_size);
		const struct mappings *mappings = elf_core_mappings(core);
		size_t bytes = 0;
		size_t named = 0;
		for (size_t j = 0; j < mappings->count; j++) {
			bytes += strlen(mappings->items[j].path);
			named += mappings->items[j].path[0] == '/';
		}
		/* The file is of a page, the threads, and the note. */
		assert_true(bytes < 2 * (3 * PAGE));
		assert_int_equal(named == mappings->count, cases[i].whole);
		assert_int_equal(has_loss(core, "not named"), !cases[i].whole);
		assert_true(mappings->count >= cases[i].segments);
		elf_core_destroy(core);
	}
}

static void test_shared_bytes(void **state)
{
	(void)state;
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	for (size_t i = 0; i < SEGMENTS; i++)
		elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0, RANGE + i * 4 * PAGE,
				    (uint64_t)4 * PAGE, (uint64_t)4 * PAGE);
	elf_builder_pad(&builder, 4 * PAGE);
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	uint64_t readable = 0;
	for (size_t i = 0; i < SEGMENTS; i++) {
		uint8_t byte;
		enum memory_status status =
			memory_read(elf_core_memory(core), RANGE + i * 4 * PAGE, &byte, 1);
		assert_true(status == MEMORY_OK || status == MEMORY_NOT_CAPTURED);
		readable += status == MEMORY_OK;
	}
	assert_int_equal(readable, 16);
	assert_true(has_loss(core, "share bytes"));
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_shared_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
