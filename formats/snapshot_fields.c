#include "formats/snapshot_fields.h"

#include "common/facts.h"
#include "common/locate.h"
#include "common/mappings.h"
#include "common/modules.h"

#define FIELD(number, type, structure, member)                                                     \
	{                                                                                          \
		.key = (number), .kind = (type), .offset = offsetof(structure, member)             \
	}
#define FIELD_ABSENT(number, type, structure, member, value)                                       \
	{                                                                                          \
		.key = (number), .kind = (type), .offset = offsetof(structure, member),            \
		.absent = (uint64_t)(value)                                                        \
	}
#define FIELD_OTHER(number, type, structure, member, second)                                       \
	{                                                                                          \
		.key = (number), .kind = (type), .offset = offsetof(structure, member),            \
		.other = offsetof(structure, second)                                               \
	}
#define TABLE(name, array)                                                                         \
	const struct record_table name = {                                                         \
		.fields = (array),                                                                 \
		.count = sizeof(array) / sizeof((array)[0]),                                       \
	}

static const struct record_field header_fields[] = {
	FIELD(1, RECORD_TEXT, struct snapshot_header, name),
	FIELD(2, RECORD_TEXT, struct snapshot_header, writer),
	FIELD(3, RECORD_U64, struct snapshot_header, time_ns),
	FIELD(4, RECORD_U64, struct snapshot_header, samples_before),
};
TABLE(snapshot_header_table, header_fields);

/* Of END and of COUNTS. */
static const struct record_field counts_fields[] = {
	FIELD(1, RECORD_U64, struct sample_counts, samples),
	FIELD(2, RECORD_U64, struct sample_counts, late),
	FIELD(3, RECORD_U64, struct sample_counts, failed),
	FIELD(4, RECORD_U64, struct sample_counts, dropped),
	FIELD(5, RECORD_U64, struct sample_counts, incomplete),
	FIELD(6, RECORD_U64, struct sample_counts, ways[FREEZE_NONE]),
	FIELD(7, RECORD_U64, struct sample_counts, ways[FREEZE_HOLDER]),
	FIELD(8, RECORD_U64, struct sample_counts, ways[FREEZE_VERIFIED]),
	FIELD(9, RECORD_U64, struct sample_counts, ways[FREEZE_ALL]),
};
TABLE(snapshot_counts_table, counts_fields);

/* Key 1 is the pid, as in every chunk about a process. */
static const struct record_field process_fields[] = {
	FIELD(2, RECORD_I32, struct process_facts, container_pid),
	FIELD(3, RECORD_I32, struct process_facts, parent_pid),
	FIELD(4, RECORD_I32, struct process_facts, machine),
	FIELD_ABSENT(5, RECORD_U32, struct process_facts, uid, UINT32_MAX),
	FIELD(6, RECORD_TEXT, struct process_facts, command_line),
	FIELD(7, RECORD_TEXT, struct process_facts, command_name),
	FIELD(8, RECORD_TEXT, struct process_facts, executable),
	FIELD(9, RECORD_TEXT, struct process_facts, root),
	FIELD(10, RECORD_TEXT, struct process_facts, host),
	FIELD(11, RECORD_TEXT, struct process_facts, kernel),
	FIELD(12, RECORD_U64, struct process_facts, start_time_ns),
	FIELD(13, RECORD_U64, struct process_facts, start_ticks),
	FIELD(14, RECORD_U64, struct process_facts, capture_time_ns),
	FIELD(15, RECORD_BOOL, struct process_facts, was_stopped),
	FIELD(16, RECORD_I32, struct process_facts, signal),
	FIELD(17, RECORD_I32, struct process_facts, signal_code),
	FIELD_OTHER(18, RECORD_PRESENT, struct process_facts, fault_address, has_fault_address),
	FIELD(19, RECORD_I32, struct process_facts, sender_pid),
	FIELD(20, RECORD_BOOL, struct process_facts, only_gil),
};
TABLE(snapshot_process_table, process_fields);

static const struct record_field mapping_fields[] = {
	FIELD(1, RECORD_U64, struct mapping, start),
	FIELD(2, RECORD_U64, struct mapping, end),
	FIELD(3, RECORD_U64, struct mapping, offset),
	FIELD(4, RECORD_U64, struct mapping, inode),
	FIELD(5, RECORD_U32, struct mapping, device_major),
	FIELD(6, RECORD_U32, struct mapping, device_minor),
	FIELD(7, RECORD_U32, struct mapping, flags),
	FIELD(8, RECORD_TEXT, struct mapping, path),
};
TABLE(snapshot_mapping_table, mapping_fields);

static const struct record_field module_fields[] = {
	FIELD(1, RECORD_TEXT, struct module, path),
	FIELD(2, RECORD_U64, struct module, start),
	FIELD(3, RECORD_U64, struct module, end),
	FIELD(4, RECORD_U64, struct module, bias),
	FIELD(5, RECORD_U64, struct module, inode),
	FIELD(6, RECORD_U32, struct module, device_major),
	FIELD(7, RECORD_U32, struct module, device_minor),
	FIELD(8, RECORD_BOOL, struct module, deleted),
	FIELD(9, RECORD_BUILD_ID, struct module, build_id),
	FIELD(10, RECORD_U64, struct module, data_start),
	FIELD(11, RECORD_U64, struct module, data_end),
};
TABLE(snapshot_module_table, module_fields);

/* Key 1 is the pid. */
static const struct record_field python_fields[] = {
	FIELD(2, RECORD_U64, struct python_location, runtime_address),
	FIELD(3, RECORD_U32, struct python_location, method),
	FIELD(4, RECORD_VERSION, struct python_location, version),
	FIELD(5, RECORD_TEXT, struct python_location, module_path),
	FIELD(6, RECORD_U64, struct python_location, version_address),
	FIELD(7, RECORD_U64, struct python_location, current_thread_address),
	FIELD(8, RECORD_BOOL, struct python_location, layout.debug_build),
};
TABLE(snapshot_python_table, python_fields);

static const struct record_field thread_fields[] = {
	FIELD(1, RECORD_I32, struct thread_facts, tid),
	FIELD(2, RECORD_I32, struct thread_facts, container_tid),
	FIELD(3, RECORD_CHARACTER, struct thread_facts, state),
	FIELD(4, RECORD_BOOL, struct thread_facts, crashed),
	FIELD(5, RECORD_NAME, struct thread_facts, name),
	FIELD(6, RECORD_U64, struct thread_facts, cpu_time_ns),
	FIELD_ABSENT(7, RECORD_I64, struct thread_facts, system_call, -1),
	FIELD_OTHER(8, RECORD_BYTES, struct thread_facts, registers, registers_size),
	FIELD_OTHER(9, RECORD_PRESENT, struct thread_facts, system_call_argument,
		    has_system_call_argument),
};
TABLE(snapshot_thread_table, thread_fields);

static const struct record_field sample_fields[] = {
	FIELD(1, RECORD_I32, struct sample_facts, pid),
	FIELD(2, RECORD_U64, struct sample_facts, time_ns),
	FIELD(3, RECORD_U64, struct sample_facts, monotonic_ns),
	FIELD(4, RECORD_U64, struct sample_facts, freeze_ns),
	FIELD(5, RECORD_U32, struct sample_facts, threads_stopped),
	FIELD(6, RECORD_U32, struct sample_facts, attempts),
	FIELD(7, RECORD_U32, struct sample_facts, way),
	FIELD(8, RECORD_U32, struct sample_facts, level),
	FIELD(9, RECORD_BOOL, struct sample_facts, fallback),
	FIELD(10, RECORD_BOOL, struct sample_facts, partial),
};
TABLE(snapshot_sample_table, sample_fields);

static const struct record_field sample_extra_fields[] = {
	FIELD_OTHER(11, RECORD_PRESENT, struct snapshot_sample_extra, elapsed_ns, has_elapsed),
};
TABLE(snapshot_sample_extra_table, sample_extra_fields);

/* Enumerations are stored as 32 bits. */
_Static_assert(sizeof(enum freeze_way) == 4 && sizeof(enum capture_level) == 4 &&
		       sizeof(enum locate_method) == 4,
	       "enumerations are read and written as 32 bits");
