#include "common/option_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NANOSECOND_DIGITS = 9 };

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
/* About 30 years: more is a slip, and nanoseconds of it still fit 64 bits. */
#define MAXIMUM_SECONDS UINT64_C(1000000000)

struct error *string_list_append(struct string_list *list, const char *text)
{
	const char **items = realloc(list->items, (list->count + 2) * sizeof(*items));
	if (!items)
		return &error_out_of_memory;
	items[list->count++] = text;
	items[list->count] = NULL;
	list->items = items;
	return NULL;
}

struct error *string_list_append_split(struct string_list *list, const char *text)
{
	char **owned = realloc(list->owned, (list->owned_count + 1) * sizeof(*owned));
	if (!owned)
		return &error_out_of_memory;
	list->owned = owned;
	char *copy = strdup(text);
	if (!copy)
		return &error_out_of_memory;
	owned[list->owned_count++] = copy;
	char *rest = copy;
	for (char *part = strsep(&rest, ":"); part; part = strsep(&rest, ":")) {
		struct error *error = *part ? string_list_append(list, part) : NULL;
		if (error)
			return error;
	}
	return NULL;
}

void string_list_deinit(struct string_list *list)
{
	for (size_t i = 0; i < list->owned_count; i++)
		free(list->owned[i]);
	free(list->owned);
	free(list->items);
	*list = (struct string_list){0};
}

struct error *id_list_append(struct id_list *list, int32_t id)
{
	if (id_list_contains(list, id))
		return NULL;
	int32_t *items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return &error_out_of_memory;
	items[list->count++] = id;
	list->items = items;
	return NULL;
}

bool id_list_contains(const struct id_list *list, int32_t id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] == id)
			return true;
	}
	return false;
}

void id_list_deinit(struct id_list *list)
{
	free(list->items);
	*list = (struct id_list){0};
}

struct error *number_list_append(struct number_list *list, uint64_t number)
{
	uint64_t *items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return &error_out_of_memory;
	items[list->count++] = number;
	list->items = items;
	return NULL;
}

void number_list_deinit(struct number_list *list)
{
	free(list->items);
	*list = (struct number_list){0};
}

/* strtoull(3) alone also takes blanks, signs and, with base 0, octal numbers: 010 is ten here. */
static bool read_number(const char *text, uint64_t *ret)
{
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hexadecimal ? text + 2 : text;
	const char *allowed = hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
	if (!*digits || digits[strspn(digits, allowed)])
		return false;
	errno = 0;
	unsigned long long value = strtoull(digits, NULL, hexadecimal ? 16 : 10);
	if (errno)
		return false;
	*ret = value;
	return true;
}

struct error *parse_id(const char *text, int32_t *ret)
{
	uint64_t value;
	if (!read_number(text, &value) || value == 0 || value > INT32_MAX)
		return error_create(ERROR_USAGE,
				    "'%s' is no process or thread id (decimal or 0x...)", text);
	*ret = (int32_t)value;
	return NULL;
}

struct error *parse_number(const char *text, uint64_t *ret)
{
	if (!read_number(text, ret))
		return error_create(ERROR_USAGE, "'%s' is no number (decimal or 0x...)", text);
	return NULL;
}

struct error *parse_seconds(const char *text, uint64_t *ret_ns)
{
	static const char digits[] = "0123456789";
	size_t whole_length = strspn(text, digits);
	const char *fraction = text + whole_length;
	size_t fraction_length = 0;
	if (*fraction == '.')
		fraction_length = strspn(++fraction, digits);
	if (whole_length + fraction_length == 0 || fraction[fraction_length])
		return error_create(ERROR_USAGE, "'%s' is no number of seconds, such as 10 or 0.5",
				    text);
	uint64_t seconds = strtoull(text, NULL, 10);
	if (seconds > MAXIMUM_SECONDS)
		return error_create(ERROR_USAGE, "%s seconds are too many", text);
	uint64_t nanoseconds = 0;
	for (size_t i = 0; i < NANOSECOND_DIGITS; i++)
		nanoseconds = nanoseconds * 10 +
			      (i < fraction_length ? (uint64_t)(fraction[i] - '0') : 0);
	*ret_ns = seconds * NANOSECONDS_PER_SECOND + nanoseconds;
	return NULL;
}

struct error *parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct {
		const char *suffix;
		unsigned shift;
	} units[] = {
		{"K", 10}, {"M", 20}, {"G", 30}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"", 0},
	};
	enum { DIGITS_MAX = 32 };
	char number[DIGITS_MAX];
	uint64_t value;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(text), suffix = strlen(units[i].suffix);
		if (length < suffix || length - suffix >= DIGITS_MAX ||
		    strcasecmp(text + length - suffix, units[i].suffix) != 0)
			continue;
		memcpy(number, text, length - suffix);
		number[length - suffix] = '\0';
		if (!read_number(number, &value))
			continue;
		if (value > UINT64_MAX >> units[i].shift)
			return error_create(ERROR_USAGE, "%s bytes are too many", text);
		*ret_bytes = value << units[i].shift;
		return NULL;
	}
	return error_create(ERROR_USAGE, "'%s' is no number of bytes, such as 4096, 64K, 10M or 2G",
			    text);
}
