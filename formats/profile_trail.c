#include "formats/profile_trail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/output_file.h"

/* Runs that a thread gathers before they are written: a block. */
enum { BLOCK_RUNS = 64 };

/* Runs that begin one after another; a later file can begin before the last one of the one before.
 */
struct extent {
	uint64_t start_ns;
	uint64_t first; /* number of its first run in the thread */
	uint64_t end;	/* of the run behind its last one */
};

struct thread_trail {
	struct profile_run *gathered; /* BLOCK_RUNS; NULL before the first */
	size_t gathered_count;
	uint32_t *blocks; /* numbers of blocks in the file */
	size_t block_count;
	size_t block_capacity;
	struct extent *extents;
	size_t extent_count;
	size_t extent_capacity;
	uint64_t last_start_ns; /* of the run that was put in last */
	uint32_t part;		/* that it is of */
};

struct profile_trail {
	int fd;
	uint32_t blocks; /* in the file */
	uint32_t part;
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
		free(trail->threads[i].extents);
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
	struct error *no_room =
		ARRAY_GROW(thread->blocks, thread->block_count, thread->block_capacity, 4);
	if (no_room)
		return no_room;
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

void profile_trail_begin_part(struct profile_trail *trail)
{
	trail->part++;
}

static uint64_t run_count(const struct thread_trail *thread)
{
	return (uint64_t)thread->block_count * BLOCK_RUNS + thread->gathered_count;
}

/* The extent that a run belongs to, begun by it if it is not behind the last one. */
static struct error *find_extent(struct thread_trail *thread, uint32_t part,
				 const struct profile_run *run)
{
	if (thread->extent_count && thread->part == part && run->start_ns >= thread->last_start_ns)
		return NULL;
	thread->part = part;
	struct error *no_room =
		ARRAY_GROW(thread->extents, thread->extent_count, thread->extent_capacity, 1);
	if (no_room)
		return no_room;
	thread->extents[thread->extent_count++] =
		(struct extent){.start_ns = run->start_ns, .first = run_count(thread)};
	return NULL;
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
		error = find_extent(thread, trail->part, run);
	if (error)
		return error;
	thread->extents[thread->extent_count - 1].end = run_count(thread) + 1;
	thread->gathered[thread->gathered_count++] = *run;
	thread->last_start_ns = run->start_ns;
	return NULL;
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

static int compare_extents(const void *left, const void *right)
{
	const struct extent *a = left, *b = right;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* Goes through the runs of an extent, a block at a time. */
static struct error *each_of(struct profile_trail *trail, const struct thread_trail *thread,
			     const struct extent *extent,
			     struct error *(*each)(void *context, const struct profile_run *run),
			     void *context)
{
	struct profile_run runs[BLOCK_RUNS];
	struct error *error = NULL;
	size_t read = SIZE_MAX;
	for (uint64_t i = extent->first; i < extent->end && !error; i++) {
		size_t block = (size_t)(i / BLOCK_RUNS);
		size_t place = (size_t)(i % BLOCK_RUNS);
		if (block < thread->block_count && block != read) {
			error = read_block(trail, thread->blocks[block], runs);
			read = block;
		}
		if (!error)
			error = each(context, block < thread->block_count
						      ? &runs[place]
						      : &thread->gathered[place]);
	}
	return error;
}

struct error *profile_trail_each(struct profile_trail *trail, uint32_t number,
				 struct error *(*each)(void *context,
						       const struct profile_run *run),
				 void *context)
{
	if (number >= trail->thread_count || !trail->threads[number].extent_count)
		return NULL;
	const struct thread_trail *thread = &trail->threads[number];
	size_t size = thread->extent_count * sizeof(struct extent);
	CLEANUP_FREE struct extent *extents = malloc(size);
	if (!extents)
		return &error_out_of_memory;
	memcpy(extents, thread->extents, size);
	qsort(extents, thread->extent_count, sizeof(*extents), compare_extents);
	struct error *error = NULL;
	for (size_t i = 0; i < thread->extent_count && !error; i++)
		error = each_of(trail, thread, &extents[i], each, context);
	return error;
}
