#include "lib/error_object.h"

/* The numbers of enum error_code may change, those of enum pyspy_code never. */
static const enum pyspy_code codes[] = {
	[ERROR_FAILED] = PYSPY_FAILED,
	[ERROR_OUT_OF_MEMORY] = PYSPY_OUT_OF_MEMORY,
	[ERROR_NOT_FOUND] = PYSPY_NOT_FOUND,
	[ERROR_END] = PYSPY_NOT_FOUND,
	[ERROR_USAGE] = PYSPY_USAGE,
	[ERROR_PERMISSION] = PYSPY_PERMISSION,
	[ERROR_NO_PROCESS] = PYSPY_NO_PROCESS,
	[ERROR_NOT_PYTHON] = PYSPY_NOT_PYTHON,
	[ERROR_UNSUPPORTED] = PYSPY_UNSUPPORTED,
	[ERROR_FORMAT] = PYSPY_FORMAT,
	[ERROR_TRUNCATED] = PYSPY_TRUNCATED,
	[ERROR_MEMORY_GAP] = PYSPY_MEMORY_GAP,
	[ERROR_IO] = PYSPY_IO,
	[ERROR_BUSY] = PYSPY_BUSY,
	[ERROR_EXISTS] = PYSPY_IO,
};

static const char *const code_names[] = {
	[PYSPY_OK] = "ok",
	[PYSPY_FAILED] = "failed",
	[PYSPY_OUT_OF_MEMORY] = "out of memory",
	[PYSPY_NOT_FOUND] = "not found",
	[PYSPY_USAGE] = "usage",
	[PYSPY_PERMISSION] = "permission",
	[PYSPY_NO_PROCESS] = "no process",
	[PYSPY_NOT_PYTHON] = "not python",
	[PYSPY_UNSUPPORTED] = "unsupported",
	[PYSPY_FORMAT] = "format",
	[PYSPY_TRUNCATED] = "truncated",
	[PYSPY_MEMORY_GAP] = "memory gap",
	[PYSPY_IO] = "i/o",
	[PYSPY_BUSY] = "busy",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct error *error_private(const struct pyspy_error *error)
{
	return (const struct error *)error;
}

enum pyspy_code error_public_code(enum error_code code)
{
	if ((size_t)code >= COUNT(codes) || !codes[code])
		return PYSPY_FAILED;
	return codes[code];
}

enum pyspy_code pyspy_error_code(const struct pyspy_error *error)
{
	return error ? error_public_code(error_private(error)->code) : PYSPY_OK;
}

const char *pyspy_error_message(const struct pyspy_error *error)
{
	return error ? error_private(error)->message : "";
}

int pyspy_error_errno(const struct pyspy_error *error)
{
	return error ? error_private(error)->errnum : 0;
}

void pyspy_error_free(struct pyspy_error *error)
{
	error_destroy((struct error *)error);
}

const char *pyspy_code_name(enum pyspy_code code)
{
	return (size_t)code < COUNT(code_names) ? code_names[code] : "unknown";
}

const char *pyspy_version(void)
{
	return PYSPY_VERSION;
}
