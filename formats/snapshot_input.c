#include "formats/snapshot_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/output_file.h"

enum {
	INPUT_READ_AHEAD = 256 << 10,
	SPOOL_BUFFER = 64 << 10,
	STREAM_READ = 64 << 10, /* as much as a pipe holds */
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

struct error *snapshot_input_init_stream(struct snapshot_input *input, int fd, const char *name,
					 struct buffer *head)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return error_errno(ERROR_IO, errno, "cannot open %s", name);
	*input = (struct snapshot_input){.fd = own, .size_bytes = UINT64_MAX, .stream = true};
	if (head) {
		input->window = *head;
		*head = (struct buffer){0};
	}
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

static uint64_t window_end(const struct snapshot_input *input)
{
	return input->window_offset + input->window.size;
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	return poll(&poll_fd, 1, 0) > 0;
}

/* Read once, behind what the window has from `offset` on. */
static struct error *read_stream(struct snapshot_input *input, uint64_t offset, size_t want)
{
	struct buffer *window = &input->window;
	uint64_t end = window_end(input);
	/* What is to be skipped is read, and dropped with the next one. */
	shift_window(input, offset < end ? offset : end);
	size_t room = want > window->size + STREAM_READ ? want - window->size : STREAM_READ;
	struct error *error = buffer_reserve(window, room);
	if (error)
		return error;
	ssize_t got = read(input->fd, window->data + window->size, room);
	if (got < 0 && errno != EINTR)
		return error_errno(ERROR_IO, errno, "cannot read at offset %llu",
				   (unsigned long long)end);
	if (got > 0)
		window->size += (size_t)got;
	if (!got)
		input->size_bytes = end;
	return NULL;
}

static struct error *view_stream(struct snapshot_input *input, uint64_t offset, size_t want,
				 const uint8_t **ret, size_t *ret_size)
{
	input->starved = false;
	while (input->size_bytes == UINT64_MAX && offset + want > window_end(input)) {
		if (input->no_wait && !is_readable(input->fd)) {
			input->starved = true;
			break;
		}
		struct error *error = read_stream(input, offset, want);
		if (error)
			return error;
	}
	uint64_t end = window_end(input);
	*ret_size = offset < end ? (size_t)(end - offset) : 0;
	*ret = *ret_size ? input->window.data + (offset - input->window_offset) : NULL;
	return NULL;
}

struct error *snapshot_input_view(struct snapshot_input *input, uint64_t offset, size_t want,
				  const uint8_t **ret, size_t *ret_size)
{
	if (input->stream)
		return view_stream(input, offset, want, ret, ret_size);
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
