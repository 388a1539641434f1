/*
 * Under sudo(8): who called it. What is started for them runs as them, not as root. The account is
 * read from /etc/passwd and /etc/group; getpwuid(3) would bring the name service into the static
 * program, and could not use it there.
 */
#ifndef PYSPY_CAPTURE_INVOKING_USER_H
#define PYSPY_CAPTURE_INVOKING_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

struct invoking_user {
	bool present; /* else the rest is nothing */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary, `gid` among them */
	size_t group_count;
	char *name; /* NULL: not known */
	char *home; /* NULL: not known */
};

/* Nobody, unless this program is root and the environment says that sudo was called by another. */
struct error *invoking_user_find(struct invoking_user *ret);
void invoking_user_deinit(struct invoking_user *user);

/* For a child before execve(2): become the user. Gives errno, or 0. No way leads back. */
int invoking_user_become(const struct invoking_user *user);

/* Parts of invoking_user_find(), for tests: what a file of accounts or groups says. */
struct error *invoking_user_read_home(struct invoking_user *user, const char *passwd_path);
struct error *invoking_user_read_groups(struct invoking_user *user, const char *group_path);

#endif
