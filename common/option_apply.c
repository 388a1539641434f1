/* What each kind of option does with its argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/command_line.h"

typedef struct error *(*option_reader)(const struct option_spec *spec, void *field,
				       const char *text);

static struct error *read_flag(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	(void)text;
	*(bool *)field = true;
	return NULL;
}

static struct error *read_count(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	(void)text;
	++*(unsigned *)field;
	return NULL;
}

static struct error *read_string(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	*(const char **)field = text;
	return NULL;
}

static struct error *read_strings(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	return string_list_append(field, text);
}

static struct error *read_colon_list(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	return string_list_append_split(field, text);
}

static struct error *read_ids(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	int32_t id;
	struct error *error = parse_id(text, &id);
	return error ? error : id_list_append(field, id);
}

static struct error *read_long_ids(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	uint64_t id;
	struct error *error = parse_number(text, &id);
	if (!error && !id)
		error = error_create(ERROR_USAGE, "'%s' is no thread's id", text);
	return error ? error : number_list_append(field, id);
}

static struct error *read_number(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	return parse_number(text, field);
}

static struct error *read_seconds(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	return parse_seconds(text, field);
}

static struct error *read_size(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	return parse_size(text, field);
}

static struct error *no_such_choice(const struct option_spec *spec, const char *text)
{
	CLEANUP_FREE char *list = NULL;
	for (size_t i = 0; spec->choices[i]; i++) {
		char *longer;
		if (asprintf(&longer, "%s%s%s", list ? list : "", list ? ", " : "",
			     spec->choices[i]) < 0)
			return &error_out_of_memory;
		free(list);
		list = longer;
	}
	return error_create(ERROR_USAGE, "'%s' is not one of %s", text, list ? list : "none");
}

static struct error *read_choice(const struct option_spec *spec, void *field, const char *text)
{
	for (int i = 0; spec->choices[i]; i++) {
		if (strcasecmp(spec->choices[i], text) == 0) {
			*(int *)field = i;
			return NULL;
		}
	}
	return no_such_choice(spec, text);
}

static struct error *read_unavailable(const struct option_spec *spec, void *field, const char *text)
{
	(void)spec;
	(void)field;
	(void)text;
	return error_create(ERROR_USAGE,
			    "it is for sampling a running process, which this does not do");
}

struct error *option_apply(const struct option_spec *spec, void *values, const char *text)
{
	static const option_reader readers[] = {
		[OPTION_FLAG] = read_flag,
		[OPTION_COUNT] = read_count,
		[OPTION_STRING] = read_string,
		[OPTION_STRINGS] = read_strings,
		[OPTION_COLON_LIST] = read_colon_list,
		[OPTION_IDS] = read_ids,
		[OPTION_LONG_IDS] = read_long_ids,
		[OPTION_NUMBER] = read_number,
		[OPTION_SECONDS] = read_seconds,
		[OPTION_SIZE] = read_size,
		[OPTION_CHOICE] = read_choice,
		[OPTION_UNAVAILABLE] = read_unavailable,
	};
	return readers[spec->kind](spec, (char *)values + spec->offset, text);
}
