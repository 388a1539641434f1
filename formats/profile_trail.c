#include "formats/profile_trail.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/output_file.h"

/* Runs that a thread gathers before they are written: a block. */
enum { BLOCK_RUNS = 64 };

struct thread_trail {
	struct profile_run *gathered; /* BLOCK_RUNS; NULL before the first */
	size_t gathered_count;
	uint32_t *blocks; /* numbers of blocks in the file */
	size_t block_count;
	size_t block_capacity;
};

struct profile_trail {
	int fd;
	uint32_t blocks; /* in the file */
	struct thread_trail *threads;
	size_t thread_count;
};

struct error *profile_trail_create(const char *path, struct profile_trail **ret)
{
	CLEANUP(profile_trail_destroyp) struct profile_trail *trail = calloc(1, sizeof(*trail));
	if (!trail)
		return &error_out_of_memory;
	trail->fd = -1;
	struct error *error = output_file_spool(path, &trail->fd);
	if (!error)
		*ret = TAKE_POINTER(trail);
	return error;
}

void profile_trail_destroy(struct profile_trail *trail)
{
	if (!trail)
		return;
	for (size_t i = 0; i < trail->thread_count; i++) {
		free(trail->threads[i].gathered);
		free(trail->threads[i].blocks);
	}
	free(trail->threads);
	if (trail->fd >= 0)
		close(trail->fd);
	free(trail);
}

void profile_trail_destroyp(struct profile_trail **trail)
{
	profile_trail_destroy(*trail);
}

static struct error *io_error(const char *what)
{
	return error_errno(ERROR_IO, errno, "cannot %s a temporary file", what);
}

static struct error *write_block(struct profile_trail *trail, struct thread_trail *thread)
{
	size_t size = BLOCK_RUNS * sizeof(*thread->gathered);
	if (thread->block_count == thread->block_capacity) {
		size_t capacity = thread->block_capacity ? thread->block_capacity * 2 : 4;
		uint32_t *blocks = reallocarray(thread->blocks, capacity, sizeof(*blocks));
		if (!blocks)
			return &error_out_of_memory;
		thread->blocks = blocks;
		thread->block_capacity = capacity;
	}
	const char *bytes = (const char *)thread->gathered;
	off_t offset = (off_t)trail->blocks * (off_t)size;
	for (size_t done = 0; done < size;) {
		ssize_t count = pwrite(trail->fd, bytes + done, size - done, offset + (off_t)done);
		if (count < 0 && errno != EINTR)
			return io_error("write");
		done += count > 0 ? (size_t)count : 0;
	}
	thread->blocks[thread->block_count++] = trail->blocks++;
	thread->gathered_count = 0;
	return NULL;
}

static struct error *find_thread(struct profile_trail *trail, uint32_t number,
				 struct thread_trail **ret)
{
	if (number >= trail->thread_count) {
		size_t count = (size_t)number + number / 2 + 16;
		struct thread_trail *threads =
			reallocarray(trail->threads, count, sizeof(*threads));
		if (!threads)
			return &error_out_of_memory;
		for (size_t i = trail->thread_count; i < count; i++)
			threads[i] = (struct thread_trail){0};
		trail->threads = threads;
		trail->thread_count = count;
	}
	struct thread_trail *thread = &trail->threads[number];
	if (!thread->gathered) {
		thread->gathered = calloc(BLOCK_RUNS, sizeof(*thread->gathered));
		if (!thread->gathered)
			return &error_out_of_memory;
	}
	*ret = thread;
	return NULL;
}

static bool goes_on(const struct profile_run *last, const struct profile_run *run)
{
	return last->node == run->node && last->wall_ns && run->wall_ns &&
	       last->start_ns + last->wall_ns == run->start_ns &&
	       last->samples < UINT32_MAX - run->samples;
}

struct error *profile_trail_add(struct profile_trail *trail, uint32_t number,
				const struct profile_run *run)
{
	struct thread_trail *thread;
	struct error *error = find_thread(trail, number, &thread);
	if (error)
		return error;
	if (thread->gathered_count) {
		struct profile_run *last = &thread->gathered[thread->gathered_count - 1];
		if (goes_on(last, run)) {
			last->wall_ns += run->wall_ns;
			last->samples += run->samples;
			return NULL;
		}
	}
	if (thread->gathered_count == BLOCK_RUNS)
		error = write_block(trail, thread);
	if (!error)
		thread->gathered[thread->gathered_count++] = *run;
	return error;
}

static struct error *read_block(const struct profile_trail *trail, uint32_t number,
				struct profile_run runs[BLOCK_RUNS])
{
	size_t size = BLOCK_RUNS * sizeof(*runs);
	off_t offset = (off_t)number * (off_t)size;
	for (size_t done = 0; done < size;) {
		ssize_t count =
			pread(trail->fd, (char *)runs + done, size - done, offset + (off_t)done);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return io_error("read");
		done += (size_t)count;
	}
	return NULL;
}

static struct error *each_of(const struct profile_run *runs, size_t count,
			     struct error *(*each)(void *context, const struct profile_run *run),
			     void *context)
{
	struct error *error = NULL;
	for (size_t i = 0; i < count && !error; i++)
		error = each(context, &runs[i]);
	return error;
}

struct error *profile_trail_each(struct profile_trail *trail, uint32_t number,
				 struct error *(*each)(void *context,
						       const struct profile_run *run),
				 void *context)
{
	struct profile_run runs[BLOCK_RUNS];
	if (number >= trail->thread_count)
		return NULL;
	struct thread_trail *thread = &trail->threads[number];
	struct error *error = NULL;
	for (size_t i = 0; i < thread->block_count && !error; i++) {
		error = read_block(trail, thread->blocks[i], runs);
		if (!error)
			error = each_of(runs, BLOCK_RUNS, each, context);
	}
	return error ? error : each_of(thread->gathered, thread->gathered_count, each, context);
}
