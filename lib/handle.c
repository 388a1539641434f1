#include "lib/handle.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyze/native/native_decode.h"
#include "analyze/python/decode.h"
#include "analyze/thread_filter.h"
#include "capture/proc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "lib/configuration.h"
#include "lib/error_object.h"
#include "lib/live_process.h"
#include "lib/process_record.h"

enum { RETRY_NS = 20 * 1000 * 1000 };

struct pyspy {
	struct pyspy_config config; /* its texts are not kept: NULL */
	struct number_list tids;    /* those of `config`, borrowed */
	/* One of these. */
	struct live_process *live;
	struct target *target;
	/* Of files. */
	bool selected;
	size_t process; /* the one that `record` is of */
	struct pyspy_process_info *record;
	char version[PYTHON_VERSION_TEXT_SIZE];
};

/* What is kept of a configuration: nothing that it borrows. */
static struct pyspy_config without_texts(const struct pyspy_config *config)
{
	struct pyspy_config kept = *config;
	kept.core_file = NULL;
	kept.command = NULL;
	kept.output = NULL;
	kept.executable = NULL;
	kept.sysroot = NULL;
	memset((void *)kept.search_paths, 0, sizeof(kept.search_paths));
	memset((void *)kept.search_roots, 0, sizeof(kept.search_roots));
	return kept;
}

static struct error *handle_create(const struct pyspy_config *config, struct pyspy **ret)
{
	struct pyspy *spy = calloc(1, sizeof(*spy));
	if (!spy)
		return &error_out_of_memory;
	spy->config = without_texts(config);
	spy->tids = (struct number_list){.items = spy->config.tids, .count = spy->config.tid_count};
	*ret = spy;
	return NULL;
}

void pyspy_close(struct pyspy *spy)
{
	if (!spy)
		return;
	live_process_close(spy->live);
	target_destroy(spy->target);
	process_record_release(spy->record);
	free(spy);
}

void handle_closep(struct pyspy **spy)
{
	pyspy_close(*spy);
}

/* What is asked for and the file does not hold is an error, not an empty answer. */
static struct error *check_level(const struct pyspy *spy)
{
	const struct sample_facts *sample = target_sample(spy->target);
	if (!spy->config.locals || !sample || sample->level != LEVEL_STACKS)
		return NULL;
	return error_create(ERROR_NOT_FOUND,
			    "this snapshot has no values of local variables (level stacks); "
			    "pyspy-capture --locals captures them");
}

static struct error *decode_file(struct pyspy *spy, struct model_process *ret)
{
	const struct native_options native = {
		.all = spy->config.native_all,
		.last = spy->config.native_last,
		.internal = spy->config.native_internal,
	};
	const struct decode_options options = {
		.locals_times = spy->config.locals,
		.exhaustive = spy->config.exhaustive,
	};
	*ret = (struct model_process){0};
	if (!spy->selected)
		return error_create(ERROR_NOT_FOUND, "no sample is selected: the last selection "
						     "failed");
	struct error *error = check_level(spy);
	if (!error)
		error = decode_process(spy->target, &options, ret);
	if (!error && spy->config.native)
		error = native_decode(spy->target, &native, ret);
	return error;
}

static struct error *decode(struct pyspy *spy, struct model_process *ret)
{
	struct error *error = NULL;
	if (!spy->live)
		return decode_file(spy, ret);
	error = live_process_sample(spy->live);
	return error ? error : live_process_decode(spy->live, ret);
}

static void set_lines(struct model_process *model, enum pyspy_lines lines)
{
	static const enum model_lines choices[] = {
		[PYSPY_LINES_NONE] = MODEL_LINES_NONE,
		[PYSPY_LINES_FIRST] = MODEL_LINES_FIRST,
		[PYSPY_LINES_LAST] = MODEL_LINES_LAST,
	};
	model_process_set_lines(model, choices[lines]);
}

/* The threads that are asked for; `ret_any` is false if tids are, and none is there. */
static struct error *keep_wanted(struct pyspy *spy, struct model_process *model, bool *ret_any)
{
	CLEANUP(thread_filter_deinit)
	struct thread_filter filter = {
		.ids = &spy->tids,
		.gil = spy->config.gil_only,
	};
	return thread_filter_apply(&filter, model, ret_any);
}

/* The model of the selected or latest sample as traces. */
static struct error *make_traces(struct pyspy *spy, bool without_idle, struct model_process *model,
				 bool *ret_any, struct pyspy_traces **ret)
{
	CLEANUP(trace_list_destroyp) struct pyspy_traces *traces = NULL;
	const struct trace_options options = {
		.without_idle = without_idle,
		.thread_frames = spy->config.include_thread_ids,
	};
	struct error *error = keep_wanted(spy, model, ret_any);
	if (!error)
		error = trace_list_create(&traces);
	if (error)
		return error;
	set_lines(model, spy->config.lines);
	error = trace_list_add(traces, &options, model, spy->record);
	if (!error)
		*ret = TAKE_POINTER(traces);
	return error;
}

static struct error *get_traces(struct pyspy *spy, bool without_idle, bool *ret_any,
				struct pyspy_traces **ret)
{
	CLEANUP(model_process_deinit) struct model_process model = {0};
	struct error *error = decode(spy, &model);
	return error ? error : make_traces(spy, without_idle, &model, ret_any, ret);
}

struct error *handle_get_traces(struct pyspy *spy, bool without_idle, struct pyspy_traces **ret)
{
	bool any;
	return get_traces(spy, without_idle, &any, ret);
}

struct pyspy_error *pyspy_get_traces(struct pyspy *spy, struct pyspy_traces **ret)
{
	CLEANUP(trace_list_destroyp) struct pyspy_traces *traces = NULL;
	bool any;
	struct error *error = get_traces(spy, false, &any, &traces);
	if (!error && !any)
		error = error_create(ERROR_NOT_FOUND,
				     "process %d has no thread with any of the "
				     "ids that are asked for",
				     (int)spy->record->pid);
	if (!error)
		*ret = TAKE_POINTER(traces);
	return error_public(error);
}

/* A process and its parents: read once, for all traces. */
static struct error *make_record(struct pyspy *spy)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	struct pyspy_process_info *record;
	if (!spy->live) {
		struct error *error = process_record_create(target_process(spy->target), &record);
		if (error)
			return error;
	} else {
		struct error *error = process_facts_copy(live_process_facts(spy->live), &facts);
		if (!error)
			error = process_record_find_parents(&facts);
		if (!error)
			error = process_record_create(&facts, &record);
		if (error)
			return error;
	}
	process_record_release(spy->record);
	spy->record = record;
	return NULL;
}

/* `ret_frames` says whether there is a stack. */
static struct error *open_live(int32_t pid, const struct pyspy_config *config, bool *ret_frames,
			       struct pyspy **ret)
{
	CLEANUP(handle_closep) struct pyspy *spy = NULL;
	CLEANUP(model_process_deinit) struct model_process model = {0};
	CLEANUP(trace_list_destroyp) struct pyspy_traces *traces = NULL;
	bool any;
	if (pid == getpid() && config->lock == PYSPY_LOCK)
		return error_create(ERROR_USAGE, "a process cannot hold its own threads: open "
						 "itself non-blocking, or from a child");
	struct error *error = handle_create(config, &spy);
	if (!error)
		error = live_process_open(pid, config, &spy->live);
	if (!error)
		error = make_record(spy);
	/* That its stacks can be decoded, too. */
	if (!error)
		error = live_process_decode(spy->live, &model);
	if (!error)
		error = make_traces(spy, false, &model, &any, &traces);
	if (error)
		return error;
	/* A thread that is not there yet is not waited for. */
	*ret_frames = !any || trace_list_has_frames(traces);
	*ret = TAKE_POINTER(spy);
	return NULL;
}

/* Whether it may be Python, or one that can be read, soon. A process that is just ending is still
 * there, but has no memory any longer: the next attempt knows more. */
static bool may_pass(const struct error *error, const struct process_facts *identity)
{
	if (error->code == ERROR_NO_PROCESS)
		return proc_is_same(identity);
	return error->code == ERROR_BUSY || error->code == ERROR_NOT_PYTHON ||
	       error->code == ERROR_UNSUPPORTED || error->code == ERROR_FORMAT ||
	       error->code == ERROR_MEMORY_GAP;
}

struct error *handle_open_retry(int32_t pid, const struct pyspy_config *config, unsigned retries,
				const atomic_bool *stop, struct pyspy **ret)
{
	CLEANUP(process_facts_deinit) struct process_facts identity = {0};
	uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
	struct error *unknown = proc_relative(pid, &identity);
	if (unknown)
		return unknown;
	for (unsigned i = 0;; i++) {
		CLEANUP(handle_closep) struct pyspy *spy = NULL;
		bool frames = false;
		struct error *error = open_live(pid, config, &frames, &spy);
		bool over = i >= retries && clock_ns(CLOCK_MONOTONIC) - begin_ns >= config->wait_ns;
		bool last = over || (stop && atomic_load(stop));
		if (!error && (frames || last)) {
			*ret = TAKE_POINTER(spy);
			return NULL;
		}
		if (error && (last || !may_pass(error, &identity)))
			return error;
		error_destroy(error);
		nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
	}
}

static struct error *split_paths(const char *const *paths, struct string_list *ret)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < PYSPY_PATHS_MAX && paths[i]; i++)
		error = string_list_append_split(ret, paths[i]);
	return error;
}

static struct error *open_target(const char *path, const struct pyspy_config *config,
				 struct target **ret)
{
	CLEANUP(string_list_deinit) struct string_list search_paths = {0};
	CLEANUP(string_list_deinit) struct string_list search_roots = {0};
	struct error *error = split_paths(config->search_paths, &search_paths);
	if (!error)
		error = split_paths(config->search_roots, &search_roots);
	if (error)
		return error;
	const struct target_options options = {
		.executable = config->executable,
		.sysroot = config->sysroot,
		.search_paths = search_paths.items,
		.search_roots = search_roots.items,
	};
	return target_open(path, &options, ret);
}

static struct error *open_file(const char *path, const struct pyspy_config *config,
			       struct pyspy **ret)
{
	CLEANUP(handle_closep) struct pyspy *spy = NULL;
	struct error *error = handle_create(config, &spy);
	if (!error)
		error = open_target(path, config, &spy->target);
	if (!error)
		error = target_select(spy->target, 0, 0);
	if (!error)
		error = make_record(spy);
	if (error)
		return error;
	spy->selected = true;
	*ret = TAKE_POINTER(spy);
	return NULL;
}

struct pyspy_error *pyspy_open_file(const char *path, const struct pyspy_config *config,
				    struct pyspy **ret)
{
	struct pyspy_config known;
	struct error *error = configuration_read(config, &known);
	if (!error && !path)
		error = error_create(ERROR_USAGE, "there is no name of a file to open");
	if (!error)
		error = open_file(path, &known, ret);
	return error_public(error);
}

struct pyspy_error *pyspy_open_retry(int32_t pid, const struct pyspy_config *config,
				     unsigned retries, struct pyspy **ret)
{
	struct pyspy_config known;
	struct error *error = configuration_read(config, &known);
	if (!error && !pid && known.core_file)
		return pyspy_open_file(known.core_file, config, ret);
	if (!error)
		error = configuration_pid(&known, &pid);
	if (!error)
		error = handle_open_retry(pid, &known, retries, NULL, ret);
	return error_public(error);
}

struct pyspy_error *pyspy_open(int32_t pid, const struct pyspy_config *config, struct pyspy **ret)
{
	return pyspy_open_retry(pid, config, 0, ret);
}

struct pyspy_error *pyspy_get_process(struct pyspy *spy, struct pyspy_process_info **ret)
{
	*ret = process_record_share(spy->record);
	return NULL;
}

bool pyspy_is_alive(struct pyspy *spy)
{
	return spy->live && live_process_is_alive(spy->live);
}

/* Of a file it is known once it was decoded. */
const char *pyspy_python_version(struct pyspy *spy)
{
	CLEANUP(model_process_deinit) struct model_process model = {0};
	if (spy->live) {
		python_version_format(live_process_version(spy->live), spy->version);
		return spy->version;
	}
	if (!spy->version[0]) {
		struct error *error = decode_file(spy, &model);
		error_destroy(error);
		if (model.version_known)
			python_version_format(model.version, spy->version);
	}
	return spy->version[0] ? spy->version : NULL;
}

size_t pyspy_process_count(struct pyspy *spy)
{
	return spy->live ? 1 : target_process_count(spy->target);
}

size_t pyspy_sample_count(struct pyspy *spy)
{
	struct snapshot *snapshot = spy->live ? NULL : target_snapshot(spy->target);
	return snapshot && spy->selected ? (size_t)snapshot_selected_count(snapshot) : 1;
}

static struct error *select_sample(struct pyspy *spy, size_t process, size_t sample)
{
	bool is_snapshot = !spy->live && target_snapshot(spy->target);
	if (process >= pyspy_process_count(spy))
		return error_create(ERROR_NOT_FOUND, "there are %zu processes, not %zu",
				    pyspy_process_count(spy), process + 1);
	if (!is_snapshot && sample)
		return error_create(ERROR_NOT_FOUND, "there is one sample only");
	if (spy->live)
		return NULL;
	spy->selected = false;
	spy->version[0] = '\0';
	struct error *error = target_select(spy->target, process, is_snapshot ? sample + 1 : 0);
	if (!error)
		error = make_record(spy);
	spy->selected = !error;
	return error;
}

struct pyspy_error *pyspy_select(struct pyspy *spy, size_t process, size_t sample)
{
	return error_public(select_sample(spy, process, sample));
}

int32_t handle_pid(const struct pyspy *spy)
{
	return spy->live ? live_process_pid(spy->live) : 0;
}
