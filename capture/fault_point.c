#include "capture/fault_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum action {
	ACTION_NONE = 0,
	ACTION_KILL,
	ACTION_STOP,
	ACTION_FAIL,
	ACTION_COUNT,
};

/* To add a point: a row here and in the enumeration, a call where it belongs. */
static const char *const point_names[FAULT_POINT_COUNT] = {
	[FAULT_BEFORE_SEIZE] = "before-seize",	     [FAULT_AFTER_SEIZE] = "after-seize",
	[FAULT_AFTER_INTERRUPT] = "after-interrupt", [FAULT_SIGNAL_STOP] = "signal-stop",
	[FAULT_ALL_STOPPED] = "all-stopped",	     [FAULT_DURING_READ] = "during-read",
	[FAULT_BEFORE_RELEASE] = "before-release",   [FAULT_DURING_RELEASE] = "during-release",
	[FAULT_AFTER_RELEASE] = "after-release",     [FAULT_BEFORE_WRITE] = "before-write",
	[FAULT_DURING_WRITE] = "during-write",	     [FAULT_BEFORE_COMMIT] = "before-commit",
};

static const char *const action_names[ACTION_COUNT] = {
	[ACTION_KILL] = "kill",
	[ACTION_STOP] = "stop",
	[ACTION_FAIL] = "fail",
};

/* Written once, before there are threads. */
static enum fault_point chosen_point;
static enum action chosen_action;

static bool parse_action(const char *text, enum action *ret)
{
	for (int i = ACTION_KILL; i < ACTION_COUNT; i++) {
		if (strcmp(text, action_names[i]) != 0)
			continue;
		*ret = (enum action)i;
		return true;
	}
	return false;
}

bool fault_point_init(void)
{
	chosen_action = ACTION_NONE;
	const char *text = getenv("PYSPY_FAULT");
	if (!text || !*text)
		return true;
	enum action action = ACTION_KILL;
	size_t size = strcspn(text, ":");
	if (text[size] && !parse_action(text + size + 1, &action))
		return false;
	for (int i = 0; i < FAULT_POINT_COUNT; i++) {
		if (strlen(point_names[i]) != size || strncmp(text, point_names[i], size) != 0)
			continue;
		chosen_point = (enum fault_point)i;
		chosen_action = action;
		return true;
	}
	return false;
}

bool fault_point(enum fault_point point)
{
	if (chosen_action == ACTION_NONE || point != chosen_point)
		return false;
	if (chosen_action == ACTION_KILL)
		raise(SIGKILL);
	if (chosen_action == ACTION_STOP)
		raise(SIGSTOP);
	return chosen_action == ACTION_FAIL;
}

const char *fault_point_name(enum fault_point point)
{
	return point_names[point];
}
