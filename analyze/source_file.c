#include "analyze/source_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/file_time.h"
#include "common/root_file.h"
#include "common/terminal_text.h"

void source_file_deinit(struct source_file *file)
{
	free(file->bytes);
	free(file->lines);
	*file = (struct source_file){0};
}

/* All bytes, or as many as the file still has. */
static bool read_all(int fd, char *bytes, size_t size, size_t *ret_size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t count = read(fd, bytes + done, size - done);
		if (count < 0)
			return false;
		if (!count)
			break;
		done += (size_t)count;
	}
	*ret_size = done;
	return true;
}

/* Lines end as Python's do: at \n, \r and \r\n. */
static size_t line_end(const struct source_file *file, size_t at)
{
	while (at < file->size && file->bytes[at] != '\n' && file->bytes[at] != '\r')
		at++;
	return at;
}

static size_t next_line(const struct source_file *file, size_t end)
{
	if (end + 1 < file->size && file->bytes[end] == '\r' && file->bytes[end + 1] == '\n')
		return end + 2;
	return end + 1;
}

static struct error *find_lines(struct source_file *file)
{
	size_t capacity = 0;
	for (size_t at = 0; at < file->size; at = next_line(file, line_end(file, at))) {
		if (file->line_count == capacity) {
			capacity = capacity ? 2 * capacity : 256;
			size_t *lines = reallocarray(file->lines, capacity, sizeof(*lines));
			if (!lines)
				return &error_out_of_memory;
			file->lines = lines;
		}
		file->lines[file->line_count++] = at;
	}
	return NULL;
}

/* The encoding that a comment names: coding[:=]\s*([-\w.]+), PEP 263. UTF-8 if none does. */
static enum source_encoding named_encoding(const char *text, size_t size)
{
	static const struct {
		const char *name;
		enum source_encoding encoding;
	} names[] = {
		{"utf-8", SOURCE_UTF8},	       {"utf8", SOURCE_UTF8},
		{"ascii", SOURCE_UTF8},	       {"us-ascii", SOURCE_UTF8},
		{"latin-1", SOURCE_LATIN1},    {"latin1", SOURCE_LATIN1},
		{"iso-8859-1", SOURCE_LATIN1}, {"iso8859-1", SOURCE_LATIN1},
		{"l1", SOURCE_LATIN1},
	};
	char name[32] = "";
	const char *end = text + size;
	const char *coding = memmem(text, size, "coding", strlen("coding"));
	const char *at = coding ? coding + strlen("coding") : end;
	if (at >= end || (*at != ':' && *at != '='))
		return SOURCE_UTF8;
	at++;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	for (size_t i = 0; at<end && * at> ' ' && !strchr("\"';,*", *at); at++) {
		if (i + 1 == sizeof(name))
			return SOURCE_OTHER;
		name[i++] = *at == '_' ? '-' : *at;
	}
	/* utf-8-sig, utf-8-unix and the like of editors */
	if (strncasecmp(name, "utf-8-", strlen("utf-8-")) == 0)
		return SOURCE_UTF8;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].encoding;
	}
	return SOURCE_OTHER;
}

/* Named in one of the first two lines, if those are comments. */
static enum source_encoding find_encoding(const struct source_file *file)
{
	for (size_t i = 0; i < 2 && i < file->line_count; i++) {
		size_t begin = file->lines[i];
		size_t size = line_end(file, begin) - begin;
		size_t blank = 0;
		while (blank < size && strchr(" \t\f", file->bytes[begin + blank]))
			blank++;
		if (blank == size)
			continue;
		if (file->bytes[begin + blank] != '#')
			return SOURCE_UTF8;
		if (memmem(file->bytes + begin, size, "coding", strlen("coding")))
			return named_encoding(file->bytes + begin, size);
	}
	return SOURCE_UTF8;
}

struct error *source_file_read(const char *root, const char *path, struct source_file *ret,
			       bool *ret_found)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	CLEANUP(source_file_deinit) struct source_file file = {0};
	struct stat status;
	CLEANUP_CLOSE int fd = root_file_open(root, path);
	*ret_found = false;
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size > SOURCE_FILE_MAX_BYTES)
		return NULL;
	file.bytes = malloc((size_t)status.st_size + 1);
	if (!file.bytes)
		return &error_out_of_memory;
	if (!read_all(fd, file.bytes, (size_t)status.st_size, &file.size) ||
	    memchr(file.bytes, 0, file.size))
		return NULL;
	if (file.size >= 3 && memcmp(file.bytes, byte_order_mark, 3) == 0) {
		file.size -= 3;
		memmove(file.bytes, file.bytes + 3, file.size);
	}
	struct error *error = find_lines(&file);
	if (error)
		return error;
	file.encoding = find_encoding(&file);
	file.modified_ns = file_modified_ns(&status);
	*ret = file;
	file = (struct source_file){0};
	*ret_found = true;
	return NULL;
}

/* The bytes of the next character in UTF-8; `ret_size` is how many bytes it was. */
static struct error *append_character(struct buffer *buffer, enum source_encoding encoding,
				      const char *text, size_t size, size_t *ret_size,
				      bool *escaped)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t byte = (uint8_t)*text;
	unsigned character;
	*ret_size = 1;
	if (byte < 0x80)
		return buffer_append_u8(buffer, byte);
	if (encoding == SOURCE_LATIN1) {
		const uint8_t utf8[] = {(uint8_t)(0xc0 | byte >> 6),
					(uint8_t)(0x80 | (byte & 0x3f))};
		return buffer_append(buffer, utf8, sizeof(utf8));
	}
	size_t valid = encoding == SOURCE_UTF8 ? utf8_decode(text, size, &character) : 0;
	if (valid) {
		*ret_size = valid;
		return buffer_append(buffer, text, valid);
	}
	*escaped = true;
	const char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
	return buffer_append(buffer, escape, sizeof(escape));
}

struct error *source_file_line(const struct source_file *file, int32_t line, char **ret,
			       bool *ret_escaped)
{
	bool escaped = false;
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct error *error = NULL;
	if (line <= 0 || (size_t)line > file->line_count)
		return NULL;
	size_t at = file->lines[line - 1];
	size_t end = line_end(file, at);
	size_t size;
	if (end - at > SOURCE_LINE_MAX_BYTES)
		end = at + SOURCE_LINE_MAX_BYTES;
	for (; !error && at < end; at += size)
		error = append_character(&text, file->encoding, file->bytes + at, end - at, &size,
					 &escaped);
	if (!error)
		error = buffer_append_u8(&text, 0);
	if (error)
		return error;
	*ret_escaped = escaped;
	*ret = (char *)TAKE_POINTER(text.data);
	return NULL;
}
