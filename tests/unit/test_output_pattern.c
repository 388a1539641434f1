#include "tests/unit/cmocka_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/output_pattern.h"
#include "capture/utc_time.h"
#include "common/cleanup.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define DAY_NS	      (86400 * NS_PER_SECOND)

/* 2026-11-01 02:03:04.056 UTC, a Sunday */
#define MOMENT_NS (UINT64_C(1793498584) * NS_PER_SECOND + 56 * 1000 * 1000)

static void assert_name(const char *pattern, uint64_t time_ns, const char *expected)
{
	CLEANUP(error_destroyp) struct error *error = output_pattern_check(pattern);
	CLEANUP_FREE char *name = output_pattern_expand(pattern, time_ns, 1234);
	if (error)
		fail_msg("%s: %s", pattern, error->message);
	assert_non_null(name);
	assert_string_equal(name, expected);
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *name;
	} cases[] = {
		{"a-%Y%m%dT%H%M%S.zst", "a-20261101T020304.zst"},
		{"%s", "1793498584"},
		{"%F_%T", "2026-11-01_02:03:04"},
		{"%R", "02:03"},
		{"%y %b %d %a %u %j", "26 Nov 01 Sun 7 305"},
		{"%S.%{ms}%z%Z", "04.056+0000UTC"},
		{"%%%{pid}%%%S%%", "%1234%04%"},
		{"/tmp/%{pid}/%S", "/tmp/1234/04"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_name(cases[i].pattern, MOMENT_NS, cases[i].name);
}

static void test_host(void **state)
{
	(void)state;
	char host[65] = {0};
	char expected[128];
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	snprintf(expected, sizeof(expected), "x-%s-04", host);
	assert_name("x-%{host}-%S", MOMENT_NS, expected);
}

/* Every field of strftime(3) that we have is as the C library has it. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void test_as_strftime(void **state)
{
	(void)state;
	static const char *const fields[] = {"%Y", "%y", "%m", "%b", "%d", "%j", "%a",
					     "%u", "%F", "%H", "%M", "%R", "%S", "%T"};
	/* Ends of months and years, leap days, 2100 that is no leap year. */
	for (uint64_t day = 0; day < 366 * 140; day += 1 + (day % 7 == 3) * 5) {
		time_t seconds = (time_t)(day * 86400 + (day * 7919) % 86400);
		struct tm time;
		assert_non_null(gmtime_r(&seconds, &time));
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			char expected[64];
			strftime(expected, sizeof(expected), fields[i], &time);
			assert_name(fields[i], (uint64_t)seconds * NS_PER_SECOND, expected);
		}
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"snap.zst", "",	       "%{pid}",     "%{host}-%%.zst", "%Y%q",
		"%Y%",	    "%Y%{pid", "%Y%{other}", "%x%Y",	       "%Z",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(error_destroyp) struct error *error = output_pattern_check(wrong[i]);
		if (!error || error->code != ERROR_USAGE)
			fail_msg("'%s' was not refused", wrong[i]);
	}
}

static void test_period(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		uint64_t period_ns;
		bool right;
	} cases[] = {
		{"%Y%m%dT%H%M%S", 60 * NS_PER_SECOND, true},
		{"%s", NS_PER_SECOND, true},
		{"%s", NS_PER_SECOND - 1, false},
		{"%s-%{ms}", NS_PER_SECOND / 10, true},
		{"%Y%m%d-%H%M", 60 * NS_PER_SECOND, true},
		{"%Y%m%d-%H%M", 59 * NS_PER_SECOND, false},
		{"%M", 3600 * NS_PER_SECOND, false},
		{"%H", 3600 * NS_PER_SECOND, true},
		{"%d", DAY_NS, true},
		{"%a", 7 * DAY_NS, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(error_destroyp)
		struct error *error =
			output_pattern_check_period(cases[i].pattern, cases[i].period_ns);
		if (!error != cases[i].right)
			fail_msg("%s: %s", cases[i].pattern, error ? error->message : "taken");
	}
}

static void test_with_time(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *expected;
	} cases[] = {
		{"run.zst", "run-20261101T020304.056Z.zst"},
		{"run", "run-20261101T020304.056Z"},
		{"a.d/run", "a.d/run-20261101T020304.056Z"},
		{"a/.run", "a/.run-20261101T020304.056Z"},
		{"100%.zst", "100%-20261101T020304.056Z.zst"},
		{"%d%.z%st", "%d%-20261101T020304.056Z.z%st"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_FREE char *pattern = output_pattern_with_time(cases[i].name);
		assert_non_null(pattern);
		assert_name(pattern, MOMENT_NS, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_host),
		cmocka_unit_test(test_as_strftime), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_period),	    cmocka_unit_test(test_with_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
