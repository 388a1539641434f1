#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error error_out_of_memory = {
	.code = ERROR_OUT_OF_MEMORY,
	.is_static = true,
	.message = "out of memory",
};

struct error error_not_found = {
	.code = ERROR_NOT_FOUND,
	.is_static = true,
	.message = "not found",
};

struct error error_end = {
	.code = ERROR_END,
	.is_static = true,
	.message = "no more",
};

/* Takes ownership of `message`; a NULL message means that formatting it ran out of memory. */
static struct error *error_own(enum error_code code, char *message)
{
	if (!message)
		return &error_out_of_memory;
	struct error *error = calloc(1, sizeof(*error));
	if (!error) {
		free(message);
		return &error_out_of_memory;
	}
	error->code = code;
	error->message = message;
	return error;
}

static char *format_message(const char *format, va_list arguments)
{
	char *message;
	if (vasprintf(&message, format, arguments) < 0)
		return NULL;
	return message;
}

struct error *error_create(enum error_code code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *message = format_message(format, arguments);
	va_end(arguments);
	return error_own(code, message);
}

struct error *error_errno(enum error_code code, int errnum, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = format_message(format, arguments);
	va_end(arguments);
	char *message = NULL;
	if (text && asprintf(&message, "%s: %s", text, strerror(errnum)) < 0)
		message = NULL;
	free(text);
	struct error *error = error_own(code, message);
	if (!error->is_static)
		error->errnum = errnum;
	return error;
}

struct error *error_at(enum error_code code, uint64_t address, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = format_message(format, arguments);
	va_end(arguments);
	char *message = NULL;
	if (text && asprintf(&message, "%s at 0x%llx", text, (unsigned long long)address) < 0)
		message = NULL;
	free(text);
	struct error *error = error_own(code, message);
	if (!error->is_static) {
		error->has_address = true;
		error->address = address;
	}
	return error;
}

struct error *error_prefix(struct error *error, const char *format, ...)
{
	if (!error || error->code == ERROR_OUT_OF_MEMORY)
		return error;
	va_list arguments;
	va_start(arguments, format);
	char *prefix = format_message(format, arguments);
	va_end(arguments);
	char *message = NULL;
	if (prefix && asprintf(&message, "%s: %s", prefix, error->message) < 0)
		message = NULL;
	free(prefix);
	struct error *longer = error_own(error->code, message);
	if (!longer->is_static) {
		longer->errnum = error->errnum;
		longer->has_address = error->has_address;
		longer->address = error->address;
	}
	error_destroy(error);
	return longer;
}

void error_destroy(struct error *error)
{
	if (!error || error->is_static)
		return;
	free((char *)error->message);
	free(error);
}

void error_destroyp(struct error **error)
{
	error_destroy(*error);
}
