#include "analyze/top/top_ended.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/cleanup.h"

enum { STAT_SIZE = 1024, START_FIELD = 22, STATE_FIELD = 3 };

/* Fields after the command's name, which ends with the last ')' (proc(5)); the first is 3. */
static bool parse(const char *stat, char *ret_state, unsigned long long *ret_start)
{
	const char *field = strrchr(stat, ')');
	if (!field || sscanf(field, ") %c", ret_state) != 1)
		return false;
	for (int i = STATE_FIELD - 1; i < START_FIELD && field; i++)
		field = strchr(field + 1, ' ');
	return field && sscanf(field, " %llu", ret_start) == 1;
}

bool top_process_has_ended(const struct process_facts *facts)
{
	struct utsname host;
	char path[32];
	char stat[STAT_SIZE];
	char state = 0;
	unsigned long long start = 0;
	if (!facts->host || facts->pid <= 0 || uname(&host) < 0 ||
	    strcmp(host.nodename, facts->host) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)facts->pid);
	CLEANUP_FCLOSE FILE *file = fopen(path, "r");
	if (!file)
		return true;
	size_t size = fread(stat, 1, sizeof(stat) - 1, file);
	stat[size] = '\0';
	if (!parse(stat, &state, &start))
		return size == 0;
	return state == 'Z' || state == 'X' || (facts->start_ticks && start != facts->start_ticks);
}
