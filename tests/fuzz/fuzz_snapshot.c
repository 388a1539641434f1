/*
 * The snapshot reader against hostile files. Checksums would stop nearly every mutation, so that
 * most inputs are the contents of frames, which are compressed here: the first byte chooses.
 *
 *   0        the rest is a whole file
 *   others   the rest is segments (segments.h)
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "formats/snapshot_forward.h"
#include "tests/fuzz/segments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* So that reads are not optimised away. */
static volatile size_t sink;

/* Whatever is given out must be usable. */
static void use(struct snapshot *snapshot)
{
	size_t count = snapshot_sample_count(snapshot);
	size_t used = 0;
	for (size_t i = 0; i < count && i < 4; i++) {
		struct error *error = snapshot_select(snapshot, i * 7919 % count);
		if (error) {
			error_destroy(error);
			continue;
		}
		const struct process_facts *facts = snapshot_process(snapshot);
		used += facts->command_line ? strlen(facts->command_line) : 0;
		const struct thread_list *threads = snapshot_threads(snapshot);
		for (size_t j = 0; j < threads->count; j++)
			used += strlen(threads->items[j].name);
		const struct mappings *mappings = snapshot_mappings(snapshot);
		for (size_t j = 0; j < mappings->count; j++)
			used += strlen(mappings->items[j].path);
		const struct modules *modules = snapshot_modules(snapshot);
		for (size_t j = 0; j < modules->count; j++)
			used += strlen(modules->items[j].path);
		uint8_t bytes[8192];
		for (uint64_t address = 0; address < 0x4000; address += 0x800)
			used += memory_read(snapshot_memory(snapshot), address, bytes,
					    sizeof(bytes)) == MEMORY_OK;
		struct snapshot_statistics statistics;
		snapshot_statistics(snapshot, &statistics);
	}
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++)
		used += strlen(*loss);
	sink = used;
}

/* Samples of each process, and what the log tells of parents. */
static void use_processes(struct snapshot *snapshot)
{
	size_t used = 0;
	for (size_t i = 0; i < snapshot_process_count(snapshot) && i < 3; i++) {
		uint64_t count = snapshot_process_entry(snapshot, i)->samples;
		struct error *error = snapshot_select_of(snapshot, i, SNAPSHOT_LAST);
		if (!error)
			error = snapshot_select_of(snapshot, i, count / 2);
		if (error) {
			error_destroy(error);
			continue;
		}
		const struct process_facts *facts = snapshot_process(snapshot);
		if (snapshot_selected_number(snapshot) != count / 2 ||
		    facts->ancestor_count > ANCESTORS_MAX ||
		    facts->pid != snapshot_process_entry(snapshot, i)->pid)
			abort();
		for (size_t j = 0; j < facts->ancestor_count; j++) {
			const char *line = facts->ancestors[j].command_line;
			used += line ? strlen(line) : 0;
		}
		for (size_t j = 0; snapshot_known_process(snapshot, j); j++)
			used += (size_t)snapshot_known_process(snapshot, j)->pid;
	}
	sink = used;
}

/* To the end; gives how many samples there are, those that cannot be read too. */
static size_t read_forward(int fd)
{
	struct snapshot *snapshot;
	enum snapshot_status status = SNAPSHOT_SAMPLE;
	size_t used = 0;
	must(snapshot_open_forward(fd, "fuzz", NULL, &snapshot));
	while (status == SNAPSHOT_SAMPLE) {
		uint8_t bytes[512];
		struct error *error = snapshot_try_next(snapshot, &status);
		if (error && !snapshot_can_go_on(snapshot))
			status = SNAPSHOT_ENDED;
		else if (error)
			status = SNAPSHOT_SAMPLE;
		used += memory_read(snapshot_memory(snapshot), 0x1000, bytes, sizeof(bytes)) ==
			MEMORY_OK;
		used += snapshot_process(snapshot)->ancestor_count;
		error_destroy(error);
	}
	if (status == SNAPSHOT_WAIT)
		abort(); /* all of it is there */
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++)
		used += strlen(*loss);
	size_t count = snapshot_sample_count(snapshot);
	snapshot_destroy(snapshot);
	sink = used;
	return count;
}

static size_t read_pipe(const void *bytes, size_t size)
{
	int fds[2];
	if (pipe(fds) != 0 || write(fds[1], bytes, size) != (ssize_t)size)
		abort();
	close(fds[1]);
	size_t count = read_forward(fds[0]);
	close(fds[0]);
	return count;
}

/* Whether another log was taken up before one had ended: a stream goes on with the first one. */
static bool has_seam(const struct snapshot *snapshot)
{
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++) {
		if (strncmp(*loss, "the capture before", strlen("the capture before")) == 0 ||
		    strstr(*loss, "more places"))
			return true;
	}
	return false;
}

/* Forward there are the samples that can be selected. */
static void compare_forward(const void *bytes, size_t size, int fd, const struct snapshot *snapshot)
{
	enum { PIPE_SIZE = 64 << 10 };
	size_t count = snapshot_sample_count(snapshot);
	if (read_forward(fd) != count)
		abort();
	/* The end of a skippable frame is not known in a stream, so it hides what is in it. */
	if (size <= PIPE_SIZE && read_pipe(bytes, size) > count && !has_seam(snapshot))
		abort();
}

static void open_file(const void *bytes, size_t size)
{
	CLEANUP_CLOSE int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snapshot_recognize(fd);
	struct snapshot *snapshot;
	struct error *error = snapshot_open(fd, "fuzz", &snapshot);
	if (error) {
		error_destroy(error);
		return;
	}
	use(snapshot);
	use_processes(snapshot);
	compare_forward(bytes, size, fd, snapshot);
	snapshot_destroy(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer file = {0};
	if (!size)
		return 0;
	if (data[0] == 0) {
		open_file(data + 1, size - 1);
		return 0;
	}
	build_segments(cursor_make(data + 1, size - 1), &file);
	open_file(file.data, file.size);
	buffer_deinit(&file);
	return 0;
}
