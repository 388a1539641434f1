/*
 * Notes of a core: elf(5), core(5), fs/binfmt_elf.c and include/linux/elfcore.h. To add a machine:
 * a row in `layouts`, and one in `machines` of elf_core.c.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "formats/elf_core_parts.h"

/* More threads than pid_max allows on any 64-bit kernel by default (4 Mi) are not believed. */
enum { CORE_THREADS_MAX = 1 << 20 };

/* Not in every <elf.h>. */
#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#endif
#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif

/* struct elf_prstatus and elf_prpsinfo of a machine: offsets of fields. */
struct note_layout {
	uint16_t machine;
	uint16_t status_size;
	uint16_t status_signal; /* pr_cursig, 2 bytes */
	uint16_t status_tid;
	uint16_t status_times; /* pr_utime and pr_stime, each 8 bytes of s and of µs */
	uint16_t status_registers;
	uint16_t registers_size;
	uint16_t process_uid;
	uint16_t process_pid;
	uint16_t process_parent;
	uint16_t process_name;
	uint16_t process_arguments;
};

enum { PROCESS_NAME_SIZE = 16, PROCESS_ARGUMENTS_SIZE = 80 };

static const struct note_layout layouts[] = {
	{
		.machine = EM_X86_64,
		.status_size = 336,
		.status_signal = 12,
		.status_tid = 32,
		.status_times = 48,
		.status_registers = 112,
		.registers_size = 27 * 8, /* struct user_regs_struct */
		.process_uid = 16,
		.process_pid = 24,
		.process_parent = 28,
		.process_name = 40,
		.process_arguments = 56,
	},
	{
		.machine = EM_AARCH64,
		.status_size = 392,
		.status_signal = 12,
		.status_tid = 32,
		.status_times = 48,
		.status_registers = 112,
		.registers_size = 34 * 8, /* struct user_pt_regs */
		.process_uid = 16,
		.process_pid = 24,
		.process_parent = 28,
		.process_name = 40,
		.process_arguments = 56,
	},
};

static const struct note_layout *layout_find(uint16_t machine)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		if (layouts[i].machine == machine)
			return &layouts[i];
	}
	return NULL;
}

/* A field of a note; 0 beyond its end. */
static uint64_t note_field(struct cursor note, size_t offset, size_t width)
{
	uint64_t value = 0;
	bytes_field(note.data, note.size, offset, width, &value);
	return value;
}

/* Times of the first thread of a process are of all its threads (fill_prstatus). */
static uint64_t status_cpu_time_ns(struct cursor note, const struct note_layout *layout)
{
	uint64_t total = 0;
	for (size_t i = 0; i < 2; i++) {
		uint64_t seconds = note_field(note, layout->status_times + i * 16, 8);
		uint64_t microseconds = note_field(note, layout->status_times + i * 16 + 8, 8);
		total += seconds * UINT64_C(1000000000) + microseconds * 1000;
	}
	return total;
}

static struct error *read_status(struct core_notes *notes, struct cursor note,
				 const struct note_layout *layout)
{
	struct elf_core *core = notes->core;
	if (note.size < (size_t)layout->status_registers + layout->registers_size) {
		notes->damaged = true;
		return NULL;
	}
	if (core->threads.count >= CORE_THREADS_MAX) {
		notes->too_many_threads = true;
		return NULL;
	}
	struct thread_facts thread = {
		.tid = (int32_t)note_field(note, layout->status_tid, 4),
		.system_call = -1,
		.cpu_time_ns = status_cpu_time_ns(note, layout),
		.registers_size = layout->registers_size,
	};
	/* The thread that the signal hit is the first (fill_note_info). */
	if (!core->threads.count) {
		core->process.signal = (int32_t)note_field(note, layout->status_signal, 2);
		thread.crashed = core->process.signal != 0;
	}
	CLEANUP_FREE uint8_t *registers = malloc(layout->registers_size);
	if (!registers)
		return &error_out_of_memory;
	cursor_seek(&note, layout->status_registers);
	cursor_copy(&note, registers, layout->registers_size);
	thread.registers = registers;
	struct error *error = thread_list_append(&core->threads, &thread);
	if (!error)
		(void)TAKE_POINTER(registers);
	return error;
}

/* Text in a field of fixed size, without the blanks at its end. */
static struct error *read_text(struct cursor note, size_t offset, size_t size, char **ret)
{
	char text[PROCESS_ARGUMENTS_SIZE + 1] = {0};
	cursor_seek(&note, offset);
	cursor_copy(&note, text, size);
	size_t length = strlen(text);
	while (length && text[length - 1] == ' ')
		text[--length] = '\0';
	if (!length)
		return NULL;
	char *copy = strdup(text);
	if (!copy)
		return &error_out_of_memory;
	free(*ret);
	*ret = copy;
	return NULL;
}

static struct error *read_process(struct core_notes *notes, struct cursor note,
				  const struct note_layout *layout)
{
	struct process_facts *process = &notes->core->process;
	if (note.size < (size_t)layout->process_arguments + PROCESS_ARGUMENTS_SIZE) {
		notes->damaged = true;
		return NULL;
	}
	/* pr_state is not kept: it is the state at the dump, when no thread waits as it did. */
	process->uid = (uint32_t)note_field(note, layout->process_uid, 4);
	process->pid = (int32_t)note_field(note, layout->process_pid, 4);
	process->parent_pid = (int32_t)note_field(note, layout->process_parent, 4);
	struct error *error =
		read_text(note, layout->process_name, PROCESS_NAME_SIZE, &process->command_name);
	if (error)
		return error;
	return read_text(note, layout->process_arguments, PROCESS_ARGUMENTS_SIZE,
			 &process->command_line);
}

/* siginfo_t: si_signo, si_errno, si_code, and at 16 what depends on them (sigaction(2)). */
static struct error *read_signal(struct core_notes *notes, struct cursor note,
				 const struct note_layout *layout)
{
	enum { SIGINFO_CODE = 8, SIGINFO_UNION = 16 };
	/* As on both machines (asm-generic/siginfo.h), wherever this runs. */
	static const int32_t with_address[] = {4 /* ILL */, 5 /* TRAP */, 7 /* BUS */, 8 /* FPE */,
					       11 /* SEGV */};
	static const int32_t with_sender[] = {0 /* SI_USER */, -1 /* SI_QUEUE */, -3 /* SI_MESGQ */,
					      -6 /* SI_TKILL */};
	enum { SIGNAL_KERNEL = 0x80 }; /* SI_KERNEL: no address is known */
	struct process_facts *process = &notes->core->process;
	int32_t signal = (int32_t)note_field(note, 0, 4);
	(void)layout;
	/* gdb's gcore stops the process with a signal that did not kill it, and has one of these
	 * for each thread. */
	if (notes->has_signal_information || signal != process->signal || !signal)
		return NULL;
	notes->has_signal_information = true;
	process->signal_code = (int32_t)note_field(note, SIGINFO_CODE, 4);
	for (size_t i = 0; i < sizeof(with_sender) / sizeof(*with_sender); i++) {
		if (process->signal_code == with_sender[i])
			process->sender_pid = (int32_t)note_field(note, SIGINFO_UNION, 4);
	}
	for (size_t i = 0; i < sizeof(with_address) / sizeof(*with_address); i++) {
		if (signal != with_address[i] || process->signal_code <= 0 ||
		    process->signal_code == SIGNAL_KERNEL)
			continue;
		process->has_fault_address = true;
		process->fault_address = note_field(note, SIGINFO_UNION, 8);
	}
	return NULL;
}

static struct error *read_auxv(struct core_notes *notes, struct cursor note,
			       const struct note_layout *layout)
{
	(void)layout;
	notes->core->auxv = note;
	return NULL;
}

static struct error *read_files(struct core_notes *notes, struct cursor note,
				const struct note_layout *layout)
{
	bool damaged;
	(void)layout;
	struct error *error = core_file_ranges_read(notes->core, note, &damaged);
	if (!error)
		notes->damaged |= damaged;
	return error;
}

static const struct {
	uint32_t type;
	struct error *(*read)(struct core_notes *notes, struct cursor note,
			      const struct note_layout *layout);
} readers[] = {
	{NT_PRSTATUS, read_status}, {NT_PRPSINFO, read_process}, {NT_SIGINFO, read_signal},
	{NT_AUXV, read_auxv},	    {NT_FILE, read_files},
};

struct error *core_notes_read(struct core_notes *notes, struct cursor bytes, uint64_t alignment)
{
	const struct note_layout *layout = layout_find(notes->core->header.e_machine);
	struct elf_note note;
	bool damaged = false;
	if (!layout)
		return NULL;
	while (elf_note_next(&bytes, alignment == 8 ? 8 : 4, &note, &damaged)) {
		if (!note.name || strcmp(note.name, "CORE") != 0)
			continue;
		for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
			if (readers[i].type != note.type)
				continue;
			struct error *error = readers[i].read(notes, note.description, layout);
			if (error)
				return error;
		}
	}
	notes->damaged |= damaged;
	return NULL;
}
