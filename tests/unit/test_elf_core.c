#include "tests/unit/cmocka_headers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/built_core.h"
#include "tests/unit/core_builder.h"

static size_t loss_count(const struct elf_core *core)
{
	size_t count = 0;
	while (elf_core_losses(core)[count])
		count++;
	return count;
}

static bool has_loss(const struct elf_core *core, const char *part)
{
	for (const char *const *loss = elf_core_losses(core); *loss; loss++) {
		if (strstr(*loss, part))
			return true;
	}
	return false;
}

static void check_facts(uint16_t machine, size_t register_count)
{
	struct elf_builder builder = core_build(machine);
	struct elf_core *core = built_core_must_open(&builder);
	const struct process_facts *process = elf_core_process(core);
	assert_int_equal(process->pid, CORE_PID);
	assert_int_equal(process->parent_pid, 1);
	assert_int_equal(process->uid, CORE_UID);
	assert_int_equal(process->machine, machine);
	assert_string_equal(process->command_name, "program");
	assert_string_equal(process->command_line, "program argument");
	assert_string_equal(process->executable, "/lib/x.so");
	assert_int_equal(process->signal, CORE_SIGNAL);
	assert_int_equal(process->signal_code, 1);
	assert_true(process->has_fault_address);
	assert_true(process->fault_address == CORE_FAULT);
	assert_int_equal(process->sender_pid, 0);
	assert_true(process->capture_time_ns > 0);
	const struct thread_list *threads = elf_core_threads(core);
	assert_int_equal(threads->count, 2);
	assert_int_equal(threads->items[0].tid, CORE_PID);
	assert_true(threads->items[0].crashed);
	assert_string_equal(threads->items[0].name, "program");
	assert_int_equal(threads->items[1].tid, CORE_OTHER_TID);
	assert_false(threads->items[1].crashed);
	assert_int_equal(threads->items[1].cpu_time_ns, 2000005000);
	assert_int_equal(threads->items[1].registers_size, register_count * 8);
	const uint64_t *registers = threads->items[1].registers;
	assert_int_equal(registers[0], CORE_OTHER_TID);
	assert_int_equal(registers[register_count - 1], CORE_OTHER_TID);
	uint64_t value = 0;
	assert_true(elf_core_auxv(core, AT_SYSINFO_EHDR, &value));
	assert_true(value == CORE_VDSO);
	assert_false(elf_core_auxv(core, AT_EXECFN, &value));
	assert_int_equal(loss_count(core), 0);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

static void test_facts(void **state)
{
	(void)state;
	check_facts(EM_X86_64, 27);
	check_facts(EM_AARCH64, 34);
}

static void test_mappings(void **state)
{
	static const struct mapping expected[] = {
		{.start = CORE_LIBRARY, .flags = MAPPING_READ, .path = (char *)"/lib/x.so"},
		{.start = CORE_CODE,
		 .flags = MAPPING_READ | MAPPING_EXECUTE,
		 .offset = 0x1000,
		 .path = (char *)"/lib/x.so"},
		{.start = CORE_DATA, .flags = MAPPING_READ | MAPPING_WRITE, .path = (char *)""},
		{.start = CORE_NEXT, .flags = MAPPING_READ | MAPPING_WRITE, .path = (char *)""},
		{.start = CORE_VDSO,
		 .flags = MAPPING_READ | MAPPING_EXECUTE,
		 .path = (char *)"[vdso]"},
		{.start = CORE_NAMED, .flags = MAPPING_DELETED, .path = (char *)"/lib/data"},
	};
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	struct elf_core *core = built_core_must_open(&builder);
	const struct mappings *mappings = elf_core_mappings(core);
	assert_int_equal(mappings->count, sizeof(expected) / sizeof(*expected));
	for (size_t i = 0; i < mappings->count; i++) {
		assert_true(mappings->items[i].start == expected[i].start);
		assert_true(mappings->items[i].end == expected[i].start + 0x1000);
		assert_int_equal(mappings->items[i].flags, expected[i].flags);
		assert_int_equal(mappings->items[i].offset, expected[i].offset);
		assert_string_equal(mappings->items[i].path, expected[i].path);
	}
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

static void expect_status(struct elf_core *core, uint64_t address, size_t size,
			  enum memory_status expected)
{
	uint8_t bytes[0x2000];
	enum memory_status status = memory_read(elf_core_memory(core), address, bytes, size);
	assert_int_equal(status, expected);
	for (size_t i = 0; status == MEMORY_OK && i < size; i++)
		assert_int_equal(bytes[i], core_byte(address + i));
}

static void test_memory(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	/* Two segments that touch, both whole. */
	builder.segments[3].p_filesz = 0x1000;
	builder.segments[3].p_offset = 0x5000;
	elf_builder_write_headers(&builder);
	elf_builder_pad(&builder, 0x5000);
	core_fill(&builder, CORE_DATA, 0x1000);
	struct elf_core *core = built_core_must_open(&builder);
	expect_status(core, CORE_LIBRARY, 0x1000, MEMORY_OK);
	expect_status(core, CORE_DATA + 0x800, 0x1000, MEMORY_OK);
	expect_status(core, CORE_DATA, 0x2000, MEMORY_OK);
	expect_status(core, CORE_DATA + 1, 0x2000, MEMORY_NOT_MAPPED);
	expect_status(core, CORE_CODE, 1, MEMORY_NOT_CAPTURED);
	expect_status(core, CORE_LIBRARY + 0xfff, 2, MEMORY_NOT_CAPTURED);
	expect_status(core, CORE_VDSO + 0xf0, 0x10, MEMORY_OK);
	expect_status(core, CORE_VDSO + 0xf0, 0x11, MEMORY_NOT_CAPTURED);
	expect_status(core, CORE_NAMED, 8, MEMORY_NOT_CAPTURED);
	expect_status(core, CORE_NAMED + 0x1000, 8, MEMORY_NOT_MAPPED);
	expect_status(core, 0, 8, MEMORY_NOT_MAPPED);
	expect_status(core, UINT64_MAX - 3, 8, MEMORY_NOT_MAPPED);
	expect_status(core, 0, 0, MEMORY_OK);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

/* Whatever is left of a core is used, and what is missing is told. */
static void test_cut(void **state)
{
	(void)state;
	struct elf_builder whole = core_build(EM_X86_64);
	size_t size = whole.bytes.size;
	for (; whole.bytes.size; whole.bytes.size -= whole.bytes.size > 8 ? 8 : 1) {
		struct elf_core *core = NULL;
		struct error *error = built_core_open(&whole, &core);
		if (error) {
			assert_true(whole.bytes.size < sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
			assert_int_equal(error->code, whole.bytes.size < SELFMAG ? ERROR_FORMAT
										 : ERROR_TRUNCATED);
			error_destroy(error);
			continue;
		}
		if (whole.bytes.size < size)
			assert_true(has_loss(core, "cut"));
		if (whole.bytes.size >= 0x2008) {
			assert_int_equal(elf_core_threads(core)->count, 2);
			expect_status(core, CORE_LIBRARY, 8, MEMORY_OK);
		}
		if (whole.bytes.size <= 0x4800)
			expect_status(core, CORE_VDSO, 8,
				      mappings_find(elf_core_mappings(core), CORE_VDSO)
					      ? MEMORY_NOT_CAPTURED
					      : MEMORY_NOT_MAPPED);
		elf_core_destroy(core);
	}
	whole.bytes.size = size;
	elf_builder_deinit(&whole);
}

/* More segments than e_phnum can count (PN_XNUM), with and without the section that counts them. */
static void check_many_segments(bool cut)
{
	enum { COUNT = 66000 };
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	size_t notes_offset = sizeof(Elf64_Ehdr) + COUNT * sizeof(Elf64_Phdr);
	Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = notes_offset, .p_align = 4};
	builder.header.e_phnum = 0;
	elf_builder_write_headers(&builder);
	elf_builder_append(&builder, &note, sizeof(note));
	for (uint64_t i = 1; i < COUNT; i++) {
		Elf64_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_R};
		segment.p_vaddr = 0x2000 * i;
		segment.p_memsz = 0x1000;
		elf_builder_append(&builder, &segment, sizeof(segment));
	}
	size_t before_notes = builder.bytes.size;
	core_notes(&builder);
	note.p_filesz = builder.bytes.size - before_notes;
	memcpy(builder.bytes.data + sizeof(Elf64_Ehdr), &note, sizeof(note));
	builder.header.e_phnum = PN_XNUM;
	builder.header.e_shoff = builder.bytes.size;
	memcpy(builder.bytes.data, &builder.header, sizeof(Elf64_Ehdr));
	Elf64_Shdr section = {.sh_info = COUNT};
	if (!cut)
		elf_builder_append(&builder, &section, sizeof(section));
	struct elf_core *core = built_core_must_open(&builder);
	assert_int_equal(elf_core_threads(core)->count, 2);
	assert_int_equal(elf_core_mappings(core)->count, COUNT - 1 + 3);
	expect_status(core, UINT64_C(0x2000) * (COUNT - 1), 4, MEMORY_NOT_CAPTURED);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

static void test_many_segments(void **state)
{
	(void)state;
	check_many_segments(false);
	check_many_segments(true);
}

static void expect_refused(const struct elf_builder *builder, enum error_code code,
			   const char *part)
{
	struct elf_core *core = NULL;
	struct error *error = built_core_open(builder, &core);
	assert_non_null(error);
	assert_int_equal(error->code, code);
	assert_non_null(strstr(error->message, part));
	assert_null(core);
	error_destroy(error);
}

static void test_refused(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	builder.bytes.data[EI_CLASS] = ELFCLASS32;
	core_put(builder.bytes.data, 18, EM_ARM, 2);
	expect_refused(&builder, ERROR_UNSUPPORTED, "a 32-bit ARM core");
	builder.bytes.data[EI_CLASS] = ELFCLASS64;
	expect_refused(&builder, ERROR_UNSUPPORTED, "a 64-bit ARM core");
	builder.bytes.data[EI_DATA] = ELFDATA2MSB;
	core_put(builder.bytes.data, 18, (uint64_t)EM_S390 << 8, 2);
	expect_refused(&builder, ERROR_UNSUPPORTED, "big-endian s390 core");
	elf_builder_deinit(&builder);
	builder = core_build(EM_X86_64);
	core_put(builder.bytes.data, 16, ET_DYN, 2);
	expect_refused(&builder, ERROR_FORMAT, "not a core");
	core_put(builder.bytes.data, 16, ET_CORE, 2);
	core_put(builder.bytes.data, 54, 32, 2);
	expect_refused(&builder, ERROR_FORMAT, "program headers");
	builder.bytes.data[0] = 'x';
	expect_refused(&builder, ERROR_FORMAT, "not an ELF core");
	elf_builder_deinit(&builder);
}

static void test_recognize(void **state)
{
	(void)state;
	struct elf_builder builder = core_build(EM_X86_64);
	int fd = elf_builder_fd(&builder);
	assert_true(elf_core_recognize(fd));
	assert_int_equal(pwrite(fd, "\x03", 1, 16), 1);
	assert_false(elf_core_recognize(fd));
	/* A big-endian one is recognised, to be refused with its name. */
	assert_int_equal(pwrite(fd, "\x02", 1, EI_DATA), 1);
	assert_int_equal(pwrite(fd, "\x00\x04", 2, 16), 2);
	assert_true(elf_core_recognize(fd));
	close(fd);
	elf_builder_deinit(&builder);
}

static struct elf_builder with_segment(size_t index, Elf64_Phdr segment)
{
	struct elf_builder builder = core_build(EM_X86_64);
	builder.segments[index] = segment;
	elf_builder_write_headers(&builder);
	return builder;
}

static void test_hostile_segments(void **state)
{
	static const Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX, .p_memsz = 9},
		{.p_type = PT_LOAD, .p_vaddr = UINT64_MAX - 5, .p_memsz = 100, .p_filesz = 100},
		{.p_type = PT_LOAD, .p_memsz = UINT64_MAX, .p_filesz = UINT64_MAX},
		{.p_type = PT_LOAD, .p_vaddr = CORE_DATA - 8, .p_memsz = 16, .p_filesz = 16},
		{.p_type = PT_NOTE, .p_offset = 1, .p_filesz = UINT64_MAX},
		{.p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++) {
		struct elf_builder builder = with_segment(5, segments[i]);
		struct elf_core *core = built_core_must_open(&builder);
		const struct mappings *mappings = elf_core_mappings(core);
		assert_true(loss_count(core) > 0);
		assert_true(elf_core_threads(core)->count >= 2);
		for (size_t j = 1; j < mappings->count; j++)
			assert_true(mappings->items[j].start >= mappings->items[j - 1].end);
		elf_core_destroy(core);
		elf_builder_deinit(&builder);
	}
}

static void test_overlapping_segments(void **state)
{
	(void)state;
	Elf64_Phdr overlapping = {
		.p_type = PT_LOAD,
		.p_flags = PF_R,
		.p_offset = 0x2000,
		.p_vaddr = CORE_DATA - 0x800,
		.p_filesz = 0x1000,
		.p_memsz = 0x1000,
	};
	struct elf_builder builder = with_segment(2, overlapping);
	struct elf_core *core = built_core_must_open(&builder);
	uint8_t bytes[0x10];
	assert_true(has_loss(core, "overlap"));
	/* The one that begins first has its way, the other goes on behind it. */
	assert_int_equal(memory_read(elf_core_memory(core), CORE_DATA + 0x7f0, bytes, 0x10),
			 MEMORY_OK);
	assert_int_equal(bytes[0], core_byte(CORE_LIBRARY));
	expect_status(core, CORE_DATA + 0x800, 1, MEMORY_NOT_CAPTURED);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
}

/* The notes of a core alone, between a good first thread and nothing. */
static struct elf_core *open_with_note(uint32_t type, const void *note, size_t size)
{
	struct elf_builder builder = elf_builder_start(ET_CORE, EM_X86_64);
	elf_builder_segment(&builder, PT_NOTE, 0, CORE_NOTES_OFFSET, 0, 0, 0);
	elf_builder_segment(&builder, PT_LOAD, PF_R, 0, 0x1000, 64, 0x1000);
	elf_builder_pad(&builder, CORE_NOTES_OFFSET);
	core_status(&builder, CORE_PID, CORE_SIGNAL);
	elf_builder_note(&builder, "CORE", type, note, size);
	builder.segments[0].p_filesz = builder.bytes.size - CORE_NOTES_OFFSET;
	elf_builder_write_headers(&builder);
	struct elf_core *core = built_core_must_open(&builder);
	elf_builder_deinit(&builder);
	assert_int_equal(elf_core_threads(core)->items[0].tid, CORE_PID);
	return core;
}

static void test_hostile_notes(void **state)
{
	static const uint64_t wild_count[] = {UINT64_MAX, 4096, 1, 2, 3};
	static const uint64_t no_names[] = {1, 1, 0x1000, 0x2000, 0};
	static const uint64_t odd_ranges[] = {3,      1,	  0x5000, 0x4000, 0, 0x1000,
					      0x3000, UINT64_MAX, 0x2000, 0x2800, 0, 0};
	static const struct {
		uint32_t type;
		const void *bytes;
		size_t size;
	} notes[] = {
		{NT_FILE, wild_count, sizeof(wild_count)},
		{NT_FILE, no_names, sizeof(no_names)},
		{NT_FILE, odd_ranges, sizeof(odd_ranges)},
		{NT_FILE, wild_count, 8},
		{NT_PRSTATUS, wild_count, sizeof(wild_count)},
		{NT_PRPSINFO, wild_count, sizeof(wild_count)},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
		struct elf_core *core =
			open_with_note(notes[i].type, notes[i].bytes, notes[i].size);
		assert_true(has_loss(core, "damaged"));
		elf_core_destroy(core);
	}
	elf_core_destroy(open_with_note(NT_AUXV, wild_count, 5));
	elf_core_destroy(open_with_note(NT_SIGINFO, wild_count, 0));
}

static void test_signals(void **state)
{
	static const struct {
		int code;
		uint64_t value;
		bool has_address;
		int sender;
	} cases[] = {
		{1, 0x77, true, 0},	 {0x80, 0x77, false, 0}, /* SI_KERNEL */
		{0, 0x77, false, 0x77},				 /* SI_USER */
		{-6, 0x77, false, 0x77},			 /* SI_TKILL */
		{-2, 0x77, false, 0},				 /* SI_TIMER */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t note[128] = {CORE_SIGNAL};
		core_put(note, 8, (uint64_t)(int64_t)cases[i].code, 4);
		core_put(note, 16, cases[i].value, 8);
		struct elf_core *core = open_with_note(NT_SIGINFO, note, sizeof(note));
		const struct process_facts *process = elf_core_process(core);
		assert_int_equal(process->signal_code, cases[i].code);
		assert_int_equal(process->has_fault_address, cases[i].has_address);
		assert_int_equal(process->sender_pid, cases[i].sender);
		elf_core_destroy(core);
	}
	/* gdb's own stop, which is not what the process died of. */
	uint8_t stop[128] = {SIGSTOP};
	struct elf_core *core = open_with_note(NT_SIGINFO, stop, sizeof(stop));
	assert_int_equal(elf_core_process(core)->signal, CORE_SIGNAL);
	elf_core_destroy(core);
}

static const struct elf_builder *module_file;

static int open_module(const struct module_files *files, const struct module *module)
{
	(void)files;
	(void)module;
	return module_file ? elf_builder_fd(module_file) : -1;
}

static enum memory_status read_code(struct elf_core *core, char *bytes)
{
	const struct module_files files = {.open = open_module};
	struct modules modules;
	struct memory *memory;
	assert_null(
		modules_from_mappings(elf_core_mappings(core), elf_core_memory(core), &modules));
	assert_null(elf_core_files_memory(core, &modules, &files, &memory));
	enum memory_status status = memory_read(memory, CORE_CODE - 2, bytes, 6);
	uint8_t byte;
	assert_int_equal(memory_read(memory, CORE_DATA, &byte, 1), MEMORY_OK);
	assert_int_equal(memory_read(memory, CORE_DATA + 0x900, &byte, 1), MEMORY_NOT_CAPTURED);
	assert_int_equal(memory_read(memory, 8, &byte, 1), MEMORY_NOT_MAPPED);
	memory_destroy(memory);
	modules_deinit(&modules);
	return status;
}

static void test_files_memory(void **state)
{
	(void)state;
	struct elf_builder module = core_module_build("01234567890123456789");
	struct elf_builder other = core_module_build("01234567890123456780");
	struct elf_builder builder = core_build(EM_X86_64);
	char bytes[6];
	struct elf_core *core = built_core_must_open(&builder);
	/* The core has the page of the header, but what is there is no ELF: no module. */
	assert_int_equal(read_code(core, bytes), MEMORY_NOT_CAPTURED);
	elf_core_destroy(core);

	memcpy(builder.bytes.data + 0x2000, module.bytes.data, 0x1000);
	core = built_core_must_open(&builder);
	module_file = NULL;
	assert_int_equal(read_code(core, bytes), MEMORY_NOT_CAPTURED);
	module_file = &other;
	assert_int_equal(read_code(core, bytes), MEMORY_NOT_CAPTURED);
	assert_true(has_loss(core, "build-id differs"));
	module_file = &module;
	assert_int_equal(read_code(core, bytes), MEMORY_OK);
	assert_memory_equal(bytes + 2, "code", 4);
	elf_core_destroy(core);

	/* No header in the core: the file's program headers must fit. */
	builder.segments[1].p_filesz = 0;
	elf_builder_write_headers(&builder);
	core = built_core_must_open(&builder);
	assert_int_equal(read_code(core, bytes), MEMORY_OK);
	assert_true(has_loss(core, "program headers agree"));
	elf_core_destroy(core);
	core = built_core_must_open(&builder);
	other.segments[1].p_offset = 0x2000;
	elf_builder_write_headers(&other);
	module_file = &other;
	assert_int_equal(read_code(core, bytes), MEMORY_NOT_CAPTURED);
	elf_core_destroy(core);
	elf_builder_deinit(&builder);
	elf_builder_deinit(&module);
	elf_builder_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_recognize),
		cmocka_unit_test(test_hostile_segments),
		cmocka_unit_test(test_overlapping_segments),
		cmocka_unit_test(test_hostile_notes),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_files_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
