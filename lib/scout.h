/*
 * Finds the processes that come from one that is sampled, in a thread of its own: looking at all
 * processes takes too long between two samples. Those that are Python are opened; those that are
 * not are tried again when they run another program, those that are just starting until they are
 * there.
 */
#ifndef PYSPY_LIB_SCOUT_H
#define PYSPY_LIB_SCOUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/facts.h"
#include "include/pyspy.h"

struct scout;

/* `config` is checked and copied; its texts are not used. With `root_too` the root is no Python
 * yet, and is looked for as what comes from it is. */
struct error *scout_create(const struct process_facts *root, bool root_too,
			   const struct pyspy_config *config, struct scout **ret);
void scout_destroy(struct scout *scout);

/* The next process that was found and opened, owned by the caller; NULL if there is none now. */
struct pyspy *scout_take(struct scout *scout);
/* The next process that is there and could not be opened, and why, owned by the caller; NULL if
 * there is none now. What is no Python is none of them. */
struct error *scout_take_failure(struct scout *scout, int32_t *ret_pid);
/* How often all processes have been looked at from beginning to end. */
uint64_t scout_passes(struct scout *scout);

#endif
