#include "formats/unit_text.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

void time_text(uint64_t time_ns, char text[UNIT_TEXT_SIZE])
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	unsigned milliseconds = (unsigned)(time_ns % 1000000000 / 1000000);
	struct tm broken_down;
	char date[UNIT_TEXT_SIZE - 6];
	/* 64 bits of nanoseconds end in the year 2554, so neither can fail; a year of four digits
	 * is what the buffer is made for. */
	if (!gmtime_r(&seconds, &broken_down) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &broken_down))
		date[0] = '\0';
	snprintf(text, UNIT_TEXT_SIZE, "%s.%03uZ", date, milliseconds);
}

void span_text(uint64_t span_ns, char text[UNIT_TEXT_SIZE])
{
	double span = (double)span_ns;
	if (span_ns < 1000)
		snprintf(text, UNIT_TEXT_SIZE, "%u ns", (unsigned)span_ns);
	else if (span_ns < 1000000)
		snprintf(text, UNIT_TEXT_SIZE, "%.1f us", span / 1e3);
	else if (span_ns < 1000000000)
		snprintf(text, UNIT_TEXT_SIZE, "%.1f ms", span / 1e6);
	else
		snprintf(text, UNIT_TEXT_SIZE, "%.1f s", span / 1e9);
}

void size_text(uint64_t size_bytes, char text[UNIT_TEXT_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	if (size_bytes < 1024) {
		snprintf(text, UNIT_TEXT_SIZE, "%u byte%s", (unsigned)size_bytes,
			 size_bytes == 1 ? "" : "s");
		return;
	}
	double size = (double)size_bytes / 1024;
	size_t unit = 0;
	for (; size >= 1024; unit++)
		size /= 1024;
	snprintf(text, UNIT_TEXT_SIZE, "%.1f %s", size, units[unit]);
}
