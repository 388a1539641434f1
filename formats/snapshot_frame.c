#include "formats/snapshot_frame.h"

#include <stdlib.h>

#include <zstd.h>

#include "common/cursor.h"
#include "formats/snapshot_format.h"

enum {
	/* A context of level 1 with this window is small, and the window holds a whole block. */
	FRAME_LEVEL = 1,
	FRAME_WINDOW_LOG = 19,
	/* Of little, a better level costs little time, and its tables are small. */
	FRAME_LITTLE_BYTES = 32 << 10,
	FRAME_LITTLE_LEVEL = 7,
	/* Of somebody else's file, all that is unpacked (compressed_input.h): 128 MiB, of which
	 * frame_peek touches the beginning. */
	PEEK_WINDOW_LOG_MAX = 27,
	SKIPPABLE_HEADER_SIZE = 8,
	CHECKSUM_SIZE = 4,
};

/* Frame_Header_Descriptor (RFC 8878, section 3.1.1.1.1). */
enum {
	DESCRIPTOR_SIZE_SHIFT = 6,
	DESCRIPTOR_SINGLE_SEGMENT = 1 << 5,
	DESCRIPTOR_CHECKSUM = 1 << 2,
	/* Unused, reserved, checksum and dictionary bits: the checksum alone is set. */
	DESCRIPTOR_FIXED_BITS = 0x1f,
};

struct frame_encoder {
	ZSTD_CCtx *context;
	uint8_t *output;
	size_t capacity;
};

struct error *frame_encoder_create(struct frame_encoder **ret)
{
	struct frame_encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder)
		return &error_out_of_memory;
	encoder->context = ZSTD_createCCtx();
	if (!encoder->context) {
		free(encoder);
		return &error_out_of_memory;
	}
	static const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
		{ZSTD_c_windowLog, FRAME_WINDOW_LOG},
		{ZSTD_c_checksumFlag, 1},
		{ZSTD_c_contentSizeFlag, 1},
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t result = ZSTD_CCtx_setParameter(encoder->context, settings[i].parameter,
						       settings[i].value);
		if (ZSTD_isError(result)) {
			frame_encoder_destroy(encoder);
			return error_create(ERROR_FAILED, "cannot set up zstd: %s",
					    ZSTD_getErrorName(result));
		}
	}
	*ret = encoder;
	return NULL;
}

void frame_encoder_destroy(struct frame_encoder *encoder)
{
	if (!encoder)
		return;
	ZSTD_freeCCtx(encoder->context);
	free(encoder->output);
	free(encoder);
}

struct error *frame_encode(struct frame_encoder *encoder, const void *content, size_t size,
			   const void **ret, size_t *ret_size)
{
	size_t bound = ZSTD_compressBound(size);
	if (bound > encoder->capacity) {
		uint8_t *output = realloc(encoder->output, bound);
		if (!output)
			return &error_out_of_memory;
		encoder->output = output;
		encoder->capacity = bound;
	}
	int level = size <= FRAME_LITTLE_BYTES ? FRAME_LITTLE_LEVEL : FRAME_LEVEL;
	size_t result = ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(result))
		result = ZSTD_compress2(encoder->context, encoder->output, encoder->capacity,
					content, size);
	if (ZSTD_isError(result))
		return error_create(ERROR_FAILED, "cannot compress %zu bytes: %s", size,
				    ZSTD_getErrorName(result));
	*ret = encoder->output;
	*ret_size = result;
	return NULL;
}

const char *frame_status_text(enum frame_status status)
{
	static const char *const texts[] = {
		[FRAME_OK] = "whole",
		[FRAME_SHORT] = "not a whole frame",
		[FRAME_FOREIGN] = "not a frame",
		[FRAME_REFUSED] = "a damaged frame header",
		[FRAME_CHECKSUM] = "the checksum does not hold",
	};
	return texts[status];
}

/* RFC 8878, section 3.1.1.1; `cursor` is behind the magic number. */
static enum frame_status read_frame_header(struct cursor *cursor, size_t *ret_content_size)
{
	uint8_t descriptor = cursor_u8(cursor);
	if (cursor_ok(cursor) && (descriptor & DESCRIPTOR_FIXED_BITS) != DESCRIPTOR_CHECKSUM)
		return FRAME_REFUSED;
	bool single_segment = descriptor & DESCRIPTOR_SINGLE_SEGMENT;
	if (!single_segment)
		cursor_u8(cursor); /* the window does not matter: decompressed in one piece */
	uint64_t content_size = 0;
	switch (descriptor >> DESCRIPTOR_SIZE_SHIFT) {
	case 0:
		if (cursor_ok(cursor) && !single_segment)
			return FRAME_REFUSED;
		content_size = cursor_u8(cursor);
		break;
	case 1:
		content_size = (uint64_t)cursor_u16(cursor) + 256;
		break;
	case 2:
		content_size = cursor_u32(cursor);
		break;
	default:
		content_size = cursor_u64(cursor);
		break;
	}
	if (!cursor_ok(cursor))
		return FRAME_SHORT;
	if (content_size < SNAPSHOT_BLOCK_HEADER_SIZE || content_size > SNAPSHOT_BLOCK_MAX)
		return FRAME_REFUSED;
	*ret_content_size = (size_t)content_size;
	return FRAME_OK;
}

static enum frame_status measure_skippable(struct cursor *cursor, struct frame_extent *ret)
{
	uint32_t size = cursor_u32(cursor);
	if (!cursor_ok(cursor))
		return FRAME_SHORT;
	*ret = (struct frame_extent){
		.size = (size_t)size + SKIPPABLE_HEADER_SIZE,
		.skippable = true,
	};
	return FRAME_OK;
}

/* Step over the data blocks (RFC 8878, section 3.1.1.2) and the checksum. */
static enum frame_status measure_blocks(struct cursor *cursor, size_t *ret_need)
{
	enum { BLOCK_LAST = 1, BLOCK_RLE = 1, BLOCK_RESERVED = 3 };
	uint32_t header;
	do {
		header = cursor_u16(cursor);
		header |= (uint32_t)cursor_u8(cursor) << 16;
		uint32_t type = header >> 1 & 3;
		size_t size = type == BLOCK_RLE ? 1 : header >> 3;
		if (!cursor_ok(cursor))
			return FRAME_SHORT;
		if (type == BLOCK_RESERVED)
			return FRAME_REFUSED;
		/* The size is known even where the bytes are not there. */
		*ret_need = cursor->position + size + CHECKSUM_SIZE;
		if (*ret_need > SNAPSHOT_FRAME_MAX)
			return FRAME_REFUSED;
		cursor_skip(cursor, size);
	} while (cursor_ok(cursor) && !(header & BLOCK_LAST));
	cursor_skip(cursor, CHECKSUM_SIZE);
	return cursor_ok(cursor) ? FRAME_OK : FRAME_SHORT;
}

enum frame_status frame_measure(const void *bytes, size_t size, struct frame_extent *ret,
				size_t *ret_need)
{
	struct cursor cursor = cursor_make(bytes, size);
	*ret_need = size + 1;
	uint32_t magic = cursor_u32(&cursor);
	if (!cursor_ok(&cursor))
		return FRAME_SHORT;
	if ((magic & ZSTD_SKIPPABLE_MAGIC_MASK) == ZSTD_SKIPPABLE_MAGIC)
		return measure_skippable(&cursor, ret);
	if (magic != ZSTD_FRAME_MAGIC)
		return FRAME_FOREIGN;
	struct frame_extent extent = {0};
	enum frame_status status = read_frame_header(&cursor, &extent.content_size);
	if (status == FRAME_OK)
		status = measure_blocks(&cursor, ret_need);
	if (status == FRAME_SHORT && *ret_need <= size)
		*ret_need = size + 1;
	if (status != FRAME_OK)
		return status;
	extent.size = cursor.position;
	*ret = extent;
	return FRAME_OK;
}

struct frame_decoder {
	ZSTD_DCtx *context;
};

struct error *frame_decoder_create(struct frame_decoder **ret)
{
	struct frame_decoder *decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return &error_out_of_memory;
	decoder->context = ZSTD_createDCtx();
	if (!decoder->context) {
		free(decoder);
		return &error_out_of_memory;
	}
	*ret = decoder;
	return NULL;
}

void frame_decoder_destroy(struct frame_decoder *decoder)
{
	if (!decoder)
		return;
	ZSTD_freeDCtx(decoder->context);
	free(decoder);
}

struct error *frame_decode(struct frame_decoder *decoder, const void *frame,
			   const struct frame_extent *extent, struct buffer *content,
			   enum frame_status *ret_status)
{
	buffer_clear(content);
	struct error *error = buffer_reserve(content, extent->content_size);
	if (error)
		return error;
	size_t result = ZSTD_decompressDCtx(decoder->context, content->data, extent->content_size,
					    frame, extent->size);
	if (ZSTD_isError(result) || result != extent->content_size) {
		*ret_status = FRAME_CHECKSUM;
		return NULL;
	}
	content->size = result;
	*ret_status = FRAME_OK;
	return NULL;
}

size_t frame_peek(const void *bytes, size_t bytes_size, void *content, size_t size)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	if (!context)
		return 0;
	ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, PEEK_WINDOW_LOG_MAX);
	ZSTD_inBuffer input = {.src = bytes, .size = bytes_size};
	ZSTD_outBuffer output = {.dst = content, .size = size};
	size_t result = 1;
	while (output.pos < output.size && input.pos < input.size && result &&
	       !ZSTD_isError(result))
		result = ZSTD_decompressStream(context, &output, &input);
	ZSTD_freeDCtx(context);
	return output.pos;
}
