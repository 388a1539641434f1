#include "analyze/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/target_files.h"
#include "analyze/unknown_input.h"
#include "common/cleanup.h"
#include "formats/compressed_input.h"
#include "formats/sparse_file.h"

struct target {
	char *path;
	struct target_files files;
	/* One of these. */
	struct snapshot *snapshot;
	struct elf_core *core;
	const struct target_parts *live;
	/* Of a core; the others have their own. */
	struct modules modules;
	struct memory *memory;
	struct target_parts core_parts;
	bool forward;
	/* The first sample of a snapshot that is read forward was gone to when it was opened, or
	 * cannot be read; a core has it. */
	bool has_first;
	struct error *first_error;
	target_wait_function wait;
	void *wait_context;
};

/* What a snapshot does not know better. */
static const struct target_parts *parts_of(const struct target *target)
{
	return target->live ? target->live : &target->core_parts;
}

/* How messages call it. */
static const char *input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

static struct error *input_open(const char *path, int *ret_fd)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		*ret_fd = fd;
		return NULL;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return error_create(ERROR_IO, "there is no file '%s'", path);
	if (errno == EACCES || errno == EPERM)
		return error_errno(ERROR_PERMISSION, errno,
				   "cannot open '%s'; read it as its owner or as root", path);
	return error_errno(ERROR_IO, errno, "cannot open '%s'", input_name(path));
}

static struct error *input_check(int fd, const char *name, bool *ret_seekable)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return error_errno(ERROR_IO, errno, "cannot look at '%s'", name);
	if (S_ISDIR(status.st_mode))
		return error_create(ERROR_USAGE, "'%s' is a directory; name a snapshot or a core",
				    name);
	if (S_ISBLK(status.st_mode))
		return error_create(ERROR_USAGE, "'%s' is a disk; name a snapshot or a core", name);
	if (isatty(fd))
		return error_create(ERROR_USAGE, "'%s' is a terminal; name a snapshot or a core",
				    name);
	*ret_seekable = S_ISREG(status.st_mode);
	return NULL;
}

/* A descriptor that can be read at any place: what comes through a pipe is spooled, behind what was
 * read of it. */
static struct error *input_spool(int *fd, const struct buffer *head, const char *name)
{
	int spooled;
	struct error *error = sparse_file_spool(*fd, head, name, &spooled);
	if (error)
		return error;
	close(*fd);
	*fd = spooled;
	return NULL;
}

static struct error *open_core(struct target *target, int fd, const char *name)
{
	struct error *error = elf_core_open(fd, name, &target->core);
	if (error)
		return error;
	error = modules_from_mappings(elf_core_mappings(target->core),
				      elf_core_memory(target->core), &target->modules);
	if (error)
		return error;
	error = elf_core_add_program(target->core, &target->modules);
	if (!error)
		error = elf_core_add_libraries(target->core, &target->modules);
	/* The files of the modules are chosen by what the process was. */
	target->core_parts = (struct target_parts){
		.mappings = elf_core_mappings(target->core),
		.modules = &target->modules,
		.threads = elf_core_threads(target->core),
		.process = elf_core_process(target->core),
	};
	if (!error)
		error = elf_core_files_memory(target->core, &target->modules, &target->files.files,
					      &target->memory);
	target->core_parts.memory = target->memory;
	return error;
}

static struct error *open_compressed(struct target *target, int fd, const char *name)
{
	CLEANUP_CLOSE int unpacked = -1;
	CLEANUP_FREE char *loss = NULL;
	struct error *error = compressed_input_unpack(fd, name, &unpacked, &loss);
	if (!error)
		error = open_core(target, unpacked, name);
	if (!error && loss)
		elf_core_add_loss(target->core, loss);
	return error;
}

/* Go to the first sample: only then is it known whether there is any. An error of that sample alone
 * is for target_next to give. */
static struct error *go_to_first(struct target *target)
{
	bool any;
	struct error *error = snapshot_next(target->snapshot, &any);
	if (error && !snapshot_can_go_on(target->snapshot))
		return error;
	target->has_first = true;
	target->first_error = error;
	return NULL;
}

static struct error *open_snapshot(struct target *target, int fd, const char *name)
{
	if (!target->forward)
		return snapshot_open(fd, name, &target->snapshot);
	struct error *error = snapshot_open_forward(fd, name, NULL, &target->snapshot);
	return error ? error : go_to_first(target);
}

static struct error *open_content(struct target *target, int fd, const char *name)
{
	struct stat status;
	if (fstat(fd, &status) == 0 && !status.st_size)
		return error_create(ERROR_FORMAT, "'%s' is empty", name);
	if (elf_core_recognize(fd))
		return open_core(target, fd, name);
	if (snapshot_recognize(fd))
		return open_snapshot(target, fd, name);
	if (compressed_input_kind(fd))
		return open_compressed(target, fd, name);
	return unknown_input_error(fd, name);
}

/* A snapshot as it comes; what is none has to be had whole. */
static struct error *open_pipe(struct target *target, int *fd, const char *name)
{
	struct buffer head = {0};
	struct error *error = open_snapshot(target, *fd, name);
	if (!error || !snapshot_take_head(target->snapshot, &head))
		return error;
	error_destroy(error);
	snapshot_destroy(target->snapshot);
	target->snapshot = NULL;
	error = input_spool(fd, &head, name);
	buffer_deinit(&head);
	return error ? error : open_content(target, *fd, name);
}

static struct error *open_input(struct target *target, int *fd, const char *name)
{
	bool seekable;
	struct error *error = input_check(*fd, name, &seekable);
	if (!error && !seekable && target->forward)
		return open_pipe(target, fd, name);
	if (!error && !seekable)
		error = input_spool(fd, NULL, name);
	return error ? error : open_content(target, *fd, name);
}

static struct error *create(const char *path, const struct target_options *options, bool forward,
			    struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = calloc(1, sizeof(*target));
	if (!target)
		return &error_out_of_memory;
	target->forward = forward;
	target->path = strdup(path);
	if (!target->path)
		return &error_out_of_memory;
	struct error *error = target_files_init(&target->files, target, options);
	if (!error)
		*ret = TAKE_POINTER(target);
	return error;
}

static struct error *open_path(const char *path, const struct target_options *options, bool forward,
			       struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP_CLOSE int fd = -1;
	struct error *error = create(path, options, forward, &target);
	if (!error)
		error = input_open(path, &fd);
	if (!error)
		error = open_input(target, &fd, input_name(path));
	if (!error)
		*ret = TAKE_POINTER(target);
	return error;
}

struct error *target_from_parts(const struct target_parts *parts, struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	const struct target_options options = {.sysroot = parts->process->root};
	struct error *error = create("", &options, false, &target);
	if (error)
		return error;
	target->live = parts;
	target->files.first = parts->files;
	*ret = TAKE_POINTER(target);
	return NULL;
}

struct error *target_open(const char *path, const struct target_options *options,
			  struct target **ret)
{
	return open_path(path, options, false, ret);
}

struct error *target_open_descriptor(int fd, const char *name, const struct target_options *options,
				     struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP_CLOSE int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return error_errno(ERROR_IO, errno, "cannot open %s", name);
	struct error *error = create(name, options, false, &target);
	if (!error)
		error = open_input(target, &own, name);
	if (!error)
		*ret = TAKE_POINTER(target);
	return error;
}

struct error *target_open_forward(const char *path, const struct target_options *options,
				  struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = open_path(path, options, true, &target);
	if (error)
		return error;
	target->has_first = true;
	*ret = TAKE_POINTER(target);
	return NULL;
}

struct error *target_open_stream(int fd, const char *name, const struct target_options *options,
				 struct target **ret)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = create(name, options, true, &target);
	if (!error)
		error = snapshot_open_forward(fd, name, NULL, &target->snapshot);
	if (!error)
		*ret = TAKE_POINTER(target);
	return error;
}

/* What opening went to already. */
static bool take_first(struct target *target, struct error **ret_error)
{
	bool had = target->has_first;
	target->has_first = false;
	*ret_error = TAKE_POINTER(target->first_error);
	return had;
}

struct error *target_next(struct target *target, bool *ret_any)
{
	struct error *error;
	enum snapshot_status status = SNAPSHOT_WAIT;
	*ret_any = take_first(target, &error);
	if (*ret_any || !target->snapshot)
		return error;
	if (!target->wait)
		return snapshot_next(target->snapshot, ret_any);
	bool go_on = target->wait(target->wait_context, target, false);
	while (!error && go_on && status == SNAPSHOT_WAIT) {
		error = snapshot_try_next(target->snapshot, &status);
		if (!error && status == SNAPSHOT_WAIT)
			go_on = target->wait(target->wait_context, target, true);
	}
	*ret_any = !error && status == SNAPSHOT_SAMPLE;
	return error;
}

struct error *target_begin(struct target *target)
{
	bool any = true;
	struct error *error = target_next(target, &any);
	if (error && !target_can_go_on(target))
		return error;
	target->has_first = any;
	target->first_error = error;
	return NULL;
}

void target_set_wait(struct target *target, target_wait_function wait, void *context)
{
	target->wait = wait;
	target->wait_context = context;
}

struct error *target_try_next(struct target *target, enum snapshot_status *ret)
{
	struct error *error;
	*ret = take_first(target, &error) ? SNAPSHOT_SAMPLE : SNAPSHOT_ENDED;
	if (*ret == SNAPSHOT_SAMPLE || !target->snapshot)
		return error;
	return snapshot_try_next(target->snapshot, ret);
}

bool target_can_go_on(const struct target *target)
{
	return target->snapshot && snapshot_can_go_on(target->snapshot);
}

void target_destroy(struct target *target)
{
	if (!target)
		return;
	memory_destroy(target->memory);
	modules_deinit(&target->modules);
	elf_core_destroy(target->core);
	snapshot_destroy(target->snapshot);
	target_files_deinit(&target->files);
	error_destroy(target->first_error);
	free(target->path);
	free(target);
}

void target_destroyp(struct target **target)
{
	target_destroy(*target);
}

size_t target_process_count(const struct target *target)
{
	return target->snapshot ? snapshot_process_count(target->snapshot) : 1;
}

struct error *target_select(struct target *target, size_t process, uint64_t sample)
{
	struct error *error = NULL;
	if (target->snapshot)
		error = snapshot_select_of(target->snapshot, process,
					   sample ? sample - 1 : SNAPSHOT_LAST);
	else if (sample)
		error = error_create(ERROR_NOT_FOUND, "only a snapshot has samples");
	return sample ? error_prefix(error, "--sample") : error;
}

struct error *target_know_processes(struct target *target)
{
	return target->snapshot ? snapshot_know_processes(target->snapshot) : NULL;
}

bool target_has_process(const struct target *target, int32_t pid)
{
	return target->snapshot ? snapshot_has_process(target->snapshot, pid)
				: parts_of(target)->process->pid == pid;
}

enum target_kind target_kind(const struct target *target)
{
	if (target->live)
		return TARGET_LIVE;
	return target->snapshot ? TARGET_SNAPSHOT : TARGET_CORE;
}

const char *target_path(const struct target *target)
{
	return target->path;
}

struct memory *target_memory(struct target *target)
{
	return target->snapshot ? snapshot_memory(target->snapshot) : parts_of(target)->memory;
}

const struct mappings *target_mappings(const struct target *target)
{
	return target->snapshot ? snapshot_mappings(target->snapshot) : parts_of(target)->mappings;
}

const struct modules *target_modules(const struct target *target)
{
	return target->snapshot ? snapshot_modules(target->snapshot) : parts_of(target)->modules;
}

const struct thread_list *target_threads(const struct target *target)
{
	return target->snapshot ? snapshot_threads(target->snapshot) : parts_of(target)->threads;
}

const struct process_facts *target_process(const struct target *target)
{
	return target->snapshot ? snapshot_process(target->snapshot) : parts_of(target)->process;
}

const struct module_files *target_files(const struct target *target)
{
	return &target->files.files;
}

const struct python_location *target_python_hint(const struct target *target)
{
	return target->snapshot ? snapshot_python(target->snapshot) : parts_of(target)->location;
}

bool target_names_files(const struct target *target)
{
	return !target->core || elf_core_names_files(target->core);
}

const char *const *target_losses(const struct target *target)
{
	static const char *const none[] = {NULL};
	if (target->live)
		return none;
	return target->snapshot ? snapshot_losses(target->snapshot) : elf_core_losses(target->core);
}

bool target_file_agrees(struct target *target, const struct module *module,
			const struct elf_file *file, uint64_t *ret_bias)
{
	*ret_bias = module->bias;
	if (target->core)
		return elf_core_file_agrees(target->core, module, file, ret_bias);
	/* A live process's file is opened as it has mapped it; of a snapshot's nothing is known. */
	return !target->snapshot;
}

const struct sample_facts *target_sample(const struct target *target)
{
	return target->snapshot ? snapshot_sample(target->snapshot) : parts_of(target)->sample;
}

uint64_t target_time_ns(const struct target *target)
{
	const struct sample_facts *sample = target_sample(target);
	return sample ? sample->time_ns : target_process(target)->capture_time_ns;
}

struct snapshot *target_snapshot(struct target *target)
{
	return target->snapshot;
}
