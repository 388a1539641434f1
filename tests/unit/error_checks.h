/* That a function succeeded, or failed as it should. */
#ifndef PYSPY_TESTS_ERROR_CHECKS_H
#define PYSPY_TESTS_ERROR_CHECKS_H

#include <string.h>

#include "common/error.h"
#include "tests/unit/cmocka_headers.h"

static inline void check(struct error *error)
{
	if (error)
		fail_msg("%s", error->message);
}

/* With `text` in the message. */
static inline void assert_error(struct error *error, enum error_code code, const char *text)
{
	if (!error) {
		fail_msg("expected an error");
		return;
	}
	if (error->code != code || !strstr(error->message, text))
		fail_msg("expected error %d, got %d: %s", (int)code, (int)error->code,
			 error->message);
	error_destroy(error);
}

static inline void assert_error_code(struct error *error, enum error_code code)
{
	assert_error(error, code, "");
}

#endif
