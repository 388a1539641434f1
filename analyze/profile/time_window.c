#include "analyze/profile/time_window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/option_values.h"

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* ".25": as nanoseconds; digits beyond the ninth are dropped. Gives what is behind it. */
static const char *read_fraction(const char *text, uint64_t *ret_ns)
{
	uint64_t scale = 100000000;
	*ret_ns = 0;
	if (*text != '.' || !is_digit(text[1]))
		return text;
	for (text++; is_digit(*text); text++, scale /= 10)
		*ret_ns += (uint64_t)(*text - '0') * scale;
	return text;
}

/* "Z" or "+02:00", as seconds east of Greenwich. */
static bool read_zone(const char *text, long *ret_seconds)
{
	unsigned hours;
	unsigned minutes;
	int length = 0;
	*ret_seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	if (!is_digit(text[1]) || !is_digit(text[2]) || text[3] != ':' || !is_digit(text[4]) ||
	    sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &length) != 2 || text[length + 1] ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (long)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

static bool is_valid(const struct tm *broken_down, const struct tm *normal)
{
	return broken_down->tm_mday == normal->tm_mday && broken_down->tm_mon == normal->tm_mon &&
	       broken_down->tm_hour == normal->tm_hour && broken_down->tm_min == normal->tm_min &&
	       broken_down->tm_sec == normal->tm_sec;
}

static bool read_time(const char *text, uint64_t *ret_ns)
{
	struct tm broken_down = {0};
	char separator;
	int length = 0;
	uint64_t fraction_ns;
	long zone;
	if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &broken_down.tm_year, &broken_down.tm_mon,
		   &broken_down.tm_mday, &separator, &broken_down.tm_hour, &broken_down.tm_min,
		   &broken_down.tm_sec, &length) != 7 ||
	    length != 19 || !strchr("Tt ", separator))
		return false;
	if (!read_zone(read_fraction(text + length, &fraction_ns), &zone))
		return false;
	broken_down.tm_year -= 1900;
	broken_down.tm_mon--;
	struct tm normal = broken_down;
	time_t seconds = timegm(&normal);
	if (!is_valid(&broken_down, &normal) || seconds - zone < 0 || seconds > 18000000000)
		return false;
	*ret_ns = (uint64_t)(seconds - zone) * 1000000000 + fraction_ns;
	return true;
}

struct error *time_bound_parse(const char *option, const char *text, struct time_bound *ret)
{
	*ret = (struct time_bound){.given = text != NULL};
	if (!text || read_time(text, &ret->time_ns))
		return NULL;
	ret->relative = true;
	struct error *error = parse_seconds(text, &ret->time_ns);
	if (!error)
		return NULL;
	error_destroy(error);
	return error_create(ERROR_USAGE,
			    "%s: '%s' is no time; give seconds from the first sample, or a time "
			    "like 2026-07-01T12:00:00Z",
			    option, text);
}

uint64_t time_bound_ns(const struct time_bound *bound, uint64_t first_ns)
{
	if (!bound->relative)
		return bound->time_ns;
	return bound->time_ns > UINT64_MAX - first_ns ? UINT64_MAX : first_ns + bound->time_ns;
}

bool time_window_has(const struct time_window *window, uint64_t first_ns, uint64_t time_ns)
{
	if (window->from.given && time_ns < time_bound_ns(&window->from, first_ns))
		return false;
	return !window->to.given || time_ns < time_bound_ns(&window->to, first_ns);
}
