/* `info` for people: a line for each fact, then the lists. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/info.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/json_process.h"
#include "formats/signal_text.h"
#include "formats/unit_text.h"

struct info_writer {
	FILE *stream;
	const struct info *info;
	bool color;
};

enum { LABEL_WIDTH = 12 };

/* The start of a line: the fact is written after it. */
static void write_label(const struct info_writer *writer, const char *label)
{
	fprintf(writer->stream, "%s%s:%s%*s", terminal_style(writer->color, STYLE_STRONG), label,
		terminal_style_end(writer->color), LABEL_WIDTH - (int)strlen(label) - 1, "");
}

static void write_fact(const struct info_writer *writer, const char *label, const char *text)
{
	if (!text)
		return;
	write_label(writer, label);
	terminal_text_write(writer->stream, text);
	fputc('\n', writer->stream);
}

static void write_time(const struct info_writer *writer, const char *label, uint64_t time_ns)
{
	char text[UNIT_TEXT_SIZE];
	if (!time_ns)
		return;
	time_text(time_ns, text);
	write_fact(writer, label, text);
}

static void write_file(const struct info_writer *writer)
{
	const struct info *info = writer->info;
	char size[UNIT_TEXT_SIZE];
	uint64_t size_bytes = info->size_bytes;
	if (!size_bytes && info->has_statistics)
		size_bytes = info->statistics.file_bytes;
	write_fact(writer, "File", info->name);
	write_label(writer, "Kind");
	if (info->has_statistics)
		fprintf(writer->stream, "snapshot, container version %" PRIu32,
			info->statistics.version);
	else
		fputs("ELF core", writer->stream);
	if (size_bytes) {
		size_text(size_bytes, size);
		fprintf(writer->stream, ", %s", size);
	}
	fputc('\n', writer->stream);
	if (!info->has_statistics)
		return;
	write_label(writer, "Log");
	fprintf(writer->stream, "%" PRIu64 " frame%s in %" PRIu64 " epoch%s, %s",
		info->statistics.frames, info->statistics.frames == 1 ? "" : "s",
		info->statistics.epochs, info->statistics.epochs == 1 ? "" : "s",
		info->statistics.ended ? "ended" : "without an end: cut, or still being written");
	if (info->statistics.unknown_chunks)
		fprintf(writer->stream, ", %" PRIu64 " chunks of kinds this version does not know",
			info->statistics.unknown_chunks);
	fputc('\n', writer->stream);
}

static void write_process(const struct info_writer *writer, const struct process_facts *facts)
{
	FILE *stream = writer->stream;
	write_label(writer, "Process");
	if (facts->pid)
		fprintf(stream, "%d", facts->pid);
	else
		fputc('?', stream);
	if (facts->container_pid)
		fprintf(stream, ", %d in its container", facts->container_pid);
	if (facts->parent_pid)
		fprintf(stream, ", child of %d", facts->parent_pid);
	if (facts->uid != UINT32_MAX)
		fprintf(stream, ", user %" PRIu32, facts->uid);
	fputs(facts->was_stopped ? ", stopped\n" : "\n", stream);
	write_fact(writer, "Command",
		   facts->command_line ? facts->command_line : facts->command_name);
	if (facts->only_gil)
		write_fact(writer, "Filter", "only samples at which a thread held the GIL (--gil)");
	write_fact(writer, "Executable", facts->executable);
	write_fact(writer, "Root", facts->root);
	write_fact(writer, "Host", facts->host);
	write_fact(writer, "Kernel", facts->kernel);
	write_fact(writer, "Machine", machine_name(facts->machine));
	write_time(writer, "Started", facts->start_time_ns);
	write_time(writer, "Captured", facts->capture_time_ns);
}

static void write_python(const struct info_writer *writer)
{
	const struct python_location *python = &writer->info->python;
	char version[PYTHON_VERSION_TEXT_SIZE];
	write_label(writer, "Python");
	if (writer->info->python_located) {
		python_version_format(python->version, version);
		fprintf(writer->stream, "%s at 0x%" PRIx64 ", found by %s", version,
			python->runtime_address, locate_method_name(python->method));
		if (python->module_path) {
			fputs(" in ", writer->stream);
			terminal_text_write(writer->stream, python->module_path);
		}
		if (python->layout_assumed)
			fprintf(writer->stream, "; not known, read with the layout of %u.%u",
				python->layout.major, python->layout.minor);
		if (python->layout_differs)
			fputs("; its offsets are not those that are known for it", writer->stream);
		fputs(writer->info->python_problem ? "; " : "", writer->stream);
	}
	if (writer->info->python_problem)
		terminal_text_write(writer->stream, writer->info->python_problem);
	fputc('\n', writer->stream);
}

/* Of a run: what became of its samples, and what its file is made of. */
static void write_run(const struct info_writer *writer)
{
	const struct snapshot_statistics *statistics = &writer->info->statistics;
	const struct sample_counts *counts = &statistics->counts;
	FILE *stream = writer->stream;
	const char *separator = "";
	if (!statistics->has_counts || !statistics->chunk_bytes[SNAPSHOT_CHUNK_STEPS])
		return;
	write_label(writer, "Run");
	fprintf(stream,
		"%" PRIu64 " samples%s, %" PRIu64 " incomplete; %" PRIu64 " late, %" PRIu64
		" failed, %" PRIu64 " dropped\n",
		counts->samples, statistics->ended ? "" : " when it told last", counts->incomplete,
		counts->late, counts->failed, counts->dropped);
	write_label(writer, "Freezes");
	for (size_t i = 0; i < FREEZE_WAYS; i++) {
		if (!counts->ways[i])
			continue;
		fprintf(stream, "%s%" PRIu64 " %s", separator, counts->ways[i],
			freeze_way_name((enum freeze_way)i));
		separator = ", ";
	}
	separator = "";
	fputc('\n', stream);
	write_label(writer, "Contents");
	for (size_t i = 0; i < SNAPSHOT_CHUNK_COUNT; i++) {
		char text[UNIT_TEXT_SIZE];
		if (!statistics->chunk_bytes[i])
			continue;
		size_text(statistics->chunk_bytes[i], text);
		fprintf(stream, "%s%s %s", separator, snapshot_chunk_name(i), text);
		separator = ", ";
	}
	fputs(", before they were compressed\n", stream);
}

static void write_samples(const struct info_writer *writer)
{
	struct snapshot *snapshot = target_snapshot(writer->info->target);
	if (!snapshot)
		return;
	const struct sample_facts *sample = snapshot_sample(snapshot);
	FILE *stream = writer->stream;
	char text[UNIT_TEXT_SIZE];
	time_text(sample->time_ns, text);
	write_label(writer, "Samples");
	fprintf(stream, "%zu; what follows is of sample %zu, at %s\n",
		(size_t)snapshot_selected_count(snapshot),
		(size_t)snapshot_selected_number(snapshot) + 1, text);
	write_label(writer, "Level");
	fprintf(stream, "%s%s%s\n", capture_level_name(sample->level),
		sample->fallback ? ", because no Python was recognised" : "",
		sample->partial ? ", partial" : "");
	span_text(sample->freeze_ns, text);
	write_label(writer, "Freeze");
	fprintf(stream, "%s (%s), %" PRIu32 " thread%s stopped, %" PRIu32 " attempt%s\n", text,
		freeze_way_name(sample->way), sample->threads_stopped,
		sample->threads_stopped == 1 ? "" : "s", sample->attempts,
		sample->attempts == 1 ? "" : "s");
	write_label(writer, "Memory");
	size_text(writer->info->statistics.memory_bytes, text);
	fprintf(stream, "%s in %" PRIu64 " ranges\n", text, writer->info->statistics.memory_ranges);
}

/* Where there are relatives. */
static void write_processes(const struct info_writer *writer)
{
	const struct info *info = writer->info;
	if (info->process_count < 2)
		return;
	write_label(writer, "Processes");
	fprintf(writer->stream, "%zu\n", info->process_count);
	for (size_t i = 0; i < info->process_count; i++) {
		const struct info_process *process = &info->processes[i];
		fprintf(writer->stream, "    %d", process->pid);
		if (process->parent_pid)
			fprintf(writer->stream, ", child of %d", process->parent_pid);
		if (process->samples)
			fprintf(writer->stream, ", %" PRIu64 " sample%s", process->samples,
				process->samples == 1 ? "" : "s");
		fputs(": ", writer->stream);
		terminal_text_write(writer->stream,
				    process->command ? process->command : "unknown command");
		fputc('\n', writer->stream);
	}
}

static void write_mappings(const struct info_writer *writer)
{
	char text[UNIT_TEXT_SIZE];
	size_text(writer->info->mapped_bytes, text);
	write_label(writer, "Mappings");
	fprintf(writer->stream, "%zu, %s\n", target_mappings(writer->info->target)->count, text);
}

static void write_threads(const struct info_writer *writer)
{
	const struct thread_list *threads = target_threads(writer->info->target);
	write_label(writer, "Threads");
	fprintf(writer->stream, "%zu\n", threads->count);
	for (size_t i = 0; i < threads->count; i++) {
		const struct thread_facts *thread = &threads->items[i];
		fprintf(writer->stream, "    %d", thread->tid);
		if (thread->container_tid && thread->container_tid != thread->tid)
			fprintf(writer->stream, " (%d in its container)", thread->container_tid);
		if (thread->state)
			fprintf(writer->stream, " %c", thread->state);
		if (thread->name[0]) {
			fputc(' ', writer->stream);
			terminal_text_write(writer->stream, thread->name);
		}
		fputs(thread->crashed ? " (got the signal)\n" : "\n", writer->stream);
	}
}

static void write_modules(const struct info_writer *writer)
{
	const struct modules *modules = target_modules(writer->info->target);
	write_label(writer, "Modules");
	fprintf(writer->stream, "%zu\n", modules->count);
	for (size_t i = 0; i < modules->count; i++) {
		const struct module *module = &modules->items[i];
		char build_id[2 * BUILD_ID_MAX + 1] = "-";
		if (module->build_id.size)
			build_id_format(&module->build_id, build_id);
		fprintf(writer->stream, "    0x%012" PRIx64 "-0x%012" PRIx64 " %-40s ",
			module->start, module->end, build_id);
		terminal_text_write(writer->stream, module->path ? module->path : "?");
		fprintf(writer->stream, "%s: %s\n", module->deleted ? " (deleted)" : "",
			native_module_source_name(writer->info->native.items[i].source));
	}
}

struct error *info_write_text(FILE *stream, const struct info *info, bool color)
{
	const struct info_writer writer = {stream, info, color};
	const struct process_facts *facts = target_process(info->target);
	write_file(&writer);
	write_process(&writer, facts);
	if (facts->signal) {
		CLEANUP_FREE char *signal = NULL;
		struct error *error = signal_text(facts, &signal);
		if (error)
			return error;
		write_fact(&writer, "Ended by", signal);
	}
	write_python(&writer);
	write_samples(&writer);
	write_run(&writer);
	write_processes(&writer);
	write_mappings(&writer);
	write_threads(&writer);
	write_modules(&writer);
	if (!target_names_files(info->target))
		write_fact(&writer, "Files",
			   "not named by the core (NT_FILE); name the program's with --exe");
	for (const char *const *loss = target_losses(info->target); *loss; loss++)
		write_fact(&writer, "Lost", *loss);
	if (ferror(stream))
		return error_errno(ERROR_IO, errno, "cannot write the information");
	return NULL;
}
