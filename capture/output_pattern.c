#include "capture/output_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/utc_time.h"
#include "common/buffer.h"
#include "common/cleanup.h"

enum { FIELD_TEXT_SIZE = 96 };

#define NS_PER_SECOND UINT64_C(1000000000)

/* What a name is made from. */
struct moment {
	struct utc_time time;
	uint64_t ns;
	pid_t pid;
};

typedef void (*field_writer)(const struct moment *moment, char text[FIELD_TEXT_SIZE]);

struct field {
	const char *name;
	field_writer write;
	uint64_t unit_ns; /* how long it stays the same; 0: it tells no time */
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const week_days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* clang-format off */
#define NUMBER_FIELD(name, format, value)                                                          \
	static void name(const struct moment *moment, char text[FIELD_TEXT_SIZE])                  \
	{                                                                                          \
		const struct utc_time *time = &moment->time;                                       \
		(void)time;                                                                        \
		snprintf(text, FIELD_TEXT_SIZE, format, value);                                    \
	}

NUMBER_FIELD(write_year, "%04u", time->year)
NUMBER_FIELD(write_short_year, "%02u", time->year % 100)
NUMBER_FIELD(write_month, "%02u", time->month)
NUMBER_FIELD(write_month_name, "%s", months[time->month - 1])
NUMBER_FIELD(write_day, "%02u", time->day)
NUMBER_FIELD(write_week_day_name, "%s", week_days[time->week_day])
NUMBER_FIELD(write_week_day, "%u", time->week_day ? time->week_day : 7)
NUMBER_FIELD(write_year_day, "%03u", time->year_day + 1)
NUMBER_FIELD(write_hour, "%02u", time->hour)
NUMBER_FIELD(write_minute, "%02u", time->minute)
NUMBER_FIELD(write_second, "%02u", time->second)
NUMBER_FIELD(write_millisecond, "%03u", time->millisecond)
NUMBER_FIELD(write_epoch, "%llu", (unsigned long long)(moment->ns / NS_PER_SECOND))
NUMBER_FIELD(write_pid, "%d", (int)moment->pid)
/* clang-format on */

static void write_date(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	const struct utc_time *time = &moment->time;
	snprintf(text, FIELD_TEXT_SIZE, "%04u-%02u-%02u", time->year, time->month, time->day);
}

static void write_clock(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	const struct utc_time *time = &moment->time;
	snprintf(text, FIELD_TEXT_SIZE, "%02u:%02u:%02u", time->hour, time->minute, time->second);
}

static void write_hour_minute(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	snprintf(text, FIELD_TEXT_SIZE, "%02u:%02u", moment->time.hour, moment->time.minute);
}

static void write_offset(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	(void)moment;
	snprintf(text, FIELD_TEXT_SIZE, "+0000");
}

static void write_zone(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	(void)moment;
	snprintf(text, FIELD_TEXT_SIZE, "UTC");
}

static void write_percent(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	(void)moment;
	snprintf(text, FIELD_TEXT_SIZE, "%%");
}

/* Whatever the host is called, the file stays in the folder that the pattern names. */
static void write_host(const struct moment *moment, char text[FIELD_TEXT_SIZE])
{
	(void)moment;
	if (gethostname(text, FIELD_TEXT_SIZE) != 0)
		snprintf(text, FIELD_TEXT_SIZE, "localhost");
	text[FIELD_TEXT_SIZE - 1] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '/' || (unsigned char)*c < ' ')
			*c = '_';
}

#define DAY_NS (86400 * NS_PER_SECOND)

/*
 * To add a field: its row, its line in the man page (DESCRIPTION of --every), its case in
 * tests/unit/test_output_pattern.c. What would put a slash or a blank into a name is left out.
 */
static const struct field fields[] = {
	{"Y", write_year, 365 * DAY_NS},
	{"y", write_short_year, 365 * DAY_NS},
	{"m", write_month, 28 * DAY_NS},
	{"b", write_month_name, 28 * DAY_NS},
	{"d", write_day, DAY_NS},
	{"j", write_year_day, DAY_NS},
	{"a", write_week_day_name, DAY_NS},
	{"u", write_week_day, DAY_NS},
	{"F", write_date, DAY_NS},
	{"H", write_hour, 3600 * NS_PER_SECOND},
	{"M", write_minute, 60 * NS_PER_SECOND},
	{"R", write_hour_minute, 60 * NS_PER_SECOND},
	{"S", write_second, NS_PER_SECOND},
	{"T", write_clock, NS_PER_SECOND},
	{"s", write_epoch, NS_PER_SECOND},
	{"{ms}", write_millisecond, NS_PER_SECOND / 1000},
	{"z", write_offset, 0},
	{"Z", write_zone, 0},
	{"%", write_percent, 0},
	{"{pid}", write_pid, 0},
	{"{host}", write_host, 0},
};

/* The field whose name `text` begins with, or NULL. */
static const struct field *find_field(const char *text)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strncmp(fields[i].name, text, strlen(fields[i].name)) == 0)
			return &fields[i];
	return NULL;
}

static struct error *unknown_field(const char *text)
{
	const char *end = *text == '{' ? strchr(text, '}') : NULL;
	int length = end ? (int)(end - text) + 1 : (*text != '\0');
	return error_create(ERROR_USAGE,
			    "there is no field '%%%.*s' (there are those of strftime for "
			    "numbers and names, such as %%Y%%m%%dT%%H%%M%%S, and %%{pid}, "
			    "%%{host} and %%{ms}; %%%% is a per cent sign)",
			    length, text);
}

/* The time that passes at most until the name changes; 0 if it never does. */
static struct error *find_unit(const char *pattern, uint64_t *ret_ns)
{
	uint64_t unit_ns = 0;
	for (const char *c = strchr(pattern, '%'); c; c = strchr(c, '%')) {
		const struct field *field = find_field(++c);
		if (!field)
			return unknown_field(c);
		if (field->unit_ns && (!unit_ns || field->unit_ns < unit_ns))
			unit_ns = field->unit_ns;
		c += strlen(field->name);
	}
	*ret_ns = unit_ns;
	return NULL;
}

struct error *output_pattern_check(const char *pattern)
{
	uint64_t unit_ns = 0;
	struct error *error = find_unit(pattern, &unit_ns);
	if (error || unit_ns)
		return error;
	return error_create(ERROR_USAGE,
			    "'%s' has no time in it, so that all files would have one name; put "
			    "in a field such as %%Y%%m%%dT%%H%%M%%S",
			    pattern);
}

struct error *output_pattern_check_period(const char *pattern, uint64_t period_ns)
{
	uint64_t unit_ns = 0;
	struct error *error = find_unit(pattern, &unit_ns);
	if (error)
		return error;
	CLEANUP_FREE char *first = output_pattern_expand(pattern, 0, 0);
	CLEANUP_FREE char *second = output_pattern_expand(pattern, period_ns, 0);
	if (!first || !second)
		return &error_out_of_memory;
	/* The minute alone is the same in each hour. */
	if (unit_ns <= period_ns && strcmp(first, second) != 0)
		return NULL;
	return error_create(ERROR_USAGE,
			    "files that begin one period after another can have the same name by "
			    "'%s'; put in more of the time",
			    pattern);
}

static struct error *expand(const char *pattern, const struct moment *moment, struct buffer *buffer)
{
	char text[FIELD_TEXT_SIZE];
	struct error *error = NULL;
	while (!error && *pattern) {
		const struct field *field = *pattern == '%' ? find_field(pattern + 1) : NULL;
		if (field) {
			field->write(moment, text);
			error = buffer_append(buffer, text, strlen(text));
			pattern += 1 + strlen(field->name);
		} else {
			error = buffer_append(buffer, pattern++, 1);
		}
	}
	return error ? error : buffer_append(buffer, "", 1);
}

char *output_pattern_expand(const char *pattern, uint64_t time_ns, pid_t pid)
{
	const struct moment moment = {
		.time = utc_time_of(time_ns),
		.ns = time_ns,
		.pid = pid,
	};
	struct buffer buffer = {0};
	struct error *error = expand(pattern, &moment, &buffer);
	if (!error)
		return (char *)buffer.data;
	error_destroy(error);
	buffer_deinit(&buffer);
	return NULL;
}

/* The name as a pattern that gives it. */
static struct error *append_literal(struct buffer *buffer, const char *text, size_t size)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < size; i++) {
		if (text[i] == '%')
			error = buffer_append(buffer, "%", 1);
		if (!error)
			error = buffer_append(buffer, &text[i], 1);
	}
	return error;
}

char *output_pattern_with_time(const char *name)
{
	static const char time[] = "-%Y%m%dT%H%M%S.%{ms}Z";
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');
	/* A name that only begins with a dot is hidden, and has no ending. */
	size_t stem = dot && dot != base ? (size_t)(dot - name) : strlen(name);
	struct buffer buffer = {0};
	struct error *error = append_literal(&buffer, name, stem);
	if (!error)
		error = buffer_append(&buffer, time, strlen(time));
	if (!error)
		error = append_literal(&buffer, name + stem, strlen(name + stem));
	if (!error)
		error = buffer_append(&buffer, "", 1);
	if (!error)
		return (char *)buffer.data;
	error_destroy(error);
	buffer_deinit(&buffer);
	return NULL;
}
