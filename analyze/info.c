#include "analyze/info.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

void info_deinit(struct info *info)
{
	python_location_deinit(&info->python);
	free(info->python_problem);
	*info = (struct info){0};
}

/* What locating says is part of what is shown, unless this program itself failed. */
static struct error *gather_python(struct info *info, bool exhaustive)
{
	const struct locate_options options = {
		.memory = target_memory(info->target),
		.modules = target_modules(info->target),
		.mappings = target_mappings(info->target),
		.files = target_files(info->target),
		.hint = target_python_hint(info->target),
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
	}
	*ret = info;
	info = (struct info){0};
	return NULL;
}
