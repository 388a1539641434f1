#include "common/exit_status.h"

#include <stddef.h>

/* Codes that are not listed mean EXIT_STATUS_FAILED. */
static const enum exit_status statuses[] = {
	[ERROR_USAGE] = EXIT_STATUS_USAGE,
	[ERROR_PERMISSION] = EXIT_STATUS_PERMISSION,
	[ERROR_NOT_PYTHON] = EXIT_STATUS_NO_PYTHON,
};

enum exit_status exit_status_of(enum error_code code)
{
	size_t index = (size_t)code;
	if (index >= sizeof(statuses) / sizeof(statuses[0]) || statuses[index] == EXIT_STATUS_DONE)
		return EXIT_STATUS_FAILED;
	return statuses[index];
}
