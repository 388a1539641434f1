#include "analyze/info.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

void info_deinit(struct info *info)
{
	python_location_deinit(&info->python);
	free(info->python_problem);
	for (size_t i = 0; i < info->process_count; i++)
		free(info->processes[i].command);
	free(info->processes);
	native_modules_deinit(&info->native);
	*info = (struct info){0};
}

/* What locating says is part of what is shown, unless this program itself failed. */
static struct error *gather_python(struct info *info, bool exhaustive)
{
	const struct locate_options options = {
		.machine = target_process(info->target)->machine,
		.memory = target_memory(info->target),
		.modules = target_modules(info->target),
		.mappings = target_mappings(info->target),
		.files = target_files(info->target),
		.hint = target_python_hint(info->target),
		.assume_layout = true,
		.exhaustive = exhaustive,
	};
	CLEANUP(error_destroyp) struct error *error = locate_python(&options, &info->python);
	info->python_located = !error || error->code == ERROR_UNSUPPORTED;
	if (!error)
		return NULL;
	if (error->code == ERROR_OUT_OF_MEMORY)
		return TAKE_POINTER(error);
	info->python_problem = strdup(error->message);
	return info->python_problem ? NULL : &error_out_of_memory;
}

static struct error *gather_processes(struct info *info, const struct snapshot *snapshot)
{
	const struct process_facts *facts;
	size_t count = 0;
	while (snapshot_known_process(snapshot, count))
		count++;
	info->processes = calloc(count ? count : 1, sizeof(*info->processes));
	if (!info->processes)
		return &error_out_of_memory;
	for (size_t i = 0; (facts = snapshot_known_process(snapshot, i)); i++) {
		const char *command =
			facts->command_line ? facts->command_line : facts->command_name;
		struct info_process *process = &info->processes[info->process_count++];
		*process = (struct info_process){
			.pid = facts->pid,
			.parent_pid = facts->parent_pid,
			.samples = snapshot_process_samples(snapshot, facts->pid),
			.command = command ? strdup(command) : NULL,
		};
		if (command && !process->command)
			return &error_out_of_memory;
	}
	return NULL;
}

/* Each module's file is sought. */
static struct error *gather_modules(struct info *info)
{
	const struct modules *modules = target_modules(info->target);
	struct error *error = native_modules_init(&info->native, info->target);
	for (size_t i = 0; !error && i < modules->count; i++) {
		struct native_module *module;
		error = native_modules_find(&info->native, modules->items[i].start, &module);
	}
	return error;
}

struct error *info_gather(const char *name, struct target *target, bool exhaustive,
			  struct info *ret)
{
	struct stat status;
	CLEANUP(info_deinit) struct info info = {.name = name, .target = target};
	struct error *error = gather_python(&info, exhaustive);
	if (error)
		return error;
	const char *path = target_path(target);
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		info.size_bytes = (uint64_t)status.st_size;
	const struct mappings *mappings = target_mappings(target);
	for (size_t i = 0; i < mappings->count; i++)
		info.mapped_bytes += mappings->items[i].end - mappings->items[i].start;
	if (target_snapshot(target)) {
		info.has_statistics = true;
		snapshot_statistics(target_snapshot(target), &info.statistics);
		error = gather_processes(&info, target_snapshot(target));
		if (error)
			return error;
	}
	error = gather_modules(&info);
	if (error)
		return error;
	*ret = info;
	info = (struct info){0};
	return NULL;
}
