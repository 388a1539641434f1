#include "lib/configuration.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "formats/report_format.h"
#include "lib/error_object.h"

enum {
	/* What the first version had: less is no configuration at all. */
	CONFIG_MIN_SIZE = offsetof(struct pyspy_config, lock),
	CONFIG_MAX_SIZE = 1 << 16,
	SAMPLING_RATE_MAX = 1000000,
	/* 128 characters each: more than what a value is cut to anyway. */
	LOCALS_MAX = 1 << 16,
};

static const struct pyspy_config defaults = {
	.size = sizeof(struct pyspy_config),
	.lock = PYSPY_LOCK,
	.lines = PYSPY_LINES_LAST,
	.sampling_rate = 100,
	.duration_ns = PYSPY_UNLIMITED,
	.capture_output = true,
	.format = PYSPY_FORMAT_FLAMEGRAPH,
	.refresh_seconds = 1.0,
};

static const char *const format_names[] = {
	[PYSPY_FORMAT_FLAMEGRAPH] = "flamegraph", [PYSPY_FORMAT_RAW] = "raw",
	[PYSPY_FORMAT_SPEEDSCOPE] = "speedscope", [PYSPY_FORMAT_CHROMETRACE] = "chrometrace",
	[PYSPY_FORMAT_PPROF] = "pprof",		  [PYSPY_FORMAT_HTML] = "html",
	[PYSPY_FORMAT_NDJSON] = "ndjson",	  [PYSPY_FORMAT_TEXT] = "text",
};

enum { FORMAT_COUNT = sizeof(format_names) / sizeof(format_names[0]) };

void pyspy_config_init(struct pyspy_config *config, size_t size)
{
	memset(config, 0, size);
	memcpy(config, &defaults, size < sizeof(defaults) ? size : sizeof(defaults));
	config->size = size;
}

static struct error *check_choices(const struct pyspy_config *config)
{
	if ((unsigned)config->lock > PYSPY_ALREADY_LOCKED)
		return error_create(ERROR_USAGE, "lock: %d is no way to lock", (int)config->lock);
	if ((unsigned)config->lines > PYSPY_LINES_LAST)
		return error_create(ERROR_USAGE, "lines: %d is no choice of lines",
				    (int)config->lines);
	if ((unsigned)config->format >= FORMAT_COUNT)
		return error_create(ERROR_USAGE, "format: %d is no format", (int)config->format);
	return NULL;
}

static struct error *check_numbers(const struct pyspy_config *config)
{
	if (config->pid < 0)
		return error_create(ERROR_USAGE, "pid: %d is no process", (int)config->pid);
	if (config->sampling_rate < 1 || config->sampling_rate > SAMPLING_RATE_MAX)
		return error_create(ERROR_USAGE,
				    "sampling_rate: %llu is not from 1 to %d samples per second",
				    (unsigned long long)config->sampling_rate, SAMPLING_RATE_MAX);
	if (!config->duration_ns)
		return error_create(ERROR_USAGE, "duration_ns: sampling for 0 ns gives nothing; "
						 "PYSPY_UNLIMITED is as long as the process runs");
	if (config->locals > LOCALS_MAX)
		return error_create(ERROR_USAGE, "locals: %u is more than %d", config->locals,
				    LOCALS_MAX);
	if (!isfinite(config->refresh_seconds) || config->refresh_seconds <= 0)
		return error_create(ERROR_USAGE, "refresh_seconds: %g is no time between views",
				    config->refresh_seconds);
	return NULL;
}

static struct error *check_threads(const struct pyspy_config *config)
{
	if (config->tid_count > PYSPY_TIDS_MAX)
		return error_create(ERROR_USAGE, "tid_count: %zu is more than %d",
				    config->tid_count, PYSPY_TIDS_MAX);
	for (size_t i = 0; i < config->tid_count; i++) {
		if (!config->tids[i])
			return error_create(ERROR_USAGE, "tids: 0 is no thread");
	}
	return NULL;
}

static struct error *check_together(const struct pyspy_config *config)
{
	if (config->native && config->lock == PYSPY_NON_BLOCKING)
		return error_create(ERROR_USAGE,
				    "native stacks need the threads to be held: native and "
				    "non-blocking exclude each other");
	if (config->native && config->lock == PYSPY_ALREADY_LOCKED)
		return error_create(ERROR_USAGE,
				    "registers can only be read by who holds the threads: native "
				    "and already-locked exclude each other");
	if (config->pid && config->core_file)
		return error_create(ERROR_USAGE, "pid and core_file exclude each other");
	return NULL;
}

struct error *configuration_read(const struct pyspy_config *config, struct pyspy_config *ret)
{
	struct pyspy_config known = defaults;
	if (config && (config->size < CONFIG_MIN_SIZE || config->size > CONFIG_MAX_SIZE))
		return error_create(ERROR_USAGE, "the configuration was not made by "
						 "pyspy_config_init()");
	if (config)
		memcpy(&known, config, config->size < sizeof(known) ? config->size : sizeof(known));
	known.size = sizeof(known);
	known.native |= known.native_all || known.native_last || known.native_internal;
	struct error *error = check_choices(&known);
	if (!error)
		error = check_numbers(&known);
	if (!error)
		error = check_threads(&known);
	if (!error)
		error = check_together(&known);
	if (!error)
		*ret = known;
	return error;
}

struct error *configuration_pid(const struct pyspy_config *config, int32_t *pid)
{
	int32_t meant = *pid ? *pid : config->pid;
	if (!meant && config->command)
		return error_create(ERROR_USAGE,
				    "command: '%s' is started by who uses the library, "
				    "and its process is what to open",
				    config->command[0] ? config->command[0] : "");
	if (meant <= 0)
		return error_create(ERROR_USAGE, "pid: %d is no process", (int)meant);
	*pid = meant;
	return NULL;
}

bool configuration_fits(const struct pyspy_config *config, size_t size)
{
	return size >= sizeof(defaults) ||
	       memcmp((const char *)config + size, (const char *)&defaults + size,
		      sizeof(defaults) - size) == 0;
}

struct pyspy_error *pyspy_config_check(const struct pyspy_config *config)
{
	struct pyspy_config known;
	return error_public(configuration_read(config, &known));
}

struct pyspy_error *pyspy_format_from_name(const char *name, enum pyspy_format *ret)
{
	for (int i = 0; name && i < FORMAT_COUNT; i++) {
		if (strcasecmp(name, format_names[i]) != 0)
			continue;
		*ret = (enum pyspy_format)i;
		return NULL;
	}
	if (name && strcasecmp(name, "collapsed") == 0) {
		*ret = PYSPY_FORMAT_RAW;
		return NULL;
	}
	return error_public(error_create(ERROR_USAGE, "'%s' is no format: %s", name ? name : "",
					 REPORT_FORMAT_LIST));
}

const char *pyspy_format_name(enum pyspy_format format)
{
	return (unsigned)format < FORMAT_COUNT ? format_names[format] : NULL;
}
