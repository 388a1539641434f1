#include "analyze/result_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* fopencookie(3): a negative count is not allowed; 0 is the error. */
static ssize_t write_cookie(void *cookie, const char *bytes, size_t size)
{
	struct result_stream *result = cookie;
	if (result->error)
		return 0;
	result->error = output_file_write(result->file, bytes, size);
	if (!result->error)
		return (ssize_t)size;
	errno = result->error->errnum;
	return 0;
}

struct error *result_stream_open(struct result_stream *result, const char *path)
{
	static const cookie_io_functions_t functions = {.write = write_cookie};
	*result = (struct result_stream){.stream = stdout};
	if (!path || strcmp(path, "-") == 0)
		return NULL;
	struct error *error = output_file_create(path, &result->file);
	if (error)
		return error;
	result->stream = fopencookie(result, "w", functions);
	if (result->stream)
		return NULL;
	output_file_destroy(result->file);
	*result = (struct result_stream){0};
	return &error_out_of_memory;
}

static struct error *commit_standard_output(struct result_stream *result)
{
	bool failed = ferror(result->stream) != 0;
	errno = 0;
	if (fflush(result->stream) != 0 || failed)
		return error_errno(ERROR_IO, errno ? errno : EIO,
				   "cannot write to standard output");
	/* Some file systems tell a failed write only when a descriptor is closed (close(2), NFS).
	 */
	int copy = dup(STDOUT_FILENO);
	if (copy < 0 || close(copy) != 0)
		return error_errno(ERROR_IO, errno, "cannot write to standard output");
	return NULL;
}

struct error *result_stream_commit(struct result_stream *result)
{
	if (!result->file)
		return commit_standard_output(result);
	bool failed = fflush(result->stream) != 0 || ferror(result->stream);
	if (result->error) {
		struct error *error = result->error;
		result->error = NULL;
		return error;
	}
	return failed ? &error_out_of_memory : output_file_commit(result->file);
}

struct error *result_stream_commit_as(struct result_stream *result, const char *path)
{
	struct error *error = output_file_set_name(result->file, path);
	return error ? error : result_stream_commit(result);
}

void result_stream_close(struct result_stream *result)
{
	if (result->file && result->stream)
		fclose(result->stream);
	output_file_destroy(result->file);
	error_destroy(result->error);
	*result = (struct result_stream){0};
}
