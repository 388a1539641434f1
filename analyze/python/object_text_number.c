/* Numbers as repr() writes them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/object_text_parts.h"
#include "common/cleanup.h"
#include "common/cursor.h"

enum {
	/* More is never needed to tell two doubles apart. */
	DOUBLE_MAX_DIGITS = 17,
	/* float_repr_style "short" (Python/pystrtod.c): other exponents are written with an "e". */
	FIXED_MIN_EXPONENT = -4,
	FIXED_MAX_EXPONENT = 16,
	DECIMAL_CHUNK = 1000000000,
};

static uint32_t digit_at(const struct text_builder *text, const struct object_node *node, size_t i)
{
	uint64_t digit = 0;
	bytes_field(object_node_bytes(text->tree, node), node->bytes.size, i * sizeof(uint32_t),
		    sizeof(uint32_t), &digit);
	/* What a damaged digit has too much would go into the next one. */
	return (uint32_t)digit & ((1U << node->width) - 1);
}

/* Nine decimal digits: the remainder of the number, which is divided. */
static uint32_t take_chunk(uint32_t *words, size_t *count, uint8_t bits)
{
	uint64_t remainder = 0;
	for (size_t i = *count; i > 0; i--) {
		uint64_t value = remainder << bits | words[i - 1];
		words[i - 1] = (uint32_t)(value / DECIMAL_CHUNK);
		remainder = value % DECIMAL_CHUNK;
	}
	while (*count && !words[*count - 1])
		(*count)--;
	return (uint32_t)remainder;
}

static void append_decimal(struct text_builder *text, uint32_t *words, size_t count, uint8_t bits)
{
	/* 30 bits are 9.04 decimal digits, and one chunk more for the rounding. */
	size_t room = count + count / 64 + 2;
	CLEANUP_FREE uint32_t *chunks = calloc(room, sizeof(*chunks));
	size_t used = 0;
	if (!chunks) {
		text->error = &error_out_of_memory;
		return;
	}
	do
		chunks[used++] = take_chunk(words, &count, bits);
	while (count && used < room);
	text_format(text, "%" PRIu32, chunks[used - 1]);
	for (size_t i = used - 1; i > 0 && !text_is_over(text); i--)
		text_format(text, "%09" PRIu32, chunks[i - 1]);
}

void text_int(struct text_builder *text, const struct object_node *node, size_t limit)
{
	size_t count = node->bytes.size / sizeof(uint32_t);
	(void)limit;
	if (node->width < 1 || node->width > 30 || (node->cut && !count)) {
		text_append(text, "<unreadable>");
		return;
	}
	if (node->cut) {
		uint32_t top = digit_at(text, node, 0);
		uint64_t bits = (node->length - 1) * node->width;
		text_format(text, "<%sint of %" PRIu64 " bits>", node->negative ? "negative " : "",
			    bits + (top ? 32 - (uint64_t)__builtin_clz(top) : 0));
		return;
	}
	CLEANUP_FREE uint32_t *words = calloc(count + 1, sizeof(*words));
	if (!words) {
		text->error = &error_out_of_memory;
		return;
	}
	for (size_t i = 0; i < count; i++)
		words[i] = digit_at(text, node, i);
	if (node->negative)
		text_append(text, "-");
	append_decimal(text, words, count, node->width);
	if (text->tree->python_major < 3)
		text_append(text, "L");
}

/* The shortest digits that are read back as the same double, and the exponent of the first. */
static int shortest_digits(double value, char digits[DOUBLE_MAX_DIGITS + 1])
{
	char scientific[DOUBLE_MAX_DIGITS + 16];
	for (int count = 1;; count++) {
		snprintf(scientific, sizeof(scientific), "%.*e", count - 1, value);
		if (count == DOUBLE_MAX_DIGITS || strtod(scientific, NULL) == value)
			break;
	}
	const char *exponent = strchr(scientific, 'e');
	size_t length = 0;
	for (const char *c = scientific; c < exponent; c++)
		if (*c != '.')
			digits[length++] = *c;
	while (length > 1 && digits[length - 1] == '0')
		length--;
	digits[length] = 0;
	return (int)strtol(exponent + 1, NULL, 10);
}

static void append_fixed(struct text_builder *text, const char *digits, int exponent,
			 bool whole_has_point)
{
	static const char zeros[] = "0000000000000000";
	int length = (int)strlen(digits);
	if (exponent < 0)
		text_format(text, "0.%.*s%s", -exponent - 1, zeros, digits);
	else if (length > exponent + 1)
		text_format(text, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
	else
		text_format(text, "%s%.*s%s", digits, exponent + 1 - length, zeros,
			    whole_has_point ? ".0" : "");
}

/* A float as repr() writes it, and as a part of a complex, where whole numbers have no ".0". */
static void append_real(struct text_builder *text, double value, bool whole_has_point)
{
	char digits[DOUBLE_MAX_DIGITS + 1] = "";
	if (isnan(value)) {
		text_append(text, "nan");
		return;
	}
	if (signbit(value))
		text_append(text, "-");
	value = fabs(value);
	if (isinf(value)) {
		text_append(text, "inf");
		return;
	}
	int exponent = shortest_digits(value, digits);
	if (exponent >= FIXED_MIN_EXPONENT && exponent < FIXED_MAX_EXPONENT)
		append_fixed(text, digits, exponent, whole_has_point);
	else
		text_format(text, "%c%s%se%c%02d", digits[0], digits[1] ? "." : "", digits + 1,
			    exponent < 0 ? '-' : '+', abs(exponent));
}

void text_real(struct text_builder *text, double value)
{
	append_real(text, value, true);
}

/* complex_repr(), Objects/complexobject.c. */
void text_complex(struct text_builder *text, double real, double imaginary)
{
	if (real == 0 && !signbit(real)) {
		append_real(text, imaginary, false);
		text_append(text, "j");
		return;
	}
	text_append(text, "(");
	append_real(text, real, false);
	if (isnan(imaginary) || !signbit(imaginary))
		text_append(text, "+");
	append_real(text, imaginary, false);
	text_append(text, "j)");
}
