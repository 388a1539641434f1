/* Values of options: lists, and how the text of an argument is read. */
#ifndef PYSPY_COMMON_OPTION_VALUES_H
#define PYSPY_COMMON_OPTION_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Strings that are borrowed from argv or, for a split list, owned with it. */
struct string_list {
	const char **items; /* NULL-terminated once there is one; NULL if there is none */
	size_t count;
	char **owned; /* what the items of a split list point into */
	size_t owned_count;
};

struct id_list {
	int32_t *items;
	size_t count;
};

struct number_list {
	uint64_t *items;
	size_t count;
};

/* `text` is borrowed. */
struct error *string_list_append(struct string_list *list, const char *text);
/* Append a copy of each part of "A:B:C"; empty parts are left out. */
struct error *string_list_append_split(struct string_list *list, const char *text);
void string_list_deinit(struct string_list *list);

/* One that is there already is not put in again. */
struct error *id_list_append(struct id_list *list, int32_t id);
bool id_list_contains(const struct id_list *list, int32_t id);
void id_list_deinit(struct id_list *list);

struct error *number_list_append(struct number_list *list, uint64_t number);
void number_list_deinit(struct number_list *list);

/* Readers of arguments. ERROR_USAGE says what the text should have been. */
struct error *parse_id(const char *text, int32_t *ret);
struct error *parse_number(const char *text, uint64_t *ret);
struct error *parse_seconds(const char *text, uint64_t *ret_ns);
/* Bytes: 4096, 0x1000, 4K, 10M, 2G, also written 2GiB; each is 1024 of the one before. */
struct error *parse_size(const char *text, uint64_t *ret_bytes);

#endif
