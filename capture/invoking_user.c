#include "capture/invoking_user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* passwd(5): name:password:uid:gid:comment:home:shell */
	PASSWD_UID = 2,
	PASSWD_HOME = 5,
	/* group(5): name:password:gid:member,member */
	GROUP_GID = 2,
	GROUP_MEMBERS = 3,
	COLUMNS_MAX = 7,
};

static bool parse_id(const char *text, uint32_t *ret)
{
	if (!text || *text < '0' || *text > '9')
		return false;
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

void invoking_user_deinit(struct invoking_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	*user = (struct invoking_user){0};
}

/* Cut a line of one of the files into its columns, in place. */
static size_t split(char *line, const char *columns[COLUMNS_MAX])
{
	size_t count = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *column; count < COLUMNS_MAX && (column = strsep(&line, ":"));)
		columns[count++] = column;
	return count;
}

/* Columns of the next line that has so many at least; `line` keeps them. */
static bool next_line(FILE *file, char **line, size_t *capacity, size_t least,
		      const char *columns[COLUMNS_MAX])
{
	while (getline(line, capacity, file) >= 0)
		if (split(*line, columns) >= least)
			return true;
	return false;
}

struct error *invoking_user_read_home(struct invoking_user *user, const char *passwd_path)
{
	CLEANUP_FREE char *line = NULL;
	CLEANUP_FCLOSE FILE *file = fopen(passwd_path, "re");
	const char *columns[COLUMNS_MAX];
	size_t capacity = 0;
	uint32_t uid;
	while (file && next_line(file, &line, &capacity, PASSWD_HOME + 1, columns)) {
		if (!parse_id(columns[PASSWD_UID], &uid) || uid != user->uid ||
		    columns[PASSWD_HOME][0] != '/')
			continue;
		user->home = strdup(columns[PASSWD_HOME]);
		return user->home ? NULL : &error_out_of_memory;
	}
	return NULL;
}

static bool is_member(const char *members, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = members; *at; at += strspn(at, ",")) {
		size_t word = strcspn(at, ",");
		if (word == length && strncmp(at, name, length) == 0)
			return true;
		at += word;
	}
	return false;
}

static struct error *add_group(struct invoking_user *user, gid_t gid)
{
	if (user->group_count >= NGROUPS_MAX)
		return NULL;
	gid_t *groups = reallocarray(user->groups, user->group_count + 1, sizeof(*groups));
	if (!groups)
		return &error_out_of_memory;
	user->groups = groups;
	groups[user->group_count++] = gid;
	return NULL;
}

struct error *invoking_user_read_groups(struct invoking_user *user, const char *group_path)
{
	CLEANUP_FREE char *line = NULL;
	CLEANUP_FCLOSE FILE *file = fopen(group_path, "re");
	const char *columns[COLUMNS_MAX];
	size_t capacity = 0;
	uint32_t gid;
	struct error *error = add_group(user, user->gid);
	while (!error && file && user->name &&
	       next_line(file, &line, &capacity, GROUP_MEMBERS + 1, columns))
		if (parse_id(columns[GROUP_GID], &gid) && gid != user->gid &&
		    is_member(columns[GROUP_MEMBERS], user->name))
			error = add_group(user, gid);
	return error;
}

struct error *invoking_user_find(struct invoking_user *ret)
{
	CLEANUP(invoking_user_deinit) struct invoking_user user = {.present = true};
	if (geteuid() != 0 || !parse_id(getenv("SUDO_UID"), &user.uid) ||
	    !parse_id(getenv("SUDO_GID"), &user.gid) || user.uid == 0) {
		*ret = (struct invoking_user){0};
		return NULL;
	}
	const char *name = getenv("SUDO_USER");
	struct error *error = NULL;
	if (name && !(user.name = strdup(name)))
		return &error_out_of_memory;
	error = invoking_user_read_home(&user, "/etc/passwd");
	if (!error)
		error = invoking_user_read_groups(&user, "/etc/group");
	if (error)
		return error;
	*ret = user;
	user = (struct invoking_user){0};
	return NULL;
}

int invoking_user_become(const struct invoking_user *user)
{
	if (!user->present)
		return 0;
	if (setgroups(user->group_count, user->groups) != 0 ||
	    setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return errno;
	if (user->home)
		setenv("HOME", user->home, 1);
	if (user->name) {
		setenv("USER", user->name, 1);
		setenv("LOGNAME", user->name, 1);
	}
	return 0;
}
