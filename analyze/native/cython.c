#include "analyze/native/cython.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 1024 };

/* What Cython puts before the mangled name (Naming.py); whether a counter is always between the
 * scopes and the name. */
static const struct prefix {
	const char *text;
	bool has_counter;
	bool is_wrapper;
} prefixes[] = {
	{"__pyx_pw_", true, true},   /* pywrap_prefix */
	{"__pyx_pf_", false, false}, /* pyfunc_prefix */
	{"__pyx_gb_", true, false},  /* genbody_prefix */
	{"__pyx_f_", false, false},  /* func_prefix */
};

/* Specialisations of functions with fused types: __pyx_fuse_0, __pyx_fuse_1_2, … */
static const char fused_prefix[] = "__pyx_fuse_";

static const char *skip_digits(const char *at)
{
	while (isdigit((unsigned char)*at))
		at++;
	return at;
}

static const char *skip_fused(const char *at)
{
	while (strncmp(at, fused_prefix, sizeof(fused_prefix) - 1) == 0) {
		at = skip_digits(at + sizeof(fused_prefix) - 1);
		while (at[0] == '_' && isdigit((unsigned char)at[1]))
			at = skip_digits(at + 1);
	}
	return at;
}

static const struct prefix *find_prefix(const char *symbol, const char **ret_rest)
{
	symbol = skip_fused(symbol);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i].text);
		if (strncmp(symbol, prefixes[i].text, length) == 0) {
			*ret_rest = symbol + length;
			return &prefixes[i];
		}
	}
	return NULL;
}

bool cython_is_function(const char *symbol)
{
	const char *rest;
	return find_prefix(symbol, &rest);
}

bool cython_is_wrapper(const char *symbol)
{
	const char *rest;
	const struct prefix *prefix = find_prefix(symbol, &rest);
	return prefix && prefix->is_wrapper;
}

/* A scope, as its length, its name and an underscore. Gives what follows, NULL if it is none. */
static const char *parse_scope(const char *at, size_t left, const char **ret_name, size_t *ret_size)
{
	const char *name = skip_digits(at);
	size_t digits = (size_t)(name - at);
	size_t size = 0;
	if (!digits || digits > 4)
		return NULL;
	for (const char *digit = at; digit < name; digit++)
		size = size * 10 + (size_t)(*digit - '0');
	if (!size || digits + size + 1 >= left || name[size] != '_')
		return NULL;
	*ret_name = name;
	*ret_size = size;
	return name + size + 1;
}

char *cython_name(const char *symbol)
{
	const char *at;
	const char *name;
	size_t size;
	char result[NAME_MAX_BYTES];
	size_t length = 0;
	const struct prefix *prefix = find_prefix(symbol, &at);
	if (!prefix)
		return NULL;
	/* Compilers append .isra.0 and the like. */
	const char *end = at + strcspn(at, ".@");
	if (end - at >= NAME_MAX_BYTES / 2)
		return NULL;
	for (;;) {
		const char *next = parse_scope(at, (size_t)(end - at), &name, &size);
		/* With a counter behind it, it was a scope; else it was the counter itself. */
		if (!next || (prefix->has_counter && !isdigit((unsigned char)*next)))
			break;
		memcpy(result + length, name, size);
		length += size;
		result[length++] = '.';
		at = next;
	}
	at = skip_fused(skip_digits(at));
	if (at >= end || !length)
		return NULL;
	memcpy(result + length, at, (size_t)(end - at));
	return strndup(result, length + (size_t)(end - at));
}

/* A line that opens a comment like: / * "module.pyx":12 */
static bool parse_comment(const char *line, const char *end, const char **ret_file,
			  size_t *ret_file_size, int32_t *ret_line)
{
	static const char opening[] = "/* \"";
	while (line < end && *line == ' ')
		line++;
	if ((size_t)(end - line) < sizeof(opening) ||
	    memcmp(line, opening, sizeof(opening) - 1) != 0)
		return false;
	const char *file = line + sizeof(opening) - 1;
	const char *quote = memchr(file, '"', (size_t)(end - file));
	if (!quote || quote == file || end - quote < 3 || quote[1] != ':')
		return false;
	int64_t number = 0;
	const char *digit = quote + 2;
	for (; digit < end && isdigit((unsigned char)*digit) && number < INT32_MAX; digit++)
		number = number * 10 + (*digit - '0');
	if (digit != end || !number || number > INT32_MAX)
		return false;
	*ret_file = file;
	*ret_file_size = (size_t)(quote - file);
	*ret_line = (int32_t)number;
	return true;
}

bool cython_place(const char *text, size_t size, int32_t line, const char **ret_file,
		  size_t *ret_file_size, int32_t *ret_line)
{
	const char *end = text + size;
	bool found = false;
	int32_t number = 1;
	/* The last comment before the line, in the same function: those end with a brace in the
	 * first column. */
	for (const char *at = text; at < end && number <= line; number++) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end)
			line_end = end;
		if (*at == '}')
			found = false;
		else if (parse_comment(at, line_end, ret_file, ret_file_size, ret_line))
			found = true;
		at = line_end + 1;
	}
	return found && number > line;
}
