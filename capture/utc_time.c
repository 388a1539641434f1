#include "capture/utc_time.h"

#include <stdbool.h>

static bool is_leap_year(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Howard Hinnant's civil_from_days: years begin in March, so that the leap day is their last. */
static void set_date(struct utc_time *time, uint64_t day_since_1970)
{
	const unsigned days_per_era = 146097;	/* 400 years */
	const unsigned january_first = 306;	/* of a year that begins in March */
	uint64_t day = day_since_1970 + 719468; /* since 0000-03-01 */
	unsigned era = (unsigned)(day / days_per_era);
	unsigned of_era = (unsigned)(day % days_per_era);
	unsigned year_of_era =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / (days_per_era - 1)) / 365;
	unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * of_year + 2) / 153; /* 0 is March */
	time->day = of_year - (153 * month + 2) / 5 + 1;
	time->month = month >= 10 ? month - 9 : month + 3;
	time->year = year_of_era + era * 400 + (month >= 10);
	time->year_day = of_year >= january_first ? of_year - january_first
						  : of_year + 59 + is_leap_year(time->year);
	time->week_day = (unsigned)((day_since_1970 + 4) % 7);
}

struct utc_time utc_time_of(uint64_t ns)
{
	struct utc_time time;
	uint64_t seconds = ns / 1000000000;
	unsigned second = (unsigned)(seconds % 86400);
	set_date(&time, seconds / 86400);
	time.hour = second / 3600;
	time.minute = second / 60 % 60;
	time.second = second % 60;
	time.millisecond = (unsigned)(ns / 1000000 % 1000);
	return time;
}
