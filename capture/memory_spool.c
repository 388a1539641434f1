#include "capture/memory_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/cleanup.h"
#include "common/output_file.h"

enum {
	BLOCK_COUNT = 8,
	/* In the file a block is its index and its bytes; a page, so that the bytes stay aligned.
	 */
	INDEX_BYTES = 4096,
};

/* The start of a block in the file. */
struct block_index {
	uint32_t run_count;
	uint32_t size_bytes;
	uint64_t reserved;
	struct spool_run runs[SPOOL_BLOCK_RUNS];
};

_Static_assert(sizeof(struct block_index) <= INDEX_BYTES, "the index fits into its page");

/* `block` points into `buffer`, which is written as it is. */
struct slot {
	struct spool_block block; /* first member */
	uint8_t *buffer;
};

struct memory_spool {
	int fd;
	char *output_path;
	struct slot slots[BLOCK_COUNT];
	uint64_t written_bytes; /* end of the file */
	uint64_t read_bytes;	/* where the next block begins */
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under `lock`: slots are used in turn; those of [first_full, first_empty) are to be
	 * written. */
	uint64_t first_full;
	uint64_t first_empty;
	bool ended;
	int errnum; /* of a write that failed */
};

static struct block_index *slot_index(struct slot *slot)
{
	return (struct block_index *)(void *)slot->buffer;
}

static int write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		bytes += written;
		offset += (uint64_t)written;
		size -= (size_t)written;
	}
	return 0;
}

static int write_slot(struct memory_spool *spool, struct slot *slot)
{
	struct block_index *index = slot_index(slot);
	index->run_count = (uint32_t)slot->block.run_count;
	index->size_bytes = (uint32_t)slot->block.size_bytes;
	size_t size = INDEX_BYTES + slot->block.size_bytes;
	int errnum = write_all(spool->fd, slot->buffer, size, spool->written_bytes);
	if (!errnum)
		spool->written_bytes += size;
	return errnum;
}

/* After a write that failed, blocks are passed over, so that nobody waits for one in vain. */
static void *write_slots(void *argument)
{
	struct memory_spool *spool = argument;
	pthread_mutex_lock(&spool->lock);
	for (;;) {
		while (!spool->ended && spool->first_full == spool->first_empty)
			pthread_cond_wait(&spool->changed, &spool->lock);
		if (spool->first_full == spool->first_empty)
			break;
		struct slot *slot = &spool->slots[spool->first_full % BLOCK_COUNT];
		bool failed = spool->errnum != 0;
		pthread_mutex_unlock(&spool->lock);
		int errnum = failed ? 0 : write_slot(spool, slot);
		pthread_mutex_lock(&spool->lock);
		if (errnum)
			spool->errnum = errnum;
		spool->first_full++;
		pthread_cond_broadcast(&spool->changed);
	}
	pthread_mutex_unlock(&spool->lock);
	return NULL;
}

/* Signals are for the main thread. Without a thread, blocks are written as they are put. */
static void start_thread(struct memory_spool *spool)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	spool->has_thread = pthread_create(&spool->thread, NULL, write_slots, spool) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_thread(struct memory_spool *spool)
{
	if (!spool->has_thread)
		return;
	pthread_mutex_lock(&spool->lock);
	spool->ended = true;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->lock);
	pthread_join(spool->thread, NULL);
	spool->has_thread = false;
}

static struct error *slots_init(struct memory_spool *spool)
{
	for (size_t i = 0; i < BLOCK_COUNT; i++) {
		struct slot *slot = &spool->slots[i];
		slot->buffer = aligned_alloc(INDEX_BYTES, INDEX_BYTES + SPOOL_BLOCK_BYTES);
		if (!slot->buffer)
			return &error_out_of_memory;
		/* All of it, so that the first use is not a page fault while the target waits. */
		memset(slot->buffer, 0, INDEX_BYTES + SPOOL_BLOCK_BYTES);
		slot->block.bytes = slot->buffer + INDEX_BYTES;
		slot->block.runs = slot_index(slot)->runs;
	}
	return NULL;
}

struct error *memory_spool_create(const char *output_path, struct memory_spool **ret)
{
	struct memory_spool *spool = calloc(1, sizeof(*spool));
	if (!spool)
		return &error_out_of_memory;
	pthread_mutex_init(&spool->lock, NULL);
	pthread_cond_init(&spool->changed, NULL);
	spool->fd = -1;
	spool->output_path = strdup(output_path);
	struct error *error = spool->output_path ? slots_init(spool) : &error_out_of_memory;
	if (!error)
		error = output_file_spool(output_path, &spool->fd);
	if (error) {
		memory_spool_destroy(spool);
		return error;
	}
	start_thread(spool);
	*ret = spool;
	return NULL;
}

void memory_spool_destroy(struct memory_spool *spool)
{
	if (!spool)
		return;
	end_thread(spool);
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		free(spool->slots[i].buffer);
	if (spool->fd >= 0)
		close(spool->fd);
	pthread_cond_destroy(&spool->changed);
	pthread_mutex_destroy(&spool->lock);
	free(spool->output_path);
	free(spool);
}

void memory_spool_destroyp(struct memory_spool **spool)
{
	memory_spool_destroy(*spool);
}

static const char *way_out(const struct memory_spool *spool)
{
	return strcmp(spool->output_path, "-") == 0 ? "set TMPDIR to a folder with more room"
						    : "choose an output (-o) in a folder with more "
						      "room, or -o - and TMPDIR";
}

/* MiB, rounded up. */
static unsigned long long mebibytes(uint64_t bytes)
{
	return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

struct error *memory_spool_check_room(const struct memory_spool *spool, uint64_t size_bytes)
{
	struct statvfs status;
	if (fstatvfs(spool->fd, &status) != 0 || status.f_blocks == 0)
		return NULL; /* the write will tell */
	uint64_t available = (uint64_t)status.f_bavail * status.f_frsize;
	if (available >= size_bytes)
		return NULL;
	struct error *error = error_create(
		ERROR_IO,
		"no room for the temporary file: %llu MiB are needed and %llu MiB are free; %s",
		mebibytes(size_bytes), mebibytes(available), way_out(spool));
	if (!error->is_static)
		error->errnum = ENOSPC;
	return error;
}

static struct error *write_error(const struct memory_spool *spool)
{
	if (spool->errnum != ENOSPC && spool->errnum != EDQUOT && spool->errnum != EFBIG)
		return error_errno(ERROR_IO, spool->errnum, "cannot write the temporary file");
	return error_errno(ERROR_IO, spool->errnum,
			   "no room for the temporary file after %llu MiB (%s)",
			   mebibytes(spool->written_bytes), way_out(spool));
}

struct error *memory_spool_get(struct memory_spool *spool, struct spool_block **ret)
{
	pthread_mutex_lock(&spool->lock);
	while (!spool->errnum && spool->first_empty - spool->first_full == BLOCK_COUNT)
		pthread_cond_wait(&spool->changed, &spool->lock);
	struct slot *slot = &spool->slots[spool->first_empty % BLOCK_COUNT];
	bool failed = spool->errnum != 0;
	pthread_mutex_unlock(&spool->lock);
	if (failed)
		return write_error(spool);
	slot->block.size_bytes = 0;
	slot->block.run_count = 0;
	*ret = &slot->block;
	return NULL;
}

void memory_spool_put(struct memory_spool *spool, struct spool_block *block)
{
	if (!spool->has_thread) {
		spool->errnum = write_slot(spool, (struct slot *)(void *)block);
		return;
	}
	pthread_mutex_lock(&spool->lock);
	spool->first_empty++;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->lock);
}

struct error *memory_spool_rewind(struct memory_spool *spool)
{
	end_thread(spool);
	return spool->errnum ? write_error(spool) : NULL;
}

static struct error *read_all(struct memory_spool *spool, uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t done = pread(spool->fd, bytes, size, (off_t)spool->read_bytes);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(ERROR_IO, errno, "cannot read the temporary file");
		if (done == 0)
			return error_create(ERROR_IO, "the temporary file was cut");
		bytes += done;
		size -= (size_t)done;
		spool->read_bytes += (uint64_t)done;
	}
	return NULL;
}

/* What was read is not needed again: the snapshot that grows meanwhile can use its room, and the
 * kernel need not write it to the disk. Not every file system can. */
static void give_back(const struct memory_spool *spool, uint64_t start)
{
	fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start,
		  (off_t)(spool->read_bytes - start));
}

struct error *memory_spool_next(struct memory_spool *spool, struct spool_block **ret)
{
	struct slot *slot = &spool->slots[0];
	struct block_index *index = slot_index(slot);
	uint64_t start = spool->read_bytes;
	if (start == spool->written_bytes) {
		*ret = NULL;
		return NULL;
	}
	struct error *error = read_all(spool, slot->buffer, INDEX_BYTES);
	if (error)
		return error;
	if (index->run_count > SPOOL_BLOCK_RUNS || index->size_bytes > SPOOL_BLOCK_BYTES)
		return error_create(ERROR_IO, "the temporary file is damaged");
	error = read_all(spool, slot->block.bytes, index->size_bytes);
	if (error)
		return error;
	give_back(spool, start);
	slot->block.size_bytes = index->size_bytes;
	slot->block.run_count = index->run_count;
	*ret = &slot->block;
	return NULL;
}
