/*
 * A file of source, and where in it a frame says that it is: the first 16 bytes are line, end line
 * and columns. Read by lines, and written with marks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/source_file.h"
#include "common/cleanup.h"
#include "formats/source_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *sink;

static void write_line(const struct source_file *file, int32_t line, struct model_frame *frame)
{
	bool escaped = false;
	error_destroy(source_file_line(file, line, &frame->source, &escaped));
	frame->source_escaped = escaped;
	if (frame->source)
		error_destroy(source_text_write(sink, frame));
	free(frame->source);
	frame->source = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	struct source_file file = {0};
	struct model_frame frame = {.has_columns = true};
	int32_t numbers[4];
	bool found = false;
	if (size < sizeof(numbers))
		return 0;
	if (fd < 0) {
		fd = memfd_create("source", MFD_CLOEXEC);
		sink = fopen("/dev/null", "w");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (fd < 0 || !sink)
			abort();
	}
	memcpy(numbers, data, sizeof(numbers));
	frame.line = numbers[0];
	frame.end_line = numbers[1] & 1 ? numbers[0] : numbers[1];
	frame.column = numbers[2] & 0xff;
	frame.end_column = numbers[3] & 0x10000 ? numbers[3] : numbers[3] & 0xff;
	if (ftruncate(fd, 0) < 0 ||
	    pwrite(fd, data + sizeof(numbers), size - sizeof(numbers), 0) < 0)
		abort();
	error_destroy(source_file_read(NULL, path, &file, &found));
	if (found) {
		for (int32_t line = 0; line < 8; line++)
			write_line(&file, line, &frame);
		write_line(&file, numbers[0], &frame);
	}
	source_file_deinit(&file);
	return 0;
}
