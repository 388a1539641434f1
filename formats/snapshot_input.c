#include "formats/snapshot_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/output_file.h"

enum {
	INPUT_READ_AHEAD = 256 << 10,
	SPOOL_BUFFER = 64 << 10,
};

static struct error *write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);
		if (written < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(ERROR_IO, errno, "cannot write a temporary file");
		}
		bytes += written;
		size -= (size_t)written;
	}
	return NULL;
}

static struct error *spool(int from, const char *name, int *ret_fd)
{
	CLEANUP_CLOSE int to = -1;
	struct error *error = output_file_spool("-", &to);
	if (error)
		return error;
	CLEANUP_FREE uint8_t *bytes = malloc(SPOOL_BUFFER);
	if (!bytes)
		return &error_out_of_memory;
	for (;;) {
		ssize_t got = read(from, bytes, SPOOL_BUFFER);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(ERROR_IO, errno, "cannot read %s", name);
		if (!got)
			break;
		error = write_all(to, bytes, (size_t)got);
		if (error)
			return error_prefix(error, "%s", name);
	}
	*ret_fd = take_fd(&to);
	return NULL;
}

struct error *snapshot_input_init(struct snapshot_input *input, int fd, const char *name)
{
	CLEANUP_CLOSE int own = -1;
	if (lseek(fd, 0, SEEK_CUR) >= 0) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return error_errno(ERROR_IO, errno, "cannot open %s", name);
	} else {
		struct error *error = spool(fd, name, &own);
		if (error)
			return error;
	}
	struct stat status;
	if (fstat(own, &status) != 0)
		return error_errno(ERROR_IO, errno, "cannot read %s", name);
	if (S_ISDIR(status.st_mode))
		return error_errno(ERROR_IO, EISDIR, "cannot read %s", name);
	*input = (struct snapshot_input){
		.size_bytes = (uint64_t)status.st_size,
		.fd = take_fd(&own),
	};
	return NULL;
}

void snapshot_input_deinit(struct snapshot_input *input)
{
	if (input->fd >= 0)
		close(input->fd);
	buffer_deinit(&input->window);
	*input = (struct snapshot_input){.fd = -1};
}

/* Keep what the window already has from `offset` on, at its beginning. */
static void shift_window(struct snapshot_input *input, uint64_t offset)
{
	struct buffer *window = &input->window;
	uint64_t skip = offset - input->window_offset;
	if (offset < input->window_offset || skip >= window->size) {
		buffer_clear(window);
	} else if (skip) {
		memmove(window->data, window->data + skip, window->size - (size_t)skip);
		window->size -= (size_t)skip;
	}
	input->window_offset = offset;
}

static struct error *fill_window(struct snapshot_input *input, size_t want)
{
	struct buffer *window = &input->window;
	struct error *error = buffer_reserve(window, want - window->size);
	if (error)
		return error;
	while (window->size < want) {
		uint64_t at = input->window_offset + window->size;
		ssize_t got = pread(input->fd, window->data + window->size, want - window->size,
				    (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(ERROR_IO, errno, "cannot read at offset %llu",
					   (unsigned long long)at);
		if (!got)
			break; /* shorter than it was: somebody cut it */
		window->size += (size_t)got;
	}
	return NULL;
}

struct error *snapshot_input_view(struct snapshot_input *input, uint64_t offset, size_t want,
				  const uint8_t **ret, size_t *ret_size)
{
	uint64_t left = offset < input->size_bytes ? input->size_bytes - offset : 0;
	if (want > left)
		want = (size_t)left;
	uint64_t end = input->window_offset + input->window.size;
	if (offset < input->window_offset || offset + want > end) {
		/* Only who reads on from where he was is likely to want more. */
		bool onward = offset >= input->window_offset && offset <= end;
		size_t ahead = onward && want < INPUT_READ_AHEAD ? INPUT_READ_AHEAD : want;
		shift_window(input, offset);
		struct error *error = fill_window(input, ahead < left ? ahead : (size_t)left);
		if (error)
			return error;
		end = input->window_offset + input->window.size;
	}
	size_t skip = (size_t)(offset - input->window_offset);
	if (offset + want > end)
		want = offset < end ? (size_t)(end - offset) : 0;
	*ret = want ? input->window.data + skip : NULL;
	*ret_size = want;
	return NULL;
}
