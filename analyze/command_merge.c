/* merge: snapshots behind one another in one file, which is a snapshot (pyspy-snapshot(5)). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/input.h"
#include "analyze/progress.h"
#include "analyze/tally.h"
#include "common/cleanup.h"
#include "common/output_file.h"
#include "formats/snapshot_reader.h"
#include "formats/sparse_file.h"

/* A descriptor that can be read twice. */
static struct error *open_input(const char *path, int *ret_fd)
{
	const char *name = input_name(path);
	struct stat status;
	if (strcmp(path, "-") == 0)
		return sparse_file_spool(STDIN_FILENO, NULL, name, ret_fd);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(errno == EACCES ? ERROR_PERMISSION : ERROR_IO, errno,
				   "cannot open '%s'", name);
	if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))
		return sparse_file_spool(fd, NULL, name, ret_fd);
	if (!S_ISREG(status.st_mode))
		return error_create(ERROR_USAGE, "'%s' is no file; name a snapshot", name);
	*ret_fd = take_fd(&fd);
	return NULL;
}

/*
 * What is damaged in it is said, and stays as damaged as it is; but a frame that is cut at the end,
 * as of a run that was killed, would seem to go on in the next file. `ret_bytes` is what is before.
 */
static struct error *check_snapshot(struct tally *tally, const char *path, int fd,
				    uint64_t *ret_bytes)
{
	CLEANUP(snapshot_destroyp) struct snapshot *snapshot = NULL;
	if (!snapshot_recognize(fd))
		return error_create(ERROR_FORMAT, "'%s' is no snapshot; only those can be merged",
				    input_name(path));
	struct error *error = snapshot_open(fd, input_name(path), &snapshot);
	if (error)
		return error;
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++)
		tally_loss(tally, path, *loss);
	*ret_bytes = snapshot_whole_bytes(snapshot);
	return NULL;
}

static struct error *copy(const char *path, int fd, uint64_t size, struct output_file *output)
{
	char bytes[65536 / 4];
	uint64_t offset = 0;
	while (offset < size) {
		uint64_t left = size - offset;
		ssize_t count = pread(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes),
				      (off_t)offset);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(ERROR_IO, errno, "cannot read '%s'", input_name(path));
		if (!count)
			return error_create(ERROR_IO, "'%s' became shorter while it was read",
					    input_name(path));
		struct error *error = output_file_write(output, bytes, (size_t)count);
		if (error)
			return error;
		offset += (uint64_t)count;
	}
	return NULL;
}

/* An error is one of the output; those of the input are said and counted. */
static struct error *merge_input(struct tally *tally, const char *path, struct output_file *output)
{
	CLEANUP_CLOSE int fd = -1;
	uint64_t size = 0;
	struct error *error = open_input(path, &fd);
	if (!error)
		error = check_snapshot(tally, path, fd, &size);
	if (error) {
		tally_failure(tally, input_error(path, error));
		return NULL;
	}
	tally->shown++;
	return copy(path, fd, size, output);
}

struct error *command_merge(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	const char *path = options->output ? options->output : "-";
	CLEANUP(output_file_destroyp) struct output_file *output = NULL;
	struct tally tally = {.context = context};
	if (strcmp(path, "-") == 0 && isatty(STDOUT_FILENO))
		return error_create(
			ERROR_USAGE,
			"a snapshot is not for terminals; give a file with --output FILE");
	struct error *error = output_file_create(path, &output);
	progress_begin(options->hide_progress || options->common.quiet, options->inputs.count);
	for (size_t i = 0; i < options->inputs.count && !error; i++) {
		progress_file(i);
		error = merge_input(&tally, options->inputs.items[i], output);
	}
	progress_end();
	if (!error && tally.shown)
		error = output_file_commit(output);
	if (!error)
		*ret = tally_status(&tally);
	return error;
}
