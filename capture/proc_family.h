/*
 * The relatives of a process: where it comes from, and what came from it. Only what /proc tells
 * everybody is read of them: their numbers, names and command lines.
 */
#ifndef PYSPY_CAPTURE_PROC_FAMILY_H
#define PYSPY_CAPTURE_PROC_FAMILY_H

#include <sys/types.h>

#include "common/facts.h"

/* Of a tree that grows while it is read, or that is larger, the rest is left out. */
enum { FAMILY_MAX = 4096 };

/* Of each: pid, parent, start, command name and line. */
struct family {
	struct process_facts *items;
	size_t count;
	size_t capacity;
	bool cut; /* there are more than FAMILY_MAX */
};

void family_deinit(struct family *family);

/*
 * Add the parent, its parent and so on up to init or the border of the pid namespace, nearest
 * first, ANCESTORS_MAX at most. Ends early where one cannot be seen, has just ended, or is in it
 * already with its parents.
 */
struct error *family_add_ancestors(struct family *family, const struct process_facts *of);

/*
 * Add all descendants of a process that are not in it yet, parents before their children. The
 * process itself is not added, nor what has ended, nor this program.
 *
 * By the parents' numbers of all processes: /proc/PID/task/TID/children is not in every kernel, and
 * leaves processes out when others end while it is read (proc(5)).
 */
struct error *family_add_descendants(struct family *family, pid_t pid);

#endif
