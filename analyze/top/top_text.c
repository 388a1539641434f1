#include "analyze/top/top_text.h"

#include <stdio.h>

#define SECOND_NS 1e9
#define DAY_S	  86400.0

const char *top_percent(uint64_t part, uint64_t whole, char text[TOP_NUMBER_SIZE])
{
	double percent = whole ? 100.0 * (double)part / (double)whole : 0.0;
	snprintf(text, TOP_NUMBER_SIZE, percent < 999.995 ? "%.2f%%" : "%.0f%%", percent);
	return text;
}

const char *top_time(uint64_t time_ns, char text[TOP_NUMBER_SIZE])
{
	double seconds = (double)time_ns / SECOND_NS;
	if (seconds < 0.9995)
		snprintf(text, TOP_NUMBER_SIZE, "%.3fs", seconds);
	else if (seconds < 99.995)
		snprintf(text, TOP_NUMBER_SIZE, "%.2fs", seconds);
	else if (seconds < 999.95)
		snprintf(text, TOP_NUMBER_SIZE, "%.1fs", seconds);
	else if (seconds < 999999.5)
		snprintf(text, TOP_NUMBER_SIZE, "%.0fs", seconds);
	else
		snprintf(text, TOP_NUMBER_SIZE, "%.1fd", seconds / DAY_S);
	return text;
}

const char *top_position(uint64_t time_ns, char text[TOP_NUMBER_SIZE])
{
	uint64_t tenths = time_ns / 100000000;
	uint64_t seconds = tenths / 10;
	if (seconds < 60)
		snprintf(text, TOP_NUMBER_SIZE, "%u.%us", (unsigned)seconds,
			 (unsigned)(tenths % 10));
	else if (seconds < 3600)
		snprintf(text, TOP_NUMBER_SIZE, "%um%02us", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
	else
		snprintf(text, TOP_NUMBER_SIZE, "%lluh%02um%02us",
			 (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60),
			 (unsigned)(seconds % 60));
	return text;
}
