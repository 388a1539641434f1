/* A small core of one process with two threads, for tests: every kind of note, and segments that
 * are whole, cut, empty, adjacent. */
#ifndef PYSPY_TESTS_CORE_BUILDER_H
#define PYSPY_TESTS_CORE_BUILDER_H

#include "tests/unit/elf_builder.h"

enum {
	CORE_PID = 100,
	CORE_OTHER_TID = 101,
	CORE_UID = 7,
	CORE_SIGNAL = 11,
	CORE_NOTES_OFFSET = 0x400,
};

#define CORE_LIBRARY UINT64_C(0x7f0000000000) /* read-only page of a file, whole */
#define CORE_CODE    UINT64_C(0x7f0000001000) /* of the same file, not in the core */
#define CORE_DATA    UINT64_C(0x7f0000002000) /* half of it is in the core */
#define CORE_NEXT    UINT64_C(0x7f0000003000) /* right after it, whole */
#define CORE_VDSO    UINT64_C(0x7f0000100000)
#define CORE_NAMED   UINT64_C(0x7f0000400000) /* only in NT_FILE */
#define CORE_FAULT   UINT64_C(0xdead)

#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#endif
#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif

static inline void core_put(uint8_t *bytes, size_t offset, uint64_t value, size_t width)
{
	memcpy(bytes + offset, &value, width);
}

/* struct elf_prstatus; each register is its tid's. */
static inline void core_status(struct elf_builder *builder, int tid, int signal)
{
	uint8_t status[392] = {0};
	bool arm = builder->header.e_machine == EM_AARCH64;
	core_put(status, 12, (uint64_t)signal, 2);
	core_put(status, 32, (uint64_t)tid, 4);
	core_put(status, 48, 2, 8);
	core_put(status, 72, 5, 8);
	for (size_t i = 0; i < (arm ? 34 : 27); i++)
		core_put(status, 112 + 8 * i, (uint64_t)tid, 8);
	elf_builder_note(builder, "CORE", NT_PRSTATUS, status, arm ? 392 : 336);
}

static inline void core_process_note(struct elf_builder *builder)
{
	uint8_t process[136] = {0};
	process[1] = 'R';
	core_put(process, 16, CORE_UID, 4);
	core_put(process, 24, CORE_PID, 4);
	core_put(process, 28, 1, 4);
	snprintf((char *)process + 40, 16, "program");
	snprintf((char *)process + 56, 80, "program argument ");
	elf_builder_note(builder, "CORE", NT_PRPSINFO, process, sizeof(process));
}

static inline void core_signal_note(struct elf_builder *builder, int signal, int code,
				    uint64_t value)
{
	uint8_t information[128] = {0};
	core_put(information, 0, (uint64_t)signal, 4);
	core_put(information, 8, (uint64_t)(int64_t)code, 4);
	core_put(information, 16, value, 8);
	elf_builder_note(builder, "CORE", NT_SIGINFO, information, sizeof(information));
}

static inline void core_file_note(struct elf_builder *builder, uint64_t unit)
{
	static const char names[] = "/lib/x.so\0/lib/x.so\0/lib/data (deleted)";
	uint64_t words[] = {
		3,
		unit,
		CORE_LIBRARY,
		CORE_LIBRARY + 0x1000,
		0,
		CORE_CODE,
		CORE_CODE + 0x1000,
		0x1000 / unit,
		CORE_NAMED,
		CORE_NAMED + 0x1000,
		0,
	};
	uint8_t note[sizeof(words) + sizeof(names)];
	memcpy(note, words, sizeof(words));
	memcpy(note + sizeof(words), names, sizeof(names));
	elf_builder_note(builder, "CORE", NT_FILE, note, sizeof(note));
}

static inline void core_notes(struct elf_builder *builder)
{
	const uint64_t auxv[] = {AT_PHDR,   CORE_LIBRARY + 64, AT_SYSINFO_EHDR,
				 CORE_VDSO, AT_NULL,	       0};
	core_status(builder, CORE_PID, CORE_SIGNAL);
	core_process_note(builder);
	core_signal_note(builder, CORE_SIGNAL, 1, CORE_FAULT);
	elf_builder_note(builder, "CORE", NT_AUXV, auxv, sizeof(auxv));
	core_file_note(builder, 4096);
	core_status(builder, CORE_OTHER_TID, CORE_SIGNAL);
	elf_builder_note(builder, "LINUX", 0x202, auxv, sizeof(auxv));
}

/* Memory is filled with the page's number at each byte: see core_byte. */
static inline uint8_t core_byte(uint64_t address)
{
	return (uint8_t)(0x40 + (address >> 12 & 0xf));
}

static inline void core_fill(struct elf_builder *builder, uint64_t address, size_t size)
{
	uint8_t byte = core_byte(address);
	for (size_t i = 0; i < size; i++)
		elf_builder_append(builder, &byte, 1);
}

static inline struct elf_builder core_build(uint16_t machine)
{
	struct elf_builder builder = elf_builder_start(ET_CORE, machine);
	elf_builder_pad(&builder, CORE_NOTES_OFFSET);
	core_notes(&builder);
	size_t notes_size = builder.bytes.size - CORE_NOTES_OFFSET;
	elf_builder_pad(&builder, 0x2000);
	elf_builder_segment(&builder, PT_NOTE, 0, CORE_NOTES_OFFSET, 0, notes_size, 0);
	elf_builder_segment(&builder, PT_LOAD, PF_R, 0x2000, CORE_LIBRARY, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0x3000, CORE_CODE, 0, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x3000, CORE_DATA, 0x800, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_W, 0x3800, CORE_NEXT, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0x4800, CORE_VDSO, 0x100, 0x1000);
	core_fill(&builder, CORE_LIBRARY, 0x1000);
	core_fill(&builder, CORE_DATA, 0x800);
	core_fill(&builder, CORE_NEXT, 0x1000);
	core_fill(&builder, CORE_VDSO, 0x100);
	elf_builder_write_headers(&builder);
	return builder;
}

/* The file that the core has mapped at CORE_LIBRARY: its code begins with "code". */
static inline struct elf_builder core_module_build(const char *build_id)
{
	struct elf_builder builder = elf_builder_start(ET_DYN, EM_X86_64);
	elf_builder_segment(&builder, PT_LOAD, PF_R, 0, 0, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, 0x1000);
	elf_builder_segment(&builder, PT_NOTE, PF_R, 0x400, 0x400, 36, 36);
	elf_builder_write_headers(&builder);
	elf_builder_pad(&builder, 0x400);
	elf_builder_note(&builder, "GNU", NT_GNU_BUILD_ID, build_id, 20);
	elf_builder_pad(&builder, 0x1000);
	elf_builder_append(&builder, "code", 4);
	elf_builder_pad(&builder, 0x2000);
	return builder;
}

#endif
