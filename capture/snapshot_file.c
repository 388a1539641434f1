#include "capture/snapshot_file.h"

#include "capture/fault_point.h"
#include "capture/interrupt.h"
#include "capture/perf_map_read.h"
#include "capture/proc.h"
#include "common/cleanup.h"

static struct error *made_to_fail(const char *what)
{
	return error_create(ERROR_IO, "%s was made to fail", what);
}

static struct error *write_facts(struct snapshot_writer *writer,
				 const struct snapshot_content *content)
{
	int32_t pid = content->process->pid;
	struct error *error = snapshot_writer_process(writer, content->process);
	if (!error)
		error = snapshot_writer_mappings(writer, pid, content->mappings);
	if (!error)
		error = snapshot_writer_modules(writer, pid, content->modules);
	if (!error && content->location)
		error = snapshot_writer_python(writer, pid, content->location);
	if (!error)
		error = snapshot_writer_threads(writer, pid, content->threads);
	return error;
}

struct error *snapshot_file_begin(struct output_file *output, struct snapshot_writer **ret)
{
	if (fault_point(FAULT_BEFORE_WRITE))
		return made_to_fail("opening the snapshot");
	return snapshot_writer_create(output, ret);
}

static struct error *write_perf_map(struct snapshot_writer *writer,
				    const struct process_facts *process)
{
	CLEANUP(module_image_deinit) struct module_image image = {0};
	bool found;
	uint64_t known = snapshot_writer_perf_map_bytes(writer, process->pid);
	struct error *error = perf_map_read(process, known, &image, &found);
	return error || !found ? error : snapshot_writer_module_image(writer, &image);
}

/* What unwinding this sample takes that the log does not have yet. */
static struct error *write_native(struct snapshot_writer *writer,
				  const struct snapshot_content *content)
{
	struct proc_module_files files;
	proc_module_files_init(&files, content->process->pid);
	struct error *error =
		native_pass_write(content->native, content->modules, &files.files, writer);
	return error ? error : write_perf_map(writer, content->process);
}

struct error *snapshot_file_add(struct snapshot_writer *writer,
				const struct snapshot_content *content)
{
	struct error *error = write_facts(writer, content);
	/* So that the fault comes when a part of the file is there. */
	if (!error && fault_point(FAULT_DURING_WRITE))
		return made_to_fail("writing");
	if (!error && content->native)
		error = write_native(writer, content);
	if (!error && content->image)
		error = snapshot_writer_image(writer, content->process->pid, content->image);
	if (!error && content->full)
		error = full_memory_write(content->full, writer);
	if (!error)
		error = snapshot_writer_sample(writer, content->sample);
	return error;
}

struct error *snapshot_file_add_facts(struct snapshot_writer *writer,
				      const struct snapshot_content *content)
{
	return write_facts(writer, content);
}

struct error *snapshot_file_add_sample(struct snapshot_writer *writer,
				       const struct snapshot_content *content)
{
	int32_t pid = content->process->pid;
	struct error *error = snapshot_writer_threads(writer, pid, content->threads);
	if (!error && fault_point(FAULT_DURING_WRITE))
		return made_to_fail("writing");
	if (!error && content->native)
		error = write_native(writer, content);
	if (!error)
		error = snapshot_writer_image(writer, pid, content->image);
	return error ? error : snapshot_writer_sample(writer, content->sample);
}

struct error *snapshot_file_finish(struct snapshot_writer *writer, struct output_file *output)
{
	struct error *error = snapshot_writer_finish(writer);
	if (!error)
		error = interrupt_check();
	if (error)
		return error;
	if (fault_point(FAULT_BEFORE_COMMIT))
		return made_to_fail("naming the snapshot");
	return output_file_commit(output);
}
