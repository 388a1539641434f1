/*
 * The date and time of a moment in UTC. Not by gmtime_r(3), which brings the C library's time
 * zones, 30 KiB, into the static program.
 */
#ifndef PYSPY_CAPTURE_UTC_TIME_H
#define PYSPY_CAPTURE_UTC_TIME_H

#include <stdint.h>

struct utc_time {
	unsigned year;
	unsigned month; /* 1 to 12 */
	unsigned day;	/* 1 to 31 */
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned millisecond;
	unsigned week_day; /* 0 is Sunday */
	unsigned year_day; /* 0 is the first of January */
};

/* `ns` since 1970. */
struct utc_time utc_time_of(uint64_t ns);

#endif
