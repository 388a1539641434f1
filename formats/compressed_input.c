#include "formats/compressed_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/cleanup.h"
#include "formats/elf_core.h"
#include "formats/sparse_file.h"

/* To add a kind: a row; with a function that unpacks it, or the program that does. */
struct kind {
	const char *name;
	const char *magic;
	size_t magic_size;
	struct error *(*unpack)(int fd, const char *name, struct sparse_file *file,
				char **ret_loss);
	const char *program;
};

/* A core unpacked to `file` begins with 18 bytes that tell it; looked at as soon as they are there,
 * so that an archive of another kind is not unpacked in vain. */
static struct error *check_start(const struct sparse_file *file, const char *name)
{
	if (elf_core_recognize(file->fd))
		return NULL;
	return error_create(ERROR_FORMAT,
			    "'%s' is neither a snapshot nor a compressed core: what is packed in "
			    "it is no ELF core",
			    name);
}

struct zstd_stream {
	ZSTD_DCtx *context;
	ZSTD_inBuffer in;
	ZSTD_outBuffer out;
	uint64_t offset; /* into the packed file */
	bool in_frame;
	bool ended; /* of the packed file */
};

static void zstd_stream_deinit(struct zstd_stream *stream)
{
	ZSTD_freeDCtx(stream->context);
	free((void *)(uintptr_t)stream->in.src);
	free(stream->out.dst);
}

static struct error *zstd_stream_init(struct zstd_stream *stream)
{
	stream->context = ZSTD_createDCtx();
	stream->in.src = malloc(ZSTD_DStreamInSize());
	stream->out.dst = malloc(ZSTD_DStreamOutSize());
	stream->out.size = ZSTD_DStreamOutSize();
	if (!stream->context || !stream->in.src || !stream->out.dst)
		return &error_out_of_memory;
	return NULL;
}

static struct error *zstd_stream_fill(struct zstd_stream *stream, int fd, const char *name)
{
	ssize_t size;
	do
		size = pread(fd, (void *)(uintptr_t)stream->in.src, ZSTD_DStreamInSize(),
			     (off_t)stream->offset);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return error_errno(ERROR_IO, errno, "cannot read '%s'", name);
	stream->ended = size == 0;
	stream->offset += (uint64_t)size;
	stream->in.size = (size_t)size;
	stream->in.pos = 0;
	return NULL;
}

/* What is wrong with the packed data; what came out of it so far is used. */
static struct error *zstd_damage(const struct zstd_stream *stream, const char *name,
				 const char *reason, const struct sparse_file *file,
				 char **ret_loss)
{
	struct error *error = check_start(file, name);
	if (error)
		return error;
	if (asprintf(ret_loss,
		     "the compressed core is cut or damaged before byte %llu of it (%s): it was "
		     "unpacked as far as that",
		     (unsigned long long)stream->offset, reason) < 0) {
		*ret_loss = NULL;
		return &error_out_of_memory;
	}
	return NULL;
}

/* One step; `ret_done` when there is nothing left to unpack. */
static struct error *zstd_step(struct zstd_stream *stream, int fd, const char *name,
			       struct sparse_file *file, char **ret_loss, bool *ret_done)
{
	if (stream->in.pos == stream->in.size) {
		struct error *error = zstd_stream_fill(stream, fd, name);
		if (error)
			return error;
	}
	stream->out.pos = 0;
	size_t status = stream->ended && !stream->in_frame
				? 0
				: ZSTD_decompressStream(stream->context, &stream->out, &stream->in);
	if (ZSTD_isError(status)) {
		*ret_done = true;
		if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
			return error_create(ERROR_UNSUPPORTED,
					    "'%s' is packed with a window of more than 128 MB; "
					    "unpack it with 'zstd -dc --long=31' first",
					    name);
		return zstd_damage(stream, name, ZSTD_getErrorName(status), file, ret_loss);
	}
	bool first = !file->size && stream->out.pos;
	stream->in_frame = status != 0;
	struct error *error = sparse_file_append(file, stream->out.dst, stream->out.pos);
	if (!error && first)
		error = check_start(file, name);
	if (error || !stream->ended || stream->out.pos)
		return error;
	*ret_done = true;
	return stream->in_frame ? zstd_damage(stream, name, "it ends early", file, ret_loss) : NULL;
}

static struct error *zstd_unpack(int fd, const char *name, struct sparse_file *file,
				 char **ret_loss)
{
	CLEANUP(zstd_stream_deinit) struct zstd_stream stream = {0};
	struct error *error = zstd_stream_init(&stream);
	bool done = false;
	while (!error && !done)
		error = zstd_step(&stream, fd, name, file, ret_loss, &done);
	return error ? error : check_start(file, name);
}

static const struct kind kinds[] = {
	{.name = "zstd", .magic = "\x28\xb5\x2f\xfd", .magic_size = 4, .unpack = zstd_unpack},
	{.name = "xz", .magic = "\xfd\x37zXZ\0", .magic_size = 6, .program = "xz"},
	{.name = "lz4", .magic = "\x04\x22\x4d\x18", .magic_size = 4, .program = "lz4"},
	{.name = "gzip", .magic = "\x1f\x8b", .magic_size = 2, .program = "gzip"},
};

static const struct kind *kind_find(int fd)
{
	char bytes[8];
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (size >= (ssize_t)kinds[i].magic_size &&
		    memcmp(bytes, kinds[i].magic, kinds[i].magic_size) == 0)
			return &kinds[i];
	}
	return NULL;
}

const char *compressed_input_kind(int fd)
{
	const struct kind *kind = kind_find(fd);
	return kind ? kind->name : NULL;
}

struct error *compressed_input_unpack(int fd, const char *name, int *ret_fd, char **ret_loss)
{
	CLEANUP(sparse_file_deinit) struct sparse_file file = {.fd = -1};
	CLEANUP_FREE char *loss = NULL;
	const struct kind *kind = kind_find(fd);
	if (!kind)
		return error_create(ERROR_FORMAT, "'%s' is not compressed in a known way", name);
	if (!kind->unpack)
		return error_create(ERROR_UNSUPPORTED,
				    "'%s' is compressed with %s; unpack it first: %s -dc '%s' > "
				    "core",
				    name, kind->name, kind->program, name);
	struct error *error = sparse_file_create(&file);
	if (!error)
		error = kind->unpack(fd, name, &file, &loss);
	if (!error)
		error = sparse_file_finish(&file, fd, ret_fd);
	if (!error)
		*ret_loss = TAKE_POINTER(loss);
	return error;
}
