/* A freezer for a test, and the end of a freeze. */
#ifndef PYSPY_TESTS_FREEZER_CASE_H
#define PYSPY_TESTS_FREEZER_CASE_H

#include "capture/freeze.h"
#include "tests/unit/cmocka_headers.h"
#include "tests/unit/error_checks.h"

#define NS_PER_MS 1000000ULL

static inline struct freezer *freezer_for(pid_t pid, uint64_t deadline_ms)
{
	struct freezer_options options = {.pid = pid, .deadline_ns = deadline_ms * NS_PER_MS};
	struct freezer *freezer = NULL;
	struct error *error = freezer_create(&options, &freezer);
	if (error)
		fail_msg("%s", error->message);
	return freezer;
}

static inline void release(struct freezer *freezer)
{
	uint64_t freeze_ns;
	check(freezer_release(freezer, &freeze_ns));
	assert_true(freeze_ns > 0);
	assert_int_equal(freezer_held_count(freezer), 0);
}

#endif
