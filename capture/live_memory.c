#include "capture/live_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "capture/permission.h"
#include "common/cleanup.h"

/* More than this in one call is EINVAL: UIO_MAXIOV, see process_vm_readv(2). */
enum { BATCH_MAX_RANGES = 1024 };

struct live_memory {
	struct memory memory; /* first member */
	pid_t pid;
	/* Here and not on the stack: 32 KiB. One reader at a time, as for every struct memory. */
	struct iovec local[BATCH_MAX_RANGES];
	struct iovec remote[BATCH_MAX_RANGES];
};

static struct live_memory *live_memory_of(struct memory *memory)
{
	return (struct live_memory *)memory;
}

/* EFAULT: the range is not readable. All else concerns the process: it has ended (ESRCH) or may
 * not be looked at any longer (EPERM, after an exec of a set-user-id program). */
static enum memory_status status_of_errno(int errnum)
{
	return errnum == EFAULT ? MEMORY_NOT_MAPPED : MEMORY_IO_ERROR;
}

static bool request_wraps(const struct memory_request *request)
{
	return request->size && request->address + (request->size - 1) < request->address;
}

/* Where the transfer stands: `done` bytes of `requests[next]` are there already. */
struct progress {
	struct memory_request *requests;
	size_t count;
	size_t next;
	size_t done;
};

/* Step over requests that need no transfer. */
static void skip_trivial(struct progress *progress)
{
	while (progress->next < progress->count) {
		struct memory_request *request = &progress->requests[progress->next];
		if (request_wraps(request))
			request->status = MEMORY_NOT_MAPPED;
		else if (request->size == progress->done)
			request->status = MEMORY_OK;
		else
			return;
		progress->next++;
		progress->done = 0;
	}
}

/* The vectors of the next call; a request that wraps around ends the batch, as it has no range. */
static size_t fill_batch(struct live_memory *live, const struct progress *progress)
{
	size_t ranges = 0;
	size_t done = progress->done;
	for (size_t i = progress->next; i < progress->count && ranges < BATCH_MAX_RANGES; i++) {
		const struct memory_request *request = &progress->requests[i];
		if (request_wraps(request))
			break;
		size_t left = request->size - done;
		live->local[ranges] = (struct iovec){
			.iov_base = (char *)request->buffer + done,
			.iov_len = left,
		};
		live->remote[ranges] = (struct iovec){
			.iov_base = (void *)(uintptr_t)(request->address + done),
			.iov_len = left,
		};
		ranges++;
		done = 0;
	}
	return ranges;
}

static void advance(struct progress *progress, size_t bytes)
{
	while (bytes && progress->next < progress->count) {
		const struct memory_request *request = &progress->requests[progress->next];
		size_t left = request->size - progress->done;
		if (bytes < left) {
			progress->done += bytes;
			return;
		}
		bytes -= left;
		progress->requests[progress->next].status = MEMORY_OK;
		progress->next++;
		progress->done = 0;
	}
}

static void fail_rest(struct progress *progress, enum memory_status status)
{
	for (; progress->next < progress->count; progress->next++)
		progress->requests[progress->next].status = status;
}

/*
 * The kernel stops at the first page that faults and gives the bytes before it, or EFAULT if there
 * are none (mm/process_vm_access.c, process_vm_rw_core). So a call that begins at the place where
 * the last one ended tells whether that place faults, and a bad range costs two calls more, however
 * many ranges there are.
 */
static void live_memory_read_many(struct memory *memory, struct memory_request *requests,
				  size_t count)
{
	struct live_memory *live = live_memory_of(memory);
	struct progress progress = {.requests = requests, .count = count};
	for (;;) {
		skip_trivial(&progress);
		if (progress.next == count)
			return;
		size_t ranges = fill_batch(live, &progress);
		ssize_t bytes =
			process_vm_readv(live->pid, live->local, ranges, live->remote, ranges, 0);
		if (bytes > 0) {
			advance(&progress, (size_t)bytes);
			continue;
		}
		int errnum = bytes < 0 ? errno : EFAULT;
		if (errnum == EINTR)
			continue;
		if (errnum != EFAULT) {
			fail_rest(&progress, status_of_errno(errnum));
			return;
		}
		requests[progress.next].status = MEMORY_NOT_MAPPED;
		progress.next++;
		progress.done = 0;
	}
}

static enum memory_status live_memory_read(struct memory *memory, uint64_t address, void *buffer,
					   size_t size)
{
	struct memory_request request = {.address = address, .buffer = buffer, .size = size};
	live_memory_read_many(memory, &request, 1);
	return request.status;
}

static void live_memory_destroy(struct memory *memory)
{
	free(live_memory_of(memory));
}

static const struct memory_operations live_memory_operations = {
	.read = live_memory_read,
	.read_many = live_memory_read_many,
	.destroy = live_memory_destroy,
};

/*
 * Whether we may read at all, so that a refusal is told once and in words, and not as a gap for
 * every range. The first page is never mapped (vm.mmap_min_addr), access is checked before it.
 */
static struct error *check_access(pid_t pid)
{
	char byte;
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = NULL, .iov_len = 1};
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0)
		return NULL;
	switch (errno) {
	case EFAULT:
		return NULL;
	case ESRCH:
		return error_create(ERROR_NO_PROCESS,
				    "cannot read the memory of process %d: it has ended", (int)pid);
	case EPERM:
		return permission_error(pid, "read the memory of", "process_vm_readv", EPERM);
	default:
		return error_errno(ERROR_IO, errno, "cannot read the memory of process %d",
				   (int)pid);
	}
}

struct error *live_memory_create(pid_t pid, struct memory **ret)
{
	struct error *error = check_access(pid);
	if (error)
		return error;
	struct live_memory *live = calloc(1, sizeof(*live));
	if (!live)
		return &error_out_of_memory;
	live->memory.operations = &live_memory_operations;
	live->pid = pid;
	*ret = &live->memory;
	return NULL;
}
